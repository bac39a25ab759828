"""Where lessons are kept: one SQLite file of the latest thorough state, the lessons since, and what is told of them.

What is learned is a function of the lessons in their order, so the state is written only with each thorough solution,
in one transaction that also drops the lessons it holds; in between each lesson is one small row. A restart loads the
state and takes the lessons again, and is where it was. A damaged file is set aside, and learning begins anew.

The write-ahead log is not synced for each row (`synchronous=NORMAL`): a power cut may undo the last lessons, never
more, and never leaves a mixture.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from station.core.learned import Note
from station.core.lesson import Lesson
from station.core.teaching import REMEMBERED, Remembered

FILE_NAME = "lessons.db"
SCHEMA_VERSION = 1
POINTS = 50  # of a product's history
CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
BUSY_TIMEOUT_S = 5.0

SCHEMA = """
CREATE TABLE kept(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE lesson(number INTEGER PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE judged(number INTEGER PRIMARY KEY, transaction_id TEXT UNIQUE NOT NULL, content BLOB NOT NULL);
CREATE TABLE point(number INTEGER PRIMARY KEY, gtin TEXT NOT NULL, content BLOB NOT NULL);
CREATE INDEX point_gtin ON point(gtin);
"""
SEEN = "CREATE TABLE IF NOT EXISTS seen(number INTEGER PRIMARY KEY, content BLOB NOT NULL)"  # added to schema 1


class LessonsError(Exception):
    """The lessons cannot be read or written; says what happened and what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}; {remedy}")
        self.message = message
        self.remedy = remedy


class Stored(msgspec.Struct, frozen=True):
    """What a restart begins with."""

    state: bytes | None
    lessons: list[Lesson]
    judged: list[Remembered]
    counts: dict[str, int]


def path_in(state_dir: Path) -> Path:
    """Return where a station keeps its lessons."""
    return state_dir / FILE_NAME


class LessonStore:
    """The file, open; owned by one thread. `aside` is where a damaged one went. `commit` makes what was put durable."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path, self.read_only = path, read_only
        self.aside: Path | None = None
        with self._words():
            self._db = self._read_only() if read_only else self._opened()

    def _read_only(self) -> sqlite3.Connection:
        db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
        _check_version(db, self.path)
        return db

    def _opened(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _connect(self.path)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in CORRUPT:
                raise
            self.set_aside()
            return _connect(self.path)

    def set_aside(self) -> None:
        """Move a damaged file away; a new one is made by whoever opens it next."""
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        self.path.replace(aside)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self.aside = aside

    def begin_anew(self) -> None:
        """Set the file aside, for its content is of no use, and open a fresh one."""
        with self._words():
            self._db.close()
            self.set_aside()
            self._db = _connect(self.path)

    def load(self) -> Stored:
        """Return all that a restart needs; raise `LessonsError` when it cannot be read."""
        with self._words():
            kept = dict(self._db.execute("SELECT key, value FROM kept"))
            lessons = [row for (row,) in self._db.execute("SELECT content FROM lesson ORDER BY number")]
            judged = [row for (row,) in self._db.execute("SELECT content FROM judged ORDER BY number")]
        try:
            return Stored(
                kept.get("state"), [msgspec.msgpack.decode(row, type=Lesson) for row in lessons],
                [msgspec.msgpack.decode(row, type=Remembered) for row in judged],
                msgspec.json.decode(kept.get("counts", b"{}"), type=dict[str, int]),
            )  # fmt: skip
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise LessonsError(f"lessons {self.path}: {error}", "move the file away; learning begins anew") from error

    def history(self, gtin14: str) -> list[Note]:
        """Return the kept points of a product's history, oldest first."""
        with self._words():
            rows = self._db.execute("SELECT content FROM point WHERE gtin = ? ORDER BY number", (gtin14,)).fetchall()
        return [msgspec.msgpack.decode(row, type=Note) for (row,) in rows]

    def put_lesson(self, lesson: Lesson) -> None:
        """Add a lesson to those since the last thorough state."""
        with self._words():
            self._db.execute("INSERT INTO lesson(content) VALUES (?)", (msgspec.msgpack.encode(lesson),))

    def put_judged(self, case: Remembered) -> None:
        """Keep a judged transaction in the place of what was known of it."""
        with self._words():
            row = (case.claim.transaction_id, msgspec.msgpack.encode(case))
            self._db.execute("INSERT OR REPLACE INTO judged(transaction_id, content) VALUES (?, ?)", row)
            self._db.execute(
                "DELETE FROM judged WHERE number <= (SELECT MAX(number) FROM judged) - ?", (4 * REMEMBERED,)
            )

    def put_counts(self, counts: dict[str, int]) -> None:
        """Keep how often decisions were right."""
        with self._words():
            self._db.execute("INSERT OR REPLACE INTO kept VALUES ('counts', ?)", (msgspec.json.encode(counts),))

    def put_state(self, state: bytes) -> None:
        """Keep a thorough state; the lessons so far are in it."""
        with self._words():
            self._db.execute("INSERT OR REPLACE INTO kept VALUES ('state', ?)", (state,))
            self._db.execute("DELETE FROM lesson")

    def put_notes(self, notes: Iterable[Note]) -> None:
        """Add points to the histories of products, and forget the oldest of long ones."""
        rows = [(note.gtin, msgspec.msgpack.encode(note)) for note in notes]
        old = "SELECT number FROM point WHERE gtin = ? ORDER BY number DESC LIMIT -1 OFFSET ?"
        with self._words():
            self._db.executemany("INSERT INTO point(gtin, content) VALUES (?, ?)", rows)
            gtins = [(gtin, POINTS) for gtin in sorted({gtin for gtin, _ in rows})]
            self._db.executemany(f"DELETE FROM point WHERE number IN ({old})", gtins)  # noqa: S608 - our own text

    def diagnosis(self) -> tuple[bytes | None, list[tuple[int, bytes]]]:
        """Return the diagnosis' state and the innovations it rests on, oldest first."""
        with self._words():
            state = self._db.execute("SELECT value FROM kept WHERE key = 'diagnosis'").fetchone()
            return state and state[0], self._db.execute("SELECT number, content FROM seen ORDER BY number").fetchall()

    def put_diagnosis(self, state: bytes, number: int, seen: bytes, gone: Iterable[int]) -> None:
        """Keep the diagnosis' state and one more innovation, and let go of those that it does not need."""
        with self._words():
            self._db.execute("INSERT OR REPLACE INTO kept VALUES ('diagnosis', ?)", (state,))
            self._db.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (number, seen))
            self._db.executemany("DELETE FROM seen WHERE number = ?", [(old,) for old in gone])

    def commit(self) -> None:
        """Make all that was put durable, or none of it."""
        with self._words():
            self._db.commit()

    def close(self) -> None:
        """Commit and close."""
        with self._words():
            self._db.commit()
            self._db.close()

    @contextlib.contextmanager
    def _words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise LessonsError(f"lessons {self.path}: {error}", "check free space and the disk") from error
        except OSError as error:
            raise LessonsError(f"lessons {self.path}: {error.strerror}", "check the directory and its owner") from error


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)
    try:
        version = _check_version(db, path)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        (sound,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if sound != "ok":
            raise _damaged(sound)
        if version == 0:
            db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        db.execute(SEEN)
    except (sqlite3.Error, LessonsError):
        db.close()
        raise
    return db


def _check_version(db: sqlite3.Connection, path: Path) -> int:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        message = f"lessons {path}: schema {version} was written by a newer version; this one knows {SCHEMA_VERSION}"
        raise LessonsError(message, "install the newer software again, or move the file away")
    return version


def _damaged(text: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(text)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error
