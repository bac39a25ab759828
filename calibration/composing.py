"""A platform's new calibration put together: gains, zero, linearity, temperature, and what a session cannot see.

What cannot be seen within an hour has design values, of class C3 cells (OIML R 60) on shop platforms: how the span
changes with temperature and age, and how far the store's temperature is from that of calibrating.
"""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from calibration.adjusting import Adjusted
from calibration.captures import Capture, Session
from calibration.model import Calibration, Cell, Knot
from calibration.placements import Sorted, mean_sd, readings
from calibration.results import CreepResult, Eccentricity, TemperatureResult

SPAN_REL_SD_PER_K = 1.5e-5
ZERO_SD_DIVISIONS_PER_K = 0.05
SWING_K = 3.0
DRIFT_REL_SD_PER_YEAR = 2e-4
CREEP_REL_SD = 5e-5
CREEP_PART, CREEP_LEAST = 0.3, 2e-5  # of half an hour's creep: between the seconds of calibrating and of weighing
PLACES_PART = 0.5  # of what corners are off by: on average over the platform


def compose(
    session: Session, sorted_: Sorted, adjusted: Adjusted | None, prior: Calibration | None
) -> Calibration | None:
    """Return the new calibration before linearity is looked at; None where the session gives none.

    An instrument that knows grams has none; without known loads only a zero step makes one, of the gains before.
    """
    zeros = [capture for capture in sorted_.zeros if capture.step != "creep"]
    if not zeros or any(capture.indicated_g is not None for capture in sorted_.used):
        return None
    if adjusted is not None:
        made = _adjusted(session, sorted_, zeros, adjusted)
        return _kept(made, prior, sorted_) if prior is not None and prior.certified else made
    if prior is None or not sorted_.zeros or not any(capture.step == "zero" for capture in zeros):
        return None
    counts = [cell.counts_per_g for cell in prior.cells]
    if len(readings(zeros[-1])) != len(counts):
        return None
    return msgspec.structs.replace(prior, cells=_cells(zeros[-1], counts), zero_sd_g=zero_sd_g(zeros, counts))


def _adjusted(session: Session, sorted_: Sorted, zeros: Sequence[Capture], adjusted: Adjusted) -> Calibration:
    report = adjusted.report
    return Calibration(
        cells=_cells(zeros[-1], report.counts_per_g),
        certified=True,
        zero_sd_g=zero_sd_g(zeros, report.counts_per_g),
        gain_rel_sd=adjusted.anywhere_rel_sd,
        gain_cov=report.covariance,
        placement_sd_g=adjusted.placing_sd_g,
        creep_rel_sd=CREEP_REL_SD,
        temperature_c=mean_temperature_c(sorted_.used),
        zero_sd_g_per_k=ZERO_SD_DIVISIONS_PER_K * session.division_g,
        span_rel_sd_per_k=SPAN_REL_SD_PER_K,
        swing_k=SWING_K,
        drift_rel_sd_per_year=DRIFT_REL_SD_PER_YEAR,
        kappa=report.kappa,
        kappa_sd=report.kappa_sd,
        parity_g=report.parity_g,
        noise_counts=noise_counts(zeros),
    )


def _kept(made: Calibration, prior: Calibration, sorted_: Sorted) -> Calibration:
    """Return the new calibration with what the one before knew and this session did not look at."""
    values: dict[str, object] = {"creep_rel_sd": prior.creep_rel_sd, "place_rel_sd": prior.place_rel_sd}
    if not sorted_.of("linearity"):
        values |= {"linearity": prior.linearity, "linearity_rel_sd": prior.linearity_rel_sd}
    if made.kappa is None:
        values |= {"kappa": prior.kappa, "kappa_sd": prior.kappa_sd, "parity_g": prior.parity_g}
    return msgspec.structs.replace(made, **values)


def with_linearity(calibration: Calibration, knots: tuple[Knot, ...], rel_sd: float) -> Calibration:
    """Return the calibration with this correction and what it leaves."""
    return msgspec.structs.replace(calibration, linearity=knots, linearity_rel_sd=rel_sd)


def with_temperature(calibration: Calibration, found: TemperatureResult | None) -> Calibration:
    """Return the calibration with the coefficients that passed their gates."""
    if found is None:
        return calibration
    if found.zero_used and found.zero_g_per_k is not None and found.zero_sd_g_per_k is not None:
        calibration = msgspec.structs.replace(
            calibration, zero_g_per_k=found.zero_g_per_k, zero_sd_g_per_k=found.zero_sd_g_per_k
        )
    if found.span_used and found.span_rel_per_k is not None and found.span_sd_per_k is not None:
        calibration = msgspec.structs.replace(
            calibration, span_rel_per_k=found.span_rel_per_k, span_rel_sd_per_k=found.span_sd_per_k
        )
    return calibration


def with_tests(
    calibration: Calibration | None, corners: Sequence[Eccentricity], crept: CreepResult | None, placing_sd_g: float
) -> Calibration | None:
    """Return the calibration with what its tests say of goods that stand anywhere, and of a load's first seconds."""
    if calibration is None:
        return None
    rest = [
        (row.difference_g**2 - 2 * placing_sd_g**2) / result.load_g**2 for result in corners for row in result.rows
    ]  # fmt: skip
    place, creep = calibration.place_rel_sd, calibration.creep_rel_sd
    if rest or not place:
        place = PLACES_PART * math.sqrt(max(sum(rest) / len(rest), 0.0)) if rest else 0.0
        # Loads in the middle average the cells' curves; at the side one cell's own shows, and this says how much.
        place = math.hypot(place, calibration.linearity_rel_sd) if len(calibration.cells) > 1 else place
    if crept is not None and crept.late_change_g is not None:
        creep = max(CREEP_PART * abs(crept.change_g) / crept.load_g, CREEP_LEAST)
    return msgspec.structs.replace(calibration, place_rel_sd=place, creep_rel_sd=creep)


def zero_sd_g(zeros: Sequence[Capture], counts_per_g: Sequence[float]) -> float:
    """Return how unsure the last zero is: its noise, and half of what zeros changed from one to the next."""
    noise = math.hypot(*(mean_sd(cell) / gain for cell, gain in zip(readings(zeros[-1]), counts_per_g, strict=True)))
    sums = [zero_g(capture, counts_per_g) for capture in zeros]
    steps = [after - before for before, after in pairwise(sums)]
    wandered = math.sqrt(sum(step**2 for step in steps) / len(steps)) / 2 if steps else 0.0
    return math.hypot(noise, wandered)


def zero_g(capture: Capture, counts_per_g: Sequence[float]) -> float:
    """Return the sum of an empty platform's counts in grams, from wherever the counts begin."""
    return sum(cell.mean / gain for cell, gain in zip(readings(capture), counts_per_g, strict=True))


def noise_counts(zeros: Sequence[Capture]) -> tuple[float, ...]:
    """Return each cell's usual noise on the empty platform."""
    rows = [[cell.sd for cell in readings(capture)] for capture in zeros]
    return tuple(statistics.median(column) for column in zip(*rows, strict=True))


def mean_temperature_c(captures: Sequence[Capture]) -> float | None:
    """Return the mean of the temperatures that were taken."""
    taken = [capture.temperature_c for capture in captures if capture.temperature_c is not None]
    return sum(taken) / len(taken) if taken else None


def _cells(zero: Capture, counts_per_g: Sequence[float]) -> tuple[Cell, ...]:
    return tuple(
        Cell(zero_counts=reading.mean, counts_per_g=gain)
        for reading, gain in zip(readings(zero), counts_per_g, strict=True)
    )
