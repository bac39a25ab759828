"""How reports are shown: lines and TOML for people, values for programs, progress on a terminal."""

import sys
from collections.abc import Iterable
from typing import Any

import msgspec

from station.doctor.findings import Finding, failed, line
from station.doctor.probing import Report
from station.doctor.suggesting import Suggestion

_BEGIN_LINE = "\r\x1b[K"


def findings_text(findings: Iterable[Finding]) -> str:
    """Return findings, a line each."""
    return "".join(f"{line(finding)}\n" for finding in findings)


def report_text(report: Report) -> str:
    """Return a probe's report: findings, then what to paste."""
    text = findings_text(report.findings)
    sure = [suggestion for suggestion in report.suggestions if suggestion.sure]
    maybe = [suggestion for suggestion in report.suggestions if not suggestion.sure]
    if sure:
        text += "\n# to paste into the configuration; what stands behind DECIDE only you can know\n"
        text += "\n".join(suggestion.toml for suggestion in sure)
    if maybe:
        text += "\n# only if something is wired there:\n"
        text += "\n".join(_as_comment(suggestion.toml) for suggestion in maybe)
    return text


def findings_json(findings: Iterable[Finding]) -> dict[str, Any]:
    """Return findings as a value for JSON."""
    found = list(findings)
    return {"ok": not failed(found), "findings": found}


def report_json(report: Report) -> dict[str, Any]:
    """Return a probe's report as a value for JSON."""
    finds = {name: msgspec.to_builtins(getattr(report, name)) for name in ("serial", "i2c", "iio", "spi", "gpio")}
    return {
        **findings_json(report.findings),
        "found": finds,
        "suggestions": [_suggestion_json(suggestion) for suggestion in report.suggestions],
    }


def _suggestion_json(suggestion: Suggestion) -> dict[str, Any]:
    value: dict[str, Any] = msgspec.to_builtins(suggestion)
    instead = [_suggestion_json(other) for other in suggestion.instead]
    return {**value, "instead": instead, "toml": suggestion.toml}


def _as_comment(text: str) -> str:
    return "".join(f"# {row}\n" if not row.startswith("#") else f"{row}\n" for row in text.splitlines())


class Progress:
    """One line on the terminal that is written over and over; nothing where stderr is no terminal."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown

    def tell(self, text: str) -> None:
        """Show what is being done."""
        if self._shown:
            sys.stderr.write(f"{_BEGIN_LINE}{text[:110]}")
            sys.stderr.flush()

    def end(self) -> None:
        """Wipe the line."""
        if self._shown:
            sys.stderr.write(_BEGIN_LINE)
            sys.stderr.flush()
