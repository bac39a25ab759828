"""The board of alarms: what is raised now, so that each condition is told once when it begins and once when it ends."""

from typing import Literal

import msgspec

from station.core.effects import Alarm


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `evt/alarm` (contract, section 3)."""

    alarm_id: str
    code: str
    severity: Literal["warning", "error"]
    state: Literal["raised", "cleared"]
    message: str
    remedy: str
    part: str


class Board:
    """All alarms of one run."""

    def __init__(self) -> None:
        self._raised: dict[tuple[str, str], Notice] = {}

    def post(self, alarm: Alarm, alarm_id: str) -> Notice | None:
        """Return what to tell of this condition; None if it is known already. `alarm_id` names a new one."""
        key = (alarm.code, alarm.part)
        known = self._raised.get(key)
        if alarm.raised == (known is not None):
            return None
        if known is not None:
            del self._raised[key]
            return msgspec.structs.replace(known, state="cleared")
        self._raised[key] = Notice(
            alarm_id=alarm_id,
            code=alarm.code,
            severity=alarm.severity,
            state="raised",
            message=alarm.message,
            remedy=alarm.remedy,
            part=alarm.part,
        )
        return self._raised[key]

    def raised(self) -> tuple[Notice, ...]:
        """Return what is raised now."""
        return tuple(self._raised.values())
