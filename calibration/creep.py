"""Creep: a load kept on for half an hour, and the zero after it; limits of OIML R 76-1 A.4.11.

|I30 - I0| <= 0.5 e and |I30 - I15| <= 0.2 e, zero return <= 0.5 e; the short form of a routine watches five minutes
and allows a quarter of e. Compared in whole micrograms: a change right at its limit passes.
"""

from collections.abc import Sequence
from itertools import pairwise

from calibration.limits import MICRO
from calibration.results import CreepResult

FULL_S, HALF_S = 1800.0, 900.0
TOLERANCE_S = 30.0


def evaluate(load_g: float, series: Sequence[tuple[float, float]], zero_return_g: float | None) -> CreepResult:
    """Return the changes of readings (seconds since loading, grams) from the first of them."""
    start_s, start_g = series[0]
    changes = tuple((at_s - start_s, reading_g - start_g) for at_s, reading_g in series)
    length_s, change_g = changes[-1]
    full = length_s >= FULL_S - TOLERANCE_S
    late_g = change_g - _at(changes, length_s - (FULL_S - HALF_S)) if full else None
    return CreepResult(
        load_g=load_g,
        series=changes,
        minutes=length_s / 60,
        change_g=change_g,
        late_change_g=late_g,
        zero_return_g=zero_return_g,
    )


def within(change_g: float, intervals: float, interval_g: float) -> bool:
    """Tell whether a change is no more than so many intervals, the limit included."""
    return round(abs(change_g) * MICRO) <= round(intervals * interval_g * MICRO)


def _at(changes: Sequence[tuple[float, float]], at_s: float) -> float:
    """Return the change at a time, linear between the readings around it."""
    for (early_s, early_g), (late_s, late_g) in pairwise(changes):
        if early_s <= at_s <= late_s and late_s > early_s:
            return early_g + (late_g - early_g) * (at_s - early_s) / (late_s - early_s)
    return changes[0][1]
