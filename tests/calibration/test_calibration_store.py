"""Stored calibrations: kept whole, versioned by content, refused when damaged."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calibration import store
from calibration.model import Calibration, Cell
from calibration.store import CalibrationError

WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
CALIBRATION = Calibration(
    cells=(Cell(zero_counts=84210, counts_per_g=21.5), Cell(zero_counts=-12055, counts_per_g=-21.94)),
    zero_sd_g=5.0,
    gain_rel_sd=0.001,
)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    record = store.new_record(CALIBRATION, "factory", WHEN)
    path = store.save(tmp_path, 2, record)
    assert path == tmp_path / "calibration" / "scale-2.json"
    assert store.load(tmp_path, 2) == record
    assert record.created == "2026-05-04T03:02:01Z"
    assert [path] == list(path.parent.iterdir())  # nothing temporary is left


def test_nothing_stored_is_none(tmp_path: Path) -> None:
    assert store.load(tmp_path, 1) is None


def test_the_version_follows_the_content() -> None:
    one = store.new_record(CALIBRATION, "factory", WHEN)
    assert one.version == store.new_record(CALIBRATION, "factory", WHEN).version
    assert one.version.startswith("sha256:")
    assert one.version != store.new_record(CALIBRATION, "procedure", WHEN).version


def test_a_second_save_replaces_the_first(tmp_path: Path) -> None:
    store.save(tmp_path, 1, store.new_record(CALIBRATION, "factory", WHEN))
    record = store.new_record(CALIBRATION, "procedure", WHEN)
    store.save(tmp_path, 1, record)
    assert store.load(tmp_path, 1) == record


def test_a_changed_digit_is_noticed(tmp_path: Path) -> None:
    path = store.save(tmp_path, 1, store.new_record(CALIBRATION, "factory", WHEN))
    path.write_text(path.read_text(encoding="utf-8").replace("21.5", "22.5"), encoding="utf-8")
    with pytest.raises(CalibrationError, match="changed or damaged"):
        store.load(tmp_path, 1)


@pytest.mark.parametrize("cut", [0, 1, 40, -5])
def test_a_cut_file_is_refused(tmp_path: Path, cut: int) -> None:
    path = store.save(tmp_path, 1, store.new_record(CALIBRATION, "factory", WHEN))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CalibrationError, match=r"scale-1\.json: is no calibration record"):
        store.load(tmp_path, 1)


@pytest.mark.parametrize("foreign", [b"\xff\xfe\x00", b"[1, 2]", b'{"schema": 2}', json.dumps({"cells": []}).encode()])
def test_a_foreign_file_is_refused(tmp_path: Path, foreign: bytes) -> None:
    path = store.record_path(tmp_path, 1)
    path.parent.mkdir()
    path.write_bytes(foreign)
    with pytest.raises(CalibrationError, match="calibrate again"):
        store.load(tmp_path, 1)


def test_an_unwritable_place_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "calibration").write_text("a file where the directory should be", encoding="utf-8")
    with pytest.raises(CalibrationError, match="cannot be written"):
        store.save(tmp_path, 1, store.new_record(CALIBRATION, "factory", WHEN))
