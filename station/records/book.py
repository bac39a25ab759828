"""A record as bytes: gzip of JSON lines, the last of which proves the others whole.

Anybody can read one with `zcat`. A `Book` compresses as it is written, so that a long visit costs little memory, and
can be closed any number of times: what `bytes_so_far` returns is a whole record of what was written until then.
"""

import hashlib
import zlib
from collections.abc import Iterator, Sequence

import msgspec

from station.records.entries import AnyEntry, End, Entry, Head

CUT_BYTES = 4_000_000  # of one record, compressed: a quarter of an hour of four cells at 80 samples a second
SIZE_MAX_BYTES = 200_000_000  # of a record's text
_GZIP = 31
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEntry] = msgspec.json.Decoder(AnyEntry)


class RecordError(ValueError):
    """The bytes are no record; the message says why, in one line."""


class Book:
    """One record being written."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self.cut: str | None = None
        self._hash = hashlib.sha256()
        self._stream = zlib.compressobj(level=6, wbits=_GZIP)
        self._parts: list[bytes] = []
        self._size = 0
        self.add(head)

    def add(self, entry: Entry) -> None:
        """Write a line; a record that grows too long is cut here."""
        if self.cut is not None:
            return
        line = _encoder.encode(entry) + b"\n"
        self._hash.update(line)
        self._take(self._stream.compress(line))
        if self._size > CUT_BYTES:
            self.cut = f"the record grew beyond {CUT_BYTES} bytes"

    def bytes_so_far(self, cut: str | None = None) -> bytes:
        """Return the record as if it ended here."""
        end = End(sha256=self._hash.hexdigest(), cut=self.cut or cut)
        stream = self._stream.copy()
        return b"".join([*self._parts, stream.compress(_encoder.encode(end) + b"\n"), stream.flush()])

    def _take(self, data: bytes) -> None:
        if data:
            self._parts.append(data)
            self._size += len(data)


def rewritten(entries: Sequence[AnyEntry]) -> bytes:
    """Return a whole record of these entries: a head, lines, and an end whose hash is made anew."""
    head, end = entries[0], entries[-1]
    if not isinstance(head, Head) or not isinstance(end, End):
        raise RecordError("a record begins with its head and closes with its end")
    book = Book(head)
    for entry in entries[1:-1]:
        book.add(entry)
    return book.bytes_so_far(end.cut)


def read(data: bytes) -> list[AnyEntry]:
    """Return all entries, the head first and the end last; raise `RecordError` for anything but a whole record."""
    entries: list[AnyEntry] = []
    found = hashlib.sha256()
    for line in _lines(data):
        try:
            entry = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RecordError(f"line {len(entries) + 1} is no entry of a record: {error}") from error
        if isinstance(entry, End) and entry.sha256 != found.hexdigest():
            raise RecordError("the record was changed or damaged (its hash does not fit)")
        if entries and isinstance(entries[-1], End):
            raise RecordError("the record goes on behind its end")
        entries.append(entry)
        found.update(line + b"\n")
    if not entries or not isinstance(entries[0], Head):
        raise RecordError("the record does not begin with a head")
    if not isinstance(entries[-1], End):
        raise RecordError("the record is cut off")
    return entries


def _lines(data: bytes) -> Iterator[bytes]:
    stream, rest, size = zlib.decompressobj(wbits=_GZIP), b"", 0
    view = memoryview(data)
    try:
        for start in range(0, len(data), 65_536):
            piece = stream.decompress(view[start : start + 65_536])
            size += len(piece)
            if size > SIZE_MAX_BYTES:
                raise RecordError(f"the record's text is longer than {SIZE_MAX_BYTES} bytes")
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
    except zlib.error as error:
        raise RecordError(f"the record is no gzip file, or damaged: {error}") from error
    if not stream.eof or rest:
        raise RecordError("the record is cut off")
