"""All that is known of many weights from many baskets, solved together.

Each equation is sum q mu = y ± sqrt(v); each weight has a Gaussian prior. The mean of the posterior is the solution of
(D + X' W X) d = X' W r, found by conjugate gradients over the products concerned. Its marginal variances come from
Gaussian belief propagation: an equation tells of a product what it says once the others' uncertainty, as all other
equations leave it, is added to its noise. On real baskets that is within a few per cent of the exact marginals; the
means of that propagation need not converge, which is why they are not used.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.core.density import Floats

Places = NDArray[np.int64]

TOLERANCE = 1e-4  # of the residual's norm, where the iterations end
STEPS_MAX = 150
VARIANCE_STEPS = 10
STEPS_AT_ONCE = 2  # of the means, which are shorter than those of the variances

Steps = Generator[None, None, Floats]
Solution = Generator[None, None, tuple[Floats, Floats]]


@dataclass(frozen=True, eq=False)
class Equations:
    """Sparse rows: the terms of row k are `start[k]` up to the next start; every row has at least one."""

    start: Places
    place: Places  # of each term
    units: Floats  # of each term
    goods_g: Floats  # of each row
    noise_g2: Floats  # of each row, with the scatter of its units

    @property
    def row(self) -> Places:
        """Return the row of each term."""
        counts = np.diff(np.append(self.start, self.place.size))
        return np.repeat(np.arange(self.start.size), counts)

    def sums(self, terms: Floats) -> Floats:
        """Add up the terms of each row."""
        return np.asarray(np.add.reduceat(terms, self.start), dtype=np.float64)


def solve(system: Equations, mean_g: Floats, variance_g2: Floats, start_g: Floats) -> tuple[Floats, Floats]:
    """Return posterior means and variances for priors (one entry a product); `start_g` is a first guess."""
    steps = in_steps(system, mean_g, variance_g2, start_g)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return] # untyped in the standard library


def in_steps(system: Equations, mean_g: Floats, variance_g2: Floats, start_g: Floats) -> Solution:
    """Yield between steps of like length what `solve` returns at their end."""
    if not system.start.size:
        return mean_g.copy(), variance_g2.copy()
    concerned, local = np.unique(system.place, return_inverse=True)
    here = Equations(system.start, local.astype(np.int64), system.units, system.goods_g, system.noise_g2)
    prior_g, prior_g2 = mean_g[concerned], variance_g2[concerned]
    means, variances = mean_g.copy(), variance_g2.copy()
    yield
    shift_g = yield from _shift(here, prior_g, prior_g2, start_g[concerned] - prior_g)
    means[concerned] = prior_g + shift_g
    variances[concerned] = yield from _variances(here, prior_g2)
    return means, variances


def _shift(system: Equations, prior_g: Floats, prior_g2: Floats, guess: Floats) -> Steps:
    """Solve for the difference from the prior means by conjugate gradients, scaled by the diagonal."""
    row, place, units, size = system.row, system.place, system.units, prior_g.size
    weighted = units / system.noise_g2[row]
    diagonal = 1 / prior_g2 + np.bincount(place, units * weighted, size)

    def product(x: Floats) -> Floats:
        return np.asarray(x / prior_g2 + np.bincount(place, weighted * system.sums(units * x[place])[row], size))

    apart_g = system.goods_g - system.sums(units * prior_g[place])
    wanted = np.bincount(place, weighted * apart_g[row], size)
    x = guess.copy()
    rest = wanted - product(x)
    step = z = rest / diagonal
    now, end = float((rest * z).sum()), TOLERANCE**2 * float((wanted * wanted / diagonal).sum())
    for number in range(STEPS_MAX):
        if now <= end:
            break
        if number % STEPS_AT_ONCE == 0:
            yield
        along = product(step)
        length = now / float((step * along).sum())
        x = x + length * step
        rest = rest - length * along
        z = rest / diagonal
        before, now = now, float((rest * z).sum())
        step = z + (now / before) * step
    return x


def _variances(system: Equations, prior_g2: Floats) -> Steps:
    row, place, squares, size = system.row, system.place, system.units**2, prior_g2.size
    told = np.zeros(place.size)  # what each term's row says of its product, as a precision
    for _ in range(VARIANCE_STEPS):
        yield
        without = (1 / prior_g2 + np.bincount(place, told, size))[place] - told
        spread = squares / without
        told = squares / ((system.sums(spread) + system.noise_g2)[row] - spread)
    return np.asarray(1 / (1 / prior_g2 + np.bincount(place, told, size)), dtype=np.float64)
