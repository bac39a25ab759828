"""The exact Gaussian learner: the yardstick of what can be learned from a stream of baskets.

It is told which transactions were honest, and what every unit scatters. All its equations are solved together by
conjugate gradients, to the end; and for each basket it is asked about, its predictive variance x' A^-1 x likewise, with
all correlations. Too slow for a station, and it knows what no station knows.
"""

import numpy as np

from benchmarks.basket_world import Case, World
from station.core.beliefs import Beliefs
from station.core.density import Floats
from station.core.solving import Equations, Places, solve


class ExactLearner:
    """Means and predictive variances after all honest baskets of a stream."""

    def __init__(self, truth: World, labels: Beliefs, lessons: list[Case]) -> None:
        self._place = {gtin: at for at, gtin in enumerate(truth.gtins)}
        rows = [self._row(case) for case in lessons if case.honest and case.claim.lines]
        counts = np.array([place.size for place, _ in rows], dtype=np.int64)
        place = np.concatenate([place for place, _ in rows]) if rows else np.zeros(0, dtype=np.int64)
        units = np.concatenate([units for _, units in rows]) if rows else np.zeros(0)
        goods = [case for case in lessons if case.honest and case.claim.lines]
        start = np.cumsum(counts) - counts
        scatter = np.add.reduceat(units * truth.sigma_g[place] ** 2, start) if rows else np.zeros(0)
        self._system = Equations(
            start, place, units, np.array([_goods_g(case) for case in goods]),
            scatter + np.array([_fixed_g2(case) for case in goods]),
        )  # fmt: skip
        self._prior_g2 = labels.mean_sd_g**2
        self.mean_g, self.variance_g2 = solve(self._system, labels.mean_g, self._prior_g2, labels.mean_g)
        row, size = self._system.row, labels.mean_g.size
        self._weighted = units / self._system.noise_g2[row] if rows else units
        self._row_of, self._size = row, size
        self._diagonal = 1 / self._prior_g2 + np.bincount(place, units * self._weighted, size)

    def _row(self, case: Case) -> tuple[Places, Floats]:
        totals: dict[int, int] = {}
        for line in case.claim.lines:
            at = self._place[line.gtin]
            totals[at] = totals.get(at, 0) + line.quantity
        return np.array(list(totals), dtype=np.int64), np.array(list(totals.values()), dtype=np.float64)

    def mean_variance_g2(self, case: Case, enough: float = 3e-3) -> float:
        """Return the variance of the sum of the basket's mean weights, to about `enough` of it."""
        place, units = self._row(case)
        wanted = np.zeros(self._size)
        wanted[place] = units
        if not place.size or not self._system.start.size:
            return float((units**2 * self._prior_g2[place]).sum())
        x, rest = np.zeros(self._size), wanted.copy()
        z = rest / self._diagonal
        step, now = z, float((rest * z).sum())
        end = enough**2 * now
        for _ in range(200):
            along = step / self._prior_g2 + self._told(step)
            length = now / float((step * along).sum())
            x = x + length * step
            rest = rest - length * along
            z = rest / self._diagonal
            before, now = now, float((rest * z).sum())
            if now <= end:
                break
            step = z + (now / before) * step
        return float((wanted * x).sum())

    def _told(self, x: Floats) -> Floats:
        system = self._system
        row = system.sums(system.units * x[system.place])[self._row_of]
        return np.asarray(np.bincount(system.place, self._weighted * row, self._size), dtype=np.float64)


def _goods_g(case: Case) -> float:
    assert case.claim.tare is not None
    return case.reading.gross_g - case.claim.tare.weight_g


def _fixed_g2(case: Case) -> float:
    assert case.claim.tare is not None
    return case.claim.tare.sd_g**2 + case.reading.sd_g**2
