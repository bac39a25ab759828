"""Toledo continuous output (8142, 8530, IND; Kern, Fairbanks and Rice Lake in that mode) as pure functions of bytes.

The instrument sends, unasked, `STX SWA SWB SWC weight(6) tare(6) CR [check]`: three status words whose bits tell the
decimal point, the unit and the state. The check makes the sum of the low seven bits of all bytes zero; it may be any
character, so a frame is taken by its length. Without the check only the shape is tested. A flipped bit in the first
status word moves the decimal point: another one than before must be said twice.
Sources: Kern FTC p. 42; IND445 p. 50; Fairbanks FB2550; Rice Lake 880 p. 108.
"""

from drivers.base import Indication, ScaleState
from drivers.conversation import Meaning, no_weight, weight
from drivers.steady import Steady
from drivers.units import GRAMS, Unit

_STX, _CR = 0x02, 0x0D
_BODY_BYTES = 17
_NET, _NEGATIVE, _OVER, _MOTION, _KG, _POWER_UP = 0x01, 0x02, 0x04, 0x08, 0x10, 0x40
_ALWAYS = 0x20  # in the first and third status words
_INCREMENTS = {1: 1, 2: 2, 3: 5}
_UNITS_OF_TEN = 2  # this value of the decimal point's bits: the digits are whole units
_STATES: tuple[tuple[int, Meaning], ...] = (
    (_POWER_UP, (ScaleState.NOT_READY, "the scale has just been switched on: zero it")),
    (_OVER, (ScaleState.OVERLOAD, "")),
    (_MOTION, (ScaleState.MOTION, "")),
    (_NET, (ScaleState.NOT_READY, "the scale shows net weight: clear its tare")),
    (_NEGATIVE, (ScaleState.UNDER_ZERO, "")),
)

_RESCALED: Meaning = (
    ScaleState.NOT_READY,
    "the scale shows another decimal point or division: heard for the first time",
)


def check_of(body: bytes) -> int:
    """Return the character that makes the sum of all, seven bits each, zero."""
    return -sum(byte & 0x7F for byte in body) & 0x7F


def encode(digits: int, point: int, increment: int, state: int, *, check: bool = True) -> bytes:
    """Return a frame; `point` 5 is 0.001, `increment` 1, 2 or 3 (5), `state` the bits of the second status word."""
    words = bytes([_STX, _ALWAYS | increment << 3 | point, _ALWAYS | state, _ALWAYS])
    body = words + b"%06d" % digits + b"000000" + bytes([_CR])
    return body + bytes([check_of(body)]) if check else body


class ToledoContinuousCodec:
    """Feed it received bytes; it returns the indications that whole frames make."""

    def __init__(self, unit: Unit, *, check: bool = True) -> None:
        self._unit = unit
        self._check = check
        self._size = _BODY_BYTES + int(check)
        self._scaling = Steady()
        self._bytes = bytearray()

    def feed(self, data: bytes, t_ns: int) -> list[Indication]:
        """Return the indications that `data`, received at `t_ns`, completes; keep what may begin a frame."""
        self._bytes += bytes(byte & 0x7F for byte in data)
        found: list[Indication] = []
        while (at := self._bytes.find(_STX)) >= 0:
            del self._bytes[:at]
            if len(self._bytes) < self._size:
                return found
            frame = bytes(self._bytes[: self._size])
            whole = self._sound(frame)
            if whole:
                found.append(self._indication(frame, t_ns))
            del self._bytes[: self._size if whole else 1]
        self._bytes.clear()
        return found

    def reset(self) -> None:
        """Forget an unfinished frame."""
        self._bytes.clear()

    def _sound(self, frame: bytes) -> bool:
        first, third, digits, tare = frame[1], frame[3], frame[4:10], frame[10:16]
        shaped = first & 0x60 == _ALWAYS and third & _ALWAYS and frame[16] == _CR
        numbers = digits.lstrip(b" ").isdigit() and (tare.lstrip(b" ") or b"0").isdigit()
        return bool(shaped) and numbers and (not self._check or check_of(frame[:_BODY_BYTES]) == frame[-1])

    def _indication(self, frame: bytes, t_ns: int) -> Indication:
        first, state, digits = frame[1], frame[2], int(frame[4:10].replace(b" ", b"0"))
        if not self._scaling.holds(first):
            return no_weight(t_ns, _RESCALED)
        for bit, meaning in _STATES:
            if state & bit and not (bit == _NEGATIVE and not digits):
                return no_weight(t_ns, meaning)
        unit = Unit.KG if state & _KG else Unit.LB
        if unit is not self._unit:
            return no_weight(t_ns, (ScaleState.NOT_READY, f"the scale shows {unit}: check `unit` ({self._unit})"))
        if digits % _INCREMENTS.get(first >> 3 & 3, 1):
            return no_weight(t_ns, (ScaleState.NOT_READY, "the weight is no multiple of the scale's own division"))
        return weight(t_ns, digits * GRAMS[unit] / 10.0 ** ((first & 7) - _UNITS_OF_TEN))
