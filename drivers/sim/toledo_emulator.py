"""A retail scale on a live world: a pseudo-terminal that answers `W` as the real one does."""

from pathlib import Path

from drivers.sim.emulator import Emulator
from drivers.sim.faults import FaultyLine
from drivers.sim.host_port import PtyPort
from drivers.sim.live import LiveWorld
from drivers.sim.toledo_device import ToledoDevice, ToledoSpec

_LOOK_S = 0.02  # the scale's own converter


class ToledoEmulator(Emulator):
    """Serves one scale at `link`. `mute` makes it fall silent; `unplug` and `replug` its adapter."""

    def __init__(self, live: LiveWorld, link: Path, spec: ToledoSpec | None = None) -> None:
        self._pty = PtyPort(link)
        super().__init__(self._pty, "toledo-emulator")
        self.line = FaultyLine()
        self.mute = False
        self._live = live
        self._device = ToledoDevice(spec)
        self._next_s = 0.0

    def begin(self) -> None:
        """Power up."""
        self._pty.plug()
        self._next_s = self._live.elapsed_s()

    def wait_s(self) -> float:
        """Return the time to the next look at the load."""
        return self._next_s - self._live.elapsed_s()

    def received(self, data: bytes) -> None:
        """Answer the host, unless muted."""
        answer = self._device.receive(data)
        if answer and not self.mute:
            self._pty.send(self.line.carry(answer))

    def tick(self) -> None:
        """Look at the load when it is time."""
        now_s = self._live.elapsed_s()
        if now_s >= self._next_s:
            self._device.observe(self._live.load_at(now_s), now_s)
            self._next_s = now_s + _LOOK_S

    def unplug(self) -> None:
        """Pull the adapter's plug."""
        self.ask(self._pty.close)

    def replug(self) -> None:
        """Put the plug back."""
        self.ask(self._pty.plug)
