"""Zero on command where the instruments keep their own: ask them, and believe their display only.

An order is passed on when the platform is still, may be empty, and shows no more than 2 % of capacity; that nobody is
there the owner knows. Each instrument agrees or refuses; it has done it when it then reports a stable weight within
half a division of zero. Whatever is not done within `ZERO_S` is refused, so that no order is carried out late.
"""

from typing import NamedTuple

from station.core.effects import Answer, Effect, ZeroScale
from station.core.events import Indicated, ScaleZeroed
from station.core.tracks import NS
from station.core.weighing import Weighing
from station.core.zero import ZERO_RANGE

ZERO_S = 4.0  # an answer, a measurement, and the patience of a scale that comes to rest
REFUSED = "zero_refused"


class _Order(NamedTuple):
    command: int | None
    due_ns: int
    asked: frozenset[int]  # who has not agreed yet
    agreed: frozenset[int]  # who has agreed, but not shown zero yet


class Zeroing:
    """One order at a time, for platforms of instruments only."""

    def __init__(self, weighing: Weighing) -> None:
        self._weighing = weighing
        self._order: _Order | None = None
        self._number = 0
        self.applies = not any(spec.counts for spec in weighing.specs)

    @property
    def due_ns(self) -> int | None:
        """Return when the present order is given up, None without one."""
        return None if self._order is None else self._order.due_ns

    def begin(self, command: int | None, t_ns: int) -> list[Effect]:
        """Pass an order on, or refuse it."""
        refusal = self._refusal()
        if refusal:
            return _answer(command, refusal)
        self._number += 1
        scales = frozenset(range(len(self._weighing.specs)))
        self._order = order = _Order(command, t_ns + int(ZERO_S * NS), scales, frozenset())
        return [ZeroScale(scale=scale, number=self._number, due_ns=order.due_ns) for scale in sorted(scales)]

    def answered(self, event: ScaleZeroed) -> list[Effect]:
        """Take what an instrument says to the order; to one that is over it is nothing."""
        order = self._order
        if order is None or event.number != self._number or event.scale not in order.asked:
            return []
        if event.refusal:
            return self._end(f"{self._weighing.specs[event.scale].name}: {event.refusal}")
        one = frozenset({event.scale})
        self._order = order._replace(asked=order.asked - one, agreed=order.agreed | one)
        return []

    def indicated(self, event: Indicated) -> list[Effect]:
        """Look whether this is the zero that was ordered."""
        order = self._order
        if order is None or event.scale not in order.agreed or event.state != "stable" or event.weight_g is None:
            return []
        if abs(event.weight_g) > self._weighing.specs[event.scale].division_g / 2:
            return []
        self._order = order = order._replace(agreed=order.agreed - {event.scale})
        return [] if order.agreed or order.asked else self._end("")

    def expire(self, t_ns: int) -> list[Effect]:
        """Give the order up when its time has passed."""
        order = self._order
        if order is None or t_ns < order.due_ns:
            return []
        scale = self._weighing.specs[min(order.asked or order.agreed)].name
        what = "did not answer" if order.asked else "agreed, but does not show zero"
        return self._end(f"{scale} {what} within {ZERO_S:.0f} s")

    def _refusal(self) -> str:
        level = self._weighing.level()
        if self._order is not None:
            return "zero is being set already"
        if level is None or not level.still or not self._weighing.may_be_empty:
            return "the platform is not empty and still"
        if abs(level.mean_g) > ZERO_RANGE * self._weighing.capacity_g:
            return f"more than {ZERO_RANGE:.0%} of capacity from the scale's zero"
        return ""

    def _end(self, refusal: str) -> list[Effect]:
        command = None if self._order is None else self._order.command
        self._order = None
        return _answer(command, refusal)


def _answer(command: int | None, refusal: str) -> list[Effect]:
    if command is None:
        return []
    return [Answer(command=command, code=REFUSED if refusal else None, message=refusal)]
