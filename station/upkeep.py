"""The calibration looked after while the station works: its due date, how far the zero has gone, span checks.

Owned by the consumer. The last span checks are kept in the outbox, so that a restart knows them: they belong to one
calibration, and say how far the gain has drifted since. One that does not pass is told by an alarm, and widens every
reading by as much as it was off.
"""

import math
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from calibration.control import Checked, Told
from station import messages
from station.calibrations import Calibrations
from station.control import Asked
from station.core import events
from station.core.due import Care
from station.core.effects import Alarm, SpanChecked
from station.core.span_check import judge
from station.core.weighing import Weighing
from station.wire import Stamp

KEPT = 50  # span checks
KEY = "span_checks"
SECOND_NS = 10**9
PLATFORM = "platform"
_TRAVEL = (
    "clean the platform and see that it stands free and level; if the zero goes on wandering, check the load cells"
)
_SPAN = "repeat it; clean the platform, look for what touches it; then calibrate again: calibrate run"


class Checks(msgspec.Struct, frozen=True):
    """The span checks of one calibration, the oldest first."""

    calibration: str | None = None
    done: tuple[Checked, ...] = ()


class Upkeep:
    """See the module."""

    def __init__(self, calibrations: Calibrations, care: Care, weighing: Weighing) -> None:
        self.calibrations = calibrations
        self._care = care
        self._weighing = weighing
        self._checks = Checks()
        self._callers: dict[int, int] = {}  # who waits for which order
        self._number = 0
        self._asked_for = False  # a check that is due was ordered

    def restore(self, data: bytes | None) -> None:
        """Take the checks of the last run; what cannot be read is none."""
        try:
            self._checks = Checks() if data is None else msgspec.json.decode(data, type=Checks)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._checks = Checks()
        self._doubt()

    # time passes

    def watch(self, now: Stamp) -> tuple[list[events.AnyEvent], list[Alarm]]:
        """Return the events and alarms that follow from the records' files, the calendar, and the zero."""
        found, alarms = self.calibrations.refresh(now)
        version = self.calibrations.version
        if version is not None and self._checks.calibration != version:
            self._checks, self._asked_for = Checks(version), False
            self._doubt()
        due = self._due(now)
        if due and not self._asked_for and self._care.check_weight_g is not None:
            self._asked_for = True
            found.append(events.SpanCheckOrdered(t_ns=now.monotonic_ns, number=0, weight_g=self._care.check_weight_g))
        return found, [*alarms, self._travelled(), self._wanted(due=due), self._deviates()]

    def _due(self, now: Stamp) -> bool:
        """Tell whether a check is due; nothing is while the date is unknown, or there is no calibration."""
        every_h = self._care.check_every_h
        if every_h is None or self.calibrations.version is None or now.clock != "synced":
            return False
        return _hours(self._since(), now) >= every_h

    def _since(self) -> str:
        if self._checks.done:
            return self._checks.done[-1].time
        return max(held.usable.created for held in self.calibrations.held.values() if held.usable is not None)

    def _travelled(self) -> Alarm:
        most_g, zero_g = self._care.zero_travel * self._weighing.capacity_g, self._weighing.zero_g
        text = f"the zero has gone {zero_g:+.0f} g since calibrating, {most_g:.0f} g are allowed"
        far = abs(zero_g) > most_g and self._weighing.zero_known
        return Alarm(code="ZERO_TRAVEL", part=PLATFORM, raised=far, severity="warning", message=text, remedy=_TRAVEL)

    def _wanted(self, *, due: bool) -> Alarm:
        weight_g = self._care.check_weight_g or 0.0
        remedy = f"put the check weight of {weight_g:g} g on the empty platform for a few seconds"
        return Alarm(
            code="SPAN_CHECK_DUE", part=PLATFORM, raised=due, severity="warning", message="a span check is due",
            remedy=remedy,
        )  # fmt: skip

    def _deviates(self) -> Alarm:
        last = self._checks.done[-1] if self._checks.done else None
        if last is None or last.outcome == "pass":
            return Alarm(code="SPAN_CHANGED", part=PLATFORM, raised=False)
        severity: Literal["warning", "error"] = "error" if last.outcome == "fail" else "warning"
        text = f"the check weight of {last.weight_g:g} g weighed {last.error_g:+.1f} g ({last.relative:+.2%})"
        return Alarm(code="SPAN_CHANGED", part=PLATFORM, raised=True, severity=severity, message=text, remedy=_SPAN)

    # span checks

    def order(self, asked: Asked, now_ns: int) -> Told | events.SpanCheckOrdered:
        """Return the event that a caller's order is, or why there can be none."""
        weight_g = asked.ask.weight_g or self._care.check_weight_g
        if weight_g is None:
            remedy = "give the weight, or set check_weight_g in [calibration]"
            return Told(state="in_service", error="not_possible", message="no check weight is known", remedy=remedy)
        self._number += 1
        self._callers[self._number] = asked.caller
        until_ns = now_ns + round(asked.ask.wait_s * SECOND_NS)
        return events.SpanCheckOrdered(t_ns=now_ns, number=self._number, weight_g=weight_g, until_ns=until_ns)

    def checked(self, effect: SpanChecked, now: Stamp) -> tuple[int | None, Told, bytes | None]:
        """Return whom to answer, the answer, and what to keep of the check."""
        caller = self._callers.pop(effect.number, None)
        if effect.weighed_g is None:
            remedy = "put the check weight on the empty platform, nothing else, and try again"
            code = "timeout" if effect.problem.startswith("nothing") else "not_possible"
            return caller, Told(state="in_service", error=code, message=effect.problem, remedy=remedy), None
        if effect.number == 0:
            self._asked_for = False
        error_g = effect.weighed_g - effect.weight_g
        done = Checked(
            time=_utc(now).isoformat(timespec="seconds").replace("+00:00", "Z"),
            weight_g=effect.weight_g,
            weighed_g=round(effect.weighed_g, 2),
            sd_g=round(effect.sd_g, 3),
            error_g=round(error_g, 2),
            relative=error_g / effect.weight_g,
            outcome=judge(effect.weight_g, effect.weighed_g, effect.sd_g, self._weighing.division_g),
        )
        self._checks = Checks(self.calibrations.version, (*self._checks.done, done)[-KEPT:])
        self._doubt()
        return caller, Told(state="in_service", checked=done), msgspec.json.encode(self._checks)

    def _doubt(self) -> None:
        last = self._checks.done[-1] if self._checks.done else None
        off = 0.0 if last is None or last.outcome == "pass" else abs(last.relative) / math.sqrt(3)
        if off != self.calibrations.doubt_rel:
            self.calibrations.doubt(off)

    # what is told

    def told(self, names: dict[int, str]) -> dict[str, messages.CalibrationState]:
        """Return how each scale's calibration stands, by the scale's name."""
        last = self._checks.done[-1] if self._checks.done else None
        return {
            names[scale]: messages.CalibrationState(
                state=_state(held),
                days=held.standing.days,
                due=None if held.record is None else held.record.due,
                span_check=None if last is None else messages.SpanCheckDone(**_rounded(last)),
            )
            for scale, held in self.calibrations.held.items()
        }

    def info(self, names: dict[int, str]) -> tuple[messages.CalibrationInfo, ...]:
        """Return which calibration each scale has."""
        return tuple(
            messages.CalibrationInfo(
                scale=names[scale], version=used.version, source=used.source, created=used.created, due=used.due,
                certified=used.calibration.certified, key_id=used.key_id,
            )
            for scale, held in self.calibrations.held.items()
            if (used := held.usable) is not None
        )  # fmt: skip


def _state(held: Any) -> str:
    if held.problem is not None:
        return "refused"
    return "missing" if held.record is None else str(held.standing.state)


def _rounded(done: Checked) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.structs.asdict(done)
    return plain | {"relative": round(done.relative, 6)}


def _utc(now: Stamp) -> datetime:
    return datetime.fromtimestamp(now.wall_ns / 1e9, UTC)


def _hours(since: str, now: Stamp) -> float:
    return (_utc(now) - datetime.fromisoformat(since)).total_seconds() / 3600
