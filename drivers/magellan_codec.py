"""A Datalogic Magellan scanner with a scale, on one cable, as pure functions of bytes.

The host sends `S14 CR`; the scale answers `S14` with a digit for its state, and the weight when it is stable: five
digits in kilograms, four in pounds, without a point. On `S11 CR` it answers only when stable. What the scanner reads
comes in between, each as one line: whatever does not begin with `S1` is a barcode. There is no checksum: shapes are
matched exactly, and a line that a lost byte could have made of an answer is no barcode either.
Source: Datalogic knowledge base KA-01089; the number of decimals must be known to the host.
"""

import re

from drivers.base import Barcode, Indication, ScaleState
from drivers.conversation import Meaning, Turn, no_weight, unreadable, weight
from drivers.symbology import datalogic
from drivers.units import GRAMS, Unit

MONITOR, WHEN_STABLE = b"S14", b"S11"
_CR = 0x0D
_MAX_LINE_BYTES = 256  # a long 2D code; more is noise
_MIN_BARCODE = 4
_DIGITS = {Unit.KG: 5, Unit.LB: 4}
_DECIMALS = {Unit.KG: 3, Unit.LB: 2}
_SPLINTER = re.compile(rb"S[14]?\d{0,7}|1[14]?\d{0,6}|4\d{5}")  # an answer that lost a byte or more
_STATES: dict[bytes, Meaning] = {
    b"0": (ScaleState.NOT_READY, "the scale finds no zero: clear the platform and zero the scale"),
    b"1": (ScaleState.MOTION, ""),
    b"2": (ScaleState.OVERLOAD, ""),
    b"5": (ScaleState.UNDER_ZERO, ""),
}
_ZERO = b"3"


class MagellanConversation:
    """Weights on demand, barcodes at any time; implements `drivers.conversation.Conversation`."""

    def __init__(self, unit: Unit, command: bytes = MONITOR) -> None:
        self._unit = unit
        self._command = command
        value = rb"(?P<weight>\d{%d})" % _DIGITS[unit]
        self._answer = re.compile(
            rb"S11" + value if command == WHEN_STABLE else rb"S14(?:(?P<state>[0-35])|4" + value + rb")"
        )
        self._gram = GRAMS[unit] / 10 ** _DECIMALS[unit]
        self._line = bytearray()
        self._too_long = self._stale = False

    def begin(self) -> None:
        """Forget an unfinished line."""
        self._line.clear()
        self._too_long = self._stale = False

    def ask(self) -> bytes:
        """Ask for the weight; a barcode that is just coming in is kept, an answer is not."""
        self._stale = bool(self._line)
        return self._command + b"\r"

    def feed(self, data: bytes, t_ns: int) -> Turn:
        """Split lines: weights and barcodes."""
        return Turn([item for line in self._lines(data) for item in self._read(line, t_ns)])

    def overhear(self, data: bytes, t_ns: int) -> list[Barcode]:
        """Keep barcodes only."""
        items = [item for line in self._lines(data) for item in self._read(line, t_ns)]
        return [item for item in items if isinstance(item, Barcode)]

    def _lines(self, data: bytes) -> list[tuple[bytes, bool]]:
        """Return the lines that `data` completes, each with whether it began before the last question."""
        found = []
        for byte in data:
            if byte != _CR:
                self._too_long |= len(self._line) >= _MAX_LINE_BYTES
                if not self._too_long:
                    self._line.append(byte)
                continue
            if not self._too_long:
                found.append((bytes(self._line), self._stale))
            self._line.clear()
            self._too_long = self._stale = False
        return found

    def _read(self, line_and_age: tuple[bytes, bool], t_ns: int) -> list[Indication | Barcode]:
        line, stale = line_and_age
        line = line.strip(b"\n\x02\x03")
        if line.startswith(b"S1"):
            return [] if stale or line == self._command else [self._weight(line, t_ns)]
        text = line.decode("ascii", "replace")
        if len(text) < _MIN_BARCODE or not (text.isascii() and text.isprintable()) or _SPLINTER.fullmatch(line):
            return []
        return [Barcode(t_ns, *datalogic(text))]

    def _weight(self, line: bytes, t_ns: int) -> Indication:
        match = self._answer.fullmatch(line)
        if match is None:
            return unreadable(t_ns, line, f"`unit` ({self._unit}) and `command` ({self._command.decode()})")
        state = match.groupdict().get("state")
        if state and state != _ZERO:
            return no_weight(t_ns, _STATES[state])
        return weight(t_ns, int(match["weight"] or b"0") * self._gram)
