"""Verdicts that the broker took and the backend never acknowledged: when to publish them again.

Pure. A broker may lose what it took (restart without persistence, a full queue of an offline subscriber). So what
stays unacknowledged for `after_s` is published again, the oldest first, in rounds of bounded size; rounds without
any progress come ever more rarely. Before each round the retained acknowledgement is read again: it may only have
been missed, and asking costs nothing.
"""

from collections import deque

from station.lane import SECOND_NS
from station.ledger import Ledger

ANSWER_NS = 2 * SECOND_NS  # for the retained acknowledgement to arrive
ROUND = 500


class Resend:
    """Plans the rounds of one connection."""

    def __init__(self, after_s: float, reconnect_s: float, maximum_s: float) -> None:
        self._after_ns = round(after_s * SECOND_NS)
        self._reconnect_ns = round(reconnect_s * SECOND_NS)
        self._maximum_ns = round(maximum_s * SECOND_NS)
        self._queue: deque[int] = deque()
        self._interval_ns = self._after_ns
        self._due_ns = 0
        self._mark = 0  # the newest one that was brokered when the clock was last looked at
        self._upto: int | None = None  # waiting for the retained acknowledgement before a round up to here
        self._round_end: int | None = None  # of a round that left others for the next

    def link_up(self, now_ns: int, ledger: Ledger) -> None:
        """Begin anew: the broker may have forgotten everything."""
        self._queue.clear()
        self._interval_ns = self._after_ns
        self._mark = ledger.highest
        self._upto = self._round_end = None
        self._due_ns = now_ns + self._reconnect_ns

    def poll(self, now_ns: int, ledger: Ledger) -> bool:
        """Look at the clock; say whether the retained acknowledgement is to be read again now."""
        if now_ns < self._due_ns or self._queue:
            return False
        if self._upto is not None:
            self._begin_round(now_ns, ledger, self._upto)
            return False
        upto, self._mark = self._mark, ledger.highest
        if not ledger.outstanding(upto, 1):
            self._interval_ns = self._after_ns
            self._due_ns = now_ns + self._interval_ns
            return False
        self._upto = upto
        self._due_ns = now_ns + min(ANSWER_NS, self._after_ns)
        return True

    def acknowledged(self, now_ns: int, ledger: Ledger) -> None:
        """The backend has made progress: rounds come quickly again."""
        self._interval_ns = self._after_ns
        if self._round_end is not None and ledger.confirmed >= self._round_end:
            self._round_end = None
            self._due_ns = now_ns

    def pop(self, ledger: Ledger) -> int | None:
        """Return the next verdict to publish again."""
        while self._queue:
            if (seq := self._queue.popleft()) > ledger.confirmed:
                return seq
        return None

    def _begin_round(self, now_ns: int, ledger: Ledger, upto: int) -> None:
        numbers = ledger.outstanding(upto, ROUND)
        self._queue.extend(numbers)
        self._upto = None
        self._round_end = numbers[-1] if len(numbers) == ROUND else None
        self._due_ns = now_ns + self._interval_ns
        self._interval_ns = min(2 * self._interval_ns, self._maximum_ns)
