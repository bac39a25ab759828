"""Records: bound to their content, their key and their hardware; those of the first format are still read."""

import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from calibration import hardware, record, store
from calibration.captures import Hardware
from calibration.model import Calibration, Cell
from calibration.record import CalibrationError, Record, Summary
from station import signing_keys
from station.signing_keys import KeyPair, Verifier

WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
CALIBRATION = Calibration(
    cells=(Cell(zero_counts=84210, counts_per_g=21.5), Cell(zero_counts=-12055, counts_per_g=-21.94)),
    certified=True,
    zero_sd_g=0.5,
    gain_rel_sd=0.0001,
)
HARDWARE = Hardware(driver="nau7802", part="scale-1", channels=2, gain=128, rate_hz=80.0)
# A record of the first format, byte for byte as it was written by it.
FIRST_FORMAT = b"""{
  "schema": 1,
  "created": "2026-05-04T03:02:01Z",
  "source": "factory",
  "calibration": {
    "cells": [
      {
        "zero_counts": 84210.0,
        "counts_per_g": 21.5
      },
      {
        "zero_counts": -12055.0,
        "counts_per_g": -21.94
      }
    ],
    "certified": false,
    "zero_sd_g": 5.0,
    "gain_rel_sd": 0.001
  },
  "version": "sha256:VERSION"
}
"""


@pytest.fixture
def pair(tmp_path: Path) -> KeyPair:
    return signing_keys.ready(None, tmp_path / "state").pair


@pytest.fixture
def verifier(pair: KeyPair) -> Verifier:
    return Verifier((pair.public,))


def signed(pair: KeyPair, **changes: Any) -> Record:
    told = Summary(decision="pass", greatest_error_g=1.25, checks={"repeatability": "pass"})
    content = {"hardware": HARDWARE, "session_id": "s-1", "captures_sha256": "ab" * 32, "summary": told, **changes}
    return record.new_record(
        CALIBRATION, "procedure", WHEN, operator="M. Muster", due=date(2027, 5, 4), signer=pair, **content
    )


def altered(made: Record, old: str, new: str) -> bytes:
    data = record.encode(made)
    assert old.encode() in data
    return data.replace(old.encode(), new.encode())


def test_a_signed_record_comes_back_as_it_was(pair: KeyPair, verifier: Verifier, tmp_path: Path) -> None:
    made = signed(pair)
    store.save(tmp_path, 1, made)
    assert made == store.load(tmp_path, 1, verifier)
    assert made.due_date == date(2027, 5, 4)


@pytest.mark.parametrize(
    ("old", "new"),
    [("21.5", "21.6"), ("M. Muster", "N. Muster"), ("2027-05-04", "2037-05-04"), ("nau7802", "hx711-spi")],
)
def test_no_field_can_be_changed(pair: KeyPair, old: str, new: str) -> None:
    with pytest.raises(CalibrationError, match="its hash does not fit"):
        record.decode(altered(signed(pair), old, new))


def test_a_new_hash_does_not_help_without_the_key(pair: KeyPair, verifier: Verifier) -> None:
    made = signed(pair)
    forged = record.new_record(CALIBRATION, "procedure", WHEN, hardware=HARDWARE, due=date(2099, 1, 1))
    with pytest.raises(CalibrationError, match="is not signed"):
        record.verify(forged, verifier)
    borrowed = record.decode(altered(forged, '"signature": null', f'"signature": "{made.signature}"'))
    borrowed = record.decode(altered(borrowed, '"key_id": null', f'"key_id": "{pair.key_id}"'))
    with pytest.raises(CalibrationError, match="does not fit its content"):
        record.verify(borrowed, verifier)


def test_another_stations_record_is_refused(verifier: Verifier, tmp_path: Path) -> None:
    other = signing_keys.ready(None, tmp_path / "other").pair
    with pytest.raises(CalibrationError, match=f"key {other.key_id}, which is none of this station's"):
        record.verify(signed(other), verifier)


