"""The outbox's file: its tables, how it is opened, checked, and set aside when it is damaged.

One commit costs one sync of the write-ahead log (`synchronous=FULL`). What is only bookkeeping about messages that
can be sent twice without harm is committed with `synchronous=NORMAL`: no sync, and undone at worst by a power cut.
"""

import sqlite3
import uuid
from pathlib import Path

SCHEMA_VERSION = 2
CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
BUSY_TIMEOUT_S = 5.0  # a reader such as `station audit` may hold the file for a moment
LOG_BYTES = 8 * 1024 * 1024  # the write-ahead log is cut back to this after a checkpoint

# `verdict.brokered` says that a PUBACK was seen; confirmed are all up to `meta.confirmed`. The narrow columns stand
# before the payload, so that a scan does not read it. `station.signing` says what is hashed and signed; a verdict
# without a signature is older than signing. `meta` also holds the anchor: number and hash of the last one dropped.
SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE verdict(
  seq INTEGER PRIMARY KEY, brokered INTEGER NOT NULL DEFAULT 0, reason_code INTEGER, transaction_id TEXT,
  verdict_no INTEGER, topic TEXT NOT NULL, wall_ns INTEGER NOT NULL, monotonic_ns INTEGER NOT NULL,
  boot_id TEXT NOT NULL, clock TEXT NOT NULL, expiry_s INTEGER, prev_hash BLOB NOT NULL, hash BLOB NOT NULL,
  signature BLOB, key_id TEXT, payload BLOB NOT NULL);
CREATE INDEX verdict_transaction ON verdict(transaction_id);
CREATE TABLE event(
  number INTEGER PRIMARY KEY, reason_code INTEGER, topic TEXT NOT NULL, wall_ns INTEGER NOT NULL,
  monotonic_ns INTEGER NOT NULL, boot_id TEXT NOT NULL, clock TEXT NOT NULL, expiry_s INTEGER, payload BLOB NOT NULL);
CREATE TABLE kept(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE VIEW verdict_state AS SELECT meta.value AS epoch, seq, CASE
  WHEN seq <= (SELECT value FROM meta WHERE key = 'confirmed') THEN 'confirmed'
  WHEN brokered THEN 'brokered' ELSE 'pending' END AS state
  FROM verdict, meta WHERE meta.key = 'epoch';
"""

# Verdicts from before there were signatures stay as they are; the chain of signed ones goes on from the newest.
TO_SCHEMA_2 = (
    "ALTER TABLE verdict ADD COLUMN key_id TEXT",
    """INSERT INTO meta SELECT 'anchor_seq', seq FROM verdict WHERE seq = (SELECT max(seq) FROM verdict)
      UNION ALL SELECT 'anchor_hash', hash FROM verdict WHERE seq = (SELECT max(seq) FROM verdict)""",
)


class OutboxError(Exception):
    """The outbox cannot be read or written now; nothing is half-written. Says what happened and what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}; {remedy}")
        self.message = message
        self.remedy = remedy


class _DamagedError(Exception):
    """The file is no sound database."""


REMEDIES = {
    sqlite3.SQLITE_FULL: "free disk space; nothing was lost, and it goes on by itself",
    sqlite3.SQLITE_READONLY: "make the file system and the file writable",
    sqlite3.SQLITE_CANTOPEN: "check that the directory exists, and is writable by the daemon",
    sqlite3.SQLITE_PERM: "check the owner of the file",
    sqlite3.SQLITE_BUSY: "end the other program that holds the file",
    sqlite3.SQLITE_IOERR: "check free space and the health of the disk (dmesg)",
}


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code of an error, 0 where it has none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def outbox_error(path: Path, error: sqlite3.Error) -> OutboxError:
    """Put a database error into words."""
    remedy = REMEDIES.get(primary_code(error), "restart the daemon; if it stays, move the file away")
    return OutboxError(f"outbox {path}: {error}", remedy)


def open_file(path: Path, *, check: bool) -> tuple[sqlite3.Connection, Path | None]:
    """Open or make the outbox; return it, and where a damaged one went. `check` reads the whole file.

    Raises `OutboxError` when it cannot be opened now, or was written by a newer version.
    """
    try:
        try:
            return _connect(path, check=check), None
        except _DamagedError:
            aside = _set_aside(path)
            return _connect(path, check=check), aside
    except _DamagedError as error:
        raise OutboxError(f"outbox {path}: damaged again right after it was made", "check the disk (dmesg)") from error
    except sqlite3.Error as error:
        raise outbox_error(path, error) from error
    except OSError as error:
        raise OutboxError(f"outbox {path}: {error.strerror}", "check the directory and its owner") from error


def _connect(path: Path, *, check: bool) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        _prepare(db, path, check=check)
    except sqlite3.DatabaseError as error:
        db.close()
        if primary_code(error) in CORRUPT:
            raise _DamagedError from error
        raise
    except (OutboxError, _DamagedError):
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path, *, check: bool) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        message = f"outbox {path}: schema {version} was written by a newer version; this one knows {SCHEMA_VERSION}"
        raise OutboxError(message, "install the newer software again, or move the file away")
    if check and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise _DamagedError
    db.execute("PRAGMA journal_mode=WAL")
    db.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")
    db.execute("PRAGMA synchronous=FULL")
    if version == 0:
        _create(db)
    elif version == 1:
        _change(db, [*TO_SCHEMA_2, "PRAGMA user_version=2"])


def _create(db: sqlite3.Connection) -> None:
    meta = f"INSERT INTO meta VALUES ('epoch', '{uuid.uuid4().hex}'), ('confirmed', 0)"  # noqa: S608 - of our own
    _change(db, [*SCHEMA.split(";"), meta, f"PRAGMA user_version={SCHEMA_VERSION}"])


def _change(db: sqlite3.Connection, statements: list[str]) -> None:
    """Carry out all of them or none."""
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            db.execute(statement)
        db.execute("COMMIT")
    except sqlite3.Error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _set_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        log = path.with_name(path.name + suffix)
        if log.exists():
            log.replace(aside.with_name(aside.name + suffix))
    return aside
