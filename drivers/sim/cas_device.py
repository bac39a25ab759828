"""An emulated scale with the CAS protocol: bytes in, bytes out, its load observed from outside."""

from drivers.cas_codec import ACK, DC1, ENQ, encode
from drivers.sim.scale_model import AskedDevice, ScaleModel
from drivers.units import GRAMS, Unit

_DECIMALS = {Unit.KG: 3, Unit.LB: 2}


class CasDevice(AskedDevice):
    """One scale. `observe` its load often, `receive` the host's bytes."""

    def __init__(self, unit: Unit = Unit.KG, model: ScaleModel | None = None) -> None:
        super().__init__(model)
        self._unit = unit

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host; return what the scale sends back."""
        answers = {ENQ: ACK, DC1: self._frame()}
        return b"".join(answers.get(bytes([byte]), b"") for byte in data)

    def _frame(self) -> bytes:
        model = self.model
        shown = 0.0 if model.over else model.shown_g() / GRAMS[self._unit]
        sign = "F" if model.over else "-" if shown < 0 else " "
        digits = f"{abs(shown):06.{_DECIMALS[self._unit]}f}"
        return encode("U" if model.moving else "S", sign, digits, self._unit)
