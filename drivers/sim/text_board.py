"""A board that prints its conversions as lines, in virtual time on a pseudo-terminal."""

from collections.abc import Callable

from drivers.sim.faults import FaultyLine
from drivers.sim.host_port import PtyPort
from drivers.sim.virtual_pace import VirtualPace

_BOOTED_MS = 4_294_900_000 / 1000  # the board's time is near the end of its 32 bits of microseconds


class TextBoard:
    """Prints what `source` gives at each time; `form` makes the line of milliseconds and counts."""

    def __init__(
        self,
        pace: VirtualPace,
        port: PtyPort,
        source: Callable[[int], float],
        *,
        period_ns: int = 12_500_000,
        form: str = "{counts}\r\n",
    ) -> None:
        self.line = FaultyLine()
        self.paused = False
        self.hold_ns = 0  # the next conversion comes later by this, as after a reset of the converter
        self._port = port
        self._source = source
        self._period_ns = period_ns
        self._form = form
        self._start_ns = self._next_ns = pace.t_ns
        port.plug()
        pace.devices.append(self._tick)
        pace.events.append(lambda: self._next_ns + self.hold_ns)

    def _tick(self, t_ns: int) -> None:
        while self._next_ns + self.hold_ns <= t_ns:
            at_ns, self._next_ns = self._next_ns + self.hold_ns, self._next_ns + self.hold_ns + self._period_ns
            self.hold_ns = 0
            text = self._form.format(
                ms=round(_BOOTED_MS + (at_ns - self._start_ns) / 1e6), counts=round(self._source(at_ns))
            )
            if not self.paused:
                self._port.send(self.line.carry(text.encode()))
