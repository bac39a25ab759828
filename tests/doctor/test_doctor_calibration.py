"""The doctor's word on a calibration: whole, signed here, of this hardware, in date."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from calibration import store
from calibration.captures import Hardware
from calibration.model import Calibration, Cell
from station import signing_keys
from station.calibrations import Bound
from station.core.due import Care
from station.doctor.calibrating import examine
from station.doctor.findings import Finding, Severity

CALIBRATION = Calibration(cells=(Cell(zero_counts=84210.0, counts_per_g=21.5),) * 4, certified=True)
HARDWARE = Hardware(driver="nau7802", part="scale-1", channels=4, gain=128, rate_hz=80.0)
OPTIONS: dict[str, Any] = {"cells": [{}] * 4, "gain": 128, "rate_hz": 80}


def accepted(folder: Path, due_days: int, *, signed_in: Path | None = None) -> None:
    now = datetime.now(UTC)
    signer = signing_keys.ready(None, signed_in or folder).pair
    record = store.new_record(
        CALIBRATION, "procedure", now, hardware=HARDWARE, due=now.date() + timedelta(days=due_days), signer=signer
    )
    store.save(folder, 1, record)


def found(folder: Path, *, synced: bool = True, options: dict[str, Any] | None = None) -> Finding:
    return examine(folder, 1, Bound("scale-1", "nau7802", options or OPTIONS), Care(), synced=synced)


@pytest.mark.parametrize(
    ("due_days", "severity", "said"),
    [
        (200, Severity.OK, "procedure, made"),
        (10, Severity.WARNING, "(in 10 days)"),
        (-3, Severity.ERROR, "overdue"),
        (-90, Severity.ERROR, "overdue"),
    ],
)
def test_a_due_date_is_told(tmp_path: Path, due_days: int, severity: Severity, said: str) -> None:
    accepted(tmp_path, due_days)
    finding = found(tmp_path)
    assert finding.severity is severity
    assert said in finding.evidence
    assert found(tmp_path, synced=False).severity is Severity.OK


def test_another_stations_record_and_other_hardware_are_errors(tmp_path: Path) -> None:
    accepted(tmp_path, 200)
    other = found(tmp_path, options=OPTIONS | {"gain": 64})
    assert (other.severity, "the gain was 128, now it is 64" in other.evidence) == (Severity.ERROR, True)
    accepted(tmp_path, 200, signed_in=tmp_path / "elsewhere")
    stranger = found(tmp_path)
    assert (stranger.severity, "none of this station's" in stranger.evidence) == (Severity.ERROR, True)
