"""Stamps: what time it is, and how far it may be trusted.

Most stations have no battery-backed clock: after a power cut they start somewhere in the past and jump when the
network answers. So every message carries the boot's identity and the monotonic clock beside the wall clock, and says
whether the latter is synchronised, or has jumped a short while ago.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from station.wire import MS_NS, ClockState, Stamp, uuid7

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SYNCHRONISED = Path("/run/systemd/timesync/synchronized")  # made by systemd-timesyncd at the first good answer
SECOND_NS = 1_000_000_000
JUMP_NS = SECOND_NS // 2  # a disciplined clock never steps this far
SLEW = 0.001  # the kernel slews by at most 500 parts per million; twice that is no jump
STEPPED_FOR_NS = 600 * SECOND_NS  # how long a jump is remembered: longer than any transaction


def read_boot_id() -> str:
    """Return the identity of this boot of the machine."""
    return BOOT_ID.read_text(encoding="ascii").strip()


@dataclass
class Clock:
    """Makes stamps and event ids. Use one instance in one thread: it remembers the last offset of the two clocks."""

    boot_id: str = field(default_factory=read_boot_id)
    synchronised: Path = SYNCHRONISED
    wall_ns: Callable[[], int] = time.time_ns
    monotonic_ns: Callable[[], int] = time.monotonic_ns
    _last: tuple[int, int] | None = field(default=None, init=False, repr=False)
    _stepped_at_ns: int | None = field(default=None, init=False, repr=False)

    def stamp(self) -> Stamp:
        """Return the present."""
        monotonic_ns, wall_ns = self.monotonic_ns(), self.wall_ns()
        return Stamp(
            wall_ns=wall_ns, monotonic_ns=monotonic_ns, boot_id=self.boot_id, clock=self._state(wall_ns, monotonic_ns)
        )

    def new_id(self) -> str:
        """Return a fresh UUID version 7."""
        return uuid7(self.wall_ns() // MS_NS, os.urandom(10))

    def _state(self, wall_ns: int, monotonic_ns: int) -> ClockState:
        if self._last is not None:
            was_wall_ns, was_monotonic_ns = self._last
            elapsed_ns = monotonic_ns - was_monotonic_ns
            if abs(wall_ns - was_wall_ns - elapsed_ns) > JUMP_NS + SLEW * elapsed_ns:
                self._stepped_at_ns = monotonic_ns
        self._last = (wall_ns, monotonic_ns)
        if self._stepped_at_ns is not None and monotonic_ns - self._stepped_at_ns < STEPPED_FOR_NS:
            return "stepped"
        return "synced" if self.synchronised.exists() else "unsynced"
