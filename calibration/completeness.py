"""What a certificate needs and a session lacks: loads, repeats, corners, a span heavy enough; and what was skipped."""

from collections.abc import Sequence
from typing import Literal

from calibration.captures import Capture, Session
from calibration.finding_words import place
from calibration.placements import Sorted
from calibration.results import Code, Evaluation, Finding, Limits

WORDS = {
    "en": ("skipped", "captures repeated", "override"),
    "de": ("ausgelassen", "Aufnahmen wiederholt", "hingenommen"),
}


def deviations(session: Session, captures: Sequence[Capture], language: Literal["en", "de"] = "en") -> tuple[str, ...]:
    """Return what was done otherwise than planned: steps skipped with their reasons, captures repeated, overrides."""
    left_out, again, override = WORDS[language]
    skipped = [
        f"{place(' '.join(filter(None, (capture.step, capture.position))), language)} {left_out}: {capture.skipped}"
        for capture in captures
        if capture.skipped is not None
    ]
    repeated = [capture.replaces for capture in captures if capture.replaces is not None]
    words = [f"{again}: {', '.join(map(str, repeated))}"] if repeated else []
    return (*skipped, *words, *(f"{override}: {reason}" for reason in session.overrides))


def of_completeness(session: Session, sorted_: Sorted, result: Evaluation, limits: Limits) -> list[Finding]:
    """Return what stands in the way of a certificate though nothing is wrong with it."""
    if session.kind == "single":
        return []
    found = _span(session, sorted_, limits)
    loads = {point.load_g for point in result.as_left if point.load_g > 0 and point.position is None}
    if len(loads) < limits.certificate_loads:
        found.append(
            _lacking("few-loads", "linearity", f"errors are known at {len(loads)} loads", "weigh three or more")
        )
    repeats = max((len(test.readings_g) for test in result.repeatability), default=0)
    if repeats < limits.certificate_repeats:
        text = f"{repeats} placements of one load were made"
        found.append(_lacking("few-repeats", "repeatability", text, "put one load down three times or more"))
    if not result.eccentricity:
        found.append(_lacking("no-corners", "eccentricity", "no load stood at the corners", "weigh at every corner"))
    return found


def _span(session: Session, sorted_: Sorted, limits: Limits) -> list[Finding]:
    """Judge the heaviest load that adjusting or proving used."""
    rows = sorted_.of("span", "linearity", "verify")
    heaviest_g = max((row.load_g for row in rows), default=0.0)
    part = heaviest_g / session.capacity_g
    if part >= limits.span_load_pass:
        return []
    text = f"the heaviest load was {heaviest_g / 1000:g} kg, {part:.0%} of {session.capacity_g / 1000:g} kg"
    remedy = "use more weights, or substitution loads: two thirds of capacity is good, a third the least"
    if part >= limits.span_load_warn:
        return [Finding(
            code="span-light", severity="warn", where="span", text=text, remedy=remedy, value=part,
            limit=limits.span_load_pass,
        )]  # fmt: skip
    return [Finding(
        code="span-light", severity="fail", where="span", text=text, remedy=remedy, blocks="certificate", value=part,
        limit=limits.span_load_warn,
    )]  # fmt: skip


def _lacking(code: Code, where: str, text: str, remedy: str) -> Finding:
    return Finding(code=code, severity="fail", where=where, text=text, remedy=remedy, blocks="certificate")
