"""What the kernel's industrial I/O gives for an HX711: raw attributes as text, and records of the buffer.

Values are offset binary: 8388608 is zero. In the buffer a driver may put a negative error number where a value should
be; the bits above the value then are not zero. A record bears the time of its trigger, before the kernel waited for the
chip. Source: the kernel's IIO documentation and its HX711 driver.
"""

import re
import statistics
import struct
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

ZERO = 1 << 23
_TYPE = re.compile(r"(le|be):([us])(\d+)/(\d+)(?:X1)?>>(\d+)\s*")
_STAMP = struct.Struct("=q")
_ALIGNMENT = 8
_STORAGE_BITS = 32
_SPACINGS_KEPT = 15
_LATE_SPACINGS = 1.5


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


class ReadTimes:
    """Gives each record the time at which it was read, as near as can be known, instead of that of its trigger.

    A read ends between its trigger and the next one, and before its record is seen. A record seen soon after its
    trigger has the time at which it was seen. For one seen late, either the kernel waited long, as it must for a chip
    that was reset in the read before, or this program was not looking: only the next trigger tells which, so the record
    is kept until then. So late reads are told by the kernel's times alone, and no pause of this program hides one.
    """

    def __init__(self) -> None:
        self._spacings_ns: deque[int] = deque(maxlen=_SPACINGS_KEPT)
        self._delay_ns = 0  # from trigger to sight, of the last record that was seen soon
        self._last_ns: int | None = None
        self._kept: Record | None = None

    def feed(self, records: Iterable[Record], now_ns: int) -> list[Record]:
        """Return the records whose times are known at `now_ns`, in order."""
        known = []
        for record in records:
            if self._last_ns is not None:
                spacing_ns = record.t_ns - self._last_ns
                self._spacings_ns.append(spacing_ns)
                known += [] if self._kept is None else [self._ended(self._kept, spacing_ns)]
            self._kept, self._last_ns = record, record.t_ns
        if self._kept is not None and self._is_soon(now_ns - self._kept.t_ns):
            self._delay_ns = now_ns - self._kept.t_ns
            known.append(replace(self._kept, t_ns=now_ns))
            self._kept = None
        return known

    def _ended(self, record: Record, spacing_ns: int) -> Record:
        """Return a record whose next trigger came after `spacing_ns`."""
        delay_ns = min(self._delay_ns, spacing_ns - 1) if self._is_soon(spacing_ns) else spacing_ns - 1
        return replace(record, t_ns=record.t_ns + delay_ns)

    def _is_soon(self, passed_ns: int) -> bool:
        return bool(self._spacings_ns) and passed_ns <= _LATE_SPACINGS * statistics.median(self._spacings_ns)
