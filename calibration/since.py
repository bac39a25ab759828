"""What has changed since the calibration before: zeros, noise; and whether new gains are plausible at all."""

from collections.abc import Sequence

from calibration import factory
from calibration.captures import Session
from calibration.mechanics import where
from calibration.model import Calibration
from calibration.results import Finding, Severity

ZERO_WARN, ZERO_FAIL = 0.02, 0.10  # of a cell's rating: investigate, replace (it was overloaded once)
QUIET, NOISY, LOUD = 0.2, 3.0, 6.0  # times the noise at commissioning


def of_cells(session: Session, new: Calibration, prior: Calibration | None) -> list[Finding]:
    """Return what is implausible of new cells, and what has changed of them."""
    found = [
        Finding(
            code="implausible-gain", severity="fail", where=fault.split(":")[0], text=fault, blocks="accept",
            remedy="check the weight that was typed, its unit and decimal point, and which cells are built in",
        )
        for fault in factory.faults(new.cells, session.capacity_g)
    ]  # fmt: skip
    if prior is None or len(prior.cells) != len(new.cells) or not prior.certified:
        return found
    return found + _zeros(session, new, prior) + _noises(session, new.noise_counts, prior.noise_counts)


def _zeros(session: Session, new: Calibration, prior: Calibration) -> list[Finding]:
    findings = []
    for cell, (now, then) in enumerate(zip(new.cells, prior.cells, strict=True)):
        moved_g = abs((now.zero_counts - then.zero_counts) / now.counts_per_g)
        part = moved_g / factory.rated_g(now.counts_per_g)
        if part <= ZERO_WARN:
            continue
        severity: Severity = "warn" if part <= ZERO_FAIL else "fail"
        findings.append(Finding(
            code="zero-shift", severity=severity, where=where(session, len(new.cells), cell), value=part,
            limit=ZERO_WARN if severity == "warn" else ZERO_FAIL, blocks="nothing" if severity == "warn" else "accept",
            text=f"cell {cell + 1}: its zero has moved by {moved_g:.0f} g, {part:.0%} of its rating",
            remedy="see what lies or presses on the empty platform; a cell that was overloaded must be replaced",
        ))  # fmt: skip
    return findings


def _noises(session: Session, now: Sequence[float], then: Sequence[float]) -> list[Finding]:
    findings = []
    for cell, (noise, usual) in enumerate(zip(now, then, strict=False)):
        ratio = noise / usual if usual else 1.0
        if QUIET <= ratio <= NOISY:
            continue
        severity: Severity = "warn" if NOISY < ratio <= LOUD else "fail"
        findings.append(Finding(
            code="noise-change", severity=severity, where=where(session, len(now), cell), value=ratio,
            limit=QUIET if ratio < QUIET else NOISY, blocks="nothing" if severity == "warn" else "accept",
            text=f"cell {cell + 1}: its noise is {ratio:.1f} times what it was at the last calibration",
            remedy="check its cable, plug, supply and converter; look for vibration and draught",
        ))  # fmt: skip
    return findings
