"""The time by which a driver clocks its converters: the host's, or that of an emulated bench."""

import select
import time
from collections.abc import Sequence
from typing import Protocol


class Pace(Protocol):
    """A monotonic clock and a way to wait on it."""

    def now_ns(self) -> int:
        """Return the time on a monotonic clock."""

    def wait(self, timeout_s: float, fds: Sequence[int] = ()) -> None:
        """Return after `timeout_s`, or as soon as one of `fds` can be read."""


class HostPace:
    """The host's own clock, the one of `time.monotonic_ns`."""

    def now_ns(self) -> int:
        """Return the host's monotonic time."""
        return time.monotonic_ns()

    def wait(self, timeout_s: float, fds: Sequence[int] = ()) -> None:
        """Sleep; wake when one of `fds` can be read."""
        if not fds:
            time.sleep(max(0.0, timeout_s))
            return
        poll = select.poll()
        for fd in fds:
            poll.register(fd, select.POLLIN)
        poll.poll(max(0.0, timeout_s) * 1000)
