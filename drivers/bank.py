"""All raw converters of one platform as one scale driver: polled, judged each by itself, aligned in time.

A converter only knows how to open, read and close its chip. What all have in common is here: the integrity rules, the
alignment, and the three ways in which a chip is lost: it cannot be reached (its own `SensorError`), it is silent, or
nothing it says can be believed.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from drivers.aligning import Aligner
from drivers.base import Sample, SensorError
from drivers.integrity import Cause, Gate, Rejects, Rules, total
from drivers.pace import HostPace, Pace

_DUBIOUS_MOST = 40  # conversions in a row that cannot be believed: half a second at 80 a second
_NO_DOUBT = {Cause.SATURATED, Cause.SETTLING, Cause.LATE_EDGE}  # the chip is well, its input or supply is not
_WHY = {
    Cause.EXTRA_BIT: "its data line is stuck low, or clock pulses get lost",
    Cause.UNEQUAL_BITS: "its data line is disturbed",
    Cause.LONG_PULSE: "the clock is held up again and again: this host is too busy",
    Cause.STUCK: "its data line is stuck",
    Cause.FROZEN: "its value never changes",
    Cause.RATE: "its rate is none that the chip has: it is reset again and again, or set to another rate",
    Cause.ERROR_WORD: "it answers with errors",
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """One result of one chip, with what its read broke; `lost`: results known to be missing before it."""

    ready_ns: int
    counts: tuple[int, ...]
    causes: tuple[Cause, ...] = ()
    lost: int = 0


class Converter(Protocol):
    """One chip on its wires."""

    @property
    def name(self) -> str:
        """How people find it: bus, address, port."""

    @property
    def rejects(self) -> Mapping[str, int]:
        """What never became a conversion, counted by cause."""

    def open(self) -> None:
        """Make the chip convert; raise `SensorError` when it is not there."""

    def poll(self) -> list[Conversion]:
        """Return the conversions that are ready, waiting for none; raise `SensorError` when the chip is lost."""

    def fileno(self) -> int | None:
        """Return what becomes readable when a conversion is ready, None where there is no such thing."""

    def close(self) -> None:
        """Let go; never raises."""


@dataclass(frozen=True, slots=True)
class BankSettings:
    """How a bank of converters is run.

    Chips are asked every `poll_s`, and at once when one of them says that it is ready; every `blind_poll_s`, where that
    is given, while one of them cannot say so. A chip is lost after `silence_s` without a result; what lies between two
    samples of a cell more than `stale_ns` apart is not fresh.
    """

    rules: Rules
    poll_s: float
    silence_s: float
    stale_ns: int
    blind_poll_s: float | None = None


class _Cell:
    """One converter with its judge and its last signs of life."""

    def __init__(self, converter: Converter, rules: Rules) -> None:
        self.converter = converter
        self.rules = rules
        self.rejects = Rejects()
        self.gate = Gate(rules, self.rejects)
        self.alive_ns = 0
        self.last_ready_ns: int | None = None
        self.dubious = 0
        self.doubt = Cause.RATE

    def begin(self, now_ns: int) -> None:
        self.gate = Gate(self.rules, self.rejects)
        self.gate.settle(self.rules.settling + 1)  # the first edge may be old, and primes the period
        self.alive_ns, self.last_ready_ns, self.dubious = now_ns, None, 0

    def take(self, conversion: Conversion) -> Sample | None:
        """Judge one conversion; return the one that this releases."""
        elapsed_ns = None if self.last_ready_ns is None else conversion.ready_ns - self.last_ready_ns
        self.last_ready_ns = conversion.ready_ns
        sample = Sample(conversion.ready_ns, conversion.counts)
        released = self.gate.offer(sample, elapsed_ns, lost=conversion.lost, causes=conversion.causes)
        self._doubt()
        return released

    def _doubt(self) -> None:
        """Count conversions in a row that nobody can believe."""
        causes = [cause for cause in self.gate.newest if cause not in _NO_DOUBT]
        self.dubious = self.dubious + 1 if causes else 0
        if causes:
            self.doubt = causes[0]

    def check(self, now_ns: int, silence_s: float) -> None:
        name = self.converter.name
        if self.dubious >= _DUBIOUS_MOST:
            why = _WHY.get(self.doubt, f"its reads fail ({self.doubt})")
            raise SensorError(f"{name} gives nothing that can be believed: {why}", "check its wiring and supply")
        if now_ns - self.alive_ns > silence_s * 1e9:
            raise SensorError(
                f"{name} gives no results", "check that it is connected and supplied, and its keys in the configuration"
            )


class Bank:
    """Implements `drivers.base.ScaleDriver` for any converters; yields `Sample`s with the channels of all."""

    def __init__(self, converters: Sequence[Converter], settings: BankSettings, pace: Pace | None = None) -> None:
        self._cells = [_Cell(converter, settings.rules) for converter in converters]
        self._settings = settings
        self._pace = pace or HostPace()
        self._aligner = Aligner(len(converters), settings.stale_ns)
        self._open = False

    @property
    def rejects(self) -> Mapping[str, int]:
        """What was rejected since the start, counted by cause; from any thread."""
        return total([counts for cell in self._cells for counts in (cell.rejects.snapshot, cell.converter.rejects)])

    def open(self) -> None:
        """Open all chips, or none."""
        self.close()
        self._aligner = Aligner(len(self._cells), self._settings.stale_ns)
        with contextlib.ExitStack() as undo:
            for cell in self._cells:
                undo.callback(cell.converter.close)
                cell.converter.open()
            undo.pop_all()
        for cell in self._cells:
            cell.begin(self._pace.now_ns())
        self._open = True

    def read(self, timeout_s: float) -> list[Sample]:
        """Return the samples that come within `timeout_s`; `SensorError` when a chip is lost."""
        if not self._open:
            raise SensorError(f"{self._cells[0].converter.name} is not open", "open the scale first")
        deadline_ns = self._pace.now_ns() + int(timeout_s * 1e9)
        while True:
            found = [sample for number, cell in enumerate(self._cells) for sample in self._ask(number, cell)]
            left_s = (deadline_ns - self._pace.now_ns()) / 1e9
            if found or left_s <= 0:
                return found
            self._wait(left_s)

    def close(self) -> None:
        """Let go of all chips; never raises."""
        self._open = False
        for cell in self._cells:
            cell.converter.close()

    def _ask(self, number: int, cell: _Cell) -> list[Sample]:
        found = []
        for conversion in cell.converter.poll():
            cell.alive_ns = self._pace.now_ns()
            released = cell.take(conversion)
            found += [] if released is None else self._aligner.feed(number, released)
        cell.check(self._pace.now_ns(), self._settings.silence_s)
        return found

    def _wait(self, left_s: float) -> None:
        fds = [cell.converter.fileno() for cell in self._cells]
        poll_s = self._settings.poll_s if None not in fds else self._settings.blind_poll_s or self._settings.poll_s
        self._pace.wait(min(left_s, poll_s), [fd for fd in fds if fd is not None])
