"""A stream of bytes cut into lines, for any sender: fast, slow, one byte at a time, or without an end of line.

Of a line that is longer than anybody needs only the beginning is kept, so that memory stays bounded; what reads it
sees that it is too long.
"""

from collections.abc import Callable, Iterator

CHUNK_BYTES = 65_536


class Splitter:
    """Collects chunks of a stream and gives out whole lines, without their newline, of at most `most` + 1 bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes; return the lines that they complete."""
        *ends, begun = chunk.split(b"\n")
        lines = []
        for end in ends:
            self._keep(end)
            lines.append(bytes(self._rest))
            self._rest.clear()
        self._keep(begun)
        return lines

    def end(self) -> list[bytes]:
        """Return the last line, where the stream did not end with a newline."""
        lines = [bytes(self._rest)] if self._rest else []
        self._rest.clear()
        return lines

    def _keep(self, part: bytes) -> None:
        self._rest += part[: self._most + 1 - len(self._rest)]


def lines_of(read: Callable[[int], bytes], most: int, note: Callable[[int, int], None]) -> Iterator[bytes]:
    """Yield the lines of what `read` returns until it returns nothing; `note` (bytes, lines) is told of each chunk.

    `read(n)` returns at most n bytes, and as soon as there are any: an answer must not wait for the next question.
    """
    splitter = Splitter(most)
    while chunk := read(CHUNK_BYTES):
        lines = splitter.feed(chunk)
        yield from lines
        note(len(chunk), len(lines))
    yield from splitter.end()
