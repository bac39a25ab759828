"""A session evaluated: everything from its raw captures, every time anew.

Order: what counts is sorted out; gains come from corners and span; the rest is read through them, which gives
linearity, its correction where one is needed, and then the errors as left. The same readings through the calibration
before are as found. Then everything is held against its threshold. Nothing here applies or stores anything.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from calibration import (
    adjusting,
    composing,
    in_use,
    judging,
    linearity,
    mechanics,
    proving,
    refusals,
    since,
    strays,
    temperature,
)
from calibration.captures import Capture, Session
from calibration.completeness import deviations, of_completeness
from calibration.model import Calibration, Knot
from calibration.placements import Sorted, readings, sort
from calibration.proving import Instrument, Scatter
from calibration.results import (
    CellNoise,
    Decision,
    Evaluation,
    Finding,
    Limits,
    MinimumWeight,
    PointError,
    TemperatureResult,
)

RANK: tuple[Decision, ...] = ("pass", "conditional pass", "conditional fail", "fail")
PROVING = ("linearity", "verify")
SEVERITIES = ("fail", "warn", "pass")
CAUSES = frozenset({
    "saturated", "unstable", "identical-readings", "load-typed", "weight-overdue", "weight-unknown", "no-response",
    "wrong-sign", "cells-exchanged", "loose-foot", "bound-corner", "force-shunt", "weight-inconsistent",
})  # fmt: skip  # told before what they lead to
YEAR_DAYS = 365.0


class _Adjustment(NamedTuple):
    """What adjusting gave: gains, the new calibration, and why there is no correction where one was wanted."""

    adjusted: adjusting.Adjusted | None
    calibration: Calibration | None
    findings: tuple[Finding, ...]


def evaluate(
    session: Session, captures: Sequence[Capture], prior: Calibration | None = None, limits: Limits | None = None
) -> Evaluation:
    """Return all that the captures tell; `prior` is the calibration that was in force when they were taken.

    Never raises for what technicians do: what cannot be computed is None, and a finding says why.
    """
    limits = limits or Limits()
    sorted_ = sort(captures)
    adjustment = _adjust(session, sorted_, prior, limits)
    in_force = adjustment.calibration or prior
    return _prove(session, captures, sorted_, prior, in_force, adjustment, limits)


def _adjust(session: Session, sorted_: Sorted, prior: Calibration | None, limits: Limits) -> _Adjustment:
    if any(capture.indicated_g is not None for capture in sorted_.used):
        return _Adjustment(None, None, ())
    adjusted = adjusting.adjust(session, sorted_, prior)
    bare = composing.compose(session, sorted_, adjusted, prior)
    if bare is None or adjusted is None:
        return _Adjustment(adjusted, bare, ())
    bare = composing.with_temperature(bare, _temperature(sorted_, bare, limits))
    noise_g = adjusted.placing_sd_g
    findings: tuple[Finding, ...] = ()
    if sorted_.of("linearity"):
        knots, rel_sd, findings = _linearity(session, sorted_, bare, adjusted, limits)
        bare = composing.with_linearity(bare, knots, rel_sd)
    straight = Instrument(session, limits, bare)
    corners = proving.corners(straight, sorted_.of("eccentricity"))
    crept = proving.creep_of(straight, sorted_)
    return _Adjustment(adjusted, composing.with_tests(straight.calibration, corners, crept, noise_g), findings)


def _linearity(
    session: Session, sorted_: Sorted, bare: Calibration, adjusted: adjusting.Adjusted, limits: Limits
) -> tuple[tuple[Knot, ...], float, tuple[Finding, ...]]:
    """Return the correction, what it leaves, and the finding where none may be made."""
    up = proving.mean_readings(Instrument(session, limits, bare), sorted_.of("linearity"), "up")
    errors = {load: reading - load for load, reading in sorted(up.items()) if load > 0}
    noise_g = adjusted.placing_sd_g
    knots: tuple[Knot, ...] = ()
    findings: tuple[Finding, ...] = ()
    if len(errors) >= limits.certificate_loads and linearity.needed(
        errors, session.verification_interval_g, limits
    ):  # fmt: skip
        try:
            knots = linearity.knots(errors, session.capacity_g, limits)
        except linearity.LinearityError as error:
            findings = (Finding(
                code="not-linear", severity="fail", where="linearity", blocks="accept", text=str(error),
                remedy="something takes up part of the load: look for a wall, a stop, a cable, or a deck that bends",
            ),)  # fmt: skip
    return knots, linearity.left_rel_sd(list(errors.items()), noise_g, corrected=bool(knots)), findings


def _temperature(sorted_: Sorted, calibration: Calibration, limits: Limits) -> TemperatureResult | None:
    gains = [cell.counts_per_g for cell in calibration.cells]
    zeros = [
        (capture.temperature_c, composing.zero_g(capture, gains))
        for capture in sorted_.zeros
        if capture.temperature_c is not None
    ]
    spans = [
        (row.capture.temperature_c, row.grams([1 / gain for gain in gains]) / row.load_g)
        for row in sorted_.of("span")
        if row.capture.temperature_c is not None
    ]
    return temperature.evaluate(zeros, spans, limits)


def _prove(
    session: Session,
    captures: Sequence[Capture],
    sorted_: Sorted,
    prior: Calibration | None,
    in_force: Calibration | None,
    adjustment: _Adjustment,
    limits: Limits,
) -> Evaluation:
    knows_grams = any(capture.indicated_g is not None for capture in sorted_.used)
    usable = knows_grams or (in_force is not None and _fits(in_force, sorted_))
    now = Instrument(session, limits, None if knows_grams else in_force)
    rows = sorted_.of(*PROVING) or sorted_.of("span")
    placing_g = adjustment.adjusted.placing_sd_g if adjustment.adjusted else _placing_g(now, sorted_)
    repeated = proving.repeatabilities(now, sorted_) if usable else ()
    scatter = proving.scatter_of(repeated, placing_g)
    eccentric = proving.corners(now, sorted_.of("eccentricity") or sorted_.of("corners")) if usable else ()
    worst = max(eccentric, key=lambda result: result.worst_g, default=None)
    as_left = proving.points(now, rows, scatter, worst) if usable else ()
    then = Instrument(session, limits, None if knows_grams else prior)
    found_usable = knows_grams or (prior is not None and _fits(prior, sorted_))
    as_found = proving.points(then, sorted_.of("as-found"), scatter, None) if found_usable else ()
    gains_now = [1.0] if knows_grams or in_force is None else [cell.counts_per_g for cell in in_force.cells]
    result = Evaluation(
        calibration=adjustment.calibration,
        gains=adjustment.adjusted.report if adjustment.adjusted else None,
        as_found=as_found,
        as_left=as_left,
        repeatability=repeated,
        eccentricity=eccentric,
        curve=proving.curve(as_left),
        creep=proving.creep_of(now, sorted_) if usable else None,
        hysteresis=proving.hysteresis_of(now, sorted_.of("linearity")) if usable else None,
        temperature=_temperature(sorted_, in_force, limits) if usable and in_force and not knows_grams else None,
        noise=_noise(sorted_, gains_now) if usable and not knows_grams else (),
        minimum_weight=_minimum(now, as_left, scatter, limits) if usable else None,
        weights=refusals.suitability(session, sorted_.placements, limits),
        span_change=_span_change(sorted_, adjustment.calibration, prior),
        findings=(),
        decision="fail",
        decision_rule=decision_rule(limits),
        deviations=deviations(session, captures),
    )
    findings = [*adjustment.findings, *_findings(now, sorted_, prior, result, gains_now if usable else None)]
    return _decided(result, tuple(findings))


def _findings(
    now: Instrument,
    sorted_: Sorted,
    prior: Calibration | None,
    result: Evaluation,
    counts_per_g: Sequence[float] | None,
) -> list[Finding]:
    """Return everything that is to be said of the session, in the order of doing it."""
    session, limits = now.session, now.limits
    e_g = session.verification_interval_g
    found = refusals.of_captures(sorted_.used, limits)
    found += refusals.of_weights(session, sorted_.placements)
    found += refusals.of_suitability(session, result.weights, limits)
    cells = mechanics.cell_faults(session, (*sorted_.presses, *sorted_.placements), prior, limits)
    found += cells
    if counts_per_g is not None:
        per_count = [1 / gain for gain in counts_per_g]
        found += refusals.of_warm_up(session, sorted_, counts_per_g, limits)
        found += judging.of_noise(result.noise, e_g, limits)
        found += judging.of_zero_steps(session, sorted_.placements, counts_per_g, limits)
        found += judging.of_placing(session, sorted_.of("span"), per_count, limits)
        found += strays.of_overload(session, sorted_, counts_per_g)
        found += [] if cells else _causes(now, sorted_, result, per_count)
    found += judging.of_gains(session, result.gains, limits) if result.gains else []
    found += since.of_cells(session, result.calibration, prior) if result.calibration else []
    found += judging.of_errors(result.as_left, limits)
    found += judging.of_discrimination(session, proving.steps_g(now, sorted_) if counts_per_g is not None else ())
    found += judging.of_corners(result.eccentricity, limits)
    found += judging.of_repeatability(result.repeatability, limits)
    found += judging.of_hysteresis(result.hysteresis, now.mpe_g(session.capacity_g), limits)
    found += judging.of_creep(result.creep, e_g, limits)
    found += judging.of_span_change(result.span_change, limits)
    found += judging.of_linearity(result.calibration)
    found += judging.of_curve(result.curve)
    return found + of_completeness(session, sorted_, result, limits)


def _causes(now: Instrument, sorted_: Sorted, result: Evaluation, g_per_count: Sequence[float]) -> list[Finding]:
    """Return what is wrong with weights or mechanics: the first cause that explains what was seen."""
    limits, e_g = now.limits, now.session.verification_interval_g
    left_g = result.gains.residual_rms_g if result.gains else 0.0
    trusted = result.gains is not None and left_g <= limits.residual_warn_e * e_g
    kappa = (result.gains.kappa or 0.0) if result.gains and trusted else None
    found = mechanics.seating(now.session, sorted_, g_per_count, kappa, limits) or strays.of_weights(now, sorted_)
    found = found or strays.of_side(now, sorted_)
    if not found and left_g > limits.residual_warn_e * e_g:
        found = strays.of_friction(now, sorted_, limits.residual_pass_e * e_g / 2)
    return found or strays.of_low(now, result)


def _decided(result: Evaluation, findings: tuple[Finding, ...]) -> Evaluation:
    """Return the result with its findings and decision: the worst of all errors, or fail where a finding fails."""
    blocked = any(finding.severity == "fail" for finding in findings)
    decisions = [RANK.index(point.decision) for point in result.as_left if point.load_g > 0]
    worst = max(decisions, default=len(RANK) - 1)
    ordered = tuple(
        sorted(findings, key=lambda finding: (SEVERITIES.index(finding.severity), finding.code not in CAUSES))
    )  # fmt: skip
    return msgspec.structs.replace(result, findings=ordered, decision="fail" if blocked else RANK[worst])


def decision_rule(limits: Limits) -> str:
    """Return the rule in words, for the certificate."""
    period = "in service" if limits.in_service else "of a first verification"
    how = "|E| <= MPE - U (guarded acceptance)" if limits.guarded else "|E| <= MPE (simple acceptance)"
    return (
        f"Class III limits {period} (OIML R 76-1), used as acceptance criteria: {how}; within U of the limit a "
        "decision is conditional. U covers about 95 %."
    )


def _fits(calibration: Calibration, sorted_: Sorted) -> bool:
    """Tell whether the calibration is of as many cells as were captured."""
    return bool(sorted_.used) and len(readings(sorted_.used[0])) == len(calibration.cells)


def _placing_g(now: Instrument, sorted_: Sorted) -> float:
    gains = [1.0] if now.calibration is None else [1 / cell.counts_per_g for cell in now.calibration.cells]
    e_g = now.session.verification_interval_g
    fits = bool(sorted_.used) and _cells(sorted_) == len(gains)
    return adjusting.placing_sd_g(sorted_, gains, e_g) if fits else adjusting.PLACING_E * e_g


def _cells(sorted_: Sorted) -> int:
    return len(readings(sorted_.used[0]))


def _noise(sorted_: Sorted, counts_per_g: Sequence[float]) -> tuple[CellNoise, ...]:
    """Return each cell's noise on the empty platform."""
    zeros = [capture for capture in sorted_.zeros if capture.step != "creep"]
    if not zeros:
        return ()
    return tuple(
        CellNoise(noise_counts=noise, noise_g=noise / abs(gain))
        for noise, gain in zip(composing.noise_counts(zeros), counts_per_g, strict=True)
    )


