"""What was measured, beside the acceptance thresholds: one finding each, pass, warn or fail, with what to do."""

from collections.abc import Sequence
from typing import NamedTuple

from calibration import creep
from calibration.captures import Session
from calibration.model import Calibration
from calibration.placements import Placement
from calibration.repeatability import standard_deviation
from calibration.results import (
    Blocks,
    CellNoise,
    Code,
    CreepResult,
    Curve,
    Eccentricity,
    Finding,
    Gains,
    HysteresisResult,
    Limits,
    PointError,
    Repeatability,
    Severity,
)

ROOT_N = 4.5  # of the independent parts of a second of samples: what a 1 s filter takes off the noise
LOOK_CORNERS = "look for what touches or jams the platform, an uneven floor or a load cell mounted skew"


class Threshold(NamedTuple):
    """Up to where something passes, up to where it warns; beyond it fails."""

    passes: float
    warns: float


def graded(value: float, threshold: Threshold) -> Severity:
    """Return how a size stands beside its threshold."""
    if value <= threshold.passes * (1 + 1e-9):
        return "pass"
    return "warn" if value <= threshold.warns * (1 + 1e-9) else "fail"


class Said(NamedTuple):
    """The fixed parts of a finding."""

    code: Code
    where: str
    remedy: str
    blocks: Blocks = "certificate"


def judge(said: Said, text: str, value_g: float, threshold: Threshold, unit: str = "g") -> Finding:
    """Return the finding of a size beside its threshold."""
    severity = graded(value_g, threshold)
    return Finding(
        code=said.code,
        severity=severity,
        where=said.where,
        text=text,
        remedy="" if severity == "pass" else said.remedy,
        blocks=said.blocks if severity == "fail" else "nothing",
        value=value_g,
        limit=threshold.passes if severity == "pass" else threshold.warns,
        unit=unit,
    )


def of_noise(noise: Sequence[CellNoise], interval_g: float, limits: Limits) -> list[Finding]:
    """Judge the noise of the sum, as a second's filter leaves it."""
    if not noise:
        return []
    sum_g = sum(cell.noise_g**2 for cell in noise) ** 0.5 / ROOT_N
    said = Said("noise", "sum", "look for draught, vibration, a supply that hums, or a damaged cable", "accept")
    limit = Threshold(limits.noise_pass_e * interval_g, limits.noise_warn_e * interval_g)
    return [judge(said, f"the noise of a second's mean is {sum_g:.2g} g", sum_g, limit)]


def of_zero_steps(
    session: Session, placements: Sequence[Placement], counts_per_g: Sequence[float], limits: Limits
) -> list[Finding]:
    """Judge how far zero moved around one load, the worst of each step."""
    e_g = session.verification_interval_g
    worst: dict[str, tuple[float, int]] = {}
    for row in placements:
        moved_g = abs(sum(step / gain for step, gain in zip(row.zero.step_counts, counts_per_g, strict=True)))
        if row.capture.step != "creep":
            worst[row.capture.step] = max(worst.get(row.capture.step, (0.0, 0)), (moved_g, row.capture.number))
    limit = Threshold(limits.drift_pass_e * e_g, limits.drift_warn_e * e_g)
    return [
        judge(
            Said("zero-drift", step, "wait for the zero to stand still, see that nothing binds, and repeat the step"),
            f"zero moved by {moved_g:.2g} g around capture {number}", moved_g, limit,
        )
        for step, (moved_g, number) in worst.items()
    ]  # fmt: skip


def of_gains(session: Session, found: Gains, limits: Limits) -> list[Finding]:
    """Judge residuals and the spread of the gains, and say what a short rank means."""
    e_g = session.verification_interval_g
    findings = [judge(
        Said("residual", "corners", f"{LOOK_CORNERS}, then repeat the corner loads", "accept"),
        f"loads fit one set of gains within {found.residual_rms_g:.2g} g rms", found.residual_rms_g,
        Threshold(limits.residual_pass_e * e_g, limits.residual_warn_e * e_g),
    )]  # fmt: skip
    if len(found.counts_per_g) > 1:
        findings.append(_spread(found, limits))
    if found.rank < len(found.counts_per_g):
        findings.append(Finding(
            code="rank", severity="pass", where="corners", value=float(found.rank), unit="directions",
            text=f"the loads tell {found.rank} of {len(found.counts_per_g)} directions of the gains: the deck is "
            "rigid, or no corners were loaded; sums are right, but calibrate again when feet or cells were moved",
        ))  # fmt: skip
    return findings


