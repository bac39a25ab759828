"""An emulated scale that speaks SCP-01: bytes in, bytes out, its load observed from outside."""

from dataclasses import dataclass

from drivers.nci_codec import Dialect, encode
from drivers.sim.scale_model import AskedDevice, ScaleModel
from drivers.units import GRAMS, Unit

_MOTION, _AT_ZERO = 0x01, 0x02
_UNDER, _OVER = 0x01, 0x02
_ALWAYS, _MORE, _METRIC = 0x30, 0x40, 0x04


@dataclass(frozen=True, slots=True)
class NciSpec:
    """How the scale is built and set."""

    dialect: Dialect = Dialect.ECR
    unit: Unit = Unit.KG
    status_bytes: int = 2
    capacity_g: float = 30_000.0
    division_g: float = 5.0


class NciDevice(AskedDevice):
    """One scale. `observe` its load often, `receive` the host's bytes."""

    def __init__(self, spec: NciSpec | None = None) -> None:
        self.spec = spec or NciSpec()
        super().__init__(ScaleModel(self.spec.capacity_g, self.spec.division_g))

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host; return what the scale sends back."""
        return b"".join(self._obey(question) for question in self.questions(data))

    def _obey(self, question: bytes) -> bytes:
        match question:
            case b"W":
                return self._weight(1)
            case b"H":
                return self._weight(10)
            case b"S":
                return encode("", self._status(), self.spec.dialect)
            case b"Z":
                if not self.model.moving and abs(self.model.gross_g) < 0.02 * self.spec.capacity_g:
                    self.model.zero_g = self.model.load_g
                return encode("", self._status(), self.spec.dialect)
            case _:
                return b"\n?\r\x03"

    def _weight(self, finer: int) -> bytes:
        model, bench = self.model, self.spec.dialect is Dialect.BENCH
        if bench and (model.over or model.under):
            return self._answer("^^^^" if model.over else "____")
        if model.moving or model.over or model.under:
            return encode("", self._status(), self.spec.dialect)
        return self._answer(self._digits(max(0.0, model.shown_g(self.spec.division_g / finer)), finer))

    def _answer(self, digits: str) -> bytes:
        unit = self.spec.unit.upper() if self.spec.dialect is Dialect.ECR else self.spec.unit.lower()
        return encode(digits + unit, self._status(), self.spec.dialect)

    def _digits(self, grams: float, finer: int) -> str:
        extra = 1 if finer > 1 else 0
        decimals = 3 if self.spec.unit is Unit.KG else 2
        return f"{grams / GRAMS[self.spec.unit]:0{6 + extra}.{decimals + extra}f}"

    def _status(self) -> bytes:
        model = self.model
        first = (_MOTION if model.moving else 0) | (_AT_ZERO if abs(model.gross_g) <= model.division_g / 4 else 0)
        second = (_UNDER if model.under else 0) | (_OVER if model.over else 0)
        metric = _METRIC if self.spec.unit is Unit.KG else 0
        wanted = [first, second, 0, metric][: self.spec.status_bytes]
        last = len(wanted) - 1
        return bytes(bits | _ALWAYS | (_MORE if 0 < n < last else 0) for n, bits in enumerate(wanted))
