"""A driver and its emulated device in one thread and in virtual time: both ends of one wire, and the clock of both.

Time passes only while the driver waits, so hours of a bad line take seconds, and every run is the same.
"""

from drivers.base import SensorError
from drivers.sim.emulator import Emulator

_TICK_S = 1e-6  # whatever either end does takes a moment


class VirtualClock:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self._ns = 0

    def ns(self) -> int:
        """Return nanoseconds since the beginning."""
        return self._ns

    def s(self) -> float:
        """Return seconds since the beginning."""
        return self._ns / 1e9

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._ns += max(1, round(seconds * 1e9))


class DeviceEnd:
    """The device's end of the wire; implements `drivers.sim.host_port.HostPort`."""

    def __init__(self) -> None:
        self.to_host = bytearray()
        self.plugged = True

    @property
    def gone(self) -> bool:
        """Never: it may be plugged in again."""
        return False

    def receive(self, timeout_s: float) -> bytes:  # noqa: ARG002 - the host's end delivers at once
        """Return nothing: `HostEnd.write` hands bytes to the device itself."""
        return b""

    def send(self, data: bytes) -> None:
        """Put bytes on the wire; without a plug they are lost."""
        if self.plugged:
            self.to_host += data

    def close(self) -> None:
        """Unplug."""
        self.plugged = False
        self.to_host.clear()


class HostEnd:
    """The driver's end of the wire; implements `drivers.link.Link`."""

    def __init__(self, clock: VirtualClock, wire: DeviceEnd, device: Emulator) -> None:
        self._clock = clock
        self._wire = wire
        self._device = device
        self._open = False

    @property
    def name(self) -> str:
        """What people would call it."""
        return "the loop"

    def open(self) -> None:
        """Connect, with empty buffers."""
        self._open = self._wire.plugged
        self._require_open()
        self._wire.to_host.clear()

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes there are; wait up to `timeout_s` of virtual time for the first one."""
        self._require_open()
        self._clock.advance(_TICK_S)
        end_ns = self._clock.ns() + round(max(0.0, timeout_s) * 1e9)
        while not self._wire.to_host and (left_s := (end_ns - self._clock.ns()) / 1e9) > 0:
            self._clock.advance(min(max(self._device.wait_s(), _TICK_S), left_s))
            self._device.tick()
        data = bytes(self._wire.to_host)
        self._wire.to_host.clear()
        return data

    def write(self, data: bytes) -> None:
        """Hand bytes to the device."""
        self._require_open()
        self._device.received(data)

    def discard_input(self) -> None:
        """Forget what has arrived and was not read."""
        self._require_open()
        self._wire.to_host.clear()

    def close(self) -> None:
        """Let go; never raises."""
        self._open = False

    def _require_open(self) -> None:
        if not self._wire.plugged:
            raise SensorError("the loop was lost", "plug it in")
        if not self._open:
            raise SensorError("the loop is not open", "open it first")
