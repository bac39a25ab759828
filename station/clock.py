"""Stamps: what time it is, and how far it may be trusted.

Most stations have no battery-backed clock: after a power cut they start somewhere in the past and jump when the
network answers. So every message carries the boot's identity and the monotonic clock beside the wall clock, and says
whether the latter is synchronised, or has jumped a short while ago.

A clock that is not synchronised and says less than what is known to have passed is wrong for certain. The floor, the
newest time that a synchronised clock has told, or that of the installation, stands in for it then, and goes on from
there: so nothing new is older than what is stored. It only ever dates messages; certificates are judged by the
machine's own clock, because whoever sets that back must not bring an expired one to life.
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


def installed_ns() -> int:
    """Return when this software was installed: the time has been that at least."""
    return Path(__file__).stat().st_mtime_ns


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
    floor_ns: int = 0
    _began_ns: int = field(default=0, init=False, repr=False)
    _last: tuple[int, int] | None = field(default=None, init=False, repr=False)
    _stepped_at_ns: int | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._began_ns = self.monotonic_ns()

    def stamp(self) -> Stamp:
        """Return the present."""
        monotonic_ns, wall_ns = self.monotonic_ns(), self.wall_ns()
        state = self._state(wall_ns, monotonic_ns)
        return Stamp(
            wall_ns=self._lifted_ns(wall_ns, monotonic_ns), monotonic_ns=monotonic_ns, boot_id=self.boot_id, clock=state
        )

    def new_id(self) -> str:
        """Return a fresh UUID version 7."""
        wall_ns = self._lifted_ns(self.wall_ns(), self.monotonic_ns())
        return uuid7(wall_ns // MS_NS, os.urandom(10))

    def _lifted_ns(self, wall_ns: int, monotonic_ns: int) -> int:
        """Return the wall clock, or the floor and the time since where that is more and nobody vouches for it."""
        least_ns = self.floor_ns + monotonic_ns - self._began_ns
        return wall_ns if wall_ns >= least_ns or self.synchronised.exists() else least_ns

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
