"""Which products of the catalogue can matter to a residual: all but those that are proven not to.

Products of like spread and like weight lie together in blocks. From the ends of a block follows a bound of the density
that any of its products may reach, and with the block's share of sales a bound of its weight in the posterior. Blocks
whose bound is negligible beside what is already known are never looked at one by one; what all of them together could
have weighed is at most `NEGLIGIBLE` of that.

Bound of Student's t (see `density.log_t`) over v in [v0, v1], nu in [n0, n1] and distances of at least d: the
normaliser falls with v and its series is negative; in (nu + 1) log(1 + z / nu) with z = d^2 / v, the factor nu's part
rises with nu and the other one falls, and all of it falls with v.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.core.density import FLOOR, Floats

Freedom = Callable[[Floats, Floats], Floats]  # of a variance and the fourth moment that a product adds

BLOCK = 128  # products
SPREAD_STEPS = 2.0  # classes of the variance per factor e
NEGLIGIBLE = 1e-10
MOSTLY = 0.5  # of the catalogue: then all of it is quicker than picking


@dataclass(frozen=True, eq=False)
class Reach:
    """Blocks of products with the ends of what they weigh; `widen` keeps them true where weights are taught."""

    places: NDArray[np.int32]  # of the catalogue, block by block
    start: NDArray[np.int64]  # (blocks + 1,) where each begins
    block: NDArray[np.int32]  # (products,) of each product
    share: Floats  # (blocks,) of the prior
    total: float  # of the prior
    low_g: Floats
    high_g: Floats
    least_g2: Floats
    most_g2: Floats
    least_fourth: Floats
    most_fourth: Floats

    @classmethod
    def of(cls, mean_g: Floats, variance_g2: Floats, fourth: Floats, prior: Floats) -> "Reach":
        """Lay out the blocks of a catalogue."""
        if not mean_g.size:
            none, nowhere = np.zeros(0), np.zeros(0, dtype=np.int32)
            return cls(nowhere, np.zeros(1, dtype=np.int64), nowhere, none, 0.0, none, none, none, none, none, none)
        spread = np.rint(np.log(np.maximum(variance_g2, 1e-3)) * SPREAD_STEPS)
        places = np.lexsort((mean_g, spread))
        start = np.append(np.arange(0, mean_g.size, BLOCK), mean_g.size)
        block = np.empty(mean_g.size, dtype=np.int32)
        block[places] = np.repeat(np.arange(start.size - 1), np.diff(start))

        def ends(values: Floats) -> tuple[Floats, Floats]:
            sorted_ = values[places]
            return np.minimum.reduceat(sorted_, start[:-1]), np.maximum.reduceat(sorted_, start[:-1])

        share = np.add.reduceat(prior[places], start[:-1])
        return cls(
            places.astype(np.int32), start, block, share, float(prior.sum()), *ends(mean_g), *ends(variance_g2),
            *ends(fourth),
        )  # fmt: skip

    def widen(self, at: NDArray[np.int64], mean_g: Floats, variance_g2: Floats, fourth: Floats) -> None:
        """Let the blocks of the products `at` reach as far as these values."""
        block = self.block[at]
        pairs = (
            (mean_g, self.low_g, self.high_g), (variance_g2, self.least_g2, self.most_g2),
            (fourth, self.least_fourth, self.most_fourth),
        )  # fmt: skip
        for values, least, most in pairs:
            np.minimum.at(least, block, values)
            np.maximum.at(most, block, values)

    def log_most(self, residual_g: float, variance_g2: float, freedom: Freedom) -> Floats:
        """Return (blocks,) a bound of the log density of the residual with one of a block's products besides."""
        far_g = np.maximum(np.maximum(self.low_g - residual_g, residual_g - self.high_g), 0.0)
        least, most = variance_g2 + self.least_g2, variance_g2 + self.most_g2
        z = far_g * far_g / most
        few, many = freedom(least, self.most_fourth), freedom(most, self.least_fourth)
        return np.asarray(
            -0.5 * np.log(2 * math.pi * least) - 0.5 * (few * np.log1p(z / few) + np.log1p(z / many)), dtype=np.float64
        )

    def reached(self, residual_g: float, variance_g2: float, freedom: Freedom, log_least: float) -> NDArray[np.int64]:
        """Return the products that may weigh something beside `log_least`, which is a log density times prior.

        At least one block is returned, so that there is an answer.
        """
        bound = self.log_most(residual_g, variance_g2, freedom) + np.log(np.maximum(self.share, FLOOR))
        least = min(log_least + math.log(NEGLIGIBLE / bound.size), float(bound.max()))
        blocks = np.flatnonzero(bound >= least)
        if blocks.size > MOSTLY * bound.size:
            return np.arange(self.places.size)
        pieces = [self.places[self.start[at] : self.start[at + 1]] for at in blocks]
        return np.concatenate(pieces).astype(np.int64)
