"""The stored messages of one topic on their way to the broker.

Pure. Fresh ones go first, then what was refused and is due again, then the backlog, which is read from the outbox in
pieces. A refusal closes the lane for a while, longer each time; after that a single message probes whether it is
open again, one that was not tried before if there is any. So a topic on which nobody listens, or that the broker
denies, costs one message a minute, and a single message that no broker takes holds up the others for a second at a
time. When the lane opens, what was refused because of the topic goes again soon.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from station.outbox import Kind, Ref

FRESH_MAX = 1000
SECOND_NS = 10**9
ROW_RETRY_MAX_S = 3600.0
OF_THE_MESSAGE = frozenset({131, 144, 149, 153})  # reason codes that say nothing about the topic's other messages


class Send(NamedTuple):
    """Publish this message; `late` when it is not the first chance it had."""

    ref: Ref
    late: bool


class Refusal(NamedTuple):
    """Why a message was refused, and when it may be tried again."""

    reason_code: int
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
        self._attempts: dict[Ref, int] = {}  # of those that were refused, also while they are on their way again
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
        self._backlog.extend(ref for ref in refs if ref.number not in self._skip and ref not in self._attempts)
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
        due = [ref for ref, refusal in self._refused.items() if refusal.due_ns <= now_ns]
        if due and not (self._failures and self._backlog):
            del self._refused[due[0]]
            return Send(due[0], late=True)
        return Send(self._backlog.popleft(), late=True) if self._backlog else None

    def put_back(self, ref: Ref, now_ns: int) -> None:
        """Take back a message that was given out and not sent."""
        self._attempts.setdefault(ref, 0)
        self._refused[ref] = Refusal(0, now_ns)

    def sent(self) -> None:
        """One more message is on its way."""
        self._in_flight += 1

    def accepted(self, ref: Ref, now_ns: int) -> None:
        """The broker has taken a message: the lane is open."""
        self._in_flight -= 1
        self._attempts.pop(ref, None)
        if self._failures:
            self._failures = self._closed_until_ns = self.reason_code = 0
            for other, refusal in self._refused.items():
                if refusal.reason_code not in OF_THE_MESSAGE:
                    soon_ns = now_ns + min(self._attempts[other] - 1, 60) * SECOND_NS
                    self._refused[other] = Refusal(refusal.reason_code, min(refusal.due_ns, soon_ns))

    def refused(self, ref: Ref, reason_code: int, now_ns: int) -> None:
        """The broker did not take a message: close the lane for a while."""
        self._in_flight -= 1
        self.reason_code = reason_code
        self._attempts[ref] = attempts = self._attempts.get(ref, 0) + 1
        if now_ns >= self._closed_until_ns:  # several on their way at once are one failure
            if attempts == 1 or not self._failures:  # the same one again tells nothing new
                self._failures += 1
            self._closed_until_ns = now_ns + backoff_ns(self._failures, *self._retry_s)
        self._refused[ref] = Refusal(reason_code, now_ns + backoff_ns(attempts, self._retry_s[0], ROW_RETRY_MAX_S))

    def open(self, now_ns: int) -> bool:
        """Say whether a message may go now."""
        return not self._failures or (now_ns >= self._closed_until_ns and self._in_flight == 0)
