"""Verdicts in SQLite, each exactly once, with what the program makes of them in the same transaction."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from station.client.reading import read as read_verdict
from station.client.store import ApplyError, Gap, Prefix, Stored, StoreError, Taken
from station.client.values import Received
from station.wire import Station

BUSY_S = 20.0  # another consumer's transaction takes milliseconds; a backup may take longer
GAP_AGAIN_S = 10.0  # between two requests for the same gap at first, doubling
GAP_AGAIN_MOST = 8  # doublings: about 40 minutes

Apply = Callable[[sqlite3.Connection, Received], None]
Key = tuple[str, str, str]  # store, station, epoch

SCHEMA = """
CREATE TABLE IF NOT EXISTS verdict (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  store TEXT NOT NULL, station TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
  consumer TEXT NOT NULL, event_id TEXT NOT NULL, time TEXT NOT NULL,
  transaction_id TEXT, verdict_no INTEGER, decision TEXT,
  payload BLOB NOT NULL, properties TEXT NOT NULL, verified INTEGER NOT NULL,
  UNIQUE (store, station, epoch, seq)
);
CREATE TABLE IF NOT EXISTS prefix (
  store TEXT NOT NULL, station TEXT NOT NULL, epoch TEXT NOT NULL,
  upto INTEGER NOT NULL, highest INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0,
  gap_due_s REAL, asked INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (store, station, epoch)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reader (consumer TEXT PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID;
"""
INSERT = """INSERT INTO verdict (store, station, epoch, seq, consumer, event_id, time, transaction_id, verdict_no,
  decision, payload, properties, verified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
ONE = "store = ? AND station = ? AND epoch = ?"
BEHIND = f"SELECT seq FROM verdict WHERE {ONE} AND seq > ? ORDER BY seq"  # noqa: S608 - constants
SET_PREFIX = """INSERT INTO prefix (store, station, epoch, upto, highest, gap_due_s) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET upto = excluded.upto, highest = excluded.highest,
  asked = CASE WHEN prefix.upto = excluded.upto THEN prefix.asked ELSE 0 END,
  gap_due_s = CASE WHEN prefix.upto = excluded.upto AND excluded.gap_due_s IS NOT NULL AND prefix.gap_due_s IS NOT NULL
    THEN prefix.gap_due_s ELSE excluded.gap_due_s END"""
UNREAD = """SELECT row, store, station, payload, properties, verified FROM verdict
  WHERE consumer = ?1 AND row > coalesce((SELECT row FROM reader WHERE consumer = ?1), 0) ORDER BY row LIMIT ?2"""


class SqliteStore:
    """A file that one or several consumers share. See `store.Store`; made by the client's thread in `open`.

    `apply(connection, received)` is called within the transaction for every verdict that is new, and once only: what
    it writes with this connection is there exactly when the verdict is. `schema` is run when the file is opened. Rows
    of `verdict` up to a prefix may be deleted when nobody needs them any more; they are not taken again.
    """

    def __init__(self, path: str | Path, apply: Apply | None = None, schema: str = "") -> None:
        self._path = Path(path)
        self._apply = apply
        self._schema = schema
        self._consumer = ""
        self._connection: sqlite3.Connection | None = None

    def open(self, consumer: str) -> None:
        """Open the file, and make the tables if need be."""
        self._consumer = consumer
        with _told_as_store_error(self._path):
            self._connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
                self._connection.executescript(f"BEGIN IMMEDIATE;{SCHEMA};{self._schema};COMMIT;")
            except sqlite3.Error:
                self.close()
                raise

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def begin_after(self, station: Station, epoch: str, seq: int) -> None:
        """Do without the verdicts up to `seq`: for a new database beside a station that already has older ones."""
        with self._write() as database:
            key = (station.store, station.id, epoch)
            upto, highest = _known(database, key)
            database.execute(SET_PREFIX, (*key, max(upto, seq), max(highest, seq), None))

    def take(self, batch: Sequence[Received], gap_due_s: float) -> Taken:
        """Store what is new, and advance the prefixes."""
        with self._write() as database:
            new = conflicts = 0
            for received in batch:
                if self._add(database, received):
                    new += 1
                else:
                    conflicts += _differs(database, received)
            keys = dict.fromkeys(_key(received) for received in batch)
            highest = {key: max(r.seq for r in batch if _key(r) == key) for key in keys}
            return Taken(new, conflicts, [_advance(database, key, highest[key], gap_due_s) for key in keys])

    def told(self, prefix: Prefix) -> Prefix | None:
        """Note an acknowledgement; return a further one if there is one by now."""
        with self._write() as database:
            key = (prefix.station.store, prefix.station.id, prefix.epoch)
            database.execute(f"UPDATE prefix SET told = max(told, ?) WHERE {ONE}", (prefix.upto, *key))  # noqa: S608
            upto, _ = _known(database, key)
            return prefix._replace(upto=upto) if upto > prefix.upto else None

    def untold(self) -> list[Prefix]:
        """Return the prefixes that the broker was not told of."""
        with self._write() as database:
            rows = database.execute("SELECT store, station, epoch, upto FROM prefix WHERE told < upto")
            return [Prefix(Station(store, station), epoch, upto) for store, station, epoch, upto in rows]

    def gaps(self, now_s: float) -> list[Gap]:
        """Return the gaps that are due, and put each off."""
        with self._write() as database:
            due = "SELECT store, station, epoch, upto, asked FROM prefix WHERE gap_due_s <= ?"
            rows = database.execute(due, (now_s,)).fetchall()
            for store, station, epoch, _, asked in rows:
                again_s = now_s + GAP_AGAIN_S * 2 ** min(asked, GAP_AGAIN_MOST)
                put_off = f"UPDATE prefix SET gap_due_s = ?, asked = asked + 1 WHERE {ONE}"  # noqa: S608 - constants
                database.execute(put_off, (again_s, store, station, epoch))
            return [Gap(Station(store, station), epoch, upto + 1) for store, station, epoch, upto, _ in rows]

    def unread(self, limit: int) -> list[Stored]:
        """Return the oldest verdicts that this consumer stored and has not read."""
        with self._write() as database:
            rows = database.execute(UNREAD, (self._consumer, limit)).fetchall()
        return [Stored(row, _restored(*rest)) for row, *rest in rows]

    def read(self, row: int) -> None:
        """Note that this consumer has read all up to here."""
        with self._write() as database:
            statement = "INSERT INTO reader VALUES (?, ?) ON CONFLICT DO UPDATE SET row = max(row, excluded.row)"
            database.execute(statement, (self._consumer, row))

    # -- inside

    def _add(self, database: sqlite3.Connection, received: Received) -> bool:
        """Store a verdict unless it is there, or was there before its row was deleted; say whether it was new."""
        if received.seq <= _known(database, _key(received))[0]:
            return False
        values = (
            *_key(received), received.seq, self._consumer, received.event_id, received.time,
            *(_plain(received.data.get(name)) for name in ("transaction_id", "verdict_no", "decision")),
            received.payload, json.dumps(received.properties), received.verified,
        )  # fmt: skip
        if not database.execute(INSERT, values).rowcount:
            return False
        if self._apply is not None:
            try:
                self._apply(database, received)
            except sqlite3.Error as error:
                raise ApplyError(f"verdict {received.seq} of {received.station.id}: {error}") from error
        return True

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection within a transaction: all of it is durable at the end, or nothing."""
        with _told_as_store_error(self._path):
            if self._connection is None:
                raise StoreError(f"{self._path}: is not open")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")


@contextmanager
def _told_as_store_error(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error


def _plain(value: object) -> str | int | None:
    return value if isinstance(value, str | int) else None


def _key(received: Received) -> Key:
    return received.station.store, received.station.id, received.epoch


def _known(database: sqlite3.Connection, key: Key) -> tuple[int, int]:
    """Return the prefix and the highest number of an epoch."""
    row = database.execute(f"SELECT upto, highest FROM prefix WHERE {ONE}", key).fetchone()  # noqa: S608 - constants
    return row or (0, 0)


def _differs(database: sqlite3.Connection, received: Received) -> bool:
    """Say whether a verdict that is there came with other bytes this time."""
    statement = f"SELECT payload FROM verdict WHERE {ONE} AND seq = ?"  # noqa: S608 - constants
    row = database.execute(statement, (*_key(received), received.seq)).fetchone()
    return row is not None and row[0] != received.payload


def _advance(database: sqlite3.Connection, key: Key, highest: int, gap_due_s: float) -> Prefix:
    """Move the prefix over all that lies without a gap behind it, and note whether there is one."""
    upto, known_highest = _known(database, key)
    for (seq,) in database.execute(BEHIND, (*key, upto)):
        if seq != upto + 1:
            break
        upto = seq
    highest = max(highest, known_highest)
    database.execute(SET_PREFIX, (*key, upto, highest, gap_due_s if highest > upto else None))
    store, station, epoch = key
    return Prefix(Station(store, station), epoch, upto)


def _restored(store: str, station: str, payload: bytes, properties: str, verified: int) -> Received:
    pairs = tuple((name, value) for name, value in json.loads(properties))
    received = read_verdict(Station(store, station), payload, pairs, None)
    return msgspec.structs.replace(received, verified=bool(verified))
