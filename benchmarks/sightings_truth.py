"""The test that knows the truth of the weights, how sightings arise, and how often what goes wrong.

It works from the whole likelihood of each sighting, not from the five candidates that are published, and knows what
every product looks like, also those that are not in the gallery. Sums over assignments are those of
`station.core.groups`, which tests hold against the plain sum.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.scores import TRUST
from benchmarks.sightings_world import (
    CLUTTER,
    KINDS,
    MOST_UNITS,
    UNKNOWN_MEDIAN_G,
    UNKNOWN_SPREAD,
    Likelihoods,
    SeenCase,
    SeenWorld,
)
from benchmarks.truth import NOTHING
from station.core.density import Broad, Floats, gauss
from station.core.groups import rooms

UPS = MOST_UNITS - 1


@dataclass(frozen=True, eq=False)
class _View:
    """What one camera says of changes to the claim, as ratios."""

    more: Floats  # (products,) one more of it
    unknown_more: float
    up: Floats  # (ups, lines)
    gone: Floats  # (lines,) the whole line
    one_less: Floats  # (lines,) one unit less of it ...
    instead: Floats  # (lines, products) ... and one of the product instead, over that


class SeenOracle:
    """Judges cases of a world whose truth it knows; `same_product`: of the unscanned, how many are claimed products."""

    def __init__(self, world: SeenWorld, same_product: float) -> None:
        self._world, self._same = world, same_product
        self._place = {gtin: at for at, gtin in enumerate(world.world.gtins)}
        self._unknown = Broad.lognormal(UNKNOWN_MEDIAN_G, UNKNOWN_SPREAD)

    def score(self, case: SeenCase) -> float:
        """Return the log odds against as claimed."""
        world = self._world.world
        at = np.array([self._place[line.gtin] for line in case.claim.lines], dtype=np.int64)
        units = np.array([line.quantity for line in case.claim.lines], dtype=np.int64)
        tare = case.claim.tare
        assert tare is not None
        rest_g = case.reading.gross_g - tare.weight_g - float((units * world.mean_g[at]).sum())
        variance = float((units * world.sigma_g[at] ** 2).sum()) + tare.sd_g**2 + case.reading.sd_g**2
        views = [self._view(view, at, units) for view in case.views]
        likely = {
            "unscanned": self._unscanned(views, at, units, rest_g, variance),
            "unknown": float(self._unknown.smoothed(np.array([rest_g]), variance)[0])
            * math.prod(view.unknown_more for view in views),
        }
        if units.size:
            likely |= {
                "quantity": self._quantity(views, at, units, rest_g, variance),
                "missing": self._missing(views, at, units, rest_g, variance),
                "swapped": self._swapped(views, at, units, rest_g, variance),
            }
        honest = float(gauss(np.array([rest_g]), np.array([variance]))[0])
        wrong = sum(KINDS[kind] * like for kind, like in likely.items()) / sum(KINDS.values())
        return float(np.log(max(wrong, NOTHING)) - np.log(max(honest, NOTHING)) + np.log((1 - TRUST) / TRUST))

    def _view(self, view: tuple[Likelihoods, ...], at: NDArray[np.int64], units: NDArray[np.int64]) -> _View:
        recogniser, v = self._world.recogniser, self._world.setting.visibility
        odds, strange = np.empty((len(view), recogniser.inside.size)), np.empty(len(view))
        for number, (like, unknown, strangers) in enumerate(view):
            scale = v / (1 - v) / (CLUTTER * (0.5 + 0.5 * unknown))
            strange[number] = unknown * scale
            odds[number, ~recogniser.inside] = strangers * scale
            odds[number, recogniser.gallery] = like * scale
        hidden = 1 - v
        room = rooms(odds[:, at].T.copy(), units, UPS)
        lines = np.arange(units.size)
        gone = room.line_less[np.minimum(units, len(room.line_less)) - 1, lines]
        one_less = room.line_less[0] if units.size else np.ones(0)
        return _View(
            more=hidden * (1 + room.left @ odds), unknown_more=hidden * float(1 + (strange * room.left).sum()),
            up=hidden ** np.arange(1, UPS + 1)[:, None] * room.line_more, gone=gone / hidden**units,
            one_less=one_less / hidden, instead=hidden * (1 + room.left_without @ odds),
        )  # fmt: skip

    def _unscanned(
        self, views: list[_View], at: NDArray[np.int64], units: NDArray[np.int64], rest_g: float, variance: float
    ) -> float:
        world = self._world.world
        others = self._world.share.copy()
        others[at] = 0.0
        prior = others / others.sum() * ((1 - self._same) if units.size else 1.0)
        if units.size:
            np.add.at(prior, at, self._same * units / units.sum())
        ratio = np.prod([view.more for view in views], axis=0)
        # One more of a claimed product shares the room with its line's own units.
        ratio[at] = np.prod([view.up[0] for view in views], axis=0)
        return float((prior * ratio * gauss(rest_g - world.mean_g, variance + world.sigma_g**2)).sum())

    def _quantity(
        self, views: list[_View], at: NDArray[np.int64], units: NDArray[np.int64], rest_g: float, variance: float
    ) -> float:
        more = np.arange(1, UPS + 1)[:, None]
        share = 0.5**more
        share[-1] *= 2
        mean_g, sigma2 = self._world.world.mean_g[at], self._world.world.sigma_g[at] ** 2
        like = gauss(rest_g - more * mean_g, variance + more * sigma2) * np.prod([view.up for view in views], axis=0)
        return float((share * units / units.sum() * like).sum())

    def _missing(
        self, views: list[_View], at: NDArray[np.int64], units: NDArray[np.int64], rest_g: float, variance: float
    ) -> float:
        prior = 1 / units / (1 / units).sum()
        less = variance - units * self._world.world.sigma_g[at] ** 2
        like = gauss(rest_g + units * self._world.world.mean_g[at], less)
        return float((prior * like * np.prod([view.gone for view in views], axis=0)).sum())

    def _swapped(
        self, views: list[_View], at: NDArray[np.int64], units: NDArray[np.int64], rest_g: float, variance: float
    ) -> float:
        world, total = self._world.world, 0.0
        for line, product in enumerate(at):
            places, share = self._near(rest_g, int(product), 5 * math.sqrt(variance))
            less = variance - world.sigma_g[product] ** 2
            like = gauss(rest_g + world.mean_g[product] - world.mean_g[places], less + world.sigma_g[places] ** 2)
            for view in views:
                like = like * view.one_less[line] * view.instead[line][places]
            total += float((share * like).sum()) * units[line] / units.sum()
        return total

    def _near(self, rest_g: float, product: int, width_g: float) -> tuple[NDArray[np.int64], Floats]:
        """Return the products that may fill the gap of another one, and how often each is sold."""
        middle_g = rest_g + self._world.world.mean_g[product]
        low, high = np.searchsorted(self._world.sorted_g, [middle_g - width_g, middle_g + width_g])
        places = self._world.order[low:high]
        places = places[places != product]
        return places, self._world.share[places] / (1 - self._world.share[product])
