"""One judge for every raw converter: what is a sample, and what is garbage that looks like one.

Theory of operation. A read of a load-cell converter goes wrong in ways that leave a number which may look sane, so no
filter of values finds them all; each leaves another mark, and each mark is looked for here:

- *The read itself* broke a rule (extra bits low, a pulse too long, halves of a bit unequal, an error word): its codec
  says so, with a `Cause`.
- *The next data-ready edge is late.* A chip that was reset while it was read delivers ones from there on and needs 4.4
  periods for its next result; the extra bits are ones too, so only the lateness tells (53 of 54 spikes in 79 162 real
  conversions). So each sample is held until its successor's edge; where that comes after more than two usual periods
  (the running median of the last 31), the held sample and the conversions that settle after it are rejected.
- *The next edge is early:* a free-running converter cannot; the read before lost a pulse and left DOUT low.
- *The code is one of a stuck line* (all zeros, all ones) where the interface has no other check, or it is *frozen*: the
  noise of such a chip is tens of counts, so equal conversions in a row do not happen by chance.
- *The rate is none that the chip has:* a clock line that idles high resets it each time.
- *Saturation, settling, lost and repeated conversions* are said by the value, the device or the numbering.

Assumes that the median of the periods is sound, that is, that more than half of the edges are. A rejected sample is
still given out, flagged, so that its receiver sees that the converter lives; each is counted once, by its first cause.
"""

import enum
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from drivers.base import Sample, SampleFlag

LATE_PERIODS = 2.0
GAP_PERIODS = 1.5
EARLY_PERIODS = 0.5
LEAST_COUNTS, MOST_COUNTS = -0x800000, 0x7FFFFF  # the ends of 24 bits; beyond them no converter counts
STUCK_COUNTS = frozenset({0, -1})  # 24 equal bits
_PERIODS_KEPT = 31
_PERIODS_NEEDED = 5  # before these the usual period is not known and no edge is judged


class Cause(enum.StrEnum):
    """Why a sample was rejected."""

    SATURATED = "saturated"
    SETTLING = "settling"
    LATE_EDGE = "late_edge"
    EARLY_EDGE = "early_edge"
    EXTRA_BIT = "extra_bit"
    LONG_PULSE = "long_pulse"
    UNEQUAL_BITS = "unequal_bits"
    ERROR_WORD = "error_word"
    LATE_READ = "late_read"
    STUCK = "stuck"
    FROZEN = "frozen"
    RATE = "rate"
    STALE = "stale"
    DUPLICATE = "duplicate"
    RESTART = "restart"
    LOST = "lost"
    BAD_FRAME = "bad_frame"


