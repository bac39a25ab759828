"""Toledo 8217 and its relatives, the "W" protocol, as pure functions of bytes.

The host sends single upper-case letters. The scale answers `STX weight CR`, or `STX ? status CR` while it has no
stable weight to give. There is no checksum, so the shape of a weight is matched exactly: a lost byte makes a frame of
the wrong length, not another weight. What the status character means depends on the dialect, which is configured and
never guessed: the same letter says "outside zero range" in one and "under zero" in another.
Sources: Mettler-Toledo DIVA service manual pp. 44-51; Ohaus Courier 7000 p. 43; Datalogic KA-01089 (SASI).
"""

import enum
import re

from drivers.base import Indication, ScaleState
from drivers.conversation import Meaning, no_weight, unreadable
from drivers.units import GRAMS, Unit

REQUEST_WEIGHT, ZERO = b"W", b"Z"
STX, CR = 0x02, 0x0D
_MAX_FRAME_BYTES = 16  # the longest answer has 8 characters; anything longer is noise


class Dialect(enum.StrEnum):
    """Which relative of the protocol the scale speaks."""

    TOLEDO_8217 = "8217"
    TOLEDO_8213 = "8213"
    OHAUS = "ohaus"  # and Rice Lake: status bit 5 is always 1
    SASI = "sasi"  # Datalogic: the status is a list of letters, not bits


_MOTION = (ScaleState.MOTION, "")
_OVERLOAD = (ScaleState.OVERLOAD, "")
_UNDER_ZERO = (ScaleState.UNDER_ZERO, "")
_OUTSIDE_ZERO = (ScaleState.NOT_READY, "outside the zero range: clear the platform and zero the scale")
_NET = (ScaleState.NOT_READY, "the scale shows net weight: clear its tare")
_NO_REASON = (ScaleState.NOT_READY, "the scale sent a status instead of a weight")
_SASI_STATES = {"A": _MOTION, "B": _OVERLOAD, "C": _UNDER_ZERO, "D": _OUTSIDE_ZERO}


def weight_pattern(dialect: Dialect, unit: Unit) -> re.Pattern[bytes]:
    """Return the exact shape of a weight: WW.WWW kg; 0WW.WW lb, or WW.WW lb on the 8213; N marks net."""
    if unit is Unit.KG:
        return re.compile(rb"(\d\d\.\d{3})(N?)")
    return re.compile(rb"(\d\d\.\d\d)(N?)" if dialect is Dialect.TOLEDO_8213 else rb"(0\d\d\.\d\d)(N?)")


def status_meaning(status: int, dialect: Dialect) -> Meaning:
    """Return the state and its reason in words that a status character stands for."""
    if dialect is Dialect.SASI:
        return _SASI_STATES.get(chr(status), _NO_REASON)
    if not status & 0x40:  # bit 6 is always 1
        return _NO_REASON
    meanings = ((0x02, _OVERLOAD), (0x04, _UNDER_ZERO), (0x01, _MOTION), (0x20, _NET), (0x08, _OUTSIDE_ZERO))
    for bit, meaning in meanings:
        if status & bit and not (bit == 0x20 and dialect is not Dialect.TOLEDO_8217):  # noqa: PLR2004 - bit 5
            return meaning
    return _NO_REASON


class ToledoZero:
    """The zero command of all dialects but SASI; implements `drivers.serial_zero.ZeroTalk`.

    Its answer is the status of this moment: the zero is captured at the next conversion if the scale is at rest, within
    its zero range and without a tare. That it lies below the old zero is no obstacle.
    """

    command = ZERO
    _answer = re.compile(rb"\x02\?([\x40-\x7f])\r")

    def __init__(self, dialect: Dialect) -> None:
        self._obstacles = 0x2B if dialect is Dialect.TOLEDO_8217 else 0x0B
        self._dialect = dialect

    def answered(self, data: bytes) -> str | None:
        """Return "" when nothing in the scale's status stands against zero, else what does; None without a status."""
        match = self._answer.search(data)
        if match is None:
            return None
        obstacles = match[1][0] & self._obstacles
        if not obstacles:
            return ""
        state, reason = status_meaning(obstacles | 0x40, self._dialect)
        return reason or f"the scale says: {state}"


class ToledoCodec:
    """Feed it received bytes (7-bit, parity removed); it returns the indications they complete.

    Anything between frames, such as the scale's echo of our letters, is skipped; a new STX begins a new frame
    whatever came before, so one good frame after any garbage is always understood.
    """

    def __init__(self, dialect: Dialect, unit: Unit) -> None:
        self._dialect = dialect
        self._unit = unit
        self._pattern = weight_pattern(dialect, unit)
        self._frame: bytearray | None = None

    def feed(self, data: bytes, t_ns: int) -> list[Indication]:
        """Return the indications that `data`, received at `t_ns`, completes; empty while a frame is unfinished."""
        found = []
        for byte in data:
            if byte == STX:
                self._frame = bytearray()
            elif self._frame is None:
                continue
            elif byte == CR:
                found.append(self._indication(bytes(self._frame), t_ns))
                self._frame = None
            elif len(self._frame) == _MAX_FRAME_BYTES:
                self._frame = None
            else:
                self._frame.append(byte)
        return found

    def reset(self) -> None:
        """Forget an unfinished frame."""
        self._frame = None

    def _indication(self, frame: bytes, t_ns: int) -> Indication:
        if len(frame) == 2 and frame[0] == ord("?"):  # noqa: PLR2004 - "?" and the status
            return no_weight(t_ns, status_meaning(frame[1], self._dialect))
        match = self._pattern.fullmatch(frame)
        if match is None:
            return unreadable(t_ns, frame, f"`dialect` ({self._dialect}) and `unit` ({self._unit})")
        if match[2]:
            return no_weight(t_ns, _NET)
        return Indication(t_ns, ScaleState.STABLE, float(match[1]) * GRAMS[self._unit])
