"""What makes captures or weights useless, whatever they say of the platform: refused, with what to do about it.

Saturated, unstable, without any change, typed ten-fold, taken before the electronics were warm; test weights that are
unknown, unsuitable or overdue. An override is recorded in the session; then the finding warns and is printed.
"""

from collections.abc import Sequence

from calibration import weights
from calibration.captures import Capture, Session
from calibration.composing import zero_g
from calibration.limits import mpe_g
from calibration.placements import Placement, Sorted, readings
from calibration.results import Code, Finding, Limits, WeightCheck
from calibration.temperature import slope

FULL_SCALE_COUNTS = (1 << 23) - 1
IDENTICAL_LEAST = 10  # samples in which some noise must show
WARM_UP_S = 300.0
WARM_UP_WATCH_NS = 60_000_000_000
WARM_UP_SDS = 3.0
TYPED_REL = 0.01


def of_captures(used: Sequence[Capture], limits: Limits) -> list[Finding]:
    """Return what is wrong with single captures."""
    found: list[Finding] = []
    for capture in used:
        where = f"capture {capture.number}, {capture.step}" + (f" {capture.position}" if capture.position else "")
        pressed = capture.step == "diagnose" and capture.position not in {None, "C"}
        if pressed or capture.step == "exercise":
            continue
        if not capture.stable and capture.step != "creep":
            found.append(_refused(
                "unstable", where, "the reading was not stable",
                "wait until nothing moves, look for draught, a person leaning, or vibration, and repeat it",
            ))  # fmt: skip
        found.extend(_of_cells(capture, where, limits))
    return found


def _of_cells(capture: Capture, where: str, limits: Limits) -> list[Finding]:
    """Return cells at the end of their converter's range, and cells that repeat themselves."""
    if capture.indicated_g is not None:
        return []
    found = []
    edge = (1 - limits.saturated) * FULL_SCALE_COUNTS
    for channel, cell in enumerate(capture.cells, 1):
        at = f"{where}, cell {channel}"
        if cell.high >= edge or cell.low <= -edge:
            found.append(_refused(
                "saturated", at, f"cell {channel} is at the end of its converter's range",
                "check that no wire is open and the load is not too heavy; a lower gain may be needed",
            ))  # fmt: skip
        elif cell.n >= IDENTICAL_LEAST and cell.distinct < limits.distinct_least:
            found.append(_refused(
                "identical-readings", at, f"cell {channel} gave {cell.distinct} different values in {cell.n} samples",
                "a live cell always shows some noise: check its supply, its cable and its converter",
            ))  # fmt: skip
    return found


def of_weights(session: Session, placements: Sequence[Placement]) -> list[Finding]:
    """Return weights that are overdue or unknown, and loads that were typed wrong."""
    used = {name for row in placements for name in row.capture.weights}
    late = [
        weight for weight in session.weights if weight.weight_id in used and weights.overdue(weight, session.created)
    ]
    found = [
        _overridable(
            session, "weight-overdue", weight.weight_id,
            f"test weight {weight.weight_id} was due for calibration on {weight.due}",
            "use a weight whose certificate is in date",
        )
        for weight in late
    ]  # fmt: skip
    strange = sorted(used - {weight.weight_id for weight in session.weights})
    remedy = "name it with its nominal value and class or certificate"
    found += [_refused("weight-unknown", name, f"nobody told what test weight {name} is", remedy) for name in strange]
    return found + _typed(session, placements)


def _typed(session: Session, placements: Sequence[Placement]) -> list[Finding]:
    """Return loads that do not fit the weights named for them."""
    nominal = {weight.weight_id: weights.mass_g(weight) for weight in session.weights}
    found = []
    for row in placements:
        named = [nominal[name] for name in row.capture.weights if name in nominal]
        if len(named) != len(row.capture.weights) or not named:
            continue
        if abs(row.load_g / sum(named) - 1) > TYPED_REL:
            power = weights.recognise(row.load_g, named)
            factor = f"{row.load_g / sum(named):g} times" if power else "not"
            found.append(_refused(
                "load-typed", f"capture {row.capture.number}, {row.capture.step}",
                f"{row.load_g:g} g was entered, which is {factor} the {sum(named):g} g of the weights named",
                "check the unit and the decimal point, or which weights lay there, and repeat it",
            ))  # fmt: skip
    return found


