"""Hysteresis: what a load reads less going up than coming down. Reported, never compensated.

Its part of an uncertainty is rectangular: |H|/(2 sqrt 3) where loads come from either side.
"""

import math
from collections.abc import Mapping

from calibration.results import HysteresisResult


def evaluate(up_g: Mapping[float, float], down_g: Mapping[float, float], span_g: float) -> HysteresisResult | None:
    """Return H = down - up at the loads that both have (load to reading); None without any in common."""
    rows = tuple((load_g, down_g[load_g] - up_g[load_g]) for load_g in sorted(up_g.keys() & down_g.keys()) if load_g)
    if not rows:
        return None
    worst_g = max((difference for _, difference in rows), key=abs)
    return HysteresisResult(rows=rows, worst_g=worst_g, worst_rel=abs(worst_g) / span_g)


def hysteresis_sd_g(worst_g: float) -> float:
    """Return the standard uncertainty of not knowing from which side a load came."""
    return abs(worst_g) / (2 * math.sqrt(3))
