"""An emulated retail scale that speaks the "W" protocol: bytes in, bytes out, its load observed from outside."""

from dataclasses import dataclass

from drivers.sim.scale_model import AskedDevice, ScaleModel
from drivers.toledo_codec import Dialect
from drivers.units import GRAMS, Unit

_ZERO_RANGE = 0.02  # of capacity, around the zero at power-up
_MOTION, _OVER, _UNDER, _OUTSIDE, _CENTRE, _NET, _ALWAYS = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40
# echo on; confidence test begun; confidence test passed
_FIXED_ANSWERS = {"E": b"\x02E\r", "A": b"\x02\r", "B": b"\x02?@\r"}


@dataclass(frozen=True, slots=True)
class ToledoSpec:
    """How the scale is built and set."""

    dialect: Dialect = Dialect.TOLEDO_8217
    unit: Unit = Unit.KG
    capacity_g: float = 30_000.0
    division_g: float = 5.0
    parity_bit: bool = False  # show even parity as bit 7, as a 7E1 scale does on an 8-bit line


class ToledoDevice(AskedDevice):
    """One scale. Call `observe` often (20 times a second will do), `receive` with the host's bytes."""

    def __init__(self, spec: ToledoSpec | None = None) -> None:
        self.spec = spec or ToledoSpec()
        super().__init__(ScaleModel(self.spec.capacity_g, self.spec.division_g))
        self._echo = False

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host; return what the scale sends back."""
        out = b"".join(self._obey(byte & 0x7F) for byte in data)
        return bytes(_with_even_parity(byte) for byte in out) if self.spec.parity_bit else out

    def _obey(self, byte: int) -> bytes:
        letter = chr(byte)
        if self._echo and letter not in "EF":
            return bytes([byte])
        if letter in "EF":
            self._echo = letter == "E"
        elif letter in "ZTC":
            self._set_zero_or_tare(letter)
        elif letter in "WH":
            return self._weight(10 if letter == "H" else 1)
        return _FIXED_ANSWERS.get(letter) or (b"" if letter in "F\r" else self._status())

    def _weight(self, finer: int) -> bytes:
        status = self._bits()
        if status & (_MOTION | _OVER | _UNDER):
            return self._status()
        grams = max(0.0, self.model.shown_g(self.spec.division_g / finer))
        net = b"N" if self.model.tare_g else b""
        return b"\x02" + self._digits(grams, finer).encode() + net + b"\r"

    def _digits(self, grams: float, finer: int) -> str:
        extra = 1 if finer > 1 else 0
        if self.spec.unit is Unit.KG:
            return f"{grams / 1000:0{6 + extra}.{3 + extra}f}"
        width = 5 if self.spec.dialect is Dialect.TOLEDO_8213 else 6
        return f"{grams / GRAMS[Unit.LB]:0{width + extra}.{2 + extra}f}"

    def _status(self) -> bytes:
        bits = self._bits()
        if self.spec.dialect is Dialect.SASI:
            letters = ((_MOTION, b"A"), (_OVER, b"B"), (_UNDER, b"C"))
            return b"\x02?" + next((letter for bit, letter in letters if bits & bit), b"D") + b"\r"
        if self.spec.dialect is Dialect.OHAUS:
            bits |= _NET
        return bytes([0x02, ord("?"), bits, 0x0D])

    def _bits(self) -> int:
        model, bits = self.model, _ALWAYS
        for bit, holds in (
            (_MOTION, model.moving),
            (_OVER, model.over),
            (_UNDER, model.under),
            (_OUTSIDE, not self._zeroable()),
            (_CENTRE, abs(model.gross_g) <= model.division_g / 4),
            (_NET, model.tare_g > 0),
        ):
            bits |= bit if holds else 0
        return bits

    def _zeroable(self) -> bool:
        return abs(self.model.load_g) <= _ZERO_RANGE * self.spec.capacity_g

    def _set_zero_or_tare(self, letter: str) -> None:
        """Capture the zero, take the load as tare, or clear the tare; a scale in motion does none of them."""
        model = self.model
        if model.moving:
            return
        if letter == "C":
            model.tare_g = 0.0
        elif letter == "Z" and self._zeroable() and not model.tare_g:
            model.zero_g = model.load_g
        elif letter == "T" and model.gross_g >= model.division_g:
            model.tare_g = model.gross_g


def _with_even_parity(byte: int) -> int:
    return byte | 0x80 if byte.bit_count() % 2 else byte
