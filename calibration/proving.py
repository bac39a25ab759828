"""What an instrument shows beside known loads: errors with their budgets, repeatability, corners, curve, and the rest.

Everything is read through one calibration (the new one: as left; the one before: as found), each load from its own
zero. Sources: EURAMET cg-18 clauses 5 to 7; limits of OIML R 76-1.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from calibration import budget, creep, eccentricity, fit, hysteresis, repeatability
from calibration.captures import Direction, Position, Session, TestWeight
from calibration.limits import mpe_g
from calibration.model import Calibration
from calibration.placements import Placement, Sorted
from calibration.results import (
    Budget,
    Contribution,
    CreepResult,
    Curve,
    Decision,
    Eccentricity,
    HysteresisResult,
    Limits,
    PointError,
    Repeatability,
)
from calibration.weights import reference

NS = 1_000_000_000
CURVE_LEAST = 3
SMALL_DIVISIONS = 5.0  # a discrimination load is 1.4 divisions


class Instrument(NamedTuple):
    """How readings are made, and the limits they are held against; `calibration` None: it knows grams itself."""

    session: Session
    limits: Limits
    calibration: Calibration | None

    def reading_g(self, placement: Placement) -> float:
        """Return what a load reads, from its own zero."""
        if self.calibration is None:
            return placement.net[0]
        gains = [1 / cell.counts_per_g for cell in self.calibration.cells]
        raw_g = placement.grams(gains)
        return raw_g + self.calibration.correction_g(raw_g)

    def noise_g(self, placement: Placement) -> float:
        """Return the standard uncertainty of that by noise alone."""
        if self.calibration is None:
            return placement.sds[0]
        return placement.sd_g([1 / cell.counts_per_g for cell in self.calibration.cells])

    @property
    def resolution_g(self) -> float:
        """Return the step of a reading: a count a cell, or the division."""
        if self.calibration is None:
            return self.session.division_g
        return math.hypot(*(1 / cell.counts_per_g for cell in self.calibration.cells))

    def mpe_g(self, load_g: float) -> float:
        """Return the error limit at a load."""
        return mpe_g(load_g, self.session.verification_interval_g, in_service=self.limits.in_service)

    def weights(self, placement: Placement) -> tuple[TestWeight, ...]:
        """Return the test weights of a load, as far as the session knows them."""
        known = {weight.weight_id: weight for weight in self.session.weights}
        return tuple(known[name] for name in placement.capture.weights if name in known)


class Scatter(NamedTuple):
    """What one placement scatters, and with how many degrees of freedom (None: a design value)."""

    sd_g: float
    dof: float | None


Key = tuple[float, Direction | None, Position | None]


def points(instrument: Instrument, rows: Sequence[Placement], scatter: Scatter, worst: Eccentricity | None) -> tuple[
    PointError, ...
]:  # fmt: skip
    """Return the error at each load, direction and place of these rows, the placements of each averaged."""
    groups: dict[Key, list[Placement]] = {}
    for row in rows:
        place = None if row.centred else row.capture.position
        groups.setdefault((row.load_g, row.capture.direction, place), []).append(row)
    return tuple(_point(instrument, key, group, scatter, worst) for key, group in groups.items())


def _point(
    instrument: Instrument, key: Key, rows: Sequence[Placement], scatter: Scatter, worst: Eccentricity | None
) -> PointError:
    load_g, direction, position = key
    indicated_g = sum(instrument.reading_g(row) for row in rows) / len(rows)
    parts = error_parts(instrument, rows, indicated_g, scatter, worst)
    limit_g, combined = instrument.mpe_g(load_g), budget.combine(parts)
    error_g = indicated_g - load_g
    return PointError(
        load_g=load_g,
        indicated_g=indicated_g,
        error_g=error_g,
        mpe_g=limit_g,
        budget=combined,
        captures=tuple(row.capture.number for row in rows),
        direction=direction,
        position=position,
        decision=decide(error_g, combined, limit_g, guarded=instrument.limits.guarded),
    )


def error_parts(
    instrument: Instrument, rows: Sequence[Placement], indicated_g: float, scatter: Scatter, worst: Eccentricity | None
) -> list[Contribution]:
    """Return the parts of an error's uncertainty (cg-18 7.1): rounding twice, placing, place, and the weights."""
    step_g = budget.rounding_sd(instrument.resolution_g)
    noise_g = math.sqrt(sum(instrument.noise_g(row) ** 2 for row in rows)) / len(rows)
    used = instrument.weights(rows[0])
    mass = reference(used) if used else None
    several = len(rows[0].capture.weights) != 1
    place_g = budget.eccentric_sd_g(indicated_g, worst.worst_g, worst.load_g) if worst and several else 0.0
    placing_g = max(scatter.sd_g / math.sqrt(len(rows)), noise_g)
    return [
        Contribution(name="zero rounding", sd_g=step_g),
        Contribution(name="rounding", sd_g=step_g),
        Contribution(name="repeatability", sd_g=placing_g, dof=scatter.dof),
        Contribution(name="eccentricity", sd_g=place_g),
        Contribution(name="test weights", sd_g=mass.calibration_sd_g if mass else 0.0),
        Contribution(name="buoyancy", sd_g=mass.buoyancy_sd_g if mass else 0.0),
        Contribution(name="drift of weights", sd_g=mass.drift_sd_g if mass else 0.0),
    ]


