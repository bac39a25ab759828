"""The test to be measured against: it knows the truth of the simulated world, weights and habits alike.

Weight alone, one unscanned item: every product's true mean and scatter, the true tare and scale noise, how often each
product is sold and how often the unit left out is of a claimed product.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.basket_world import Case, World
from benchmarks.scores import TRUST
from station.core.density import Floats, gauss

NOTHING = 1e-300


@dataclass(frozen=True)
class Told:
    """The truth-knowing test's word on one case."""

    score: float  # log odds against as claimed
    first: bool  # the product left out is the one it thinks likeliest ...
    among: bool  # ... or among its three likeliest


class Oracle:
    """Judges cases of a world whose truth it knows."""

    def __init__(self, world: World, same_product: float) -> None:
        self._world, self._same = world, same_product
        self._share = world.sales / world.sales.sum()
        self._place = {gtin: at for at, gtin in enumerate(world.gtins)}

    def judge(self, case: Case) -> Told:
        """Return score and ranking by the true likelihood of each product left out."""
        world = self._world
        at = np.array([self._place[line.gtin] for line in case.claim.lines], dtype=np.int64)
        units = np.array([line.quantity for line in case.claim.lines], dtype=np.float64)
        tare = case.claim.tare
        assert tare is not None
        rest_g = case.reading.gross_g - tare.weight_g - float(units @ world.mean_g[at])
        variance = float(units @ world.sigma_g[at] ** 2) + tare.sd_g**2 + case.reading.sd_g**2
        honest = gauss(np.array([rest_g]), np.array([variance]))[0]
        prior = self._prior(at, units)
        left_out = prior * gauss(rest_g - world.mean_g, variance + world.sigma_g**2)
        odds = float(np.log(max(left_out.sum(), NOTHING)) - np.log(max(honest, NOTHING)))
        rank = 0 if case.dropped is None else int((left_out > left_out[case.dropped]).sum())
        return Told(odds + float(np.log((1 - TRUST) / TRUST)), rank == 0, rank < 3)

    def _prior(self, at: "np.typing.NDArray[np.int64]", units: Floats) -> Floats:
        """Return how likely each product is the one left out."""
        others = self._share.copy()
        others[at] = 0.0
        prior = others * ((1 - self._same) / others.sum() if units.size else 1 / others.sum())
        if units.size:
            np.add.at(prior, at, self._same * units / units.sum())
        return np.asarray(prior, dtype=np.float64)
