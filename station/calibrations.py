"""The calibrations in force: each scale's file, read again when it changes, so that a technician needs no restart."""

import hashlib
from pathlib import Path

from calibration import store
from calibration.store import CalibrationError
from station.core import events
from station.core.effects import Alarm


class Calibrations:
    """Looks at the files of the scales that give counts; `scales` maps their index to their name."""

    def __init__(self, state_dir: Path, scales: dict[int, str]) -> None:
        self._state_dir = state_dir
        self._scales = scales
        self._stamps: dict[int, object] = {}
        self._versions: dict[int, str] = {}

    @property
    def version(self) -> str | None:
        """Return what verdicts name: the record's version, or a hash of several; None while any is missing."""
        if not self._versions or len(self._versions) < len(self._scales):
            return None
        versions = [self._versions[scale] for scale in sorted(self._versions)]
        if len(versions) == 1:
            return versions[0]
        return "sha256:" + hashlib.sha256("".join(versions).encode()).hexdigest()

    def refresh(self, t_ns: int) -> tuple[list[events.Calibrated], list[Alarm]]:
        """Return the events and alarms that follow from files that have changed."""
        found: list[events.Calibrated] = []
        alarms: list[Alarm] = []
        for scale, name in self._scales.items():
            stamp = _stamp(store.record_path(self._state_dir, scale + 1))
            if scale in self._stamps and stamp == self._stamps[scale]:
                continue
            self._stamps[scale] = stamp
            event, alarm = self._load(scale, name, t_ns)
            found.append(event)
            alarms.append(alarm)
        return found, alarms

    def _load(self, scale: int, name: str, t_ns: int) -> tuple[events.Calibrated, Alarm]:
        self._versions.pop(scale, None)
        try:
            record = store.load(self._state_dir, scale + 1)
        except CalibrationError as error:
            remedy = "calibrate again, or import factory values: calibrate import FILE"
            alarm = Alarm(code="CALIBRATION_UNREADABLE", part=name, raised=True, message=str(error), remedy=remedy)
            return events.Calibrated(t_ns=t_ns, scale=scale, calibration=None), alarm
        if record is not None:
            self._versions[scale] = record.version
        calibration = None if record is None else record.calibration
        cleared = Alarm(code="CALIBRATION_UNREADABLE", part=name, raised=False)
        return events.Calibrated(t_ns=t_ns, scale=scale, calibration=calibration), cleared


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
