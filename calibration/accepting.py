"""From a session to the calibration in force: evaluated from its raw captures, judged, stored, and only on demand."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from calibration import finding_words, sessions, store
from calibration.certificate_facts import Words, rule
from calibration.evaluation import evaluate
from calibration.model import Calibration
from calibration.record import CalibrationError, Record, Signer, Summary, new_record
from calibration.results import Evaluation, Finding, Limits
from calibration.sessions import SessionFile
from calibration.texts import Language, mass, say


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

    Raises `CalibrationError` where something forbids it; `refusal` says what.
    """
    head = session.session
    if (why := refusal(session, result)) is not None:
        raise CalibrationError(why)
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


def refusal(session: SessionFile, result: Evaluation, language: Language = "en") -> str | None:
    """Return the first reason why nothing may be applied, None where all is well."""
    reasons = [finding for finding in result.findings if finding.severity == "fail" and finding.blocks == "accept"]
    if reasons:
        why = finding_words.sentence(reasons[0], language)
        why += say(language, "more", count=len(reasons) - 1) if len(reasons) > 1 else ""
    elif result.calibration is not None or result.as_left:  # grams, or a verification: nothing to apply, but proved
        return None
    else:
        in_grams = any(capture.indicated_g is not None for capture in session.captures)
        why = say(language, "lacks_loads" if in_grams else "lacks_steps")
    return say(language, "refused", session=session.session.session_id, why=why)


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
    words = Words(language)
    found = [f"  {severity(finding, language)} {finding_words.sentence(finding, language)}" for finding in shown]
    if result.as_left:
        found.append(say(language, "errors_head"))
    for point in sorted(result.as_left, key=lambda point: (point.load_g, point.direction or "")):
        u = f"±{mass(point.budget.expanded_g, language)} ({point.budget.k:.2f})"
        error = f"{'+' if point.error_g >= 0 else ''}{mass(point.error_g, language)}"
        limit = f"±{mass(point.mpe_g, language)}"
        decided = words(f"decision.{point.decision}")
        found.append(f"  {mass(point.load_g, language, 0):>10} {error:>12}   {u:<18} {limit:<9} {decided}")
    if result.gains is not None:
        gains = ", ".join(f"{gain:.3f}" for gain in result.gains.counts_per_g)
        spread = words.percent(result.gains.spread)
        found.append(say(language, "gains", gains=gains, spread=spread, rank=result.gains.rank))
    found.append(f"  {words(f'decision.{result.decision}')}: {rule(Limits(), words)}")
    return found


def severity(finding: Finding, language: Language) -> str:
    """Return how grave a finding is, for the beginning of a line."""
    return say(language, f"severity.{finding.severity}")


def open_session(state_dir: Path, scale: int) -> SessionFile:
    """Return the open session; `CalibrationError` where there is none."""
    found = sessions.find_open(state_dir, scale)
    if found is None:
        raise CalibrationError(f"scale {scale} has no open session: begin with `calibrate run`")
    return found