def suitability(session: Session, placements: Sequence[Placement], limits: Limits) -> WeightCheck | None:
    """Return how well the weights of the heaviest load are known beside the limit there."""
    known = {weight.weight_id: weight for weight in session.weights}
    heavy = [row for row in placements if row.capture.weights and all(name in known for name in row.capture.weights)]
    if not heavy:
        return None
    row = max(heavy, key=lambda row: row.load_g)
    total_g = weights.total_tolerance_g([known[name] for name in row.capture.weights])
    limit_g = mpe_g(row.load_g, session.verification_interval_g, in_service=limits.in_service)
    part = None if total_g is None else total_g / limit_g
    return WeightCheck(load_g=row.load_g, tolerance_g=total_g, mpe_g=limit_g, part=part)


def of_suitability(session: Session, check: WeightCheck | None, limits: Limits) -> list[Finding]:
    """Return whether the weights are known well enough."""
    if check is None:
        return [Finding(
            code="weights-unnamed", severity="warn" if session.kind == "single" else "fail", where="weights",
            blocks="certificate",
            text="no load names the test weights that made it",
            remedy="name the weights with class or certificate: without them nothing can be traced",
        )]  # fmt: skip
    if check.tolerance_g is None or check.part is None:
        return [_overridable(
            session, "weights-unsuitable", "weights", "a test weight has neither a class nor a certificate",
            "use weights of a class of OIML R 111, or with a certificate",
        )]  # fmt: skip
    at = f"{check.load_g / 1000:g} kg"
    text = f"the weights are known within {check.tolerance_g:.2g} g; the limit at {at} is {check.mpe_g:g} g"
    if check.part > limits.weights_warn_mpe * (1 + 1e-9):
        return [_overridable(session, "weights-unsuitable", "weights", text, "use weights of a better class")]
    fine = check.part <= limits.weights_pass_mpe * (1 + 1e-9)
    return [Finding(
        code="weights", severity="pass" if fine else "warn", where="weights", text=text,
        value=check.part, limit=limits.weights_pass_mpe, unit="mpe",
    )]  # fmt: skip


def of_warm_up(session: Session, sorted_: Sorted, counts_per_g: Sequence[float], limits: Limits) -> list[Finding]:
    """Return whether zero still runs away: its slope over the session, where it is beyond its own scatter."""
    zeros = [capture for capture in sorted_.zeros if capture.step != "creep" and len(readings(capture))]
    began = [capture for n, capture in enumerate(zeros) if n == 0 or capture.start_ns > zeros[n - 1].start_ns]
    if len(began) != len(zeros) or not zeros or zeros[-1].start_ns - zeros[0].start_ns < WARM_UP_WATCH_NS:
        return []
    times_s = [capture.start_ns / 1e9 for capture in zeros]
    found = slope(times_s, [zero_g(capture, counts_per_g) for capture in zeros])
    if found is None:
        return []
    drift_g, sd_g = (WARM_UP_S * value for value in found)
    limit_g = limits.warm_up_e * session.verification_interval_g
    if abs(drift_g) - WARM_UP_SDS * sd_g <= limit_g:
        return [Finding(
            code="warm-up", severity="pass", where="zero", text=f"zero drifts by {drift_g:+.2f} g in five minutes",
            value=abs(drift_g), limit=limit_g, unit="g",
        )]  # fmt: skip
    return [_overridable(
        session, "not-warmed-up", "zero", f"zero drifts by {drift_g:+.2f} g in five minutes (limit {limit_g:g} g)",
        "leave the electronics on for half an hour, keep draught and sun away, then begin again",
    )]  # fmt: skip


def _refused(code: Code, where: str, text: str, remedy: str) -> Finding:
    return Finding(code=code, severity="fail", where=where, text=text, remedy=remedy, blocks="accept")


def _overridable(session: Session, code: Code, where: str, text: str, remedy: str) -> Finding:
    """Return a refusal, or a warning where the session recorded that somebody overrode it."""
    if overridden(session, code, where):
        return Finding(code=code, severity="warn", where=where, text=f"{text}; overridden", remedy=remedy)
    return _refused(code, where, text, remedy)


def overridden(session: Session, code: str, where: str) -> bool:
    """Tell whether an override names this finding: its code, or code:where, with a reason after a space."""
    names = {text.split(" ", 1)[0].rstrip(":") for text in session.overrides}
    return code in names or f"{code}:{where}" in names
