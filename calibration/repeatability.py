"""Repeatability: how placements of one load scatter. Removed and replaced each time; re-reading is none.

Sources: EURAMET cg-18 clauses 5.1 and 6.1 (standard deviation, at least five placements); factors from a range to a
standard deviation 1/d2 (T. Lammi, OIML Bulletin 2001: where all readings are identical the interval is the range).
"""

import math
from collections.abc import Sequence

from calibration.results import Repeatability

RANGE_FACTORS = {2: 0.886, 3: 0.591, 4: 0.486, 5: 0.430, 6: 0.395, 7: 0.370, 8: 0.350, 9: 0.337, 10: 0.325}


def standard_deviation(values: Sequence[float]) -> float:
    """Return the standard deviation with n - 1, 0 for less than two values."""
    if len(values) < 2:  # noqa: PLR2004 - one value scatters about nothing
        return 0.0
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def from_range(values: Sequence[float], interval: float) -> float:
    """Return the standard deviation that the range of up to ten values speaks for, one interval being the least."""
    spread = max(values) - min(values)
    return RANGE_FACTORS[min(len(values), max(RANGE_FACTORS))] * (spread or interval)


def evaluate(load_g: float, readings_g: Sequence[float], resolution_g: float, mpe_g: float) -> Repeatability:
    """Return the repeatability of readings that are each from their own zero.

    The floor: readings that all fall on one interval hide what happens within it, and two roundings (of the load and
    of zero) make resolution/sqrt 6 in any case.
    """
    floor_g = resolution_g / math.sqrt(6)
    spread_g = max(readings_g) - min(readings_g)
    if spread_g == 0 and len(readings_g) > 1:
        floor_g = max(floor_g, from_range(readings_g, resolution_g))
    sd_g = max(standard_deviation(readings_g), floor_g)
    return Repeatability(
        load_g=load_g, readings_g=tuple(readings_g), sd_g=sd_g, range_g=spread_g, floor_g=floor_g, mpe_g=mpe_g
    )


def pooled(results: Sequence[Repeatability]) -> tuple[float, float] | None:
    """Return the largest standard deviation of all loads and its degrees of freedom; None without any."""
    usable = [result for result in results if result.dof >= 1]
    if not usable:
        return None
    worst = max(usable, key=lambda result: result.sd_g)
    return worst.sd_g, worst.dof
