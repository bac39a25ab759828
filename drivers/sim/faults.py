"""A bad line: what happens to bytes on their way, by chance, with a seed."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaultRates:
    """Chances, for each message, of one byte lost, noise before it, its end cut off, its coming twice, one bit flipped.

    `parity` is each byte's chance to arrive with a wrong parity: the kernel drops such a byte.
    """

    drop_byte: float = 0.0
    garbage: float = 0.0
    truncate: float = 0.0
    duplicate: float = 0.0
    flip_bit: float = 0.0
    parity: float = 0.0


class FaultyLine:
    """Passes messages on as a bad line would; the same seed does the same harm."""

    def __init__(self, rates: FaultRates | None = None, *, seed: int = 0) -> None:
        self.rates = rates or FaultRates()
        self._random = random.Random(seed)

    def carry(self, message: bytes) -> bytes:
        """Return what arrives of `message`."""
        rates = self.rates
        if message and self._happens(rates.truncate):
            message = message[: self._random.randrange(len(message))]
        if message and self._happens(rates.drop_byte):
            at = self._random.randrange(len(message))
            message = message[:at] + message[at + 1 :]
        if message and self._happens(rates.flip_bit):
            at, bit = self._random.randrange(len(message)), 1 << self._random.randrange(8)
            message = message[:at] + bytes([message[at] ^ bit]) + message[at + 1 :]
        if rates.parity:
            message = bytes(byte for byte in message if not self._happens(rates.parity))
        if self._happens(rates.duplicate):
            message += message
        if self._happens(rates.garbage):
            message = self._random.randbytes(self._random.randint(1, 40)) + message
        return message

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self._random.random() < chance
