"""What is common to emulated instruments: how a load seen from outside becomes a weight, motion, overload, a tare."""

from collections import deque

MOTION_WINDOW_S = 0.4
OVER_DIVISIONS = 9
_QUESTION_MAX_BYTES = 16


class ScaleModel:
    """One weighing instrument without a wire. Call `observe` often (20 times a second will do)."""

    def __init__(self, capacity_g: float = 30_000.0, division_g: float = 5.0) -> None:
        self.capacity_g = capacity_g
        self.division_g = division_g
        self._seen: deque[tuple[float, float]] = deque()
        self.zero_g = 0.0
        self.tare_g = 0.0

    def observe(self, load_g: float, t_s: float) -> None:
        """Take the load on the platter at `t_s`."""
        self._seen.append((t_s, load_g))
        while self._seen[0][0] < t_s - MOTION_WINDOW_S:
            self._seen.popleft()

    @property
    def load_g(self) -> float:
        """The load as it was last seen, zero when it never was."""
        return self._seen[-1][1] if self._seen else 0.0

    @property
    def gross_g(self) -> float:
        """The load from the captured zero."""
        return self._seen[-1][1] - self.zero_g if self._seen else 0.0

    @property
    def moving(self) -> bool:
        """In motion: the load has wandered more than a division lately, or was not watched long enough."""
        loads = [load_g for _, load_g in self._seen]
        watched_s = self._seen[-1][0] - self._seen[0][0] if self._seen else 0.0
        return watched_s < MOTION_WINDOW_S / 2 or max(loads) - min(loads) > self.division_g

    @property
    def over(self) -> bool:
        """More than it may carry."""
        return self.gross_g > self.capacity_g + OVER_DIVISIONS * self.division_g

    @property
    def under(self) -> bool:
        """Lighter than nothing, by more than a division."""
        return self.gross_g < -self.division_g

    def shown_g(self, step_g: float | None = None) -> float:
        """Return the net weight on the display, in whole steps."""
        step_g = step_g or self.division_g
        return round((self.gross_g - self.tare_g) / step_g) * step_g


class AskedDevice:
    """What emulated scales that speak only when asked have in common; implements part of `scale_emulator.Device`."""

    def __init__(self, model: ScaleModel | None = None) -> None:
        self.model = model or ScaleModel()
        self._question = b""

    def observe(self, load_g: float, t_s: float) -> None:
        """Take the load on the platter at `t_s`."""
        self.model.observe(load_g, t_s)

    def stream(self, t_s: float) -> bytes:  # noqa: ARG002 - it never speaks unasked
        """Return what it says by itself: nothing."""
        return b""

    def questions(self, data: bytes, end: bytes = b"\r") -> list[bytes]:
        """Return the questions that `data` completes, parity removed; keep an unfinished one."""
        *whole, rest = (self._question + bytes(byte & 0x7F for byte in data)).split(end)
        self._question = rest[-_QUESTION_MAX_BYTES:]
        return whole
