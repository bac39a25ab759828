"""A scale on a live world: a pseudo-terminal that talks as the real one does, and the faults of the field."""

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from drivers.sim.emulator import Emulator
from drivers.sim.faults import FaultyLine
from drivers.sim.host_port import HostPort, PtyPort
from drivers.sim.live import LiveWorld

_LOOK_S = 0.02  # the scale's own converter


class Device(Protocol):
    """An instrument, byte by byte, its load observed from outside."""

    def observe(self, load_g: float, t_s: float) -> None:
        """Take the load on the platter at `t_s`; it comes 50 times a second."""

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host; return what it sends back."""

    def stream(self, t_s: float) -> bytes:
        """Return what it says by itself at `t_s`; b"" for a scale that waits for questions."""


@dataclass(slots=True)
class Pace:
    """How slowly it speaks: a pause before each message, and the time of each byte (0: all at once)."""

    delay_s: float = 0.0
    byte_s: float = 0.0


class ScaleEmulator(Emulator):
    """Serves one scale. `line` and `pace` are its bad line, `unplug` and `replug` its plug.

    `mute` makes it silent; `answer` is what it says to everything, such as a NAK.
    """

    def __init__(self, live: LiveWorld, port: HostPort, device: Device) -> None:
        super().__init__(port, "scale-emulator")
        self.line = FaultyLine()
        self.pace = Pace()
        self.mute = False
        self.answer: bytes | None = None
        self._live = live
        self._device = device
        self._next_s = 0.0
        self._sending: deque[tuple[float, bytes]] = deque()

    def begin(self) -> None:
        """Power up."""
        self._plug()
        self._next_s = self._live.elapsed_s()

    def wait_s(self) -> float:
        """Return the time to the next look at the load, or the next byte to send."""
        due_s = min(self._next_s, self._sending[0][0]) if self._sending else self._next_s
        return due_s - self._live.elapsed_s()

    def received(self, data: bytes) -> None:
        """Answer the host."""
        said = self._device.receive(data)
        self._say(said if self.answer is None else self.answer)

    def tick(self) -> None:
        """Look at the load when it is time, and send what is due."""
        now_s = self._live.elapsed_s()
        if now_s >= self._next_s:
            self._device.observe(self._live.load_at(now_s), now_s)
            self._next_s = now_s + _LOOK_S
            said = self._device.stream(now_s)
            self._say(self.answer if said and self.answer is not None else said)
        while self._sending and self._sending[0][0] <= now_s:
            self._port.send(self._sending.popleft()[1])

    def unplug(self) -> None:
        """Pull the adapter's plug."""
        self.ask(self._port.close)

    def replug(self) -> None:
        """Put the plug back."""
        self.ask(self._plug)

    def _plug(self) -> None:
        if isinstance(self._port, PtyPort):
            self._port.plug()

    def _say(self, message: bytes) -> None:
        message = self.line.carry(message) if message else b""
        if not message or self.mute:
            return
        if not (self.pace.delay_s or self.pace.byte_s):
            self._port.send(message)
            return
        due_s = self._live.elapsed_s() + self.pace.delay_s
        pieces = [message[n : n + 1] for n in range(len(message))] if self.pace.byte_s else [message]
        for number, piece in enumerate(pieces):
            self._sending.append((due_s + number * self.pace.byte_s, piece))


def pty_scale(live: LiveWorld, link: Path, device: Device) -> ScaleEmulator:
    """Return a scale on a pseudo-terminal that will appear at `link`; `start` it."""
    return ScaleEmulator(live, PtyPort(link), device)
