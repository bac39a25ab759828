"""What an examination says: one finding a line, with its evidence and its remedy."""

import enum
from collections.abc import Iterable

import msgspec


class Severity(enum.StrEnum):
    """How grave a finding is."""

    OK = "ok"
    INFO = "info"  # worth knowing, nothing to do
    WARNING = "warning"  # the station works, with less than it could have
    ERROR = "error"  # the station cannot do its work so


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding: the part examined, what was seen, and what helps where something should be done."""

    part: str
    severity: Severity
    evidence: str
    remedy: str = ""


def failed(findings: Iterable[Finding]) -> bool:
    """Tell whether any finding is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def line(finding: Finding) -> str:
    """Return a finding as one line."""
    text = f"{finding.severity:<8}{finding.part}: {finding.evidence}"
    if finding.remedy:
        text += f" -> {finding.remedy}"
    return " ".join(text.splitlines())
