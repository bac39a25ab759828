"""An emulated scanner with a scale: weights on demand, barcodes when something is scanned."""

import queue

from drivers.sim.scale_model import AskedDevice, ScaleModel
from drivers.units import GRAMS, Unit

_FORMATS = {Unit.KG: (5, 1000), Unit.LB: (4, 100)}  # digits, and how many make one unit


class MagellanDevice(AskedDevice):
    """One scanner-scale. `scan` may be called from any thread."""

    def __init__(self, unit: Unit = Unit.KG, model: ScaleModel | None = None) -> None:
        super().__init__(model)
        self.dead = False  # the scale is; the scanner goes on
        self._unit = unit
        self._scanned: queue.SimpleQueue[str] = queue.SimpleQueue()

    def scan(self, text: str) -> None:
        """Move a barcode past the scanner."""
        self._scanned.put(text)

    def stream(self, t_s: float) -> bytes:  # noqa: ARG002 - barcodes know no pace
        """Return a barcode that was scanned since."""
        return b"" if self._scanned.empty() else self._scanned.get().encode() + b"\r"

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host; return what the scale sends back."""
        return b"" if self.dead else b"".join(self._obey(question) for question in self.questions(data))

    def _obey(self, question: bytes) -> bytes:
        if question == b"S14":
            return b"S14" + self._state() + b"\r"
        if question == b"S11" and self._state()[:1] in b"34":
            return b"S11" + self._digits() + b"\r"
        return b""

    def _state(self) -> bytes:
        model = self.model
        if model.moving:
            return b"1"
        if model.over or model.under:
            return b"2" if model.over else b"5"
        return b"4" + self._digits() if int(self._digits()) else b"3"

    def _digits(self) -> bytes:
        width, parts = _FORMATS[self._unit]
        return b"%0*d" % (width, max(0, round(self.model.shown_g() / GRAMS[self._unit] * parts)))
