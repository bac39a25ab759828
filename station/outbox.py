"""The outbox: what must reach the backend, on disk before anyone is told of it.

A verdict is pending until the broker's PUBACK, brokered until the backend's acknowledgement covers it, confirmed
after that, and kept seven days. Any other event is done, and gone, with its PUBACK. Everything that one handled event
of the station causes is one `write`, one commit, one sync. Owned by one thread.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from station import signing
from station.outbox_file import CORRUPT, OutboxError, open_file, outbox_error, primary_code
from station.signing import GENESIS, Proof, Signer
from station.wire import Numbering, Stamp

__all__ = ["Depth", "Outbox", "OutboxError", "Ref", "Row", "Writer"]

KEEP_NS = 7 * 86_400 * 10**9
MAX_BYTES = 512 * 1024 * 1024
EVICT_AT_ONCE = 500
SECOND_NS = 10**9

Build = Callable[[Numbering], bytes]
Kind = Literal["verdict", "event"]

INSERT_VERDICT = """INSERT INTO verdict(seq, transaction_id, verdict_no, prev_hash, hash, signature, key_id,
  topic, wall_ns, monotonic_ns, boot_id, clock, expiry_s, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
INSERT_EVENT = """INSERT INTO event(number, topic, wall_ns, monotonic_ns, boot_id, clock, expiry_s, payload)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
READ = {
    "verdict": """SELECT wall_ns, monotonic_ns, boot_id, clock, expiry_s, payload, signature, key_id, prev_hash, hash
      FROM verdict WHERE seq = ?""",
    "event": """SELECT wall_ns, monotonic_ns, boot_id, clock, expiry_s, payload, NULL, NULL, NULL, NULL
      FROM event WHERE number = ?""",
}
ACCEPTED = {
    "verdict": "UPDATE verdict SET brokered = 1, reason_code = 0 WHERE seq = ?",
    "event": "DELETE FROM event WHERE number = ?",
}
REFUSED = {
    "verdict": "UPDATE verdict SET reason_code = ? WHERE seq = ?",
    "event": "UPDATE event SET reason_code = ? WHERE number = ?",
}
DELETE_EXPIRED = """DELETE FROM event WHERE expiry_s IS NOT NULL AND expiry_s * 1000000000 <=
  CASE WHEN boot_id = ? THEN ? - monotonic_ns ELSE ? - wall_ns END"""
EVICT_VERDICTS = "DELETE FROM verdict WHERE seq IN (SELECT seq FROM verdict WHERE seq <= ? ORDER BY seq LIMIT ?)"
ANCHOR = """INSERT OR REPLACE INTO meta SELECT key, value FROM (
  SELECT 'anchor_seq' AS key, seq - 1 AS value, seq FROM verdict WHERE seq = ?1
  UNION ALL SELECT 'anchor_hash', prev_hash, seq FROM verdict WHERE seq = ?1)
  WHERE seq > coalesce((SELECT value FROM meta WHERE key = 'anchor_seq'), 0)"""
EVICT_EVENTS = """DELETE FROM event WHERE number IN
  (SELECT number FROM event WHERE expiry_s IS NOT NULL ORDER BY number LIMIT ?)"""


class Ref(NamedTuple):
    """Names one stored message: `number` is a verdict's seq, or an event's row."""

    kind: Kind
    number: int
    topic: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One stored message: the final bytes, and when they were made."""

    ref: Ref
    payload: bytes
    stamp: Stamp
    expiry_s: int | None = None
    proof: Proof | None = None

    def left_s(self, now: Stamp) -> int | None:
        """Return the seconds until it expires, 0 when it has; None when it never does."""
        return None if self.expiry_s is None else max(0, self.expiry_s - now.age_ns(self.stamp) // SECOND_NS)


class Depth(NamedTuple):
    """How full the outbox is."""

    unconfirmed: int
    events: int
    used_bytes: int


class Writer:
    """Collects what belongs into one commit. Valid inside `with outbox.write()` only."""

    def __init__(self, db: sqlite3.Connection, epoch: str, last_event: int, signer: Signer | None) -> None:
        self._db = db
        self._epoch = epoch
        self._signer = signer
        self.last_event = last_event  # done events are gone; within one run their numbers are not used again
        self.added: list[Ref] = []

    def add_verdict(
        self, topic: str, stamp: Stamp, build: Build, *, transaction_id: str | None = None, verdict_no: int = 0
    ) -> Ref:
        """Store the next verdict, signed and chained; `build` makes its final bytes once its number is known."""
        newest = self._db.execute("SELECT seq, hash FROM verdict ORDER BY seq DESC LIMIT 1").fetchone()
        last_seq, previous = newest or (0, GENESIS)
        payload = build(Numbering(self._epoch, last_seq + 1))
        chain = (previous, signing.chain_hash(self._epoch, last_seq + 1, previous, payload))
        values = (
            last_seq + 1,
            transaction_id,
            verdict_no,
            *chain,
            *self._sealed(payload),
            *_stamped(topic, stamp, None, payload),
        )
        self._db.execute(INSERT_VERDICT, values)
        return self._added(Ref("verdict", last_seq + 1, topic))

    def _sealed(self, payload: bytes) -> tuple[bytes | None, str | None]:
        if self._signer is None:
            return None, None
        try:
            return self._signer.sign(payload), self._signer.key_id
        except OSError as error:  # a new key goes to the disk before its first signature
            raise OutboxError(f"signing key: {error}", "make room on the disk") from error

    def add_event(self, topic: str, stamp: Stamp, payload: bytes, *, expiry_s: int | None = None) -> Ref:
        """Store an event that is done once the broker has it."""
        newest = self._db.execute("SELECT max(number) FROM event").fetchone()[0] or 0
        self.last_event = max(self.last_event, newest) + 1
        self._db.execute(INSERT_EVENT, (self.last_event, *_stamped(topic, stamp, expiry_s, payload)))
        return self._added(Ref("event", self.last_event, topic))

    def keep(self, key: str, value: bytes) -> None:
        """Remember bytes under a key, in place of what was there."""
        self._db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (key, value))

    def forget(self, key: str) -> None:
        """Remove what was kept under a key, if anything."""
        self._db.execute("DELETE FROM kept WHERE key = ?", (key,))

    def _added(self, ref: Ref) -> Ref:
        self.added.append(ref)
        return ref


def _stamped(topic: str, stamp: Stamp, expiry_s: int | None, payload: bytes) -> tuple[object, ...]:
    return topic, stamp.wall_ns, stamp.monotonic_ns, stamp.boot_id, stamp.clock, expiry_s, payload


class Outbox:
    """The station's store of outgoing messages. Opens its file when it is first needed, and again after a failure.

    Every method may raise `OutboxError`; afterwards nothing is half-written, and the next call tries anew.
    `set_aside` names the file that took the place of a damaged one, None if all is well. Without a `signer` verdicts
    are chained, but nobody is told of it.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, signer: Signer | None = None) -> None:
        self.path = path
        self.set_aside: Path | None = None
        self._max_bytes = max_bytes
        self._signer = signer
        self._db: sqlite3.Connection | None = None
        self._check = True
        self._epoch = ""
        self._last_event = 0

    # -- what one handled event causes

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """Open one transaction; leaving it commits and syncs, an exception inside undoes all of it."""
        with self._transaction() as db:
            writer = Writer(db, self._epoch, self._last_event, self._signer)
            yield writer
        self._last_event = writer.last_event

    def kept(self, key: str) -> bytes | None:
        """Return what was kept under a key."""
        with self._guarded() as db:
            row = db.execute("SELECT value FROM kept WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def max_verdict_no(self, transaction_id: str) -> int:
        """Return the highest verdict number this transaction has had, 0 if none."""
        with self._guarded() as db:
            query = "SELECT max(verdict_no) FROM verdict WHERE transaction_id = ?"
            return int(db.execute(query, (transaction_id,)).fetchone()[0] or 0)

    # -- what the publisher needs

    @property
    def epoch(self) -> str:
        """The random name of this database."""
        with self._guarded():
            return self._epoch

    def last_seq(self) -> int:
        """Return the number of the newest verdict, 0 if there is none."""
        with self._guarded() as db:
            return int(db.execute("SELECT max(seq) FROM verdict").fetchone()[0] or 0)

    def newest_synced_ns(self) -> int:
        """Return the newest wall clock that was synchronised when it dated a verdict, 0 if none was."""
        with self._guarded() as db:
            query = "SELECT wall_ns FROM verdict WHERE clock = 'synced' ORDER BY seq DESC LIMIT 1"
            return int((db.execute(query).fetchone() or (0,))[0])

    def first_seq(self) -> int:
        """Return the number of the oldest verdict that is kept, 1 if there is none."""
        with self._guarded() as db:
            return _first(db) or 1

    def confirmed(self) -> int:
        """Return the seq up to which the backend has acknowledged."""
        with self._guarded() as db:
            return _confirmed(db)

    def brokered_seqs(self) -> list[int]:
        """Return the verdicts that the broker has and the backend did not acknowledge, in order."""
        with self._guarded() as db:
            rows = db.execute("SELECT seq FROM verdict WHERE seq > ? AND brokered ORDER BY seq", (_confirmed(db),))
            return [int(row[0]) for row in rows]

    def pending(self, kind: Kind, topic: str, after: int, limit: int) -> list[Ref]:
        """Return the next messages of a topic that the broker does not have, in order."""
        with self._guarded() as db:
            if kind == "verdict":
                query = "SELECT seq FROM verdict WHERE seq > ? AND topic = ? AND NOT brokered ORDER BY seq LIMIT ?"
                rows = db.execute(query, (max(after, _confirmed(db)), topic, limit))
            else:
                query = "SELECT number FROM event WHERE number > ? AND topic = ? ORDER BY number LIMIT ?"
                rows = db.execute(query, (after, topic, limit))
            return [Ref(kind, int(row[0]), topic) for row in rows]

    def read(self, ref: Ref) -> Row | None:
        """Return a stored message, None when it is gone."""
        with self._guarded() as db:
            found = db.execute(READ[ref.kind], (ref.number,)).fetchone()
        if found is None:
            return None
        wall_ns, monotonic_ns, boot_id, clock, expiry_s, payload, *sealed = found
        stamp = Stamp(wall_ns=wall_ns, monotonic_ns=monotonic_ns, boot_id=boot_id, clock=clock)
        return Row(ref=ref, payload=bytes(payload), stamp=stamp, expiry_s=expiry_s, proof=_proof(*sealed))

    def accepted(self, ref: Ref) -> None:
        """Note that the broker has a message: a verdict is brokered, any other event is done."""
        self._note(ACCEPTED[ref.kind], ref.number)

    def refused(self, ref: Ref, reason_code: int) -> None:
        """Note why the broker did not take a message; it stays pending."""
        self._note(REFUSED[ref.kind], reason_code, ref.number)

    def confirm(self, seq: int) -> None:
        """Note that the backend has every verdict up to and including `seq`."""
        self._note("UPDATE meta SET value = ? WHERE key = 'confirmed' AND value < ?", seq, seq)

    # -- housekeeping

    def prune(self, now: Stamp) -> None:
        """Drop what is expired or old; above the size limit also younger confirmed verdicts, and events that expire.

        An unconfirmed verdict stays whatever happens, and so does the newest one: the numbering rests on it.
        `meta` keeps the hash of the last one dropped, from which the chain of the others goes on.
        """
        with self._transaction() as db:
            last = min(_confirmed(db), int(db.execute("SELECT max(seq) FROM verdict").fetchone()[0] or 0) - 1)
            first = _first(db)
            while self._drop_old(db, last, now.wall_ns - KEEP_NS):
                pass
            db.execute(DELETE_EXPIRED, (now.boot_id, now.monotonic_ns, now.wall_ns))
            while _used_bytes(db) > self._max_bytes and self._evict(db, last):
                pass
            if _first(db) != first:
                db.execute(ANCHOR, (_first(db),))

    @staticmethod
    def _drop_old(db: sqlite3.Connection, last: int, before_ns: int) -> bool:
        """Drop old verdicts from the front, never from between; say whether there may be more."""
        seq, wall_ns = db.execute("SELECT seq, wall_ns FROM verdict ORDER BY seq LIMIT 1").fetchone() or (last + 1, 0)
        if seq > last or wall_ns >= before_ns:
            return False
        end = min(last, seq + EVICT_AT_ONCE - 1) + 1
        young = "SELECT min(seq) FROM verdict WHERE seq < ? AND wall_ns >= ?"  # after the clock was set back
        end = db.execute(young, (end, before_ns)).fetchone()[0] or end
        db.execute("DELETE FROM verdict WHERE seq < ?", (end,))
        return True

    @staticmethod
    def _evict(db: sqlite3.Connection, last: int) -> bool:
        """Drop the oldest of what may go; say whether there was anything."""
        if db.execute(EVICT_VERDICTS, (last, EVICT_AT_ONCE)).rowcount:
            return True
        return db.execute(EVICT_EVENTS, (EVICT_AT_ONCE,)).rowcount > 0

    def depth(self) -> Depth:
        """Return how much is waiting."""
        with self._guarded() as db:
            last = int(db.execute("SELECT max(seq) FROM verdict").fetchone()[0] or 0)
            events = int(db.execute("SELECT count(*) FROM event").fetchone()[0])
            return Depth(last - _confirmed(db), events, _used_bytes(db))  # without gaps: no need to count

    def close(self) -> None:
        """Let go of the file; never raises."""
        if self._db is not None:
            self._db.close()
            self._db = None

    # -- the connection

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            db, aside = open_file(self.path, check=self._check)
            self._check = False
            self.set_aside = aside or self.set_aside
            self._db = db
            self._epoch = db.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]
        return self._db

    @contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._opened()
        except sqlite3.Error as error:
            self._check = self._check or primary_code(error) in CORRUPT
            self.close()  # a connection that has met a failing disk is not trusted again
            raise outbox_error(self.path, error) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guarded() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def _note(self, statement: str, *values: int) -> None:
        with self._guarded() as db:
            db.execute("PRAGMA synchronous=NORMAL")
            try:
                db.execute(statement, values)
            finally:
                db.execute("PRAGMA synchronous=FULL")


def _proof(signature: bytes | None, key_id: str | None, previous_hash: bytes, digest: bytes) -> Proof | None:
    if signature is None or key_id is None:
        return None
    return Proof(signature=signature, key_id=key_id, previous_hash=previous_hash, hash=digest)


def _first(db: sqlite3.Connection) -> int | None:
    first: int | None = db.execute("SELECT min(seq) FROM verdict").fetchone()[0]
    return first


def _confirmed(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT value FROM meta WHERE key = 'confirmed'").fetchone()[0])


def _used_bytes(db: sqlite3.Connection) -> int:
    size, pages, free = (
        db.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_size", "page_count", "freelist_count")
    )
    return int(size * (pages - free))
