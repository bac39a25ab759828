"""`calibrate run --simulate` as a technician sees it, on a terminal of 80 by 24."""

from pathlib import Path

import pytest

from calibration import sessions, store
from tests.support.screen import COLUMNS, ROWS, Terminal, program

pytestmark = pytest.mark.timeout(180)
QUICK = ("--kind", "routine", "--speed", "60", "--creep-minutes", "0", "--repeats", "2")
KIT = ("--operator", "Anna", "--weights", "2x20kg M1; 1x10kg M1; 1x5kg M1", "--cell-rating", "20kg")


def calibrate(state: Path, *arguments: str, **environment: str) -> Terminal:
    command = (program("calibrate"), "run", "--simulate", "--state", str(state), *QUICK, *arguments)
    return Terminal(command, {"LANG": "C.UTF-8", **environment})


def test_from_the_first_question_to_the_calibration_in_force(tmp_path: Path) -> None:
    with calibrate(tmp_path) as terminal:
        terminal.wait("Your name")
        terminal.type("Anna\n")
        terminal.wait("Your test weights")
        terminal.type("20 + what\n")
        terminal.wait("has no unit")
        terminal.type("2x20kg M1; 1x10kg M1; 1x5kg M1\n")
        terminal.wait("Rating of one load cell")
        terminal.type("\n")
        terminal.wait("Is the platform empty?")
        assert "Take everything off" in terminal.text
        assert "step 1/" in terminal.text
        terminal.type("\r")
        terminal.wait("Does all of 50 kg")
        assert "[ 50 kg ]" in terminal.text
        assert "q save and leave" in terminal.text
        terminal.type("\r")
        terminal.wait("FRONT LEFT")
        terminal.wait("a: accept", deadline_s=120.0)
        assert "pass" in terminal.text
        terminal.type("a\n")
        terminal.wait("In force from now on")
        assert terminal.end() == 0
    record = store.load(tmp_path, 1)
    assert record is not None
    assert record.source == "procedure"
    assert record.signature is not None
    session = sessions.find_last(tmp_path, 1)
    assert session is not None
    assert (session.ended, record.captures_sha256) == ("accepted", session.sha256())


def test_a_killed_session_goes_on_where_it_stood(tmp_path: Path) -> None:
    with calibrate(tmp_path, *KIT) as terminal:
        terminal.wait("Is the platform empty?")
        terminal.type("\r")
        terminal.wait("Does all of 50 kg")
        terminal.type("\r")
        terminal.wait("CORNERS")
        terminal.wait("FRONT LEFT")
        terminal.kill()
        assert terminal.end() == -9
    session = sessions.find_open(tmp_path, 1)
    assert session is not None
    made = len(session.captures)
    assert made > 3
    with calibrate(tmp_path) as terminal:
        terminal.wait(f"has {made} captures. Go on")
        terminal.type("y\n")
        terminal.wait("CORNERS")
        terminal.type("q")
        terminal.wait("is kept")
        assert terminal.end() == 1
    again = sessions.find_open(tmp_path, 1)
    assert again is not None
    assert again.captures[:made] == session.captures


def test_ctrl_c_leaves_a_session_that_can_be_taken_up(tmp_path: Path) -> None:
    with calibrate(tmp_path, *KIT) as terminal:
        terminal.wait("Is the platform empty?")
        terminal.type("\r")
        terminal.wait("EXERCISE")
        terminal.interrupt()
        terminal.wait("Go on: calibrate run")
        assert terminal.end() == 1
        assert "Traceback" not in terminal.text
    assert sessions.find_open(tmp_path, 1) is not None


def test_without_colour_and_without_line_drawing_everything_is_said(tmp_path: Path) -> None:
    ascii_only = {"NO_COLOR": "1", "LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    with calibrate(tmp_path, *KIT, "--lang", "de", **ascii_only) as terminal:
        terminal.wait("Ist die Plattform leer?")
        shown = terminal.text
        terminal.type("q")
        terminal.wait("ist gesichert")
        assert terminal.end() == 1
    assert "\x1b[3" not in terminal.raw.decode(errors="replace").replace("\x1b[3J", "")
    assert "+----" in shown
    assert all(len(line) <= COLUMNS for line in shown.splitlines())
    assert len(shown.splitlines()) <= ROWS


def test_a_step_that_is_left_out_asks_why(tmp_path: Path) -> None:
    with calibrate(tmp_path, *KIT) as terminal:
        terminal.wait("Is the platform empty?")
        terminal.type("s")
        terminal.wait("why is it left out?")
        terminal.type("no need\r")
        terminal.wait("EXERCISE")
        terminal.type("q")
        assert terminal.end() == 1
    session = sessions.find_open(tmp_path, 1)
    assert session is not None
    assert [capture.skipped for capture in session.captures] == ["no need"]
