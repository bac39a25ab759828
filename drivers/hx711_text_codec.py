"""Lines of numbers from a small board that reads load cells and prints what it got.

A line is believed only if it is complete, plain ASCII, has exactly the expected number of comma-separated columns and,
in those that are counts, whole numbers within 24 bits. The first line after a start or an overlong one is dropped: its
beginning was not seen. There is no checksum: a digit that is changed or lost on the way makes another number, and
nothing here can know. What such lines lack the receiver must make up for with a filter.
"""

import re
from dataclasses import dataclass

_WHOLE = re.compile(rb"[+-]?[0-9]{1,8}")
_NUMBER = re.compile(rb"[+-]?[0-9]{1,12}(?:\.[0-9]{1,9})?")
_MOST, _LEAST = (1 << 23) - 1, -(1 << 23)
MAX_LINE_BYTES = 128  # eight cells, a time and remarks; what is longer has lost its end


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the counts of its cells, and the board's own time where it prints one, in its unit."""

    counts: tuple[int, ...]
    stamp: float | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns are counts, which is the time, and how many there are; columns begin at 0."""

    columns: tuple[int, ...] = (0,)
    time_column: int | None = None
    width: int = 1


class LineDecoder:
    """Feed it received bytes; it returns the lines they complete and counts those it does not believe."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._pending = bytearray()
        self._in_step = False
        self.bad_lines = 0

    def feed(self, data: bytes) -> list[Line]:
        """Return the lines completed by `data`, in order."""
        *ended, rest = data.split(b"\n")
        lines = []
        for part in ended:
            self._pending += part
            line = self._close_line()
            if line is not None:
                lines.append(line)
        self._pending += rest
        if len(self._pending) > MAX_LINE_BYTES:
            self._pending.clear()
            self._in_step = False
            self.bad_lines += 1
        return lines

    def _close_line(self) -> Line | None:
        text, in_step = bytes(self._pending), self._in_step
        self._pending.clear()
        self._in_step = True
        if not in_step or not text.strip():
            return None
        line = self._parse(text) if len(text) <= MAX_LINE_BYTES else None
        self.bad_lines += line is None
        return line

    def _parse(self, text: bytes) -> Line | None:
        fields = [field.strip(b" \t\r") for field in text.split(b",")]
        layout = self._layout
        if len(fields) != layout.width or not all(_WHOLE.fullmatch(fields[column]) for column in layout.columns):
            return None
        counts = tuple(int(fields[column]) for column in layout.columns)
        if not all(_LEAST <= count <= _MOST for count in counts):
            return None
        if layout.time_column is None:
            return Line(counts)
        stamp = fields[layout.time_column]
        return Line(counts, float(stamp)) if _NUMBER.fullmatch(stamp) else None
