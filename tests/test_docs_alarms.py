"""docs/ALARMS.md lists every alarm that the source can raise, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from station.core.verdict import Reason

ROOT = Path(__file__).resolve().parents[1]
CODE = re.compile(r"[A-Z]{2,}(?:_[A-Z]+)+")
REASONS_THAT_ARE_ALARMS_TOO = {"SCALE_FAULT", "CAMERA_FAULT", "NOT_CALIBRATED"}
NO_ALARMS = {
    *{"CREDENTIALS_DIRECTORY", "JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"},  # environment
    *{"OPENBLAS_NUM_THREADS", "STATION_CONFIG", "XDG_CACHE_HOME"},
    *{"DEFAULT_PATH", "DEFAULT_STATE_DIR", "PER_S"},  # names
    *{"DISK_LOW", "THREAD_ENDED"},  # findings of `cmd/diagnose`
}


def literals() -> Iterator[str]:
    """Every string of the shipped daemon that looks like a code."""
    for path in (ROOT / "station").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                yield node.value


def documented() -> set[str]:
    """The codes in the first column of the tables."""
    lines = (ROOT / "docs" / "ALARMS.md").read_text(encoding="utf-8").splitlines()
    return {code for line in lines if line.startswith("| `") for code in CODE.findall(line.split("|")[1])}


def test_every_alarm_is_explained_and_nothing_else() -> None:
    found, reasons = set(literals()), {str(reason) for reason in get_args(Reason)}
    assert reasons >= REASONS_THAT_ARE_ALARMS_TOO
    assert documented() == found - NO_ALARMS - reasons | REASONS_THAT_ARE_ALARMS_TOO


def test_what_is_declared_to_be_no_alarm_is_still_there() -> None:
    assert NO_ALARMS - set(literals()) == set()


def test_alarms_made_of_named_codes_are_among_them() -> None:
    """The pattern above is wide enough for every code that is given to an alarm by name."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "station").rglob("*.py"))
    given = set(re.findall(r"Alarm\(\s*code=\"([^\"]+)\"", source)) | set(
        re.findall(r"_condition\(\s*\"([^\"]+)", source)
    )
    assert len(given) > 10
    assert given <= documented()
