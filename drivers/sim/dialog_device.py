"""An emulated scale with Checkout-Dialog 02, 04 or 06: bytes in, bytes out, its load observed from outside."""

import random
import re
from dataclasses import dataclass

from drivers.dialog_codec import (
    ASK_STATUS,
    ASK_WEIGHT,
    KILOGRAMS,
    Acknowledged,
    Checksums,
    Said,
    Status,
    Weighed,
    checksum_record,
    encode,
)
from drivers.sim.scale_model import AskedDevice, ScaleModel

_MINIMUM_DIVISIONS = 20
_MOVED_DIVISIONS = 1.5
_CHECKED_AFTER = 50  # weighings; real ones want new checksums after as many
_MESSAGE = re.compile(rb"\x04(?:\x05|\x02[^\x03\x04]{2,40}\x03|(?=\x04)|\Z)")
_PRICE = re.compile(rb"\x04\x0201\x1b(\d{6})\x1b\x03")
_PROOF = re.compile(rb"\x04\x0210\x1b((?:[0-9A-F]{8}){1,5})\x03")
_OWN_POLYNOMIAL = 0x11021
_PENDING_MAX_BYTES = 64


@dataclass(frozen=True, slots=True)
class DialogSpec:
    """How the scale is built and set. `polynomial` None: Dialog 02 or 04, without checksums."""

    polynomial: int | None = _OWN_POLYNOMIAL
    refuses_same: bool = False  # status 21 for a load that has not moved since it was weighed


class DialogDevice(AskedDevice):
    """One scale. `observe` its load often, `receive` the host's bytes."""

    def __init__(self, spec: DialogSpec | None = None, model: ScaleModel | None = None, *, seed: int = 0) -> None:
        self.spec = spec or DialogSpec()
        super().__init__(model)
        self._random = random.Random(seed)
        self._pending = b""
        self._price: int | None = None
        self._code = "00"
        self._weighed_g: float | None = None
        self._trusted_for = 0 if self.spec.polynomial else None
        self._turns = 0
        self._verdict: int | None = None

    def observe(self, load_g: float, t_s: float) -> None:
        """Take the load on the platter at `t_s`."""
        super().observe(load_g, t_s)
        if self._weighed_g is not None and abs(load_g - self._weighed_g) > _MOVED_DIVISIONS * self.model.division_g:
            self._weighed_g = None

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host; return what the scale sends back."""
        self._pending = (self._pending + bytes(byte & 0x7F for byte in data))[-_PENDING_MAX_BYTES:]
        out, end = b"", 0
        for match in _MESSAGE.finditer(self._pending):
            if match[0] == b"\x04" and match.end() == len(self._pending):
                break  # maybe the beginning of a record
            out += b"".join(encode(said) for said in self._obey(match[0]))
            end = match.end()
        self._pending = self._pending[end:]
        return out

    def _obey(self, message: bytes) -> list[Said]:
        if message == ASK_WEIGHT:
            return [self._weigh()]
        if message == ASK_STATUS:
            return [Status(self._code)]
        if match := _PRICE.fullmatch(message):
            return [self._take_price(int(match[1]))]
        if match := _PROOF.fullmatch(message):
            return [self._judge(match[1])]
        if message == b"\x04":
            return []
        return [self._refuse("10")]

    def _take_price(self, price: int) -> Said:
        if self._trusted_for == 0:
            self._turns = self._random.randrange(256)
            return Checksums(2, self._turns)
        self._price = price
        return Acknowledged(positive=True)

    def _judge(self, pairs: bytes) -> Said:
        """Compare every pair with the one that the same checksum would make here; the verdict waits for a question."""
        right = all(self._proves(pairs[at : at + 8]) for at in range(0, len(pairs), 8))
        self._verdict = int(right)
        if right:
            self._trusted_for = _CHECKED_AFTER
        return Acknowledged(positive=True)

    def _proves(self, pair: bytes) -> bool:
        turned, left = int(pair[:4], 16), self._turns >> 4
        checksum = ((turned >> left) | (turned << (16 - left))) & 0xFFFF
        return checksum_record(checksum, self.spec.polynomial or 0, self._turns)[5:13] == pair

    def _weigh(self) -> Said:
        if self._verdict is not None:
            verdict, self._verdict = self._verdict, None
            return Checksums(verdict)
        code = self._obstacle()
        if code:
            return self._refuse(code)
        if self._trusted_for:
            self._trusted_for -= 1
        model, price = self.model, self._price or 0
        grams = round(model.shown_g())
        self._weighed_g = model.load_g
        return Weighed(KILOGRAMS, grams, price, (grams * price + 500) // 1000)

    def _obstacle(self) -> str:
        """Return the status that stands against a weighing, "" when nothing does."""
        model = self.model
        obstacles = (
            ("01", self._price is None),
            ("20", model.moving),
            ("32", model.over),
            ("31", model.under),
            ("30", model.gross_g < _MINIMUM_DIVISIONS * model.division_g),
            ("21", self.spec.refuses_same and self._weighed_g is not None),
        )
        return next((code for code, stands in obstacles if stands), "")

    def _refuse(self, code: str) -> Said:
        self._code = code
        return Acknowledged(positive=False)
