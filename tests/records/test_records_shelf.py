"""The shelf is bounded in bytes and days, and lets go of what nothing refers to."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from station.records.shelf import Shelf
from tests.support.recorded import NOON, Recorded


def stamp(time: datetime) -> str:
    return time.isoformat()


def test_a_later_record_of_a_visit_takes_the_place_of_the_first(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "records", 10**6, 30)
    shelf.put("V-1", stamp(NOON), b"first")
    shelf.put("V-1", stamp(NOON), b"second")
    (kept,) = shelf.kept()
    assert (kept.path.read_bytes(), kept.record_id, kept.time) == (b"second", "V-1", stamp(NOON))


def test_the_oldest_go_until_the_rest_fits(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "records", 350, 30)
    for number in range(6):
        shelf.put(f"V-{number}", stamp(NOON + timedelta(minutes=number)), bytes(100))
    gone = shelf.prune(NOON + timedelta(hours=1))
    assert [kept.record_id for kept in gone] == ["V-0", "V-1", "V-2"]
    assert [kept.record_id for kept in shelf.kept()] == ["V-3", "V-4", "V-5"]


def test_what_is_older_than_the_days_goes(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "records", 10**6, 7)
    shelf.put("old", stamp(NOON), b"x")
    shelf.put("new", stamp(NOON + timedelta(days=5)), b"x")
    assert [kept.record_id for kept in shelf.prune(NOON + timedelta(days=8))] == ["old"]


def test_ids_of_a_backend_cannot_leave_the_folder(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "records", 10**6, 7)
    path = shelf.put("../../etc/passwd", stamp(NOON), b"x")
    assert path.parent == tmp_path / "records"


def test_strangers_files_are_passed_over_and_stay(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "records", 0, 0)
    shelf.put("V-1", stamp(NOON), b"x")
    (tmp_path / "records" / "notes.record").write_text("mine")
    shelf.prune(NOON + timedelta(days=9))
    assert [path.name for path in (tmp_path / "records").iterdir() if path.is_file()] == ["notes.record"]


def test_catalogues_and_weights_outlive_their_replacement_and_go_with_the_last_record(tmp_path: Path) -> None:
    station = Recorded(tmp_path)
    station.shop("T-1", [1])
    station.catalogue.unlink()
    shared = tmp_path / "records" / "shared"
    assert {path.suffix for path in shared.iterdir()} == {".catalogue", ".weights", ".used"}
    assert station.shelf.catalogue(station.version).exists()
    station.shelf.prune(NOON + timedelta(days=400))
    assert list(shared.iterdir()) == []


def test_what_is_still_referred_to_stays(tmp_path: Path) -> None:
    station = Recorded(tmp_path)
    station.shop("T-1", [1])
    station.shop("T-2", [2])
    for path in (tmp_path / "records" / "shared").glob("*.used"):
        os.utime(path, (NOON.timestamp() + 60,) * 2)
    first, second = station.shelf.kept()
    assert station.shelf.prune(datetime.fromisoformat(second.time) + timedelta(days=30)) == [first]
    assert station.shelf.catalogue(station.version).exists()


def test_a_disk_that_refuses_is_told_of_and_leaves_no_part(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "file" / "records", 10**6, 7)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        shelf.put("V-1", stamp(NOON), b"x")
