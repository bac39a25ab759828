"""From a session to the calibration in force: evaluated from its raw captures, judged, stored, and only on demand."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from calibration import sessions, store
from calibration.evaluation import evaluate
from calibration.model import Calibration
from calibration.record import CalibrationError, Record, Signer, Summary, new_record
from calibration.results import Evaluation, Finding
from calibration.sessions import SessionFile
from calibration.texts import Language, mass


def prior_of(state_dir: Path, scale: int) -> Calibration | None:
    """Return the calibration in force, None where there is none that can be used."""
    try:
        record = store.load(state_dir, scale)
    except CalibrationError:
        return None
    return None if record is None else record.calibration


def evaluated(session: SessionFile) -> Evaluation:
    """Return what a session has shown so far."""
    return evaluate(session.session, session.captures, session.prior)


def accept(
    state_dir: Path, session: SessionFile, result: Evaluation, signer: Signer, now: datetime, due_days: int
) -> Record | None:
    """Put the session's calibration into force and close it; None where there is nothing to apply.

    Raises `CalibrationError` where something forbids it.
    """
    head = session.session
    nothing_to_apply = result.calibration is None and bool(result.as_left)  # grams, or a verification
    if not result.may_accept or (result.calibration is None and not nothing_to_apply):
        raise CalibrationError(f"session {head.session_id} cannot be accepted: {refusal(result)}")
    stamp = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    record = None
    if result.calibration is not None:
        record = new_record(
            msgspec.structs.replace(result.calibration, certified=result.may_certify),
            "procedure",
            now,
            hardware=head.hardware,
            session_id=head.session_id,
            captures_sha256=session.sha256(),
            summary=summary(result, head.overrides),
            operator=head.operator,
            due=now.date() + timedelta(days=due_days),
            signer=signer,
        )
        store.save(state_dir, head.scale, record)
    session.end("accepted", stamp)
    return record


def refusal(result: Evaluation) -> str:
    """Return the first reason why nothing may be applied."""
    reasons = [finding for finding in result.findings if finding.severity == "fail" and finding.blocks == "accept"]
    if reasons:
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        return f"{reasons[0].text}; {reasons[0].remedy}{more}"
    return "zero, corners and span are needed for a calibration; go on with `calibrate run`"


def summary(result: Evaluation, overrides: tuple[str, ...]) -> Summary:
    """Return what a record keeps of the evaluation."""
    heaviest = max(result.as_left, key=lambda point: point.load_g, default=None)
    least = result.minimum_weight
    return Summary(
        decision=result.decision,
        greatest_error_g=max((abs(point.error_g) for point in result.as_left), default=None),
        expanded_at_capacity_g=None if heaviest is None else heaviest.budget.expanded_g,
        coverage_k=None if heaviest is None else heaviest.budget.k,
        minimum_weight_g=None if least is None else least.weight_g,
        checks=_worst_by_code(result.findings),
        overrides=overrides,
    )


def _worst_by_code(findings: tuple[Finding, ...]) -> dict[str, str]:
    order = ("pass", "warn", "fail")
    found: dict[str, str] = {}
    for finding in findings:
        if order.index(finding.severity) >= order.index(found.get(finding.code, "pass")):
            found[finding.code] = finding.severity
    return found


def lines(result: Evaluation, language: Language, *, all_of_them: bool = False) -> list[str]:
    """Return an evaluation for people: what was found, the errors as left, the decision."""
    shown = [f for f in result.findings if all_of_them or f.severity != "pass"]
    found = [f"  {finding.severity.upper():4} {_sentence(finding)}" for finding in shown]
    if result.as_left:
        found.append("  load            error        U (k)          limit")
    for point in sorted(result.as_left, key=lambda point: (point.load_g, point.direction or "")):
        u = f"±{mass(point.budget.expanded_g, language)} ({point.budget.k:.2f})"
        error = f"{'+' if point.error_g >= 0 else ''}{mass(point.error_g, language)}"
        limit = f"±{mass(point.mpe_g, language)}"
        found.append(f"  {mass(point.load_g, language, 0):>10} {error:>12}   {u:<18} {limit:<9} {point.decision}")
    if result.gains is not None:
        gains = ", ".join(f"{gain:.3f}" for gain in result.gains.counts_per_g)
        found.append(f"  gains {gains} counts/g, spread {result.gains.spread:.2%}, rank {result.gains.rank}")
    found.append(f"  {result.decision}: {result.decision_rule}")
    return found


def _sentence(finding: Finding) -> str:
    where = "" if finding.text.startswith(finding.where) else f"{finding.where}: "
    return f"{where}{finding.text}; {finding.remedy}" if finding.remedy else f"{where}{finding.text}"


def open_session(state_dir: Path, scale: int) -> SessionFile:
    """Return the open session; `CalibrationError` where there is none."""
    found = sessions.find_open(state_dir, scale)
    if found is None:
        raise CalibrationError(f"scale {scale} has no open session: begin with `calibrate run`")
    return found
