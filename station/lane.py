"""The stored messages of one topic on their way to the broker.

Pure. Fresh ones go first, then what was refused and is due again, then the backlog, which is read from the outbox in
pieces. A refusal closes the lane for a while, longer each time; after that a single message probes whether it is
open again. So a topic on which nobody listens, or that the broker denies, costs one message a minute, and a single
message that no broker takes holds up the others for a second at a time.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from station.outbox import Kind, Ref

FRESH_MAX = 1000
SECOND_NS = 10**9
ROW_RETRY_MAX_S = 3600.0


class Send(NamedTuple):
    """Publish this message; `late` when it is not the first chance it had."""

    ref: Ref
    late: bool


class Refusal(NamedTuple):
    """How often a message was refused, and when it may be tried again."""

    attempts: int
    due_ns: int


def backoff_ns(attempts: int, minimum_s: float, maximum_s: float) -> int:
    """Return the wait after the given number of failures: doubling, bounded."""
    return round(min(maximum_s, minimum_s * 2.0 ** min(attempts - 1, 40)) * SECOND_NS)


class Lane:
    """One topic. Valid for one connection; `reset` begins the next."""

    def __init__(self, kind: Kind, topic: str, retry_min_s: float, retry_max_s: float) -> None:
        self.kind: Kind = kind
        self.topic = topic
        self._retry_s = (retry_min_s, retry_max_s)
        self.reset()

    def reset(self) -> None:
        """Forget everything; the outbox is read again from its beginning."""
        self.reason_code = 0  # of the last refusal, 0 while the broker takes messages
        self.cursor = 0
        self.unread = True  # the outbox may hold more behind the cursor
        self._fresh: deque[Ref] = deque()
        self._backlog: deque[Ref] = deque()
        self._skip: set[int] = set()  # taken as fresh though the cursor is not there yet
        self._refused: dict[Ref, Refusal] = {}
        self._failures = 0
        self._closed_until_ns = 0
        self._in_flight = 0

    def stored(self, ref: Ref) -> None:
        """Take a message that was stored just now."""
        if self._failures or len(self._fresh) >= FRESH_MAX:
            self.unread = True  # it is backlog now, and found there
            return
        self._fresh.append(ref)
        if self.unread:
            self._skip.add(ref.number)
        else:
            self.cursor = max(self.cursor, ref.number)

    def refill(self, refs: Sequence[Ref], limit: int) -> None:
        """Take what the outbox holds behind the cursor; fewer than `limit` means that there is no more."""
        self.unread = len(refs) >= limit
        self._backlog.extend(ref for ref in refs if ref.number not in self._skip and ref not in self._refused)
        self.cursor = max([self.cursor, *(ref.number for ref in refs)])
        if not self.unread:
            self.cursor = max([self.cursor, *self._skip])
        self._skip = {number for number in self._skip if number > self.cursor}

    def wants_refill(self, now_ns: int) -> bool:
        """Say whether the next piece of backlog should be read."""
        return self.unread and not self._backlog and self.open(now_ns)

    def fresh(self, now_ns: int) -> Send | None:
        """Return the next message that was never late."""
        return Send(self._fresh.popleft(), late=False) if self._fresh and self.open(now_ns) else None

    def late(self, now_ns: int) -> Send | None:
        """Return the next message that was refused, or left over."""
        if not self.open(now_ns):
            return None
        due = [ref for ref, refusal in self._refused.items() if 0 < refusal.due_ns <= now_ns]
        if due:
            refusal = self._refused[due[0]]
            self._refused[due[0]] = Refusal(refusal.attempts, 0)  # no second time while it is on its way
            return Send(due[0], late=True)
        return Send(self._backlog.popleft(), late=True) if self._backlog else None

    def sent(self) -> None:
        """One more message is on its way."""
        self._in_flight += 1

    def accepted(self, ref: Ref) -> None:
        """The broker has taken a message: the lane is open."""
        self._in_flight -= 1
        self._failures = self._closed_until_ns = self.reason_code = 0
        self._refused.pop(ref, None)

    def refused(self, ref: Ref, reason_code: int, now_ns: int) -> None:
        """The broker did not take a message: close the lane for a while."""
        self._in_flight -= 1
        self.reason_code = reason_code
        if now_ns >= self._closed_until_ns:  # several on their way at once are one failure
            self._failures += 1
            self._closed_until_ns = now_ns + backoff_ns(self._failures, *self._retry_s)
        attempts = self._refused.get(ref, Refusal(0, 0)).attempts + 1
        self._refused[ref] = Refusal(attempts, now_ns + backoff_ns(attempts, self._retry_s[0], ROW_RETRY_MAX_S))

    def open(self, now_ns: int) -> bool:
        """Say whether a message may go now."""
        return not self._failures or (now_ns >= self._closed_until_ns and self._in_flight == 0)