def _spread(found: Gains, limits: Limits) -> Finding:
    sizes = [abs(gain) for gain in found.counts_per_g]
    middle = sum(sizes) / len(sizes)
    odd = max(range(len(sizes)), key=lambda cell: abs(sizes[cell] / middle - 1))
    unsure = max(found.rel_sd)
    text = f"the sensitivity of cell {odd + 1} is {found.spread:.1%} off the mean of all, the others' less"
    sure = found.spread - 2 * unsure > limits.spread_warn or found.spread <= limits.spread_warn
    severity: Severity = "fail" if found.spread > limits.spread_fail and sure else graded(
        found.spread, Threshold(limits.spread_pass, 1.0)
    )  # fmt: skip
    return Finding(
        code="gain-spread", severity=severity, where=f"cell {odd + 1}", text=text, value=found.spread,
        limit=limits.spread_fail if severity == "fail" else limits.spread_pass, unit="",
        blocks="accept" if severity == "fail" else "nothing",
        remedy="" if severity == "pass" else f"at cell {odd + 1}: {LOOK_CORNERS}; do not trim such a difference away",
    )  # fmt: skip


def of_errors(points: Sequence[PointError], limits: Limits) -> list[Finding]:
    """Judge errors of indication at each load, and their uncertainty at the heaviest."""
    findings = []
    for point in points:
        if point.load_g == 0:
            continue
        where = f"{point.load_g / 1000:g} kg" + "".join(
            f" {word}" for word in (point.position, point.direction) if word
        )
        limit = Threshold(limits.error_pass_mpe * point.mpe_g, limits.error_warn_mpe * point.mpe_g)
        said = Said("error", where, "adjust the span, look for what touches the platform, then verify again")
        text = f"reads {point.error_g:+.2f} g off, U = {point.budget.expanded_g:.2f} g, limit {point.mpe_g:g} g"
        findings.append(judge(said, text, abs(point.error_g), limit))
    if points:
        heaviest = max(points, key=lambda point: point.load_g)
        limit = Threshold(limits.uncertainty_pass_mpe * heaviest.mpe_g, limits.uncertainty_warn_mpe * heaviest.mpe_g)
        said = Said(
            "uncertainty", f"{heaviest.load_g / 1000:g} kg", "use better or fewer weights, and repeat more often"
        )
        text = f"U = {heaviest.budget.expanded_g:.2f} g beside a limit of {heaviest.mpe_g:g} g"
        findings.append(judge(said, text, heaviest.budget.expanded_g, limit))
    return findings


def of_corners(results: Sequence[Eccentricity], limits: Limits) -> list[Finding]:
    """Judge every position of every eccentricity test."""
    findings = []
    for result in results:
        tight_g = max(min(limits.error_pass_mpe * result.mpe_g, limits.corner_rel * result.load_g), 2 * result.sd_g)
        for row in result.rows:
            off_g = abs(row.difference_g)
            said = Said(
                "corner-error", row.position, f"calibrate the corners again; if that does not help, {LOOK_CORNERS}"
            )
            text = f"{row.position} reads {row.difference_g:+.2f} g beside the centre at {result.load_g / 1000:g} kg"
            findings.append(judge(said, text, off_g, Threshold(tight_g, max(result.mpe_g, tight_g))))
    return findings


def of_repeatability(results: Sequence[Repeatability], limits: Limits) -> list[Finding]:
    """Judge the range of each repeatability test."""
    return [
        judge(
            Said("repeatability", f"{result.load_g / 1000:g} kg",
                 "look for loose feet, friction, draught, or a load put down differently each time"),
            f"{len(result.readings_g)} placements lie within {result.range_g:.2f} g, s = {result.sd_g:.2f} g",
            result.range_g, Threshold(limits.error_pass_mpe * result.mpe_g, limits.error_warn_mpe * result.mpe_g),
        )
        for result in results
    ]  # fmt: skip


def of_placing(
    session: Session, rows: Sequence[Placement], g_per_count: Sequence[float], limits: Limits
) -> list[Finding]:
    """Judge how far placements of the span load differ."""
    groups: dict[float, list[float]] = {}
    for row in rows:
        groups.setdefault(row.load_g, []).append(row.grams(g_per_count))
    e_g = session.verification_interval_g
    limit = Threshold(limits.placement_pass_e * e_g, limits.placement_warn_e * e_g)
    remedy = "put the load down at the same place, gently, and repeat"
    findings = []
    for load, values in groups.items():
        apart_g = max(values) - min(values)
        if len(values) > 1:
            text = f"{len(values)} placements differ by {apart_g:.2f} g, s = {standard_deviation(values):.2f} g"
            findings.append(judge(Said("placement", f"{load / 1000:g} kg", remedy, "accept"), text, apart_g, limit))
    return findings


