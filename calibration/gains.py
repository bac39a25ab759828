"""The gains of all load cells of one platform, from sums: every capture says that the cells together bear W.

Model: X g = W, a row a capture, X the counts beyond the zero taken just before and after, g grams a count. Solved by
least squares, each row weighted by its own uncertainty, with a prior: the gains lie within `PRIOR_REL_SD` of a common
one (or of what was known before). Weights used again in several rows are correlated, which is kept.

Identifiability: on a rigid deck the shares of a point load have one dimension less than four cells; the twist between
the diagonals is never excited and only the prior says anything of it. The sum is right all the same, until the feet
stand otherwise. So singular values, rank and a covariance are reported, not one number; rank 3 is no failure. The
popular fit of each cell's share of the load (W times its part of all counts) is circular and leaves corner errors.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
PRIOR_REL_SD = 0.05
TELLS = 0.5  # a direction counts for the rank when the captures narrow it to this part of the prior
NUMERICAL = 1e-9


class Solved(NamedTuple):
    """Grams a count, their relative covariance, the weighted matrix's singular values in grams, rank, what is left."""

    g_per_count: Matrix
    covariance: Matrix
    singular_g: Matrix
    directions: Matrix
    rank: int
    residuals_g: Matrix


def solve(
    counts: Matrix,
    loads_g: Sequence[float],
    covariance_g2: Matrix,
    prior: Matrix | None = None,
    prior_covariance: Matrix | None = None,
) -> Solved:
    """Solve rows of counts beyond zero for these loads, whose errors have this covariance.

    `prior` are grams a count (else a common gain with each cell's own sign), `prior_covariance` is relative (else
    that each cell differs by `PRIOR_REL_SD`). Raise `ValueError` where no cell answers at all.
    """
    loads = np.asarray(loads_g, dtype=np.float64)
    nominal = common(counts, loads) if prior is None else prior
    shape = counts * nominal  # each cell's load by its nominal gain: unknowns become relative, near 1
    cells = shape.shape[1]
    known = np.eye(cells) * PRIOR_REL_SD**2 if prior_covariance is None else prior_covariance
    root = np.linalg.cholesky(covariance_g2)
    white = np.linalg.solve(root, shape)
    left = np.linalg.solve(root, loads - shape.sum(axis=1))
    covariance = np.asarray(np.linalg.inv(white.T @ white + np.linalg.inv(known)), dtype=np.float64)
    relative = 1 + covariance @ (white.T @ left)
    singular, directions = _singular(shape)
    before = np.sqrt(np.einsum("ij,jk,ik->i", directions, known, directions))
    told = np.linalg.norm(white @ directions.T, axis=0) * before
    rank = int(np.sum((told > 1 / TELLS) & (singular > NUMERICAL * singular[0])))
    own = covariance / np.outer(relative, relative)  # of the gains found, not of the nominal ones
    return Solved(nominal * relative, own, singular, directions, rank, loads - shape @ relative)


def common(counts: Matrix, loads_g: Matrix) -> Matrix:
    """Return one gain for all, with the sign that each cell's counts have; a cell without any gets a plus."""
    signs = np.where(loads_g @ counts < 0, -1.0, 1.0)
    sums = counts @ signs
    if not float(sums @ sums) > 0:
        raise ValueError("no load cell answers to the load: check their supply and wiring")
    return np.asarray(signs * float(loads_g @ sums) / float(sums @ sums), dtype=np.float64)


def _singular(shape: Matrix) -> tuple[Matrix, Matrix]:
    """Return as many singular values as there are cells, and their directions, the greatest first."""
    _, values, directions = np.linalg.svd(shape, full_matrices=True)
    short = np.zeros(shape.shape[1] - len(values))
    return np.concatenate([values, short]), directions


def spread(g_per_count: Sequence[float]) -> float:
    """Return by how much the oddest cell's sensitivity is off the mean of all: the greatest correction."""
    sizes = [abs(1 / gain) for gain in g_per_count]
    middle = sum(sizes) / len(sizes)
    return max(abs(size / middle - 1) for size in sizes)


def averaged_rel_sd(covariance: Matrix, shares: Sequence[Sequence[float]]) -> float:
    """Return the relative uncertainty of a load, averaged over places where cells bear these shares."""
    rows = np.asarray(shares, dtype=float)
    return math.sqrt(max(float(np.mean(np.einsum("ij,jk,ik->i", rows, covariance, rows))), 0.0))


def twist(
    parities_g: Sequence[float], loads_g: Sequence[float], offsets: Sequence[tuple[float, float]], sd_g: float
) -> tuple[float, float]:
    """Return kappa and its standard uncertainty, from parity = kappa W u v of centred single loads at (u, v).

    Least squares; the uncertainty is of the residuals, or of `sd_g` of a parity where that is more.
    """
    levers = np.array([load * u * v for load, (u, v) in zip(loads_g, offsets, strict=True)])
    parities = np.asarray(parities_g, dtype=float)
    strength = float(levers @ levers)
    if strength == 0:
        return 0.0, math.inf
    kappa = float(levers @ parities) / strength
    left = parities - kappa * levers
    scatter_g = math.sqrt(float(left @ left) / max(len(levers) - 1, 1))
    return kappa, max(scatter_g, sd_g) / math.sqrt(strength)
