"""What the pictures say for and against contents, as ratios to the basket as claimed.

Model. Every object of the contents is seen by a camera with probability v and then gives one sighting; besides there
is clutter, a Poisson number of sightings per camera. A sighting's candidate probability times the size of the gallery
is its likelihood ratio l(object); `unknown` over its prior is that of an object outside the gallery. Which sighting
belongs to which object is unknown: the likelihood of contents is a sum over all assignments (`groups`). With the
room those leave, one object j more than claimed has the ratio (1 - v) (1 + sum_s odds_s(j) left_s), and so on.
Cameras multiply: given the contents they err independently.

A product outside the gallery is seen as an unknown object, by every camera alike. How likely a claimed product is one
follows from the gallery's size, but at least the policy's `outside`, for nobody tells which they are; and what one
camera saw of it counts for the next one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from station.core.basket import Basket
from station.core.beliefs import Beliefs
from station.core.density import Floats
from station.core.evidence import Evidence, Sighting
from station.core.groups import rooms
from station.core.store_policy import Sights

UNITS_MAX = 100  # of one line that take part; more of the same look alike anyway
SIGHTINGS_MAX = 120  # of one camera
NAMED_MAX = 200  # products told apart by what sightings say of them; the others share what is left
FOREIGN_OUTSIDE, OUTSIDE_MAX = 0.5, 0.999  # products that the catalogue does not have; surer than that is nobody
RATIO_MIN = 1e-3  # no recogniser is surer than that of what it does not see


@dataclass(frozen=True, eq=False)
class Seen:
    """Ratios of the sightings' likelihood, contents changed over contents as claimed."""

    named: NDArray[np.int64]  # catalogue places that some sighting names
    named_more: Floats  # (named,) one of them more
    other_more: float  # one product more that no sighting names
    unknown_more: float  # one object more from outside the gallery
    line_more: Floats  # (k, lines) k + 1 units more of each line
    line_less: Floats  # (downs, lines) 1, 2, … units less; as without any where the line has no more
    swap_named: Floats  # (lines, named) one unit less of the line and one named more
    swap_other: Floats  # (lines,) … and one unnamed more
    pair_named: Floats  # (named, named) both more
    log_replaced: float = 0.0  # nothing of the claim, but other goods
    uses: tuple["Use", ...] = ()

    def less(self, units: NDArray[np.int64]) -> Floats:
        """Return (…, lines) the ratios of so many `units` (…, lines) less."""
        rows = np.minimum(units, self.line_less.shape[0]) - 1
        return np.asarray(self.line_less[rows, np.arange(self.line_less.shape[1])], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Use:
    """One camera's sightings as objects added to the contents would use them: odds times what is left."""

    named: Floats  # (named, sightings) a named product more
    line: Floats  # (lines, sightings) a unit more of a line
    odds: Floats  # (named, sightings) of a named product ...
    left_without: Floats  # (lines, sightings) ... for which a unit of the line makes room


def nothing_seen(lines: int, ups: int) -> Seen:
    """Return the ratios of a station without a camera: all one."""
    return Seen(
        named=np.zeros(0, dtype=np.int64), named_more=np.ones(0), other_more=1.0, unknown_more=1.0,
        line_more=np.ones((ups, lines)), line_less=np.ones((1, lines)),
        swap_named=np.ones((lines, 0)), swap_other=np.ones(lines), pair_named=np.ones((0, 0)),
    )  # fmt: skip


def look(evidence: Evidence | None, basket: Basket, beliefs: Beliefs, policy: Sights, ups: int) -> Seen:
    """Return the ratios of all changes to the basket; `ups` bounds the extra units of a line."""
    if evidence is None:
        return nothing_seen(len(basket.lines), ups)
    named = _named(evidence, beliefs)
    total = nothing_seen(len(basket.lines), ups)
    visibility = min(max(evidence.visibility or policy.visibility, 0.01), 0.99)
    cameras = sorted({sighting.camera for sighting in evidence.sightings})
    views = [[s for s in evidence.sightings if s.camera == name][:SIGHTINGS_MAX] for name in cameras]
    views += [[] for _ in range(min(max(evidence.cameras, 1), 16) - len(views))]
    policy = replace(policy, gallery_size=policy.gallery_size or evidence.gallery_size or len(beliefs))
    outside = _outside(basket, named, beliefs, policy)
    for number, view in enumerate(views):
        camera = _View(view, named, basket, beliefs, policy, visibility, outside)
        seen = camera.seen(ups)
        outside = camera.outside  # what one camera cannot name, the next one cannot either
        total = seen if number == 0 else _both(total, seen)
    return total


def _outside(basket: Basket, named: NDArray[np.int64], beliefs: Beliefs, policy: Sights) -> Floats:
    """Return (lines,) how likely no camera can name the line's product, before they saw anything."""
    outside = np.full(basket.place.size, _share_outside(beliefs, policy))
    outside[basket.place < 0] = FOREIGN_OUTSIDE
    outside[np.isin(basket.place, named)] = 0.0
    return outside


def _share_outside(beliefs: Beliefs, policy: Sights) -> float:
    """Return the share of the catalogue's products that cameras cannot name."""
    return max(1 - policy.gallery_size / max(len(beliefs), 1), policy.outside)


def _named(evidence: Evidence, beliefs: Beliefs) -> NDArray[np.int64]:
    """Return the catalogue places that sightings name, the surest where there are too many."""
    surest: dict[int, float] = {}
    for sighting in evidence.sightings:
        for gtin, p in sighting.candidates:
            if (place := beliefs.index.get(gtin)) is not None:
                surest[place] = max(surest.get(place, 0.0), p)
    kept = sorted(surest, key=lambda place: -surest[place])[:NAMED_MAX]
    return np.array(sorted(kept), dtype=np.int64)


def _both(one: Seen, other: Seen) -> Seen:
    return Seen(
        named=one.named, named_more=one.named_more * other.named_more, other_more=one.other_more * other.other_more,
        unknown_more=one.unknown_more * other.unknown_more, line_more=one.line_more * other.line_more,
        line_less=one.line_less * other.line_less, swap_named=one.swap_named * other.swap_named,
        swap_other=one.swap_other * other.swap_other, pair_named=one.pair_named * other.pair_named,
        log_replaced=one.log_replaced + other.log_replaced, uses=one.uses + other.uses,
    )  # fmt: skip


class _View:
    """One camera's sightings beside the basket as claimed."""

    def __init__(
        self, view: Sequence[Sighting], named: NDArray[np.int64], basket: Basket, beliefs: Beliefs, policy: Sights,
        visibility: float, outside: Floats,
    ) -> None:  # fmt: skip
        self.named, self.basket, self.v, self.outside = named, basket, visibility, outside
        table = _Ratios(view, named, beliefs, policy)
        self.of_named, self.of_other, self.of_unknown = table.named, table.other, table.unknown
        self.of_rest = table.rest
        clutter = policy.clutter_per_camera * (0.5 + 0.5 * table.unknown)
        self.scale = visibility / (1 - visibility) / clutter  # from likelihood ratio to odds
        # Somebody else's goods: a Poisson number of products by their sales.
        prior = beliefs.prior[named]
        drawn = table.named @ prior + table.other * max(1 - float(prior.sum()), 0.0)
        mean = visibility * policy.other_basket_items
        self.log_strangers = float(np.log1p(mean * drawn / clutter).sum()) - mean
        column = {int(place): number for number, place in enumerate(named)}
        self.column = np.array([column.get(int(place), -1) for place in basket.place], dtype=np.int64)

    def _of_lines(self) -> Floats:
        """Likelihood ratios (lines, sightings) of the claimed products."""
        of_column = np.vstack([self.of_named.T, self.of_rest])  # the last row, number -1, is of those not named
        inside = of_column[self.column]
        return np.asarray(inside + self.outside[:, None] * (self.of_unknown - inside), dtype=np.float64)

    def _learn(self, given: Floats, of_lines: Floats, units: NDArray[np.int64]) -> None:
        """Learn which lines no camera can name, from the expected numbers (lines, sightings) of their units seen."""
        by_unknown = (given * self.outside[:, None] * self.of_unknown / of_lines).sum(axis=1)
        unseen = np.maximum(units - given.sum(axis=1), 0.0)
        self.outside = np.clip((by_unknown + unseen * self.outside) / np.maximum(units, 1), 0.0, OUTSIDE_MAX)

    def seen(self, ups: int) -> Seen:
        """Return the ratios that this camera alone supports; `ups` bounds the extra units of a line."""
        hidden = 1 - self.v
        units = np.minimum(self.basket.quantity, UNITS_MAX)
        ratios = self._of_lines()
        of_lines = ratios * self.scale
        left = rooms(of_lines, units, ups)
        downs = np.arange(1, left.line_less.shape[0] + 1)[:, None]
        line_less = left.line_less / hidden ** np.minimum(downs, units)
        free = left.line_less[:1].T if left.line_less.size else np.ones((units.size, 1))
        self._learn(units[:, None] * of_lines * free * left.left_without, ratios, units)
        named, other = self.of_named.T * self.scale, self.of_other * self.scale
        one = 1 + (named * left.left).sum(axis=1)
        # Not `@`: a threaded product of such small matrices takes a hundred times longer on a busy machine.
        swap = 1 + np.einsum("ls,ns->ln", left.left_without, named)
        both = np.einsum("nt,mt->nm", np.einsum("ns,st->nt", named, left.left_pair), named)
        return Seen(
            named=self.named, named_more=hidden * one,
            other_more=hidden * float(1 + (other * left.left).sum()),
            unknown_more=hidden * float(1 + (self.of_unknown * self.scale * left.left).sum()),
            line_more=hidden ** np.arange(1, ups + 1)[:, None] * left.line_more, line_less=line_less,
            swap_named=free * swap, swap_other=free[:, 0] * (1 + (left.left_without * other).sum(axis=1)),
            pair_named=hidden**2 * (one[:, None] + one[None, :] - 1 + both),
            uses=(Use(named * left.left, of_lines * left.left, named, left.left_without),),
            log_replaced=self.log_strangers - left.log_total - float(units.sum()) * math.log(hidden),
        )  # fmt: skip


class _Ratios:
    """Likelihood ratios of one camera's sightings: named products (sightings, named), other ones, unknown objects."""

    def __init__(self, view: Sequence[Sighting], named: NDArray[np.int64], beliefs: Beliefs, policy: Sights) -> None:
        size = max(policy.gallery_size, 1)
        outside = _share_outside(beliefs, policy)
        column = {int(place): number for number, place in enumerate(named)}
        self.named = np.empty((len(view), named.size))
        self.rest, self.unknown = np.empty(len(view)), np.empty(len(view))
        for row, sighting in enumerate(view):
            told = [(at, p) for gtin, p in sighting.candidates
                    if (at := column.get(beliefs.index.get(gtin, -1))) is not None]  # fmt: skip
            given = sum(p for _, p in told)
            rest = max(1 - sighting.unknown - given, 0.0) * size / max(size - len(told), 1)
            self.unknown[row] = max(sighting.unknown / policy.unknown_prior, RATIO_MIN)
            self.rest[row] = self.named[row] = max(rest, RATIO_MIN)
            for at, p in told:
                self.named[row, at] = max(p * size, RATIO_MIN)
        self.other = self.rest + outside * (self.unknown - self.rest)
