"""Time for a bench of emulated chips: it passes only when a driver looks at it, waits, or makes a system call."""

from collections.abc import Callable, Sequence

_LOOK_NS = 150  # what a look at the clock costs
_WAKE_NS = 20_000  # from an event to the program that waits for it
_START_NS = 1_000_000_000


class VirtualPace:
    """Implements `drivers.pace.Pace`. `events` tell when the next one is due; `devices` are told of passing time."""

    def __init__(self) -> None:
        self.t_ns = _START_NS
        self.events: list[Callable[[], int]] = []
        self.devices: list[Callable[[int], None]] = []

    def now_ns(self) -> int:
        """Return the time; looking costs a little of it."""
        self.t_ns += _LOOK_NS
        return self.t_ns

    def wait(self, timeout_s: float, fds: Sequence[int] = ()) -> None:
        """Pass the time, up to the next event where there is something to wait for."""
        until_ns = self.t_ns + max(0, round(timeout_s * 1e9))
        if fds:
            due_ns = [event() + _WAKE_NS for event in self.events]
            until_ns = min([until_ns, *(t_ns for t_ns in due_ns if t_ns > self.t_ns)])
        self.advance(until_ns - self.t_ns)

    def advance(self, step_ns: int) -> None:
        """Let time pass."""
        self.t_ns += step_ns
        for device in self.devices:
            device(self.t_ns)
