"""Batches on their way to the disk: committed at once and in order, or kept in memory until the disk takes them.

What the disk refuses is not announced. It waits, and the next call tries again; the order of events stays, and each
tells when it happened. Memory is bounded: beyond `MOST` batches the oldest go, counted, which a full disk reaches after
about a thousand visits.
"""

from collections import deque

import msgspec

from station.delivery import Batch, Delivery
from station.outbox import OutboxError

MOST = 5_000


class Keeper:
    """Owned by the consumer."""

    def __init__(self, delivery: Delivery) -> None:
        self.lost = 0
        self._delivery = delivery
        self._waiting: deque[Batch] = deque()

    @property
    def waiting(self) -> int:
        """Return how many batches the disk has refused so far."""
        return len(self._waiting)

    def put(self, batch: Batch) -> bool:
        """Commit a batch behind those that wait; return whether all of them are on disk."""
        if batch.events or batch.keep or batch.forget:
            self._waiting.append(msgspec.structs.replace(batch, stamp=self._delivery.stamp()))
        if len(self._waiting) > MOST:
            self._waiting.popleft()
            self.lost += 1
        return self.retry()

    def retry(self) -> bool:
        """Commit what waits; return whether nothing waits any more."""
        while self._waiting:
            try:
                self._delivery.store(self._waiting[0])
            except OutboxError:
                return False  # the delivery's conditions tell of it
            self._waiting.popleft()
        return True