_FLAGS = {
    Cause.SATURATED: SampleFlag.SATURATED,
    Cause.SETTLING: SampleFlag.SETTLING,
    Cause.LATE_EDGE: SampleFlag.SETTLING,
    Cause.STALE: SampleFlag.STALE,
    Cause.FROZEN: SampleFlag.FROZEN,
    Cause.STUCK: SampleFlag.FROZEN,
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What applies to one kind of converter.

    `settling` conversions are rejected after a reset; `reset_by_edge`: a late edge means a reset, and is one after
    `late_periods`; `early_edges`: edges are seen exactly, so that an early one is a fault; `frozen_after` equal
    conversions of a channel are no chance (None: they may be); `stuck_counts` are codes never believed; `rate_hz` are
    the lowest and the highest possible rate; `repeats`: the interface repeats a result until it has a new one, so an
    equal one is none.
    """

    settling: int = 4
    reset_by_edge: bool = True
    late_periods: float = LATE_PERIODS
    early_edges: bool = True
    frozen_after: int | None = None
    stuck_counts: frozenset[int] = frozenset()
    rate_hz: tuple[float, float] | None = None
    repeats: bool = False


class Rejects:
    """Counts by cause. One thread counts; any may take `snapshot`, a value that does not change any more."""

    def __init__(self) -> None:
        self.snapshot: Mapping[str, int] = MappingProxyType({})

    def count(self, cause: Cause, times: int = 1) -> None:
        """Add `times` to the count of `cause`."""
        if times:
            self.snapshot = total([self.snapshot, {cause.value: times}])


def total(counts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    """Return the sums of several counts by cause."""
    sums: Counter[str] = Counter()
    for each in counts:
        sums.update(each)
    return MappingProxyType(dict(sums))


class Gate:
    """Judges the conversions of one converter in the order of their edges; holds each until the next, where needed."""

    def __init__(self, rules: Rules, rejects: Rejects | None = None) -> None:
        self._rules = rules
        self.rejects = rejects or Rejects()
        self._periods_ns: deque[int] = deque(maxlen=_PERIODS_KEPT)
        self.period_ns: float | None = None  # the usual time between two edges, once it is known
        self.late_edges = 0
        self.newest: tuple[Cause, ...] = ()  # what was found in the conversion offered last
        self._held: tuple[Sample, list[Cause]] | None = None
        self._settling = 0
        self._counts: tuple[int, ...] = ()
        self._runs: list[int] = []

    def settle(self, conversions: int | None = None) -> None:
        """Reject the next conversions: the converter restarted."""
        self._settling = self._rules.settling if conversions is None else conversions

    def restart(self) -> None:
        """Begin anew: what is held cannot be confirmed any more."""
        if self._held is not None:
            self.rejects.count(self._held[1][0] if self._held[1] else Cause.RESTART)
        self._held = None
        self.settle()

    def offer(
        self, sample: Sample, elapsed_ns: int | None, *, lost: int = 0, causes: Iterable[Cause] = ()
    ) -> Sample | None:
        """Take a conversion; return the one before it, judged, or None.

        Its edge came `elapsed_ns` after that of the conversion before (None: there is none), `lost` conversions are
        known to be missing between them. `causes` are what its read broke. Where the rules need no successor to judge
        a sample, the sample itself is returned.
        """
        found = list(causes)
        gap = elapsed_ns is not None and self._judge_edge(elapsed_ns, lost, found)
        found += self._remarks(sample.counts)
        self.newest = tuple(found)
        if self._rules.repeats and self._is_repeat(found):
            self.rejects.count(Cause.DUPLICATE)
            return None
        if gap:
            sample = _flagged(sample, SampleFlag.GAP)
        released, self._held = self._held, (sample, found)
        if not self._rules.reset_by_edge:
            released, self._held = self._held, None
        return None if released is None else self._close(*released)

    def _judge_edge(self, elapsed_ns: int, lost: int, found: list[Cause]) -> bool:
        """Judge the held sample, and the one that ends the time, by that time; tell whether there is a gap."""
        period_ns = self.period_ns
        if not lost:
            self._learn(elapsed_ns)
        if period_ns is None:
            return False
        if elapsed_ns < EARLY_PERIODS * period_ns and self._rules.early_edges:
            self._condemn(Cause.EARLY_EDGE)
            found.append(Cause.EARLY_EDGE)
        elif elapsed_ns > (lost + self._rules.late_periods) * period_ns and self._rules.reset_by_edge:
            self.late_edges += 1
            self._condemn(Cause.LATE_EDGE)
            self.settle()
            return False
        return elapsed_ns > (lost + GAP_PERIODS) * period_ns

    def _learn(self, elapsed_ns: int) -> None:
        self._periods_ns.append(elapsed_ns)
        if len(self._periods_ns) >= _PERIODS_NEEDED:
            ordered = sorted(self._periods_ns)
            half = len(ordered) // 2
            self.period_ns = (ordered[half] + ordered[~half]) / 2

    def _condemn(self, cause: Cause) -> None:
        if self._held is not None:
            self._held[1].append(cause)

    def _remarks(self, counts: tuple[int, ...]) -> list[Cause]:
        """Return what the counts, their history and the rate show."""
        rules, found = self._rules, []
        if counts and not (min(counts) > LEAST_COUNTS and max(counts) < MOST_COUNTS):
            found.append(Cause.SATURATED)
        if not rules.stuck_counts.isdisjoint(counts):
            found.append(Cause.STUCK)
        run = self._longest_run(counts)
        if rules.frozen_after is not None and run >= rules.frozen_after:
            found.append(Cause.FROZEN)
        if rules.rate_hz is not None and self.period_ns is not None:
            lowest, highest = rules.rate_hz
            found += [] if lowest <= 1e9 / max(self.period_ns, 1.0) <= highest else [Cause.RATE]
        if self._settling:
            self._settling -= 1
            found.append(Cause.SETTLING)
        return found

    def _longest_run(self, counts: tuple[int, ...]) -> int:
        """Follow how many times in a row each channel has said the same; return the most."""
        if len(counts) != len(self._counts):
            self._runs = [1] * len(counts)
        else:
            pairs = zip(self._runs, counts, self._counts, strict=True)
            self._runs = [run + 1 if new == old else 1 for run, new, old in pairs]
        self._counts = counts
        return max(self._runs, default=0)

    def _is_repeat(self, found: list[Cause]) -> bool:
        return not found and min(self._runs, default=1) > 1

    def _close(self, sample: Sample, causes: list[Cause]) -> Sample:
        """Give a judged sample out, flagged and counted where it is rejected."""
        if not causes:
            return sample
        self.rejects.count(causes[0])
        flags = SampleFlag(0)
        for cause in causes:
            flags |= _FLAGS.get(cause, SampleFlag.CORRUPT)
        return _flagged(sample, flags)


def _flagged(sample: Sample, flags: SampleFlag) -> Sample:
    return Sample(sample.t_ns, sample.counts, sample.flags | flags)
