"""From samples to one capture: watch a scale settle, measure while it rests, begin again when it is disturbed.

Theory of operation. Samples are averaged over tenths of a second, in which the converter's noise falls and what moves
the platform does not; the scale rests while these means stay within a band (half a verification interval) for a whole
second. Only what comes after that, and after a further pause in which filters and the first creep fade, is measured;
a mean outside the band of the last second ends the measurement, and it starts anew. Samples that their driver does
not believe are counted, not measured. Time is that of the samples; nothing here looks at a clock.

An instrument that knows grams only is one channel whose unit is the gram.
"""

import math
from collections import deque
from collections.abc import Sequence

import msgspec

from calibration.captures import CellCounts
from drivers.base import Indication, Sample, SampleFlag, ScaleState

S_NS = 1_000_000_000
BLOCK_NS = S_NS // 10
WINDOW_NS = S_NS
SETTLE_NS = S_NS // 2
COVERED = 0.75  # of the window must lie between its first and its last mean
DISTINCT_MAX = 1000  # more different readings than that are simply many
FULL_SCALE_COUNTS = (1 << 23) - 1
RATED_SHARE = 0.512  # of the converter's half range that a usual 2 mV/V cell reaches at gain 128
OVERSIZE = 1.6  # a cell's rating over its even share of the capacity, where nothing else is known


def band_g(interval_g: float, *, counts: bool) -> float:
    """Return what a resting scale may swing by: half an interval; a whole one where it shows whole ones only."""
    return interval_g / 2 if counts else interval_g * (1 + 1e-6)


class Weigher(msgspec.Struct, frozen=True, kw_only=True):
    """How counts become grams for now; `source` says how far that may be believed."""

    zeros: tuple[float, ...]
    per_gram: tuple[float, ...]
    source: str = "nominal"  # "record", "session" or "nominal"

    def cells_g(self, values: Sequence[float]) -> tuple[float, ...]:
        """Return each cell's load in grams."""
        triples = zip(values, self.zeros, self.per_gram, strict=True)
        return tuple((value - zero) / gain for value, zero, gain in triples)

    def gross_g(self, values: Sequence[float]) -> float:
        """Return the load in grams."""
        return sum(self.cells_g(values))


def grams_only() -> Weigher:
    """Return the weigher of an instrument that gives grams."""
    return Weigher(zeros=(0.0,), per_gram=(1.0,), source="instrument")


