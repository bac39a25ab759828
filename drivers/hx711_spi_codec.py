"""The HX711 read by an SPI controller: what to send on MOSI, and what the answer on MISO means.

MOSI is wired to PD_SCK, so the bytes sent are the clock: `10` is one pulse, 48 bits are 24 pulses and the last byte
adds those that choose the gain. Each bit of the chip is seen twice, in the high and in the low half of its pulse; both
must agree. After the 24th pulse DOUT is high until the next result, so the last byte must be FF.
Source: HX711 data sheet V2.0; the wiring is known from public drivers of several hands.
"""

from dataclasses import dataclass

from drivers.hx711_pins import signed
from drivers.integrity import Cause

ASK_READY = b"\x00"
RESET = b"\xff" * 16  # 128 us of PD_SCK high at 1 MHz: more than the 60 us that power the chip down
_DATA_BYTES = 6
_LAST = {25: 0x80, 26: 0xA0, 27: 0xA8}
_HIGH = 0xFF


@dataclass(frozen=True, slots=True)
class SpiRead:
    """The counts of one read, and the rules it broke."""

    counts: int
    causes: tuple[Cause, ...]


def request(pulses: int) -> bytes:
    """Return what to send for one read of 25, 26 or 27 pulses."""
    return b"\xaa" * _DATA_BYTES + bytes([_LAST[pulses]])


def is_ready(answer: bytes) -> bool:
    """Tell from the answer to `ASK_READY` whether a result waits: DOUT is low."""
    return not answer[-1] & 1


def decode(answer: bytes) -> SpiRead:
    """Return what the answer to `request` says; any bytes of that length are understood."""
    word = int.from_bytes(answer[:_DATA_BYTES], "big")
    early, late = _every_other(word >> 1), _every_other(word)
    causes = []
    if answer[_DATA_BYTES] != _HIGH:
        causes.append(Cause.EXTRA_BIT)
    if early != late:
        causes.append(Cause.UNEQUAL_BITS)
    return SpiRead(signed(late), tuple(causes))


def _every_other(word: int) -> int:
    """Return bits 0, 2, 4 … 46 of `word` as 24 bits."""
    return int(f"{word & 0xFFFFFFFFFFFF:048b}"[1::2], 2)
