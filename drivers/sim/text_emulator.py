"""A board on a live world that prints the counts of all cells as lines, its own time before them."""

from pathlib import Path

from drivers.sim.emulator import Emulator
from drivers.sim.faults import FaultyLine
from drivers.sim.host_port import PtyPort
from drivers.sim.live import LiveWorld

_CONVERSION_S = 1 / 80
_BEHIND_S = 0.25  # held up for longer, a board has lost conversions


class TextEmulator(Emulator):
    """Serves one board at `link`: lines of milliseconds and a whole number for each cell. `line` is its bad line."""

    def __init__(self, live: LiveWorld, link: Path) -> None:
        self._pty = PtyPort(link)
        super().__init__(self._pty, "text-emulator")
        self.line = FaultyLine()
        self._live = live
        self._next_s = 0.0

    def begin(self) -> None:
        """Power up."""
        self._pty.plug()
        self._next_s = self._live.elapsed_s()

    def wait_s(self) -> float:
        """Return the time to the next conversion."""
        return self._next_s - self._live.elapsed_s()

    def received(self, data: bytes) -> None:
        """Take no notice of the host."""

    def tick(self) -> None:
        """Print the conversions that are due."""
        now_s = self._live.elapsed_s()
        if now_s - self._next_s > _BEHIND_S:
            self._next_s = now_s
        while self._next_s <= now_s:
            columns = [round(self._next_s * 1000), *self._live.counts_at(self._next_s)]
            self._pty.send(self.line.carry(",".join(map(str, columns)).encode() + b"\r\n"))
            self._next_s += _CONVERSION_S

    def unplug(self) -> None:
        """Pull the board's plug."""
        self.ask(self._pty.close)

    def replug(self) -> None:
        """Put the plug back."""
        self.ask(self._pty.plug)