def _span_change(sorted_: Sorted, new: Calibration | None, prior: Calibration | None) -> float | None:
    """Return by how much more the new gains make of the centred loads than those before; None without both."""
    if new is None or prior is None or len(new.cells) != len(prior.cells) or not prior.certified:
        return None
    rows = [row for row in adjusting.adjusting_rows(sorted_) if row.centred]
    before, after = (
        sum(row.grams([1 / cell.counts_per_g for cell in calibration.cells]) for row in rows)
        for calibration in (prior, new)
    )
    return after / before - 1 if before else None


def _minimum(now: Instrument, as_left: Sequence[PointError], scatter: Scatter, limits: Limits) -> MinimumWeight | None:
    """Return the minimum weight by U of a weighing in use, within a year: alpha at zero, beta up to capacity."""
    full_g = now.session.capacity_g
    if now.calibration is not None:
        zero_g, most_g = (2 * now.calibration.sd_g(load, age_days=YEAR_DAYS) for load in (0.0, full_g))
    else:
        zero_g = 2 * math.hypot(now.resolution_g / math.sqrt(6), scatter.sd_g)
        worst = max(as_left, key=lambda point: point.load_g, default=None)
        if worst is None or worst.load_g == 0:
            return None
        most_g = zero_g + (worst.budget.expanded_g + abs(worst.error_g)) * full_g / worst.load_g
    beta = (most_g - zero_g) / full_g
    return in_use.minimum_weight(zero_g, beta, limits.required_rel, limits.safety_factor)
