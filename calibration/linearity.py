"""Linearity: a monotone correction, linear between the loads that were tested, within bounds.

Only where errors pass a third of the limit; zero stays zero, nothing is extrapolated beyond the last load (its
correction is kept), and a correction of more than a thousandth of the capacity is refused: a platform that is off by
so much has something wrong with its mechanics, which a table would hide.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from calibration.limits import mpe_g
from calibration.model import Knot
from calibration.results import Limits

BETWEEN = 1 / 8  # of a second difference: how far a parabola lies off its chord in the middle


class LinearityError(ValueError):
    """No correction may be made of these errors; the message says why."""


def needed(errors_g: Mapping[float, float], interval_g: float, limits: Limits) -> bool:
    """Tell whether an error passes the part of its limit from which on it is corrected."""
    return any(abs(error) > limits.linearity_use_mpe * mpe_g(load, interval_g) for load, error in errors_g.items())


def knots(errors_g: Mapping[float, float], capacity_g: float, limits: Limits) -> tuple[Knot, ...]:
    """Return the correction for errors of the plain sum at these loads; raise `LinearityError` beyond its bounds."""
    worst_g = max((abs(error) for error in errors_g.values()), default=0.0)
    if worst_g > limits.linearity_most * capacity_g:
        raise LinearityError(f"errors of {worst_g:.1f} g are more than a correction may hide")
    made = [
        Knot(load_g=load + error, correction_g=-error) for load, error in sorted(errors_g.items()) if load > 0
    ]  # fmt: skip
    path = [(0.0, 0.0), *((knot.load_g, knot.load_g + knot.correction_g) for knot in made)]
    if any(b[0] <= a[0] or b[1] <= a[1] for a, b in pairwise(path)):
        raise LinearityError("the corrected weight would not rise with the load")
    return tuple(made)


def left_rel_sd(errors_g: Sequence[tuple[float, float]], noise_g: float, *, corrected: bool) -> float:
    """Return the relative standard uncertainty that curvature leaves, from (load, error) in rising order.

    Uncorrected, it is the errors themselves, less their noise. Corrected, what a smooth curve does between knots.
    """
    rows = [(0.0, 0.0), *((load, error) for load, error in errors_g if load > 0)]
    if len(rows) == 1:
        return 0.0
    if not corrected:
        beyond = [max(error**2 - noise_g**2, 0.0) / load**2 for load, error in rows[1:]]
        return math.sqrt(sum(beyond) / len(beyond))
    bends = [BETWEEN * (b[1] - 2 * m[1] + a[1]) / m[0] for a, m, b in zip(rows, rows[1:], rows[2:], strict=False)]
    return math.sqrt(sum(bend**2 for bend in bends) / len(bends)) if bends else 0.0
