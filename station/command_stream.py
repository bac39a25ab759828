"""When the live weight is due: at a bounded rate, for a bounded time, renewed or ended by the next order.

Pure. Nothing is kept over a restart: who still wants it asks again.
"""

from station.messages import Stream

SECOND_NS = 10**9


class Streaming:
    """The one stream of a station; the last order counts."""

    def __init__(self) -> None:
        self.due_ns: int | None = None
        self._interval_ns = 0
        self._end_ns = 0

    def order(self, wish: Stream, now_ns: int) -> None:
        """Begin, renew or end it."""
        self._interval_ns = round(SECOND_NS / wish.hz)
        self._end_ns = now_ns + round(wish.seconds * SECOND_NS)
        self.due_ns = now_ns if wish.seconds > 0 else None

    def take(self, now_ns: int) -> bool:
        """Say whether a weight is to be published now; what was missed is not made up for."""
        if self.due_ns is None or now_ns < self.due_ns:
            return False
        if now_ns >= self._end_ns:
            self.due_ns = None
            return False
        self.due_ns = max(self.due_ns + self._interval_ns, now_ns + self._interval_ns // 2)
        return True