@pytest.mark.parametrize("broken", ["zz", "abc", "00"])
def test_a_broken_signature_is_refused(pair: KeyPair, verifier: Verifier, broken: str) -> None:
    made = signed(pair)
    data = altered(made, f'"signature": "{made.signature}"', f'"signature": "{broken}"')
    with pytest.raises(CalibrationError, match="has a signature that"):
        record.verify(record.decode(data), verifier)


def test_unsigned_factory_values_are_usable_and_never_certified(verifier: Verifier) -> None:
    wide = Calibration(cells=CALIBRATION.cells, zero_sd_g=5.0, gain_rel_sd=0.001)
    record.verify(record.new_record(wide, "factory", WHEN), verifier)
    with pytest.raises(CalibrationError, match="is not signed"):
        record.verify(record.new_record(CALIBRATION, "factory", WHEN), verifier)


def first_format() -> bytes:
    """What the first release wrote, with its own hash over its own order of keys."""
    content = json.loads(FIRST_FORMAT) | {"version": ""}
    compact = json.dumps(content, separators=(",", ":")).encode()
    return FIRST_FORMAT.replace(b"VERSION", hashlib.sha256(compact).hexdigest().encode())


def test_records_of_the_first_format_are_read(verifier: Verifier) -> None:
    made = record.decode(first_format())
    record.verify(made, verifier)
    assert made.schema == 1
    assert made.calibration.cells == CALIBRATION.cells
    assert (made.hardware, made.due, made.signature) == (None, None, None)
    assert not made.calibration.certified


def test_a_changed_record_of_the_first_format_is_refused() -> None:
    with pytest.raises(CalibrationError, match="hash does not fit"):
        record.decode(first_format().replace(b"21.5", b"21.6"))


def test_a_certified_record_of_the_first_format_is_refused(verifier: Verifier) -> None:
    content = first_format().replace(b'"certified": false', b'"certified": true')
    bare = json.loads(content) | {"version": ""}
    version = hashlib.sha256(json.dumps(bare, separators=(",", ":")).encode()).hexdigest()
    bare["version"] = f"sha256:{version}"
    with pytest.raises(CalibrationError, match="is not signed"):
        record.verify(record.decode(json.dumps(bare).encode()), verifier)


def test_a_field_of_other_software_is_refused_rather_than_passed_over(pair: KeyPair) -> None:
    data = altered(signed(pair), '"certified": true,', '"certified": true,\n    "magic": 1.01,')
    with pytest.raises(CalibrationError, match=r"calibration\.magic is not known here"):
        record.decode(data)


def test_white_space_and_order_are_no_content(pair: KeyPair, verifier: Verifier) -> None:
    made = signed(pair)
    shuffled = dict(reversed(json.loads(record.encode(made)).items()))
    again = record.decode(json.dumps(shuffled).encode())
    record.verify(again, verifier)
    assert made == again


def test_hardware_is_compared_where_both_sides_know_it() -> None:
    other = Hardware(driver="hx711-spi", part="scale-1", channels=4, gain=64, rate_hz=80.0, serial="A1")
    assert hardware.misfits(HARDWARE, other) == [
        "the driver was nau7802, now it is hx711-spi",
        "the number of channels was 2, now it is 4",
        "the gain was 128, now it is 64",
    ]
    assert hardware.misfits(HARDWARE, HARDWARE) == []


def test_hardware_is_read_off_a_drivers_options() -> None:
    options = {"cells": [{"bus": 1}, {"bus": 3}], "gain": 128, "rate_hz": 80}
    channels = hardware.channels_of(options)
    assert channels == 2
    assert hardware.of_options("nau7802", "scale-1", channels, options) == HARDWARE
    assert hardware.channels_of({"channels": None, "port": "/dev/ttyUSB0"}) is None
    assert hardware.cells_misfit(CALIBRATION, 4) == ["it has 2 cells, the configuration 4 channels"]