def decide(error_g: float, combined: Budget, limit_g: float, *, guarded: bool) -> Decision:
    """Return the decision on one error: |E| beside its limit and the expanded uncertainty (ILAC-G8).

    Guarded: what the uncertainty makes doubtful fails; simple: |E| within its limit passes conditionally.
    """
    size_g, doubt_g = abs(error_g), combined.expanded_g
    if size_g + doubt_g <= limit_g:
        return "pass"
    if size_g <= limit_g:
        return "conditional fail" if guarded else "conditional pass"
    return "conditional fail" if size_g <= limit_g + doubt_g and not guarded else "fail"


def repeatabilities(instrument: Instrument, sorted_: Sorted) -> tuple[Repeatability, ...]:
    """Return the repeatability at each load that was placed again and again."""
    groups: dict[float, list[float]] = {}
    for row in sorted_.of("repeatability"):
        groups.setdefault(row.load_g, []).append(instrument.reading_g(row))
    return tuple(
        repeatability.evaluate(load, readings, instrument.resolution_g, instrument.mpe_g(load))
        for load, readings in groups.items()
    )


def scatter_of(results: Sequence[Repeatability], otherwise_g: float) -> Scatter:
    """Return what one placement scatters: the largest of the tests, else a value of the session."""
    known = repeatability.pooled(results)
    return Scatter(otherwise_g, None) if known is None else Scatter(*known)


def corners(instrument: Instrument, rows: Sequence[Placement]) -> tuple[Eccentricity, ...]:
    """Return the eccentricity at each load that stood at the centre and at corners (each from its own zero)."""
    groups: dict[float, list[Placement]] = {}
    for row in rows:
        groups.setdefault(row.load_g, []).append(row)
    return tuple(
        eccentricity.evaluate(
            3,
            load,
            [eccentricity.Placed(row.capture.position or "C", instrument.reading_g(row)) for row in group],
            instrument.mpe_g(load),
            math.sqrt(2) * max(instrument.noise_g(row) for row in group),
        )
        for load, group in groups.items()
        if any(row.centred for row in group) and not all(row.centred for row in group)
    )


def curve(found: Sequence[PointError]) -> Curve | None:
    """Return the line through zero of the errors at rising loads; None for fewer than three."""
    rows = [point for point in found if point.load_g > 0 and point.direction != "down" and point.position is None]
    if len(rows) < CURVE_LEAST:
        return None
    return fit.through_zero(
        [point.indicated_g for point in rows],
        [point.error_g for point in rows],
        [point.budget.sd_g for point in rows],
    )


def mean_readings(instrument: Instrument, rows: Sequence[Placement], direction: Direction) -> Mapping[float, float]:
    """Return the mean reading of each load in this direction; what has no direction went up."""
    groups: dict[float, list[float]] = {}
    for row in rows:
        if (row.capture.direction or "up") == direction and row.centred:
            groups.setdefault(row.load_g, []).append(instrument.reading_g(row))
    return {load: sum(values) / len(values) for load, values in groups.items()}


def hysteresis_of(instrument: Instrument, rows: Sequence[Placement]) -> HysteresisResult | None:
    """Return down less up at the loads that went both ways."""
    up, down = (mean_readings(instrument, rows, direction) for direction in ("up", "down"))
    return hysteresis.evaluate(up, down, instrument.session.capacity_g)


def creep_of(instrument: Instrument, sorted_: Sorted) -> CreepResult | None:
    """Return how a load that stayed crept, and what it left; None where nothing stayed."""
    rows = sorted_.of("creep")
    if not rows:
        return None
    series = [(row.capture.start_ns / NS, instrument.reading_g(row)) for row in rows]
    if any(after <= before for (before, _), (after, _) in pairwise(series)):
        return None  # the clock began anew meanwhile: no series of times
    ends = [zero for zero in sorted_.zeros if zero.step == "creep" and zero.number > rows[-1].capture.number]
    left_g = None
    if ends:
        cells = ends[0].cells if ends[0].indicated_g is None else (ends[0].indicated_g,)
        beyond = tuple(cell.mean - zero for cell, zero in zip(cells, rows[0].zero.counts, strict=True))
        left_g = instrument.reading_g(rows[0]._replace(net=beyond))
    return creep.evaluate(rows[0].load_g, series, left_g)


def steps_g(instrument: Instrument, sorted_: Sorted) -> tuple[tuple[float, float], ...]:
    """Return what was added in the discrimination step, and by how much the reading rose: (added, risen)."""
    rows = sorted_.of("discrimination")
    return tuple(
        (after.load_g - before.load_g, instrument.reading_g(after) - instrument.reading_g(before))
        for before, after in pairwise(rows)
        if 0 < after.load_g - before.load_g <= SMALL_DIVISIONS * instrument.session.division_g
    )
