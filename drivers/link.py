"""What a scale driver needs of the wire below it: a serial port, or the simulation's socket."""

from typing import Protocol


class Link(Protocol):
    """Bytes both ways. Every failure is a `SensorError`; nothing blocks longer than it is told."""

    @property
    def name(self) -> str:
        """How people know this wire: its port or path."""

    def open(self) -> None:
        """Connect, with empty buffers."""

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes there are; wait up to `timeout_s` for the first one; b"" when none came."""

    def write(self, data: bytes) -> None:
        """Send all of `data`, or fail within a second."""

    def discard_input(self) -> None:
        """Forget what has arrived and was not read."""

    def close(self) -> None:
        """Let go; never raises."""
