"""What the pictures say for and against contents, as ratios to the basket as claimed.

Model. Every object of the contents is seen by a camera with probability v and then gives one sighting; besides there
is clutter, a Poisson number of sightings per camera. A sighting's candidate probability times the size of the gallery
is its likelihood ratio l(object); `unknown` over its prior is that of an object outside the gallery. Which sighting
belongs to which object is unknown: the likelihood of contents is a sum over all assignments. Belief propagation
(Williams and Lau 2014) gives, per camera, the probability u_i that unit i went unseen and q_s that sighting s is
clutter. From them follow, exactly as far as the marginals are exact, the ratios we need:

    one unit of i less:  u_i / (1 - v)
    one object j more:   (1 - v) + v sum_s a_s(j),  a_s(j) = l_s(j) q_s / clutter_s
    k objects j more:    sum_t C(k, t) (1 - v)^(k - t) v^t t! e_t(a),  e_t the elementary symmetric polynomials

the last because two objects cannot share a sighting. Cameras multiply: given the contents they err independently.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.core.basket import Basket
from station.core.beliefs import Beliefs
from station.core.density import Floats
from station.core.evidence import Evidence, Sighting
from station.core.store_policy import Sights

UNITS_MAX = 8  # of one line that take part; more of the same look alike anyway
SIGHTINGS_MAX = 120  # of one camera
ROUNDS = 40
RATIO_MIN = 1e-3  # no recogniser is surer than that of what it does not see
RELATIVE_CHANGE = 1e-7
BATCH_MAX = 3_000_000  # numbers in one batch of assignments; beyond, lines share the base's marginals


@dataclass(frozen=True, eq=False)
class Seen:
    """Ratios of the sightings' likelihood, contents changed over contents as claimed."""

    named: NDArray[np.int64]  # catalogue places that some sighting names
    named_more: Floats  # (named,) one of them more
    other_more: float  # one product more that no sighting names
    unknown_more: float  # one object more from outside the gallery
    line_more: Floats  # (k, lines) k + 1 units more of each line
    line_less: Floats  # (lines,) one unit less
    swap_named: Floats  # (lines, named) one unit less of the line and one named more
    swap_other: Floats  # (lines,) … and one unnamed more
    pair_named: Floats  # (named, named) both more


