"""Where an audit reads: JSON Lines as a backend stores what it heard, or the station's own outbox.

A line is `{"topic", "payload", "properties"}`; docs/MESSAGES.md tells which further forms are understood, among them
what `mosquitto_sub -F %j` prints. Whatever a line holds, it becomes a record or a finding. Both sources are read piece
by piece.
"""

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from station import signing
from station.audit import Finding, Record
from station.audit_spool import START, Anchor

LINE_MAX_BYTES = 4 * 1024 * 1024  # a message has at most 1 MiB, which JSON may write in up to twice as much
BUSY_S = 5.0
PROPERTIES_MOST = 100

ROWS = "SELECT seq, topic, payload, signature, key_id, prev_hash, hash FROM verdict ORDER BY seq"


class _LineError(ValueError):
    """A line is JSON, but no stored message."""


class _Line(msgspec.Struct):
    topic: str | None = None
    payload: Any = None
    payload_base64: str | None = None
    properties: Any = None


def lines(file: BinaryIO) -> Iterator[Record | Finding]:
    """Yield what each line of a file holds; empty lines are passed over."""
    number = 0
    while data := file.readline(LINE_MAX_BYTES + 1):
        number += 1
        if len(data) > LINE_MAX_BYTES:
            while data and not data.endswith(b"\n"):
                data = file.readline(LINE_MAX_BYTES)
            yield Finding("unreadable", f"the line has more than {LINE_MAX_BYTES} bytes", number)
        elif data.strip():
            yield _read(number, data)


def _read(number: int, data: bytes) -> Record | Finding:
    try:
        line = msgspec.json.decode(data, type=_Line)
        payload, properties = _payload(line), _properties(line.properties)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        cut = "" if data.endswith(b"\n") else "; it is cut off: is the file complete?"
        return Finding("unreadable", f"the line is no stored message: {error}{cut}", number)
    except _LineError as error:
        return Finding("unreadable", f"the line is no stored message: {error}", number)
    return Record(number, line.topic, payload, properties)


def _payload(line: _Line) -> bytes:
    if line.payload_base64 is not None:
        try:
            return base64.b64decode(line.payload_base64, validate=True)
        except ValueError as error:  # binascii's own is one; characters beyond ASCII are another
            raise _LineError(f"`payload_base64` is no base64: {error}") from error
    if isinstance(line.payload, str):
        return line.payload.encode()
    if isinstance(line.payload, dict):
        raise _LineError("`payload` is an object, and its bytes are lost; store it as text (mosquitto_sub: %j, not %J)")
    raise _LineError("`payload` is missing, or no text")


def _properties(given: Any) -> dict[str, str]:
    """Return the user properties: an object, or a list of pairs, or either of it under `user-properties`."""
    if isinstance(given, dict) and "user-properties" in given:
        given = given["user-properties"]
    if given is None:
        return {}
    pairs = list(given.items()) if isinstance(given, dict) else given
    if not isinstance(pairs, list) or len(pairs) > PROPERTIES_MOST:
        raise _LineError("`properties` must be an object or a list of pairs")
    found: dict[str, str] = {}
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:  # noqa: PLR2004 - a pair
            raise _LineError("`properties` must be an object or a list of pairs")
        name, value = pair
        if isinstance(name, str) and isinstance(value, str) and found.setdefault(name, value) != value:
            raise _LineError("a property is there twice with different values")
    return found


class OutboxReader:
    """Reads a station's outbox, which may be in use, as it is at one moment. Raises `sqlite3.Error`.

    `anchor` is what went before its first signed verdict, `older` counts those from before there were signatures.
    """

    def __init__(self, path: Path) -> None:
        self.anchor = START
        self.older = 0
        self.findings: list[Finding] = []
        self._path = path

    def records(self) -> Iterator[Record]:
        """Yield its verdicts in order; `anchor` is known from then on, `findings` after the last."""
        with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)) as db:
            db.execute("BEGIN")
            confirmed = self._begin(dict(db.execute("SELECT key, value FROM meta")))
            last = 0
            for seq, topic, payload, *sealed in db.execute(ROWS):
                last = seq
                if sealed[0] is None and seq <= self.anchor.seq:
                    self.older += 1
                else:
                    yield _record(seq, topic, payload, *sealed)
            if last < confirmed:
                text = f"the backend has confirmed verdict {confirmed}, but the last one here is {last}"
                self.findings.append(Finding("cut_off", text))

    def _begin(self, meta: dict[str, Any]) -> int:
        seq, digest = meta.get("anchor_seq"), meta.get("anchor_hash")
        if isinstance(seq, int) and isinstance(digest, bytes):
            self.anchor = Anchor(seq, digest)
        confirmed = meta.get("confirmed")
        return confirmed if isinstance(confirmed, int) else 0


def _record(seq: int, topic: object, payload: object, *sealed: object) -> Record:
    """Return a row as what was published of it; whatever a damaged or altered row holds."""
    content = payload if isinstance(payload, bytes) else str(payload).encode(errors="replace")
    names = (signing.SIGNATURE, signing.KEY_ID, signing.PREVIOUS_HASH, signing.HASH)
    properties = {
        name: value.hex() if isinstance(value, bytes) else str(value)
        for name, value in zip(names, sealed, strict=True)
        if value is not None
    }
    return Record(seq, str(topic), content, properties)
