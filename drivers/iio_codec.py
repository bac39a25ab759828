"""What the kernel's industrial I/O gives for an HX711: raw attributes as text, and records of the buffer.

Values are offset binary: 8388608 is zero. In the buffer a driver may put a negative error number where a value should
be; the bits above the value then are not zero. Source: the kernel's IIO documentation and its HX711 driver.
"""

import re
import struct
from dataclasses import dataclass

ZERO = 1 << 23
_TYPE = re.compile(r"(le|be):([us])(\d+)/(\d+)(?:X1)?>>(\d+)\s*")
_STAMP = struct.Struct("=q")
_ALIGNMENT = 8
_STORAGE_BITS = 32


@dataclass(frozen=True, slots=True)
class ScanType:
    """How one channel lies in a record."""

    big_endian: bool
    bits: int
    shift: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record: when the trigger came, and the counts of the channel; None where the read failed."""

    t_ns: int
    counts: int | None


def parse_type(text: str) -> ScanType | None:
    """Return what a `…_type` attribute such as "le:u24/32>>0" says; None where it is none that an HX711 has."""
    found = _TYPE.fullmatch(text)
    if found is None or found[2] != "u" or int(found[4]) != _STORAGE_BITS:
        return None
    scan = ScanType(found[1] == "be", int(found[3]), int(found[5]))
    return scan if 0 < scan.bits + scan.shift <= _STORAGE_BITS else None


def parse_raw(text: str) -> int | None:
    """Return the counts in a raw attribute; None where it is no number of 24 bits."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(2 * ZERO))):
        return None
    value = int(text)
    return value - ZERO if value < 2 * ZERO else None


class RecordDecoder:
    """Feed it what the character device gave; it returns records of one 32-bit channel and a 64-bit time."""

    SIZE = 2 * _ALIGNMENT

    def __init__(self, scan: ScanType) -> None:
        self._scan = scan
        self._rest = b""

    def feed(self, data: bytes) -> list[Record]:
        """Return the records that `data` completes."""
        data = self._rest + data
        whole = len(data) - len(data) % self.SIZE
        self._rest = data[whole:]
        return [self._record(data[at : at + self.SIZE]) for at in range(0, whole, self.SIZE)]

    def _record(self, record: bytes) -> Record:
        word = int.from_bytes(record[: _STORAGE_BITS // 8], "big" if self._scan.big_endian else "little")
        value = word >> self._scan.shift
        [t_ns] = _STAMP.unpack_from(record, _ALIGNMENT)
        return Record(t_ns, value - (1 << self._scan.bits - 1) if value < 1 << self._scan.bits else None)
