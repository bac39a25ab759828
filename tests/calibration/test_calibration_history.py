"""Previous calibrations: kept whatever happens, listed, and put into force again unchanged."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from calibration import store
from calibration.model import Calibration, Cell
from calibration.store import CalibrationError, Record
from station import signing_keys
from station.signing_keys import Verifier

BEGIN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


def made(number: int, state_dir: Path) -> Record:
    calibration = Calibration(cells=(Cell(zero_counts=84210, counts_per_g=21.5 + number / 100),), certified=True)
    signer = signing_keys.ready(None, state_dir).pair
    return store.new_record(calibration, "procedure", BEGIN + timedelta(days=number), signer=signer, operator="MM")


@pytest.fixture
def three(tmp_path: Path) -> list[Record]:
    records = [made(number, tmp_path) for number in range(3)]
    for record in records:
        store.save(tmp_path, 1, record)
    return records


def versions(state_dir: Path) -> list[str]:
    return [kept.record.version for kept in store.history(state_dir, 1) if kept.record is not None]


def test_all_previous_sets_are_listed_the_newest_first(three: list[Record], tmp_path: Path) -> None:
    assert versions(tmp_path) == [record.version for record in reversed(three)]
    assert [kept.in_force for kept in store.history(tmp_path, 1)] == [True, False, False]
    assert [change.replaced for change in store.changes(tmp_path, 1)] == [three[0].version, three[1].version]
    assert store.previous_version(tmp_path, 1) == three[1].version


def test_rolling_back_puts_the_very_same_bytes_into_force(three: list[Record], tmp_path: Path) -> None:
    kept = next(k for k in store.history(tmp_path, 1) if k.record == three[0])
    before = kept.path.read_bytes()
    verifier = Verifier((signing_keys.ready(None, tmp_path).pair.public,))
    assert store.rollback(tmp_path, 1, three[0].version[:16], verifier, operator="NN") == three[0]
    assert store.record_path(tmp_path, 1).read_bytes() == before
    assert store.load(tmp_path, 1, verifier) == three[0]
    assert set(versions(tmp_path)) == {record.version for record in three}
    last = store.changes(tmp_path, 1)[-1]
    assert (last.action, last.replaced, last.operator) == ("rolled back", three[2].version, "NN")


def test_a_scales_history_is_its_own(three: list[Record], tmp_path: Path) -> None:
    assert three
    assert store.history(tmp_path, 2) == []
    with pytest.raises(CalibrationError, match="no usable calibration of this scale"):
        store.rollback(tmp_path, 2, three[0].version)


@pytest.mark.parametrize(("version", "why"), [("sha256:ab", "at least 6 digits"), ("0" * 64, "no usable calibration")])
def test_a_version_that_names_nothing_is_refused(three: list[Record], tmp_path: Path, version: str, why: str) -> None:
    with pytest.raises(CalibrationError, match=why):
        store.rollback(tmp_path, 1, version)
    assert store.load(tmp_path, 1) == three[2]


def test_what_is_in_force_is_not_rolled_back_to(three: list[Record], tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="in force already"):
        store.rollback(tmp_path, 1, three[2].version)


def test_a_damaged_record_is_kept_and_listed_but_never_put_into_force(three: list[Record], tmp_path: Path) -> None:
    path = store.record_path(tmp_path, 1)
    damaged = path.read_bytes()[:-40]
    path.write_bytes(damaged)
    fresh = made(7, tmp_path)
    store.save(tmp_path, 1, fresh)
    bad = [kept for kept in store.history(tmp_path, 1) if kept.problem]
    assert [kept.path.read_bytes() for kept in bad] == [damaged]
    assert store.load(tmp_path, 1) == fresh
    assert three[2].version not in versions(tmp_path)


def test_an_old_set_signed_by_nobody_known_cannot_come_back(three: list[Record], tmp_path: Path) -> None:
    stranger = signing_keys.ready(None, tmp_path / "elsewhere").pair
    with pytest.raises(CalibrationError, match="no usable calibration"):
        store.rollback(tmp_path, 1, three[0].version, Verifier((stranger.public,)))


def test_a_line_of_the_log_that_a_power_cut_spoilt_is_passed_over(three: list[Record], tmp_path: Path) -> None:
    log = store.history_dir(tmp_path, 1) / "log.jsonl"
    log.write_bytes(log.read_bytes()[:-20])
    assert [change.version for change in store.changes(tmp_path, 1)] == [three[1].version]
    store.save(tmp_path, 1, made(9, tmp_path))
    assert store.changes(tmp_path, 1)[-1].replaced == three[2].version
