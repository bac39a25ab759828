"""Temperature coefficients of zero and span, with gates: a swing too small, or a slope too unsure, is no coefficient.

Zero needs a swing of 5 K, span two spans 8 K apart; either counts from five of its standard uncertainties on. The
sensor belongs on the load cells, not on the processor.
"""

import math
from collections.abc import Sequence

from calibration.results import Limits, TemperatureResult
from calibration.student import t_quantile

Slope = tuple[float, float]
LEAST = 3  # values that a line and its scatter want


def slope(temperatures_c: Sequence[float], values: Sequence[float]) -> Slope | None:
    """Return the slope of values over temperature and its standard uncertainty, by their scatter; None if unknown."""
    count = len(values)
    if count < LEAST:
        return None
    middle_c, middle = sum(temperatures_c) / count, sum(values) / count
    spread = sum((at - middle_c) ** 2 for at in temperatures_c)
    if spread == 0:
        return None
    rise = sum((at - middle_c) * (v - middle) for at, v in zip(temperatures_c, values, strict=True)) / spread
    left = sum(
        (v - middle - rise * (at - middle_c)) ** 2 for at, v in zip(temperatures_c, values, strict=True)
    )  # fmt: skip
    return rise, math.sqrt(left / (count - 2) / spread)


def significant(found: Slope | None, swing_k: float, least_k: float, t_least: float, count: int) -> bool:
    """Tell whether a slope passes its gates; few values ask for more, as Student's t does (one in a million)."""
    if found is None or swing_k < least_k:
        return False
    wanted = max(t_least, t_quantile(1 - 5e-7, count - 2))
    return abs(found[0]) > wanted * found[1]


def evaluate(
    zeros: Sequence[tuple[float, float]], spans: Sequence[tuple[float, float]], limits: Limits
) -> TemperatureResult | None:
    """Return coefficients from (temperature, zero in grams) and (temperature, relative span); None without any."""
    if not zeros:
        return None
    zero_c, zero_g = [at for at, _ in zeros], [value for _, value in zeros]
    span_c, span_rel = [at for at, _ in spans], [value for _, value in spans]
    of_zero, of_span = slope(zero_c, zero_g), slope(span_c, span_rel)
    swing_k = max(zero_c) - min(zero_c)
    span_swing_k = max(span_c) - min(span_c) if spans else 0.0
    zero_used = significant(of_zero, swing_k, limits.temperature_zero_k, limits.temperature_t, len(zeros))
    span_used = significant(of_span, span_swing_k, limits.temperature_span_k, limits.temperature_t, len(spans))
    return TemperatureResult(
        swing_k=swing_k,
        zero_g_per_k=None if of_zero is None else of_zero[0],
        zero_sd_g_per_k=None if of_zero is None else of_zero[1],
        zero_used=zero_used,
        span_rel_per_k=None if of_span is None else of_span[0],
        span_sd_per_k=None if of_span is None else of_span[1],
        span_used=span_used,
    )
