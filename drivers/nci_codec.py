"""NCI / Weigh-Tronix SCP-01 as pure functions of bytes: weight and status bits, in two dialects.

The host sends `W CR`. The scale answers `LF weight UNIT CR LF status CR ETX`, or the status alone while it has no
weight to give. The ECR dialect puts the letter S before its status and writes the unit in capitals; the bench dialect
does neither, and may fill the digits with signs instead. There is no checksum: the shape of a weight, the number of
status bytes and the bits that are always 1 are matched exactly, so a lost byte makes no other weight.
Sources: Mettler-Toledo DIVA service manual pp. 40-42; NCI 7800 p. 32; 3700LP pp. 10-11; SBI 140 pp. 24-25.
"""

import enum
import re

from drivers.base import Indication, ScaleState
from drivers.conversation import Meaning, no_weight, unreadable, weight
from drivers.units import GRAMS, Unit

REQUEST_WEIGHT, ZERO = b"W\r", b"Z\r"
ETX = 0x03
_MAX_ANSWER_BYTES = 32  # the longest has 24; of anything longer only the end can be an answer
_ALWAYS = 0x30  # bits 4 and 5 of every status byte
_MORE = 0x40  # from the second byte on: another one follows
_SHAPES = {Unit.KG: "00.000", Unit.LB: "000.00"}


class Dialect(enum.StrEnum):
    """Which family the scale belongs to."""

    ECR = "ecr"  # made for tills
    BENCH = "bench"  # made for tables: lower-case units


_MOTION: Meaning = (ScaleState.MOTION, "")
_UNDER: Meaning = (ScaleState.UNDER_ZERO, "")
_OVER: Meaning = (ScaleState.OVERLOAD, "")
_MEMORY: Meaning = (ScaleState.NOT_READY, "the scale reports a memory fault: have it serviced")
_CALIBRATION: Meaning = (ScaleState.NOT_READY, "the scale reports a faulty calibration: have it serviced")
_ZERO: Meaning = (ScaleState.NOT_READY, "the scale found no zero: clear the platform and switch it on again")
_NET: Meaning = (ScaleState.NOT_READY, "the scale shows net weight: clear its tare")
_NO_REASON: Meaning = (ScaleState.NOT_READY, "the scale sent a status instead of a weight")
_UNKNOWN: Meaning = (ScaleState.NOT_READY, "the scale does not know the question")
# (status byte, bit, what it means), the gravest first
_BITS = (
    (0, 0x04, _MEMORY),
    (0, 0x08, _MEMORY),
    (1, 0x04, _MEMORY),
    (1, 0x08, _CALIBRATION),
    (2, 0x08, _ZERO),
    (1, 0x02, _OVER),
    (1, 0x01, _UNDER),
    (0, 0x01, _MOTION),
    (2, 0x04, _NET),
)
_SIGNS = {"^": _OVER, "_": _UNDER, "-": _ZERO}


def status_meaning(status: bytes) -> Meaning | None:
    """Return what the status bytes say against a weight, None if nothing."""
    return next((meaning for n, bit, meaning in _BITS if n < len(status) and status[n] & bit), None)


def encode(text: str, status: bytes, dialect: Dialect) -> bytes:
    """Return an answer as a scale sends it; `text` is the weight with its unit, or empty."""
    letter = b"S" if dialect is Dialect.ECR else b""
    return (b"\n" + text.encode() + b"\r" if text else b"") + b"\n" + letter + status + b"\r\x03"


class NciZero:
    """The zero command; a `drivers.serial_zero.ZeroTalk`. The status that answers says whether it is at zero."""

    command = ZERO
    _AT_ZERO = 0x02

    def __init__(self, dialect: Dialect) -> None:
        letter = "S" if dialect is Dialect.ECR else ""
        self._status = re.compile(rf"[\r\n]*\n{letter}([0-?][0-?p-\x7f]{{1,3}})\r".encode())

    def answered(self, data: bytes) -> str | None:
        """Return "" when the scale says that it is at zero, else what it says; None without a status."""
        for answer in data.split(bytes([ETX]))[:-1]:
            if answer.endswith(b"\n?\r"):
                return "the scale does not know the zero command"
            if match := self._status.fullmatch(answer):
                if match[1][0] & self._AT_ZERO:
                    return ""
                state, reason = status_meaning(match[1]) or (ScaleState.NOT_READY, "outside its zero range")
                return reason or f"the scale says: {state}"
        return None


class NciCodec:
    """Feed it received bytes (7-bit, parity removed); it returns the indications they complete.

    `shape` is how the scale writes a weight, 0 for each digit; empty: as usual for the unit.
    """

    def __init__(self, dialect: Dialect, unit: Unit, status_bytes: int, shape: str = "") -> None:
        self._hint = f"`dialect` ({dialect}), `unit` ({unit}), `status_bytes` ({status_bytes}) and `shape`"
        self._gram = GRAMS[unit]
        digits = (shape or _SHAPES[unit]).replace("0", r"\d").replace(".", r"\.")
        name = unit.upper() if dialect is Dialect.ECR else unit.lower()
        letter = "S" if dialect is Dialect.ECR else ""
        sign = "" if dialect is Dialect.ECR else "[ -]?"
        ends = r"[\r\n]{1,2}"  # some send CR, some LF, some both
        text = rf"(?:\n(?P<weight>{sign}{digits}|[\^]{{4,}}|_{{4,}}|-{{4,}}) ?{name}{ends}|\n)"
        self._answer = re.compile(rf"{text}{letter}(?P<status>[0-?][0-?p-\x7f]{{{status_bytes - 1}}})\r\Z".encode())
        self._bytes = bytearray()

    def feed(self, data: bytes, t_ns: int) -> list[Indication]:
        """Return the indications that `data`, received at `t_ns`, completes; empty while an answer is unfinished."""
        found = []
        for byte in data:
            if byte == ETX:
                found.append(self._indication(bytes(self._bytes), t_ns))
                self._bytes.clear()
            else:
                self._bytes.append(byte)
                del self._bytes[:-_MAX_ANSWER_BYTES]
        return found

    def reset(self) -> None:
        """Forget an unfinished answer."""
        self._bytes.clear()

    def _indication(self, answer: bytes, t_ns: int) -> Indication:
        if answer.endswith(b"\n?\r"):
            return no_weight(t_ns, _UNKNOWN)
        match = self._answer.search(answer)
        if match is None or not _chained(match["status"]):
            return unreadable(t_ns, answer, self._hint)
        digits = (match["weight"] or b"").decode()
        meaning = _SIGNS.get(digits[1:2]) or status_meaning(match["status"])
        if meaning is not None:
            return no_weight(t_ns, meaning)
        if digits:
            return weight(t_ns, float(digits) * self._gram)
        alone = match.start() == 0  # otherwise it is the end of a weight of another shape
        return no_weight(t_ns, _NO_REASON) if alone else unreadable(t_ns, answer, self._hint)


def _chained(status: bytes) -> bool:
    """Tell whether every byte but the first and last says that another follows, and the last that none does."""
    return all(byte & _MORE for byte in status[1:-1]) and not status[-1] & _MORE
