"""From a certificate to a weighing: the error at a reading, its uncertainty, and the least weight worth weighing.

Source: EURAMET cg-18 clauses 7.3 to 7.5. Between calibrated loads error and uncertainty are interpolated linearly;
of several repeatability tests the larger of the two whose loads enclose the reading counts.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from calibration.budget import eccentric_sd_g, rounding_sd
from calibration.results import MinimumWeight


class CertifiedError(NamedTuple):
    """One line of a certificate."""

    load_g: float
    error_g: float
    expanded_g: float


class Weighed(NamedTuple):
    """A weighing with its correction; standard uncertainties of the error, of the reading, and of the result."""

    weight_g: float
    error_g: float
    error_sd_g: float
    reading_sd_g: float
    sd_g: float


class Instrument(NamedTuple):
    """What a certificate says: errors with U, (load, standard deviation) of repeatability, (load, worst) of corners."""

    division_g: float
    errors: Sequence[CertifiedError]
    repeatability: Sequence[tuple[float, float]]
    eccentricity: tuple[float, float]
    coverage_k: float = 2.0


def weigh(instrument: Instrument, reading_g: float, *, anywhere: bool = False) -> Weighed:
    """Return the weight that a reading stands for."""
    error_g, expanded_g = interpolated(instrument.errors, reading_g)
    error_sd_g = expanded_g / instrument.coverage_k
    test_load_g, worst_g = instrument.eccentricity
    scatter_g = enclosing_sd_g(instrument.repeatability, reading_g)
    reading_sd_g = math.hypot(
        rounding_sd(instrument.division_g),
        rounding_sd(instrument.division_g) if reading_g else 0.0,
        scatter_g,
        eccentric_sd_g(reading_g, worst_g, test_load_g, anywhere=anywhere),
    )
    sd_g = math.hypot(error_sd_g, reading_sd_g)
    return Weighed(reading_g - error_g, error_g, error_sd_g, reading_sd_g, sd_g)


def enclosing_sd_g(repeatability: Sequence[tuple[float, float]], reading_g: float) -> float:
    """Return the larger standard deviation of the tests next below and next above a reading."""
    below = [row for row in repeatability if row[0] <= reading_g]
    above = [row for row in repeatability if row[0] >= reading_g]
    return max(sd_g for _, sd_g in ([max(below)] if below else []) + ([min(above)] if above else []))


def interpolated(errors: Sequence[CertifiedError], reading_g: float) -> tuple[float, float]:
    """Return error and U at a reading, linear between loads in rising order, constant beyond the first and last."""
    after = bisect_left([row.load_g for row in errors], reading_g)
    if after == 0 or after == len(errors):
        row = errors[min(after, len(errors) - 1)]
        return row.error_g, row.expanded_g
    low, high = errors[after - 1], errors[after]
    part = (reading_g - low.load_g) / (high.load_g - low.load_g)
    return (
        low.error_g + part * (high.error_g - low.error_g),
        low.expanded_g + part * (high.expanded_g - low.expanded_g),
    )


def minimum_weight(alpha_g: float, beta: float, required_rel: float, safety_factor: float = 1.0) -> MinimumWeight:
    """Return the least weight whose U (alpha + beta R, times the safety factor) is the required part of it."""
    left = required_rel - beta * safety_factor
    return MinimumWeight(
        alpha_g=alpha_g,
        beta=beta,
        required_rel=required_rel,
        safety_factor=safety_factor,
        weight_g=alpha_g * safety_factor / left if left > 0 else None,
    )