def of_hysteresis(result: HysteresisResult | None, mpe_g: float, limits: Limits) -> list[Finding]:
    """Judge the difference between coming down and going up."""
    if result is None:
        return []
    said = Said("hysteresis", "linearity", "look for friction: a cable, dirt, a skirt or a stop that touches")
    text = f"loads coming down read {result.worst_g:+.2f} g more than going up at most"
    limit = Threshold(limits.error_pass_mpe * mpe_g, limits.error_warn_mpe * mpe_g)
    return [judge(said, text, abs(result.worst_g), limit)]


def of_creep(result: CreepResult | None, interval_g: float, limits: Limits) -> list[Finding]:
    """Judge creep over its half hour (or short form) and the zero after it."""
    if result is None:
        return []
    full = result.late_change_g is not None
    most_e = limits.creep_30_e if full else limits.creep_short_e
    sizes: list[tuple[Code, float, float, str]] = [("creep", result.change_g, most_e, f"in {result.minutes:.0f} min")]
    if result.late_change_g is not None:
        sizes.append(("creep-late", result.late_change_g, limits.creep_15_30_e, "from the 15th to the 30th minute"))
    if result.zero_return_g is not None:
        sizes.append(("zero-return", result.zero_return_g, limits.zero_return_e, "at zero afterwards"))
    return [
        Finding(
            code=code, severity="pass" if creep.within(change, most, interval_g) else "fail", where="creep",
            text=f"{change:+.2f} g {when}", value=abs(change), limit=most * interval_g, unit="g",
            remedy="" if creep.within(change, most, interval_g) else
            "repeat it at a steady temperature; if it stays, a load cell or its mounting is not good enough",
            blocks="nothing" if creep.within(change, most, interval_g) else "certificate",
        )
        for code, change, most, when in sizes
    ]  # fmt: skip


def of_span_change(change: float | None, limits: Limits) -> list[Finding]:
    """Judge how far the span is from that of the last calibration."""
    if change is None:
        return []
    severity: Severity = graded(abs(change), Threshold(limits.span_change_pass, limits.span_change_fail))
    return [Finding(
        code="span-change", severity=severity, where="span", value=abs(change),
        limit=limits.span_change_pass if severity == "pass" else limits.span_change_fail, unit="",
        text=f"the span has changed by {change:+.3%} since the last calibration",
        remedy="" if severity == "pass" else
        "check the weight that lay there and what was typed; was the station moved, or a cell or cable changed?",
        blocks="certificate" if severity == "fail" else "nothing",
    )]  # fmt: skip


def of_linearity(calibration: Calibration | None) -> list[Finding]:
    """Say what a linearity correction does, and that errors at its own loads prove nothing of it."""
    if calibration is None or not calibration.linearity:
        return []
    most_g = max(abs(knot.correction_g) for knot in calibration.linearity)
    return [Finding(
        code="corrected", severity="pass", where="linearity", value=most_g, unit="g",
        text=f"a correction of up to {most_g:.1f} g straightens the line; errors at the loads that it was made from "
        "are what it leaves there: other loads prove it",
    )]  # fmt: skip


def of_curve(found: Curve | None) -> list[Finding]:
    """Say whether a straight line through zero fits the errors; where it does not, no correction may come of it."""
    if found is None:
        return []
    text = f"errors follow {found.slope:+.2e} of the load (chi-square {found.chi2:.1f}, limit {found.chi2_limit:.1f})"
    return [Finding(code="curve", severity="pass" if found.accepted else "warn", where="linearity", text=text)]


def of_discrimination(session: Session, steps: Sequence[tuple[float, float]]) -> list[Finding]:
    """Judge whether 1.4 divisions more change the reading by one (OIML R 76-1 3.8.2)."""
    findings = []
    for added_g, risen_g in steps:
        answers = risen_g >= session.division_g * (1 - 1e-9)
        findings.append(Finding(
            code="discrimination", severity="pass" if answers else "fail", where="discrimination", value=risen_g,
            limit=session.division_g, unit="g", blocks="nothing" if answers else "certificate",
            text=f"{added_g:g} g more raise the reading by {risen_g:.2f} g",
            remedy="" if answers else "look for friction: a cable, dirt, a skirt or a stop that touches",
        ))  # fmt: skip
    return findings
