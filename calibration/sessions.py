"""Sessions on disk: raw captures line by line, synced, never changed; what is computed comes from them.

`STATE_DIR/calibration/sessions/ID/captures.jsonl`. The first line is the head with the table of actions; each further
line is one capture with the action that made it, or the end. A line cut off by a crash is not there yet: it is
dropped when the session is taken up again. One session a scale is open at a time, held by one technician (`flock`).
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from calibration.captures import Capture, Session
from calibration.files import sync_folder
from calibration.model import Calibration
from calibration.procedure import Action
from calibration.record import CalibrationError

SCHEMA: Literal[1] = 1
NAME = "captures.jsonl"
End = Literal["accepted", "aborted", "verified"]
_Kind = TypeVar("_Kind")


class _Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line."""

    schema: Literal[1]
    session: Session
    plan: tuple[Action, ...] = ()
    language: str = "en"
    prior: Calibration | None = None  # what was in force when the session began


class _Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Any other line: a capture with its action, or the end."""

    action: str | None = None
    capture: Capture | None = None
    end: End | None = None
    time: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One capture and the action it belongs to."""

    action: str
    capture: Capture


class SessionFile:
    """One session, read from its file; `add` and `end` append to it. Raises `CalibrationError` in clear words."""

    def __init__(self, path: Path) -> None:
        self.path = path
        head, self.entries, self.ended, self.ended_at, self._size = _read(path)
        self.session, self.plan, self.language, self.prior = head.session, head.plan, head.language, head.prior

    @property
    def captures(self) -> tuple[Capture, ...]:
        """Return all captures, in order."""
        return tuple(entry.capture for entry in self.entries)

    @property
    def next_number(self) -> int:
        """Return the number of the next capture."""
        return len(self.entries) + 1

    def latest(self) -> dict[str, Capture]:
        """Return what stands for each action: the last capture made for it."""
        return {entry.action: entry.capture for entry in self.entries}

    def sha256(self) -> str:
        """Return `sha256:` and hex over the raw data: head and captures as they stand on disk, without the end."""
        lines = self.path.read_bytes().splitlines(keepends=True)
        raw = b"".join(line for line in lines[: 1 + len(self.entries)])
        return f"sha256:{hashlib.sha256(raw).hexdigest()}"

    def add(self, action: str, capture: Capture) -> None:
        """Keep one capture; it is on disk when this returns."""
        if self.ended is not None:
            raise CalibrationError(f"session {self.session.session_id} was {self.ended}: begin a new one")
        self._append(_Line(action=action, capture=capture))
        self.entries = (*self.entries, Entry(action=action, capture=capture))

    def end(self, how: End, time: str) -> None:
        """Close the session for good."""
        self._append(_Line(end=how, time=time))
        self.ended, self.ended_at = how, time

    def _append(self, line: _Line) -> None:
        data = msgspec.json.encode(line) + b"\n"
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            with os.fdopen(descriptor, "r+b") as file:
                file.truncate(self._size)  # a line that was cut off goes
                file.seek(self._size)
                file.write(data)
                file.flush()
                os.fsync(descriptor)
        except OSError as error:
            raise CalibrationError(f"{self.path}: cannot be written: {error.strerror}; check the disk") from error
        self._size += len(data)


def folder(state_dir: Path) -> Path:
    """Return where the sessions are."""
    return state_dir / "calibration" / "sessions"


def begin(
    state_dir: Path,
    session: Session,
    plan: tuple[Action, ...],
    language: str = "en",
    prior: Calibration | None = None,
) -> SessionFile:
    """Make a new session; the scale must have no open one. `prior` is the calibration in force."""
    if (other := find_open(state_dir, session.scale)) is not None:
        raise CalibrationError(
            f"session {other.session.session_id} of scale {session.scale} is open: go on, or abort it"
        )
    place = folder(state_dir) / session.session_id
    head = _Head(schema=SCHEMA, session=session, plan=plan, language=language, prior=prior)
    try:
        _make(place)
        descriptor = os.open(place / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(head) + b"\n")
            file.flush()
            _give(descriptor, place)
            os.fsync(descriptor)
        sync_folder(place)
        sync_folder(place.parent)
    except OSError as error:
        raise CalibrationError(f"{place}: cannot be written: {error.strerror}; check the disk and its owner") from error
    return SessionFile(place / NAME)


def find_open(state_dir: Path, scale: int) -> SessionFile | None:
    """Return the scale's open session, None where there is none."""
    return next((found for found in _newest_first(state_dir, scale) if found.ended is None), None)


def find_last(state_dir: Path, scale: int) -> SessionFile | None:
    """Return the scale's newest session, open or not."""
    return next(_newest_first(state_dir, scale), None)


def find(state_dir: Path, session_id: str) -> SessionFile:
    """Return a session by its id."""
    path = folder(state_dir) / session_id / NAME
    if "/" in session_id or not path.exists():
        raise CalibrationError(f"there is no session {session_id} in {folder(state_dir)}")
    return SessionFile(path)


@contextmanager
def hold(state_dir: Path, scale: int) -> Iterator[None]:
    """Hold the scale against other technicians; `CalibrationError` where somebody else is at it."""
    place = folder(state_dir)
    try:
        _make(place)
        lock = os.open(place / f"scale-{scale}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise CalibrationError(f"{place}: {error.strerror}; use the station's user or root") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise CalibrationError(f"scale {scale} is being calibrated in another terminal; end that first") from error
    try:
        yield
    finally:
        os.close(lock)


def _newest_first(state_dir: Path, scale: int) -> Iterator[SessionFile]:
    for path in sorted(folder(state_dir).glob(f"*/{NAME}"), reverse=True):
        if path.parent.name.endswith(f"-{scale}") and b"\n" in path.read_bytes():  # else it crashed before its head
            yield SessionFile(path)


def session_id(created: str, scale: int) -> str:
    """Return a name that sorts by time: 20260301T101500Z-1."""
    return f"{created[:19].replace('-', '').replace(':', '')}Z-{scale}"


def _read(path: Path) -> tuple[_Head, tuple[Entry, ...], End | None, str | None, int]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be read: {error.strerror}") from error
    whole = data[: data.rfind(b"\n") + 1]
    first, *rest = whole.splitlines() or [b""]
    head = _decode(path, 1, first, _Head)
    lines = [_decode(path, number, text, _Line) for number, text in enumerate(rest, 2)]
    made = [Entry(action=line.action, capture=line.capture) for line in lines if line.capture and line.action]
    last = next((line for line in lines if line.end is not None), _Line())
    return head, tuple(made), last.end, last.time, len(whole)


def _decode(path: Path, number: int, text: bytes, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CalibrationError(
            f"{path}:{number}: is no capture ({error}); abort the session and begin again"
        ) from error


def _make(place: Path) -> None:
    """Make the folder; what root makes belongs to the owner of the state."""
    for part in reversed([place, *place.parents]):
        if not part.exists():
            part.mkdir(mode=0o750)
            _give(part, part.parent)


def _give(what: int | Path, like: Path) -> None:
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(what, owner.st_uid, owner.st_gid)