def nothing_seen(lines: int, ups: int) -> Seen:
    """Return the ratios of a station without a camera: all one."""
    return Seen(
        named=np.zeros(0, dtype=np.int64), named_more=np.ones(0), other_more=1.0, unknown_more=1.0,
        line_more=np.ones((ups, lines)), line_less=np.ones(lines),
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
    for number, view in enumerate(views):
        seen = _View(view, named, basket, beliefs, policy, evidence.gallery_size, visibility).seen(ups)
        total = seen if number == 0 else _both(total, seen)
    return total


def _named(evidence: Evidence, beliefs: Beliefs) -> NDArray[np.int64]:
    places = {beliefs.index.get(gtin, -1) for sighting in evidence.sightings for gtin, _ in sighting.candidates}
    return np.array(sorted(places - {-1}), dtype=np.int64)


def _both(one: Seen, other: Seen) -> Seen:
    return Seen(
        named=one.named, named_more=one.named_more * other.named_more, other_more=one.other_more * other.other_more,
        unknown_more=one.unknown_more * other.unknown_more, line_more=one.line_more * other.line_more,
        line_less=one.line_less * other.line_less, swap_named=one.swap_named * other.swap_named,
        swap_other=one.swap_other * other.swap_other, pair_named=one.pair_named * other.pair_named,
    )  # fmt: skip


class _View:
    """One camera's sightings beside the basket as claimed."""

    def __init__(
        self, view: Sequence[Sighting], named: NDArray[np.int64], basket: Basket, beliefs: Beliefs, policy: Sights,
        gallery: int, visibility: float,
    ) -> None:  # fmt: skip
        self.named, self.basket, self.v = named, basket, visibility
        table = _Ratios(view, named, beliefs, gallery, policy.unknown_prior)
        self.of_named, self.of_other, self.of_unknown = table.named, table.other, table.unknown
        self.clutter = policy.clutter_per_camera * (0.5 + 0.5 * table.unknown)
        column = {int(place): number for number, place in enumerate(named)}
        self.column = np.array([column.get(int(place), -1) for place in basket.place], dtype=np.int64)
        units = np.minimum(basket.quantity, UNITS_MAX)
        self.line_of_unit = np.repeat(np.arange(len(basket.lines)), units)
        self.of_line = self._of_lines()

    def _of_lines(self) -> Floats:
        """Likelihood ratios (lines, sightings) of the claimed products."""
        ratios = np.empty((len(self.basket.lines), self.of_other.size))
        for line, (column, place) in enumerate(zip(self.column, self.basket.place, strict=True)):
            if column >= 0:
                ratios[line] = self.of_named[:, column]
            else:
                ratios[line] = self.of_other if place >= 0 else (self.of_other + self.of_unknown) / 2
        return ratios

    def seen(self, ups: int) -> Seen:
        weights = self.v / (1 - self.v) * self.of_line[self.line_of_unit] / self.clutter
        unseen_unit, clutter = assign(weights)
        unseen = np.ones(len(self.basket.lines))
        unseen[self.line_of_unit] = unseen_unit  # units of a line are alike, so any of them serves
        left = clutter / self.clutter
        lefts = self._left_without(weights, left)
        more_named = self._more(self.of_named.T * left)
        free = unseen / (1 - self.v)
        gone = np.einsum("ls,sn->ln", lefts, self.of_named)
        return Seen(
            named=self.named, named_more=more_named,
            other_more=float(self._more(self.of_other * left)), unknown_more=float(self._more(self.of_unknown * left)),
            line_more=several_more(self.of_line * left, self.v, ups), line_less=free,
            swap_named=free[:, None] * (1 - self.v + self.v * gone),
            swap_other=free * self._more(lefts * self.of_other), pair_named=self._pairs(left),
        )  # fmt: skip

    def _more(self, shares: Floats) -> Floats:
        return np.asarray(1 - self.v + self.v * shares.sum(axis=-1), dtype=np.float64)

    def _pairs(self, left: Floats) -> Floats:
        shares = self.of_named.T * left
        one = shares.sum(axis=1)
        both = one[:, None] * one[None, :] - shares @ shares.T
        v = self.v
        result: Floats = (1 - v) ** 2 + v * (1 - v) * (one[:, None] + one[None, :]) + v * v * np.maximum(both, 0.0)
        return result

    def _left_without(self, weights: Floats, left: Floats) -> Floats:
        """Return q / clutter (lines, sightings) of the contents with one unit of the line taken out."""
        lines = len(self.basket.lines)
        if not lines or not left.size or lines * weights.size > BATCH_MAX:
            return np.broadcast_to(left, (lines, left.size))
        batch = np.broadcast_to(weights, (lines, *weights.shape)).copy()
        first = np.searchsorted(self.line_of_unit, np.arange(lines))
        batch[np.arange(lines), first] = 0.0
        return np.asarray(assign(batch)[1] / self.clutter, dtype=np.float64)


class _Ratios:
    """Likelihood ratios of one camera's sightings: named products (sightings, named), other ones, unknown objects."""

    def __init__(
        self, view: Sequence[Sighting], named: NDArray[np.int64], beliefs: Beliefs, gallery: int, unknown_prior: float
    ) -> None:
        size = max(gallery or len(beliefs), 1)
        enrolled = min(size / max(len(beliefs), 1), 1.0)
        column = {int(place): number for number, place in enumerate(named)}
        self.named = np.empty((len(view), named.size))
        self.other, self.unknown = np.empty(len(view)), np.empty(len(view))
        for row, sighting in enumerate(view):
            given = sum(p for _, p in sighting.candidates)
            rest = max(1 - sighting.unknown - given, 0.0) * size / max(size - len(sighting.candidates), 1)
            self.unknown[row] = max(sighting.unknown / unknown_prior, RATIO_MIN)
            self.other[row] = max(enrolled * rest + (1 - enrolled) * self.unknown[row], RATIO_MIN)
            self.named[row] = max(rest, RATIO_MIN)
            for gtin, p in sighting.candidates:
                if (at := column.get(beliefs.index.get(gtin, -1))) is not None:
                    self.named[row, at] = max(p * size, RATIO_MIN)


def assign(weights: Floats) -> tuple[Floats, Floats]:
    """Return (unseen, clutter): the probabilities that each unit went unseen, and that each sighting is clutter.

    `weights` (…, units, sightings) are the odds of a pair against "unseen and clutter".
    """
    if not weights.shape[-1] or not weights.shape[-2]:
        return np.ones(weights.shape[:-1]), np.ones((*weights.shape[:-2], weights.shape[-1]))
    back = np.ones_like(weights)
    for _ in range(ROUNDS):
        odds = weights * back
        forth = weights / (1 + odds.sum(axis=-1, keepdims=True) - odds)
        new = 1 / (1 + forth.sum(axis=-2, keepdims=True) - forth)
        change = float(np.abs(new - back).max())
        back = new
        if change < RELATIVE_CHANGE:
            break
    forth = weights / (1 + (odds := weights * back).sum(axis=-1, keepdims=True) - odds)
    return 1 / (1 + odds.sum(axis=-1)), 1 / (1 + forth.sum(axis=-2))


def several_more(shares: Floats, v: float, ups: int) -> Floats:
    """Return (ups, lines): the ratio of 1, 2, … objects more, for `shares` a_s (lines, sightings)."""
    symmetric = np.zeros((ups + 1, shares.shape[0]))
    symmetric[0] = 1.0
    for column in shares.T:
        for order in range(ups, 0, -1):
            symmetric[order] += symmetric[order - 1] * column
    result = np.zeros((ups, shares.shape[0]))
    for more in range(1, ups + 1):
        for hits in range(more + 1):
            ways = math.comb(more, hits) * (1 - v) ** (more - hits) * v**hits * math.factorial(hits)
            result[more - 1] += ways * symmetric[hits]
    return result
