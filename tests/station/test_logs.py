"""Log lines carry the journal's priority where they go to the journal, and a time where they do not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import structlog
from station import logs
logs.speak()
log = structlog.get_logger()
log.info("verdict", transaction="T-1")
log.warning("alarm raised")
try:
    1 / 0
except ZeroDivisionError as error:
    log.critical("a thread ended by a bug", exc_info=error)
"""


def said(path: Path, journal: str | None) -> list[str]:
    """Run the program with its stderr in a file; `journal` is JOURNAL_STREAM, "own" the file's."""
    with path.open("wb") as file:
        status = os.fstat(file.fileno())
        stream = f"{status.st_dev}:{status.st_ino}" if journal == "own" else journal
        environ = {**os.environ, **({"JOURNAL_STREAM": stream} if stream else {})}
        subprocess.run([sys.executable, "-c", PROGRAM], stderr=file, env=environ, check=True)
    return path.read_text().splitlines()


def test_the_journal_is_told_how_grave_each_line_is(tmp_path: Path) -> None:
    lines = said(tmp_path / "log", "own")
    assert [line[:3] for line in lines] == ["<6>", "<4>", "<2>"]
    assert json.loads(lines[0][3:]) == {"event": "verdict", "transaction": "T-1", "level": "info"}
    assert "ZeroDivisionError: division by zero" in json.loads(lines[2][3:])["exception"]


@pytest.mark.parametrize("journal", [None, "1:2", "nonsense"])
def test_elsewhere_lines_are_json_with_a_time(tmp_path: Path, journal: str | None) -> None:
    first = json.loads(said(tmp_path / "log", journal)[0])
    assert (first["event"], "timestamp" in first) == ("verdict", True)
