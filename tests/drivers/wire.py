"""The device's end of a pseudo-terminal in a test's own hand, and reading a driver until something shows."""

import os
import pty
import select
import time
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Self

from drivers.base import Barcode, Indication, Sample, ScaleDriver

DEADLINE_S = 10.0


class Peer:
    """A pseudo-terminal: the driver opens `path`, the test speaks for the device."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()

    def say(self, data: bytes) -> None:
        os.write(self._master, data)

    def heard(self, timeout_s: float = DEADLINE_S) -> bytes:
        """Return what the driver sent, waiting for its first byte."""
        ready, _, _ = select.select([self._master], [], [], timeout_s)
        return os.read(self._master, 4096) if ready else b""

    def unplug(self) -> None:
        if self._master >= 0:
            os.close(self._master)
            self._master = -1


def read_until(
    driver: ScaleDriver, good: Callable[[Sample | Indication], bool], deadline_s: float = DEADLINE_S
) -> list[Sample | Indication]:
    """Read until a value is as wished; return all, that one last. Barcodes are passed over."""
    end_s = time.monotonic() + deadline_s
    seen: list[Sample | Indication] = []
    while time.monotonic() < end_s:
        for value in driver.read(0.2):
            if isinstance(value, Barcode):
                continue
            seen.append(value)
            if good(value):
                return seen
    raise AssertionError(f"nothing fitting among {seen[-5:]}")


def read_to_error(driver: ScaleDriver, deadline_s: float = DEADLINE_S) -> None:
    """Read until the driver raises."""
    end_s = time.monotonic() + deadline_s
    while time.monotonic() < end_s:
        driver.read(0.2)
    raise AssertionError("the driver did not notice")
