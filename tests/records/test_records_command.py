"""`station replay` and `station records` as a technician uses them."""

import json
import zipfile
from pathlib import Path

import pytest

from station import cli
from tests.support.recorded import Recorded


@pytest.fixture
def station(tmp_path: Path) -> Recorded:
    recorded = Recorded(tmp_path)
    for number in range(3):
        recorded.shop(f"T-{number}", [number, number + 4])
    return recorded


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        status = cli.main(list(arguments))
    except SystemExit as ended:
        status = int(ended.code or 0)
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.mark.usefixtures("station")
def test_a_visit_is_made_again_by_its_transaction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = answer(capsys, "replay", "T-1", "--state", str(tmp_path))
    assert status == 0
    assert out.splitlines()[-1] == "1 verdicts made again: the same as recorded"


def test_the_answer_as_json(station: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = answer(capsys, "replay", station.finished[0].record_id, "--state", str(tmp_path), "--json")
    found = json.loads(out)
    assert (status, found["same"], found["way"], found["verdicts"], found["differences"]) == (0, True, "whole", 1, [])


@pytest.mark.usefixtures("station")
def test_the_list_names_every_visit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = answer(capsys, "records", "list", "--state", str(tmp_path))
    assert status == 0
    assert [f"T-{number}" in line for number, line in enumerate(out.splitlines()[:3])] == [True] * 3
    assert out.splitlines()[-1].startswith("3 records, ")
    _, as_json, _ = answer(capsys, "records", "list", "--state", str(tmp_path), "--json")
    assert [row["verdicts"][0]["transaction_id"] for row in json.loads(as_json)] == ["T-0", "T-1", "T-2"]


@pytest.mark.usefixtures("station")
def test_an_exported_record_replays_without_the_station(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = tmp_path / "elsewhere" / "t-1.zip"
    packed.parent.mkdir()
    assert answer(capsys, "records", "export", "T-1", "--output", str(packed), "--state", str(tmp_path))[0] == 0
    assert answer(capsys, "records", "prune", "--all", "--state", str(tmp_path))[1] == "3 records removed, 0 kept\n"
    status, out, _ = answer(capsys, "replay", str(packed))
    assert (status, out.splitlines()[-1]) == (0, "1 verdicts made again: the same as recorded")


@pytest.mark.usefixtures("station")
def test_an_anonymous_copy_replays_and_names_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = tmp_path / "anonymous.zip"
    status, out, _ = answer(capsys, "records", "anonymise", "T-2", "--output", str(packed), "--state", str(tmp_path))
    assert (status, "other verdicts" in out) == (0, False)
    with zipfile.ZipFile(packed) as archive:
        assert {Path(name).suffix for name in archive.namelist()} == {".record", ".weights", ".catalogue"}
    status, out, _ = answer(capsys, "replay", str(packed), "--json")
    assert (status, json.loads(out)["same"]) == (0, True)


def test_a_record_that_is_not_there_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = answer(capsys, "replay", "T-404", "--state", str(tmp_path))
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "T-404 is neither a file nor recorded" in err


@pytest.mark.parametrize("content", [b"", b"no record", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_record_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (tmp_path / "x.record").write_bytes(content)
    status, out, err = answer(capsys, "replay", str(tmp_path / "x.record"))
    assert (status, out, err.count("\n")) == (1, "", 1)


def test_names_in_a_packed_record_cannot_leave_the_folder(
    station: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "evil.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("record.record", station.finished[0].data)
        archive.writestr("shared/../../outside.weights", b"x")
    status, _, err = answer(capsys, "replay", str(packed))
    assert (status, "not on the shelf" in err) == (1, True)
    assert not list(tmp_path.parent.glob("outside.weights"))


def test_a_listing_shows_what_is_damaged_and_goes_on(
    station: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = station.shelf.kept()[1].path
    kept.write_bytes(kept.read_bytes()[:-20])
    status, out, _ = answer(capsys, "records", "list", "--state", str(tmp_path))
    assert (status, "cut off" in out.splitlines()[1], len(out.splitlines())) == (0, True, 4)