def nominal(capacity_g: float, zeros: Sequence[float]) -> Weigher:
    """Return what usual load cells for such a platform give: right within a factor of two."""
    rated_g = OVERSIZE * capacity_g / max(1, len(zeros))
    gain = RATED_SHARE * FULL_SCALE_COUNTS / rated_g
    return Weigher(zeros=tuple(zeros), per_gram=(gain,) * len(zeros))


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """How the scale stands now: means of the last tenth of a second, the swing of the last second in grams."""

    t_ns: int
    values: tuple[float, ...]
    swing_g: float
    rests: bool
    progress: float  # of the measurement that goes on, 0 to 1
    flags: tuple[str, ...] = ()


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A finished stretch of rest: what becomes a capture."""

    start_ns: int
    end_ns: int
    cells: tuple[CellCounts, ...]
    stable: bool
    flags: tuple[str, ...] = ()

    @property
    def means(self) -> tuple[float, ...]:
        """Return the means of the cells."""
        return tuple(cell.mean for cell in self.cells)


class Tally:
    """Mean, scatter, extremes and variety of one channel, sample by sample (Welford)."""

    def __init__(self) -> None:
        self._n, self._mean, self._squares = 0, 0.0, 0.0
        self._low, self._high = math.inf, -math.inf
        self._seen: set[float] = set()

    def add(self, value: float) -> None:
        """Take one reading."""
        self._n += 1
        step = value - self._mean
        self._mean += step / self._n
        self._squares += step * (value - self._mean)
        self._low, self._high = min(self._low, value), max(self._high, value)
        if len(self._seen) < DISTINCT_MAX:
            self._seen.add(value)

    def counts(self) -> CellCounts:
        """Return what was found; at least one reading must have been taken."""
        sd = math.sqrt(self._squares / (self._n - 1)) if self._n > 1 else 0.0
        low, high = round(self._low), round(self._high)
        return CellCounts(mean=self._mean, sd=sd, n=self._n, low=low, high=high, distinct=len(self._seen))


class Watch:
    """One scale, watched. `handle` takes readings; `live` is how it stands; `measure` asks for a capture."""

    def __init__(self, band: float, weigher: Weigher | None = None) -> None:
        self.weigher = weigher
        self._band_g = band
        self._block: list[tuple[int, tuple[float, ...]]] = []
        self._means: deque[tuple[int, tuple[float, ...]]] = deque()
        self._still_ns: int | None = None  # since when it rests
        self._wanted_ns: int | None = None
        self._rested = True
        self._started_ns: int | None = None
        self._tallies: list[Tally] = []
        self._trouble: deque[tuple[int, str]] = deque(maxlen=200)
        self._flags: set[str] = set()
        self.restarts = 0

    def measure(self, seconds: float, *, at_rest: bool = True) -> None:
        """Ask for one capture of so many seconds: of rest, or of whatever comes from now on."""
        self._wanted_ns, self._rested = round(seconds * S_NS), at_rest
        self._begin_anew()
        self.restarts = 0

    def stop(self) -> None:
        """Want no capture any more."""
        self._wanted_ns = None
        self._begin_anew()

    def handle(self, reading: Sample | Indication) -> Measured | None:
        """Take a reading in the order of time; return the capture that it completes."""
        values = self._believed(reading)
        if values is None:
            return None
        if self._means and len(values) != len(self._means[-1][1]):
            self._means.clear()
            self._block.clear()
        if self._started_ns is not None:
            for tally, value in zip(self._tallies, values, strict=True):
                tally.add(value)
        self._block.append((reading.t_ns, values))
        if reading.t_ns - self._block[0][0] >= BLOCK_NS * (1 - 1e-6) or self._is_slow(reading.t_ns):
            self._close_block()
        return self._finish(reading.t_ns, len(values))

    def live(self) -> Live | None:
        """Return how the scale stands, None before the first believable reading."""
        if not self._means:
            return None
        t_ns, values = self._means[-1]
        rests = self._still_ns is not None
        return Live(
            t_ns=t_ns, values=values, swing_g=self._swing_g(), rests=rests, progress=self._progress(t_ns),
            flags=self._recent(t_ns),
        )  # fmt: skip

    def troubles(self, t_ns: int) -> tuple[str, ...]:
        """Return what was wrong with readings of the last second."""
        return self._recent(t_ns)

    def _believed(self, reading: Sample | Indication) -> tuple[float, ...] | None:
        if isinstance(reading, Sample):
            return self._sound(reading)
        if reading.weight_g is None or reading.state not in {ScaleState.STABLE, ScaleState.MOTION, ScaleState.SAME}:
            if reading.state != ScaleState.BELOW_MINIMUM:
                self._note(reading.t_ns, reading.state.value)
                return None
            return (reading.weight_g or 0.0,)
        if reading.state == ScaleState.MOTION:
            self._still_ns = None
        return (reading.weight_g,)

    def _sound(self, sample: Sample) -> tuple[float, ...] | None:
        bad = sample.flags & ~SampleFlag.GAP
        for flag in bad:
            self._note(sample.t_ns, (flag.name or "").lower())
        if bad & SampleFlag.SATURATED:
            self._ends(sample)
        return None if bad else tuple(float(count) for count in sample.counts)

    def _ends(self, sample: Sample) -> None:
        """Name the channels that are at the end of their range."""
        for channel, count in enumerate(sample.counts, 1):
            if abs(count) >= FULL_SCALE_COUNTS:
                self._note(sample.t_ns, f"saturated:{channel}")

    def _note(self, t_ns: int, trouble: str) -> None:
        self._trouble.append((t_ns, trouble))
        if self._started_ns is not None:
            self._flags.add(trouble)

    def _recent(self, t_ns: int) -> tuple[str, ...]:
        return tuple(sorted({trouble for at_ns, trouble in self._trouble if at_ns > t_ns - S_NS}))

    def _is_slow(self, t_ns: int) -> bool:
        """Tell whether the instrument speaks less than ten times a second: then each reading is its own mean."""
        return bool(self._means) and t_ns - self._means[-1][0] >= BLOCK_NS * (1 - 1e-6)

    def _close_block(self) -> None:
        t_ns, count = self._block[-1][0], len(self._block)
        mean = tuple(sum(column) / count for column in zip(*(values for _, values in self._block), strict=True))
        self._block.clear()
        self._means.append((t_ns, mean))
        while t_ns - self._means[0][0] > WINDOW_NS * (1 + 1e-6):
            self._means.popleft()
        still = self._covered() and self._swing_g() <= self._band_g
        if not still:
            if self._rested and self._started_ns is not None:
                self.restarts += 1
                self._begin_anew()
            self._still_ns = None
        elif self._still_ns is None:
            self._still_ns = t_ns

    def _covered(self) -> bool:
        return self._means[-1][0] - self._means[0][0] >= COVERED * WINDOW_NS

    def _swing_g(self) -> float:
        if self.weigher is None or len(self.weigher.zeros) != len(self._means[-1][1]):
            return math.inf
        grams = [self.weigher.gross_g(values) for _, values in self._means]
        return max(grams) - min(grams)

    def _begin_anew(self) -> None:
        self._started_ns, self._tallies = None, []
        self._flags.clear()

    def _progress(self, t_ns: int) -> float:
        if self._started_ns is None or not self._wanted_ns:
            return 0.0
        return min(1.0, (t_ns - self._started_ns) / self._wanted_ns)

    def _finish(self, t_ns: int, channels: int) -> Measured | None:
        if self._wanted_ns is None:
            return None
        if self._started_ns is None:
            ready = not self._rested or (self._still_ns is not None and t_ns - self._still_ns >= SETTLE_NS)
            if ready:
                self._started_ns, self._tallies = t_ns, [Tally() for _ in range(channels)]
            return None
        if t_ns - self._started_ns < self._wanted_ns:
            return None
        measured = Measured(
            start_ns=self._started_ns, end_ns=t_ns, cells=tuple(tally.counts() for tally in self._tallies),
            stable=self._still_ns is not None, flags=tuple(sorted(self._flags)),
        )  # fmt: skip
        self.stop()
        return measured
