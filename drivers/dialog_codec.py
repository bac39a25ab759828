"""Checkout-Dialog records as pure functions of bytes, and the checksum that tills and scales prove themselves with.

From the scale come ACK, NAK and records `STX number ESC fields ETX`; to the scale go records after an EOT, and
`EOT ENQ`, which asks for the weight. All records have a fixed length, so a lost byte makes no other record; the line
itself adds odd parity.
Sources: Ohaus Aviator 7000 service manual pp. 38-46; Mettler-Toledo DIVA service manual p. 60.
"""

import re
from dataclasses import dataclass

EOT, STX, ETX, ACK, NAK = 0x04, 0x02, 0x03, 0x06, 0x15
_ESC = b"\x1b"
ASK_WEIGHT = bytes([EOT, 0x05])
ASK_STATUS = b"\x04\x0208\x03"
CLEAR = bytes([EOT])
_MAX_RECORD_BYTES = 32  # the longest has 27
_WEIGHT = re.compile(rb"02\x1b([0-3])\x1b(\d{5})\x1b(\d{6})\x1b(\d{6})")
_STATUS = re.compile(rb"09\x1b([0-9]{2})")
_CHECKSUMS = re.compile(rb"11\x1b([012])(?:\x1b?([0-9A-F]{2}))?")
KILOGRAMS, HUNDREDTHS_OF_POUNDS = 3, 1  # what the field "scale type" says of the weight's digits


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """ACK, or NAK."""

    positive: bool


@dataclass(frozen=True, slots=True)
class Weighed:
    """Record 02: digits of the weight, of the price and of the amount."""

    kind: int
    weight: int
    price: int
    amount: int


@dataclass(frozen=True, slots=True)
class Status:
    """Record 09: why there is no weight."""

    code: str


@dataclass(frozen=True, slots=True)
class Checksums:
    """Record 11: the till's checksums are wrong (0), right (1), or wanted (2), turned by `turns`."""

    verdict: int
    turns: int | None = None


@dataclass(frozen=True, slots=True)
class Garbled:
    """A record of no known shape."""

    text: bytes


Said = Acknowledged | Weighed | Status | Checksums | Garbled


def price_record(price: int) -> bytes:
    """Return record 01: six digits of the unit price; zero where only the weight is wanted."""
    return b"\x04\x0201\x1b%06d\x1b\x03" % price


def checksum_record(checksum: int, polynomial: int, turns: int) -> bytes:
    """Return record 10: a 16-bit checksum and its remainder, each turned as the scale wants it."""
    left, right = turns >> 4, turns & 0x0F
    turned = ((checksum << left) | (checksum >> (16 - left))) & 0xFFFF
    check = remainder(checksum, polynomial)
    turned_check = ((check >> right) | (check << (16 - right))) & 0xFFFF
    return b"\x04\x0210\x1b%04X%04X\x03" % (turned, turned_check)


def remainder(checksum: int, polynomial: int) -> int:
    """Return what is left of checksum x 2^16 divided by a 17-bit polynomial over GF(2)."""
    rest = checksum << 16
    for bit in range(31, 15, -1):
        if rest >> bit & 1:
            rest ^= polynomial << (bit - 16)
    return rest


def encode(said: Said) -> bytes:
    """Return a message as the scale sends it."""
    match said:
        case Acknowledged(positive):
            return bytes([ACK if positive else NAK])
        case Weighed(kind, weight, price, amount):
            return b"\x0202\x1b%d\x1b%05d\x1b%06d\x1b%06d\x03" % (kind, weight, price, amount)
        case Status(code):
            return b"\x0209\x1b" + code.encode() + b"\x03"
        case Checksums(verdict, turns):
            return b"\x0211\x1b%d" % verdict + (b"" if turns is None else b"%02X" % turns) + b"\x03"
        case Garbled(text):
            return bytes([STX]) + text + bytes([ETX])


class RecordDecoder:
    """Feed it received bytes (7-bit, parity removed); a new STX begins a new record whatever came before."""

    def __init__(self) -> None:
        self._record: bytearray | None = None

    def feed(self, data: bytes) -> list[Said]:
        """Return what `data` completes."""
        found: list[Said] = []
        for byte in data:
            if byte == STX:
                self._record = bytearray()
            elif self._record is None:
                if byte in (ACK, NAK):
                    found.append(Acknowledged(byte == ACK))
            elif byte == ETX:
                found.append(_parse(bytes(self._record)))
                self._record = None
            elif len(self._record) == _MAX_RECORD_BYTES:
                self._record = None
            else:
                self._record.append(byte)
        return found

    def reset(self) -> None:
        """Forget an unfinished record."""
        self._record = None


def _parse(record: bytes) -> Said:
    if match := _WEIGHT.fullmatch(record):
        return Weighed(*(int(part) for part in match.groups()))
    if match := _STATUS.fullmatch(record):
        return Status(match[1].decode())
    if match := _CHECKSUMS.fullmatch(record):
        return Checksums(int(match[1]), None if match[2] is None else int(match[2], 16))
    return Garbled(record)
