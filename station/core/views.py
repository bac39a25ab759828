"""What one camera's sightings say of changed contents, as ratios to the basket as claimed.

Ratios are kept by name in a dictionary, so that cameras (products) and assumptions (means, see `alikes`) can be put
together whatever they are about:

- `named` (named,), `inside`, `unknown` (): one object more; a named product, another one of the gallery, a stranger;
- `more` (ups, lines), `less` (downs, lines): 1, 2, … units more or less of a line;
- `swap_named` (lines, named), `swap_inside`, `swap_unknown` (lines,): a unit of the line gave way to such an object;
- `pairs` (named, named): two objects more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.core.beliefs import Beliefs
from station.core.density import Floats
from station.core.evidence import Sighting
from station.core.groups import rooms
from station.core.store_policy import Sights

Places = NDArray[np.int64]
Ratios = dict[str, Floats]

OUTSIDE_MAX = 0.999  # surer is nobody that a product is a stranger
RATIO_MIN = 1e-3  # no recogniser is surer than that of what it does not see


@dataclass(frozen=True, eq=False)
class Use:
    """One camera's sightings as objects added to the contents would use them: odds times what is left."""

    named: Floats  # (named, sightings) a named product more
    line: Floats  # (lines, sightings) a unit more of a line
    odds: Floats  # (named, sightings) of a named product ...
    left_without: Floats  # (lines, sightings) ... for which a unit of the line makes room


@dataclass(frozen=True, eq=False)
class Account:
    """All cameras' ratios under one assumption about the claimed products, and how likely that makes what was seen."""

    ratios: Ratios
    log_total: float
    uses: tuple[Use, ...] = ()

    def and_also(self, other: "Account") -> "Account":
        """Return it with another camera's account of the same contents."""
        ratios = {name: self.ratios[name] * other.ratios[name] for name in self.ratios}
        return Account(ratios, self.log_total + other.log_total, self.uses + other.uses)


class View:
    """One camera's sightings: likelihood ratios of named products, other ones of the gallery, and strangers."""

    def __init__(
        self, seen: Sequence[Sighting], named: Places, place: Places, beliefs: Beliefs, policy: Sights,
        visibility: float,
    ) -> None:  # fmt: skip
        size = max(policy.gallery_size, 1)
        column = {int(at): number for number, at in enumerate(named)}
        self.visibility = visibility
        self.named = np.empty((len(seen), named.size))
        self.rest, self.unknown = np.empty(len(seen)), np.empty(len(seen))
        for row, sighting in enumerate(seen):
            told = [(at, p) for gtin, p in sighting.candidates
                    if (at := column.get(beliefs.index.get(gtin, -1))) is not None]  # fmt: skip
            given = sum(p for _, p in told)
            rest = max(1 - sighting.unknown - given, 0.0) * size / max(size - len(told), 1)
            self.unknown[row] = max(sighting.unknown / policy.unknown_prior, RATIO_MIN)
            self.rest[row] = self.named[row] = max(rest, RATIO_MIN)
            for at, p in told:
                self.named[row, at] = max(p * size, RATIO_MIN)
        self.clutter = policy.clutter_per_camera * (0.5 + 0.5 * self.unknown)
        self.scale = visibility / (1 - visibility) / self.clutter  # from likelihood ratio to odds
        # Of the claimed products; the last row, number -1, is of those that nobody names.
        of_column = np.vstack([self.named.T, self.rest])
        self.inside = of_column[np.array([column.get(int(at), -1) for at in place], dtype=np.int64)]

    def of_lines(self, outside: Floats, alike: dict[int, Floats]) -> Floats:
        """Return the likelihood ratios (lines, sightings) of the claimed products.

        `outside` (lines,) is how likely each is a stranger; `alike` has the ratios of lines that are known to be one.
        """
        ratios = self.inside + outside[:, None] * (self.unknown - self.inside)
        for line, own in alike.items():
            ratios[line] = own
        return np.asarray(ratios, dtype=np.float64)

    def learned(self, outside: Floats, ratios: Floats, given: Floats, units: Places) -> Floats:
        """Return anew which lines are strangers, from the expected numbers (lines, sightings) of their units seen."""
        by_unknown = (given * outside[:, None] * self.unknown / ratios).sum(axis=1)
        unseen = np.maximum(units - given.sum(axis=1), 0.0)
        share = (by_unknown + unseen * outside) / np.maximum(units, 1)
        return np.asarray(np.clip(share, 0.0, OUTSIDE_MAX), dtype=np.float64)

    def account(self, ratios: Floats, units: Places, ups: int) -> tuple[Account, Floats]:
        """Return the account of this camera, and the expected numbers (lines, sightings) of units seen."""
        hidden = 1 - self.visibility
        of_lines = ratios * self.scale
        left = rooms(of_lines, units, ups)
        downs = np.arange(1, left.line_less.shape[0] + 1)[:, None]
        free = left.line_less[0] if left.line_less.size else np.ones(units.size)
        named, inside, unknown = self.named.T * self.scale, self.rest * self.scale, self.unknown * self.scale
        one = 1 + (named * left.left).sum(axis=1)
        # Not `@`: a threaded product of such small matrices takes a hundred times longer on a busy machine.
        both = np.einsum("nt,mt->nm", np.einsum("ns,st->nt", named, left.left_pair), named)
        found: Ratios = {
            "named": hidden * one,
            "inside": np.asarray(hidden * (1 + (inside * left.left).sum())),
            "unknown": np.asarray(hidden * (1 + (unknown * left.left).sum())),
            "more": hidden ** np.arange(1, ups + 1)[:, None] * left.line_more,
            "less": left.line_less / hidden ** np.minimum(downs, units),
            "swap_named": free[:, None] * (1 + np.einsum("ls,ns->ln", left.left_without, named)),
            "swap_inside": free * (1 + (left.left_without * inside).sum(axis=1)),
            "swap_unknown": free * (1 + (left.left_without * unknown).sum(axis=1)),
            "pairs": hidden**2 * (one[:, None] + one[None, :] - 1 + both),
        }
        use = Use(named * left.left, of_lines * left.left, named, left.left_without)
        given = units[:, None] * of_lines * free[:, None] * left.left_without
        return Account(found, left.log_total, (use,)), given

    def log_strangers(self, prior: Floats, outside: float, items: float) -> float:
        """Return the log likelihood of a Poisson number of products by their sales; `prior` of the named ones."""
        other = self.rest + outside * (self.unknown - self.rest)
        drawn = self.named @ prior + other * max(1 - float(prior.sum()), 0.0)
        mean = self.visibility * items
        return float(np.log1p(mean * drawn / self.clutter).sum()) - mean
