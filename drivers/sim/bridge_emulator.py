"""The load-cell bridge on a live world: real bytes at the real pace, and the faults of the field."""

from pathlib import Path

from drivers.sim.bridge_device import BridgeDevice
from drivers.sim.emulator import Emulator
from drivers.sim.faults import FaultyLine
from drivers.sim.host_port import HostPort, PtyPort
from drivers.sim.live import LiveWorld

RATE_HZ = 82.03  # a real HX711 "at 80 SPS"
_CLOCK_RATE = 1_000_040.0  # its microseconds a second: a crystal 40 ppm fast
_CLOCK_START_US = (1 << 32) - 90_000_000  # the device clock wraps a minute and a half after each boot
_BEHIND_S = 0.5  # a device has no more memory than this


class BridgeEmulator(Emulator):
    """Streams the world's conversions. `unplug`, `replug` and `reboot` come from any thread."""

    def __init__(
        self, live: LiveWorld, port: HostPort, device: BridgeDevice | None = None, line: FaultyLine | None = None
    ) -> None:
        super().__init__(port, "bridge-emulator")
        self.line = line or FaultyLine()
        self._live = live
        self._device = device or BridgeDevice()
        self._boot_s = self._next_s = 0.0

    def begin(self) -> None:
        """Power up: the clock starts, hello is said."""
        if isinstance(self._port, PtyPort):
            self._port.plug()
        self._boot()

    def wait_s(self) -> float:
        """Return the time to the next conversion."""
        return self._next_s - self._live.elapsed_s()

    def received(self, data: bytes) -> None:
        """Answer the host."""
        self._send(self._device.receive(data, self._clock_us(self._live.elapsed_s())))

    def tick(self) -> None:
        """Convert and send what is due."""
        now_s = self._live.elapsed_s()
        if now_s - self._next_s > _BEHIND_S:
            self._device.overflow()
            self._next_s = now_s
        while self._next_s <= now_s:
            counts = self._live.counts_at(self._next_s)
            self._send(self._device.convert(counts, self._clock_us(self._next_s)))
            self._next_s += 1 / RATE_HZ

    def reboot(self) -> None:
        """Reset the device: its clock and its numbers begin anew."""
        self.ask(self._boot)

    def unplug(self) -> None:
        """Pull the USB plug: the port vanishes."""
        self.ask(self._port.close)

    def replug(self) -> None:
        """Put the plug back: a new port behind the same link, a device that boots."""
        self.ask(self.begin)

    def _boot(self) -> None:
        self._boot_s = self._next_s = self._live.elapsed_s()
        self._send(self._device.boot())

    def _clock_us(self, t_s: float) -> int:
        return (_CLOCK_START_US + int((t_s - self._boot_s) * _CLOCK_RATE)) & 0xFFFFFFFF

    def _send(self, message: bytes) -> None:
        if message:
            self._port.send(self.line.carry(message))


def pty_bridge(live: LiveWorld, link: Path, device: BridgeDevice | None = None) -> BridgeEmulator:
    """Return a bridge on a pseudo-terminal that will appear at `link`; `start` it."""
    return BridgeEmulator(live, PtyPort(link), device)
