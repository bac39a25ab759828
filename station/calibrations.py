"""The calibrations in force: each scale's record, read again when it changes, so that a technician needs no restart.

A record is believed only as a whole: its hash fits, the station itself signed it, and the hardware that the
configuration describes is the one it was made with. Anything else is told by an alarm, and the scale counts as not
calibrated. The same once it was due for longer than the grace that the configuration gives; before, the station warns.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from calibration import hardware, store
from calibration.record import CalibrationError, Record, Verifier
from station.core import events
from station.core.due import DAY_NS, Care, Standing, standing
from station.core.effects import Alarm
from station.wire import Stamp

AGED_NS = 3600 * 10**9  # how often the core is told the age
UNREADABLE, MISFIT, DUE, OVERDUE = (
    "CALIBRATION_UNREADABLE", "CALIBRATION_MISFIT", "CALIBRATION_DUE", "CALIBRATION_OVERDUE",
)  # fmt: skip
_AGAIN = "calibrate again, or import factory values: calibrate import FILE"
_MISFIT = "calibrate this hardware, or put back what it was calibrated with"


class Bound(msgspec.Struct, frozen=True):
    """A configured scale that gives counts, as far as a calibration is bound to it."""

    name: str
    driver: str
    options: Mapping[str, Any]


class Held(msgspec.Struct):
    """What is known of one scale's calibration; `record` None: none, or none that can be believed (`problem`)."""

    record: Record | None = None
    problem: Alarm | None = None
    standing: Standing = Standing("ok", None)
    told: object = None  # the calibration that the core has

    @property
    def usable(self) -> Record | None:
        """Return the record that is in force."""
        return None if self.record is None or self.standing.state == "expired" else self.record


class Calibrations:
    """The scales that give counts, by their index."""

    def __init__(self, state_dir: Path, scales: Mapping[int, Bound], verifier: Verifier, care: Care) -> None:
        self.held = {scale: Held() for scale in scales}
        self._state_dir = state_dir
        self._scales = scales
        self._verifier = verifier
        self._care = care
        self._stamps: dict[int, object] = {}
        self._aged_ns: int | None = None
        self._synced = False
        self.doubt_rel = 0.0  # by the last span check

    @property
    def version(self) -> str | None:
        """Return what verdicts name: the record's version, or a hash of several; None while any is missing."""
        versions = [held.usable.version for _, held in sorted(self.held.items()) if held.usable is not None]
        if not versions or len(versions) < len(self._scales):
            return None
        if len(versions) == 1:
            return versions[0]
        return "sha256:" + hashlib.sha256("".join(versions).encode()).hexdigest()

    def doubt(self, relative: float) -> None:
        """Take note how far the last span check was off what it should be, as a standard uncertainty."""
        self.doubt_rel, self._aged_ns = relative, None

    def refresh(self, now: Stamp) -> tuple[list[events.AnyEvent], list[Alarm]]:
        """Return the events and alarms that follow from files that have changed, and from the calendar."""
        today = datetime.fromtimestamp(now.wall_ns / 1e9, UTC).date() if now.clock == "synced" else None
        found: list[events.AnyEvent] = []
        alarms: list[Alarm] = []
        for scale, bound in self._scales.items():
            held, stamp = self.held[scale], _stamp(store.record_path(self._state_dir, scale + 1))
            first = scale not in self._stamps
            if first or stamp != self._stamps[scale]:
                self._stamps[scale] = stamp
                self._load(scale, bound, held)
                self._aged_ns = None
            self._judge(held, today)
            alarms += self._alarms(bound, held)
            calibration = None if held.usable is None else held.usable.calibration
            if first or calibration != held.told:
                held.told = calibration
                found.append(events.Calibrated(t_ns=now.monotonic_ns, scale=scale, calibration=calibration))
        return [*found, *self._aged(now)], alarms

    def _load(self, scale: int, bound: Bound, held: Held) -> None:
        held.record, held.problem = None, None
        try:
            record = store.load(self._state_dir, scale + 1, self._verifier)
        except CalibrationError as error:
            held.problem = Alarm(code=UNREADABLE, part=bound.name, raised=True, message=str(error), remedy=_AGAIN)
            return
        if record is not None and (strange := misfits(record, bound)):
            text = f"{bound.name}: the calibration of {record.created} is of other hardware: {'; '.join(strange)}"
            held.problem = Alarm(code=MISFIT, part=bound.name, raised=True, message=text, remedy=_MISFIT)
            return
        held.record = record

    def _judge(self, held: Held, today: date | None) -> None:
        """Find out how it stands; what is not known for want of a clock leaves everything as it was."""
        due = None if held.record is None else held.record.due_date
        now = standing(
            None if due is None else due.toordinal(), None if today is None else today.toordinal(), self._care
        )
        if now.state != "unknown" or held.told is None:
            held.standing = now

    def _alarms(self, bound: Bound, held: Held) -> list[Alarm]:
        code, message, remedy = "", "", "calibrate this scale: calibrate run"
        due = None if held.record is None else held.record.due_date
        if due is not None and held.standing.state != "ok" and held.standing.days is not None:
            code, message = self._due_words(bound, held.standing, due)
        raised = {} if held.problem is None else {held.problem.code: held.problem}
        if code:
            severity: Any = "warning" if code == DUE else "error"
            raised[code] = Alarm(
                code=code, part=bound.name, raised=True, severity=severity, message=message, remedy=remedy
            )
        ended = [Alarm(code=code, part=bound.name, raised=False) for code in (UNREADABLE, MISFIT, DUE, OVERDUE)]
        return [raised.get(alarm.code, alarm) for alarm in ended]

    def _due_words(self, bound: Bound, stands: Standing, due: date) -> tuple[str, str]:
        days, last = stands.days or 0, due + timedelta(days=self._care.grace_days)
        if stands.state == "due":
            return DUE, f"{bound.name}: its calibration is due in {days} days, on {due}"
        if stands.state == "overdue":
            since = f"{bound.name}: its calibration has been due since {due} ({-days} days)"
            return OVERDUE, f"{since}; after {last} the station does not judge any more"
        return OVERDUE, f"{bound.name}: its calibration was due on {due}, its grace ended on {last}"

    def _aged(self, now: Stamp) -> list[events.AnyEvent]:
        """Return the ages of the calibrations, from time to time, and when the clock has learnt what day it is."""
        synced = now.clock == "synced"
        if self._aged_ns is not None and now.monotonic_ns - self._aged_ns < AGED_NS and synced == self._synced:
            return []
        self._aged_ns, self._synced = now.monotonic_ns, synced
        return [
            events.Aged(
                t_ns=now.monotonic_ns, scale=scale, age_days=_age_days(held.usable, now), doubt_rel=self.doubt_rel
            )
            for scale, held in self.held.items()
            if held.usable is not None
        ]


def misfits(record: Record, bound: Bound) -> list[str]:
    """Return in words how a record does not fit a configured scale."""
    channels = hardware.channels_of(bound.options)
    strange = hardware.cells_misfit(record.calibration, channels)
    if record.hardware is not None:
        known = record.hardware.channels if channels is None else channels
        found = hardware.of_options(bound.driver, bound.name, known, bound.options)
        strange = hardware.misfits(record.hardware, found) or strange
    return strange


def _age_days(record: Record, now: Stamp) -> float:
    """Return how old a record is; a clock that stands before it knows no better than that it is new."""
    created_ns = datetime.fromisoformat(record.created).astimezone(UTC).timestamp() * 1e9
    return max(now.wall_ns - created_ns, 0.0) / DAY_NS


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
