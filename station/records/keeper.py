"""The thread that puts records on the shelf, so that the consumer waits for no disk.

A disk that refuses costs records, never verdicts: what cannot be written is counted and told of, and the next record
tries again.
"""

import queue
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from station.core.effects import Alarm
from station.records.recorder import Finished
from station.records.shelf import Shelf
from station.sensing import READ_S, Emit, Worker

WAITING_MAX = 30  # records; a disk that is slower than that loses the newest
PART = "records"
CODE = "RECORDS_UNWRITABLE"


class RecordKeeper(Worker):
    """Owns the shelf; emits alarms as they begin and end."""

    def __init__(self, shelf: Shelf, catalogue: Path, emit: Emit, now: Callable[[], datetime] | None = None) -> None:
        super().__init__("records", emit)
        self._shelf, self._catalogue = shelf, catalogue
        self._now = now or (lambda: datetime.now(UTC))
        self._jobs: queue.Queue[Finished] = queue.Queue(WAITING_MAX)
        self._refused: str | None = None

    def keep(self, record: Finished) -> None:
        """Have it stored soon."""
        try:
            self._jobs.put_nowait(record)
        except queue.Full:
            self._tell("the disk is slower than the shoppers")

    def run(self) -> None:
        """Work until asked to end, and then until nothing waits."""
        while self.going or not self._jobs.empty():
            try:
                record = self._jobs.get(timeout=READ_S)
            except queue.Empty:
                continue
            try:
                self._store(record)
            except OSError as error:
                self._tell(error.strerror or str(error))
            else:
                self._tell(None)

    def _store(self, record: Finished) -> None:
        if record.catalogue is not None:
            self._shelf.share_catalogue(record.catalogue, self._catalogue)
        for name, data in record.learned.items():
            self._shelf.share(name, data)
        self._shelf.put(record.record_id, record.time, record.data)
        self._shelf.prune(self._now())

    def _tell(self, refused: str | None) -> None:
        """Tell of a change between writing and not writing."""
        if (refused is None) == (self._refused is None):
            return
        self._refused = refused
        self.emit(
            Alarm(
                code=CODE, part=PART, raised=refused is not None, severity="warning",
                message="" if refused is None else f"records cannot be kept in {self._shelf.folder}: {refused}",
                remedy="make room or check the disk; verdicts go on, they cannot be replayed",
            )
        )  # fmt: skip
