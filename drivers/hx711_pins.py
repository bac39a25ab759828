"""What the two pins of an HX711 say: conversions from the levels of PD_SCK and DOUT, with the marks of every bad read.

Works on logged levels (a logic analyser's, an emulator's) and judges a read by the data sheet: DOUT is taken where
PD_SCK falls, 24 bits, most significant first, two's complement; on each further pulse DOUT must be high; no pulse may
stay high for more than 50 us. A chip that was reset within a read shows only afterwards, by a late next conversion.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drivers.integrity import Cause

_BITS = 24
_SIGN_BIT = 1 << (_BITS - 1)
_PULSES_ALLOWED = (25, 26, 27)
_MAX_HIGH_NS = 50_000
_FRAME_GAP_NS = 1_000_000  # no read pauses this long between two pulses; no two conversions are this close


@dataclass(frozen=True, slots=True)
class Levels:
    """Both pins from `t_ns` on, until the next change."""

    t_ns: int
    sck: bool
    dout: bool


@dataclass(frozen=True, slots=True)
class Conversion:
    """One read of the chip. `ready_ns` is the fall of DOUT before it, or the first pulse where that was not seen."""

    ready_ns: int
    counts: int
    pulses: int
    extra_bits_high: bool
    longest_high_ns: int

    @property
    def intact(self) -> bool:
        """Whether the read itself kept the rules; the chip may have been reset all the same (see `late_edges`)."""
        return not broken_rules(self)

    @property
    def saturated(self) -> bool:
        """Whether the input was out of range."""
        return self.counts in (_SIGN_BIT - 1, -_SIGN_BIT)


@dataclass(frozen=True, slots=True)
class Pulse:
    """One pulse of PD_SCK: the level of DOUT where it fell, and how long it was high at most."""

    bit: bool
    high_ns: int


def conversion(ready_ns: int, pulses: Sequence[Pulse]) -> Conversion | None:
    """Return what the pulses of one read say; None for fewer than 24."""
    if len(pulses) < _BITS:
        return None
    raw = int("".join("01"[pulse.bit] for pulse in pulses[:_BITS]), 2)
    extra_bits_high = all(pulse.bit for pulse in pulses[_BITS:])
    return Conversion(ready_ns, signed(raw), len(pulses), extra_bits_high, max(pulse.high_ns for pulse in pulses))


def broken_rules(read: Conversion) -> tuple[Cause, ...]:
    """Return which rules of the data sheet a read broke."""
    bits_wrong = not read.extra_bits_high or read.pulses not in _PULSES_ALLOWED
    too_long = read.longest_high_ns > _MAX_HIGH_NS
    return (*((Cause.EXTRA_BIT,) if bits_wrong else ()), *((Cause.LONG_PULSE,) if too_long else ()))


def signed(raw: int) -> int:
    """Return the value of a 24-bit two's complement word."""
    return raw - ((raw & _SIGN_BIT) << 1)


def decode(levels: Iterable[Levels]) -> list[Conversion]:
    """Return the conversions in a log of level changes, in order."""
    reader = _Reader()
    for now in levels:
        reader.step(now)
    reader.close()
    return reader.found


def late_edges(conversions: list[Conversion], period_ns: float) -> list[bool]:
    """Tell of each conversion whether its successor was ready more than two periods later: it cannot be trusted."""
    pairs = itertools.pairwise(conversions)
    return [after.ready_ns - before.ready_ns > 2 * period_ns for before, after in pairs] + [False] * bool(conversions)


class _Reader:
    """Collects pulses to reads."""

    def __init__(self) -> None:
        self.found: list[Conversion] = []
        self._before: Levels | None = None
        self._fell_ns: int | None = None  # DOUT, outside reads
        self._rose_ns = 0
        self._last_edge_ns = 0
        self._start_ns = 0
        self._pulses: list[Pulse] = []

    def step(self, now: Levels) -> None:
        before, self._before = self._before, now
        if before is None:
            return
        if self._pulses and now.t_ns - self._last_edge_ns > _FRAME_GAP_NS and not before.sck:
            self.close()
        if before.dout and not now.dout and not self._pulses and not now.sck:
            self._fell_ns = now.t_ns
        if now.sck and not before.sck:
            self._rise(now.t_ns)
        elif before.sck and not now.sck:
            self._fall(now.t_ns, before.dout)

    def close(self) -> None:
        """End the read that is open."""
        read = conversion(self._start_ns, self._pulses)
        if read is not None:
            self.found.append(read)
        self._pulses, self._fell_ns = [], None

    def _rise(self, t_ns: int) -> None:
        self._rose_ns = self._last_edge_ns = t_ns
        if not self._pulses:
            self._start_ns = t_ns if self._fell_ns is None else self._fell_ns

    def _fall(self, t_ns: int, dout: bool) -> None:  # noqa: FBT001 - a pin has one level
        self._pulses.append(Pulse(dout, t_ns - self._rose_ns))
        self._last_edge_ns = t_ns
