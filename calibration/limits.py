"""Error limits of weighing instruments, used as acceptance criteria and as a measure of trust, not as approval.

Source: OIML R 76-1:2006 table 6 (initial verification); in service they are twice as wide (2014/31/EU annex I, 4.2).
The factor of e is chosen in whole micrograms, so that a load right at the edge of a band falls on its right side
(0.3 / 0.1 is not 3).
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

AccuracyClass = Literal["I", "II", "III", "IIII"]
# load in intervals up to and including which half an interval holds, and one interval; beyond, one and a half
BANDS: dict[AccuracyClass, tuple[int, int]] = {
    "I": (50_000, 200_000),
    "II": (5_000, 20_000),
    "III": (500, 2_000),
    "IIII": (50, 200),
}
MICRO = 1_000_000
OVER_INTERVALS = 9  # no indication above Max + 9 e


class PartialRange(NamedTuple):
    """A part of a multi-interval instrument: up to and including `limit_g` it has this interval."""

    limit_g: float
    interval_g: float


def mpe_g(load_g: float, interval_g: float, accuracy: AccuracyClass = "III", *, in_service: bool = False) -> float:
    """Return the maximum permissible error at `load_g` for verification interval `interval_g`, both in grams."""
    load_ug, interval_ug = round(abs(load_g) * MICRO), round(interval_g * MICRO)
    half, one = BANDS[accuracy]
    factor = 0.5 if load_ug <= half * interval_ug else 1.0 if load_ug <= one * interval_ug else 1.5
    return (2.0 if in_service else 1.0) * factor * interval_g


def class_iii_mpe_g(load_g: float, interval_g: float) -> float:
    """Return the maximum permissible error of class III at initial verification."""
    return mpe_g(load_g, interval_g)


def multi_interval_mpe_g(
    net_g: float, ranges: Sequence[PartialRange], accuracy: AccuracyClass = "III", *, in_service: bool = False
) -> float:
    """Return the maximum permissible error of a net load; beyond the last range its interval counts."""
    load_ug = round(abs(net_g) * MICRO)
    fitting = [part for part in ranges if load_ug <= round(part.limit_g * MICRO)]
    return mpe_g(net_g, (fitting or ranges[-1:])[0].interval_g, accuracy, in_service=in_service)


def mpe_edges_g(interval_g: float, capacity_g: float, accuracy: AccuracyClass = "III") -> tuple[float, ...]:
    """Return the loads at which the limit steps, up to the capacity."""
    return tuple(edge * interval_g for edge in BANDS[accuracy] if edge * interval_g < capacity_g)


def before_rounding_g(indicated_g: float, interval_g: float, extra_g: float) -> float:
    """Return the indication before rounding: small weights of `extra_g` in all just made it change over.

    Source: change-over point method, OIML R 76-1 A.4.4.3: P = I + e/2 - dL.
    """
    return indicated_g + interval_g / 2 - extra_g


def changeover_error_g(
    load_g: float, indicated_g: float, extra_g: float, interval_g: float, zero_error_g: float = 0.0
) -> float:
    """Return the error of indication without rounding, less the error at zero (or at 10 e with zero tracking on)."""
    return before_rounding_g(indicated_g, interval_g, extra_g) - load_g - zero_error_g


def rounding_negligible(resolution_g: float, interval_g: float) -> bool:
    """Tell whether readings are fine enough (a fifth of e) to need no change-over points."""
    return 5 * round(resolution_g * MICRO) <= round(interval_g * MICRO)
