"""Sessions on disk: appended, synced, taken up after a crash, one technician at a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from calibration import sessions
from calibration.captures import Capture, CellCounts, Hardware, Session
from calibration.procedure import Action
from calibration.record import CalibrationError

CELL = CellCounts(mean=1.5, sd=0.5, n=4, low=1, high=2, distinct=2)
PLAN = (Action(step="zero", do="empty", seconds=10.0), Action(step="span", do="load", seconds=5.0, load_g=20_000.0))


def head(number: int = 1, scale: int = 1) -> Session:
    return Session(
        session_id=sessions.session_id(f"2026-03-01T10:00:{number:02d}Z", scale), station="vs-03", scale=scale,
        kind="full", created="2026-03-01T10:00:00Z", operator="Anna",
        hardware=Hardware(driver="sim", part="scale-1", channels=1), capacity_g=50_000, division_g=5,
        verification_interval_g=5,
    )  # fmt: skip


def capture(number: int) -> Capture:
    return Capture(
        number=number, step="zero", series=number, time="2026-03-01T10:00:00Z", start_ns=1, end_ns=2, load_g=0.0,
        cells=(CELL,),
    )  # fmt: skip


def test_what_was_captured_is_there_again(tmp_path: Path) -> None:
    session = sessions.begin(tmp_path, head(), PLAN, "de")
    session.add(PLAN[0].key, capture(1))
    session.add(PLAN[1].key, capture(2))
    again = sessions.find_open(tmp_path, 1)
    assert again is not None
    assert again.captures == (capture(1), capture(2))
    assert (again.session, again.plan, again.language) == (head(), PLAN, "de")
    assert again.sha256() == session.sha256()
    assert again.next_number == 3


@pytest.mark.parametrize("torn", [b"{", b'{"action":"zero/e', b"\0\0\0\0"])
def test_a_line_that_a_crash_cut_off_is_not_there(tmp_path: Path, torn: bytes) -> None:
    session = sessions.begin(tmp_path, head(), PLAN)
    session.add(PLAN[0].key, capture(1))
    with session.path.open("ab") as file:
        file.write(torn)
    again = sessions.SessionFile(session.path)
    assert again.captures == (capture(1),)
    again.add(PLAN[1].key, capture(2))
    assert sessions.SessionFile(session.path).captures == (capture(1), capture(2))


def test_a_line_spoilt_in_the_middle_is_told_with_its_number(tmp_path: Path) -> None:
    session = sessions.begin(tmp_path, head(), PLAN)
    session.add(PLAN[0].key, capture(1))
    data = session.path.read_bytes().splitlines(keepends=True)
    session.path.write_bytes(data[0] + b"not a capture\n" + data[1])
    with pytest.raises(CalibrationError, match=r"captures\.jsonl:2: is no capture"):
        sessions.SessionFile(session.path)


def test_a_session_that_crashed_before_its_head_is_none(tmp_path: Path) -> None:
    session = sessions.begin(tmp_path, head(), PLAN)
    session.path.write_bytes(b'{"schema":1,')
    assert sessions.find_open(tmp_path, 1) is None


def test_one_session_a_scale(tmp_path: Path) -> None:
    first = sessions.begin(tmp_path, head(1), PLAN)
    with pytest.raises(CalibrationError, match="is open"):
        sessions.begin(tmp_path, head(2), PLAN)
    sessions.begin(tmp_path, head(2, scale=2), PLAN)
    first.end("aborted", "2026-03-01T11:00:00Z")
    assert sessions.find_open(tmp_path, 1) is None
    with pytest.raises(CalibrationError, match="was aborted"):
        first.add(PLAN[0].key, capture(1))
    sessions.begin(tmp_path, head(3), PLAN)
    newest = sessions.find_last(tmp_path, 1)
    assert newest is not None
    assert newest.session.session_id.startswith("20260301T100003")


def test_the_hash_is_of_the_raw_data_whatever_became_of_it(tmp_path: Path) -> None:
    session = sessions.begin(tmp_path, head(), PLAN)
    session.add(PLAN[0].key, capture(1))
    before = session.sha256()
    session.end("accepted", "2026-03-01T11:00:00Z")
    assert sessions.SessionFile(session.path).sha256() == before
    assert sessions.SessionFile(session.path).ended == "accepted"


def test_a_second_technician_is_told_so(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom calibration import sessions\n"
        "try:\n    with sessions.hold(Path(sys.argv[1]), 1): pass\nexcept ValueError as error: print(error)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with sessions.hold(tmp_path, 1):
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
        with sessions.hold(tmp_path, 2):
            pass
    assert "another terminal" in told
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout == ""


def test_a_name_from_outside_stays_inside(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="no session"):
        sessions.find(tmp_path, "../../etc")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_state_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CalibrationError, match="Permission denied"), sessions.hold(tmp_path / "state", 1):
        pass
