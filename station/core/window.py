"""The samples of one load since its last step, and how the latest of them lie.

Kept as running sums from the first of them, so that a mean costs the same however long its stretch is. What is judged
is the last `window_ns` of them (at least eight samples), by sums weighted with smooth functions:

- the *centre* is the mean weighted with a raised cosine (Hann). What it lets through falls with the cube of the
  frequency, where it falls with the first power of it for a plain mean: the platform's ringing and a machine's
  vibration average out within a few of their periods. The price is that noise counts one and a half times in the
  variance.
- *trend* and *bend* are the odd and the even contrast that are as smooth: slow motion shows in them, ringing does not.
  Scaled so that each has four times the variance of the plain mean where noise is white, as the difference of the
  means of two halves has.
"""

import functools
import math
from operator import mul
from typing import NamedTuple

MIN_SAMPLES = 8  # at 10 samples a second a window is longer than it is asked to be
HANN_NOISE = 1.5  # variance of a centre over that of a plain mean, of white noise
CONTRASTS = 2
_KEPT = 4096  # samples; older ones are dropped from the sums


class Shape(NamedTuple):
    """How a window of samples lies around its mean."""

    n: int
    mean: float
    scatter: float  # standard deviation of one sample
    centre: float
    trend: float  # the end less the beginning
    bend: float  # the middle less both ends: the turning point of a slow swing has no trend, but this

    @property
    def slow(self) -> float:
        """Return the mean square of the contrasts, as the variance of a plain mean of white noise."""
        return (self.trend**2 + self.bend**2) / 8

    @property
    def rest(self) -> float:
        """Return the scatter less what the contrasts explain."""
        return math.sqrt(max(self.scatter**2 - CONTRASTS * self.slow, 0.0))


class Window:
    """Samples in order of time."""

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._times: list[int] = []
        self._values: list[float] = []
        self._sums: list[float] = [0.0]
        self._squares: list[float] = [0.0]
        self._zero = 0.0  # subtracted from all values: sums of small numbers lose nothing
        self._start = 0

    def __len__(self) -> int:
        return len(self._values) - self._start

    def clear(self) -> None:
        """Begin anew."""
        self._times, self._values, self._sums, self._squares = [], [], [0.0], [0.0]
        self._start = 0

    def add(self, t_ns: int, grams: float) -> None:
        """Take the next sample; its time must be later than the last one's."""
        if not self._values:
            self._zero = grams
        elif len(self._values) >= _KEPT:
            self._rebuild()
        value = grams - self._zero
        self._times.append(t_ns)
        self._values.append(value)
        self._sums.append(self._sums[-1] + value)
        self._squares.append(self._squares[-1] + value * value)
        while len(self) > MIN_SAMPLES and t_ns - self._times[self._start] > self._window_ns:
            self._start += 1

    def _rebuild(self) -> None:
        times, values, zero = self._times[self._start :], self._values[self._start :], self._zero
        self.clear()
        for t_ns, value in zip(times, values, strict=True):
            self.add(t_ns, value + zero)

    @property
    def last_ns(self) -> int | None:
        """Return the time of the last sample."""
        return self._times[-1] if self._times else None

    @property
    def span_ns(self) -> int:
        """Return the time from the first judged sample to the last."""
        return self._times[-1] - self._times[self._start] if self._values else 0

    def recent(self, most: int) -> tuple[float, int]:
        """Return the mean of the last samples, `most` of them at most, and how many they are."""
        count = min(most, len(self))
        return self._zero + (self._sums[-1] - self._sums[-1 - count]) / count, count

    def spread(self) -> tuple[float, float]:
        """Return the mean and the standard deviation of the judged samples; there must be two of them."""
        n, start = len(self), self._start
        mean = (self._sums[-1] - self._sums[start]) / n
        square = self._squares[-1] - self._squares[start] - n * mean * mean
        return self._zero + mean, math.sqrt(max(square, 0.0) / (n - 1))

    def shape(self) -> Shape:
        """Return how the judged samples lie; there must be `MIN_SAMPLES` of them."""
        mean, scatter = self.spread()
        values = self._values[self._start :]
        centre, trend, bend = (sum(map(mul, weights, values)) for weights in _weights(len(values)))
        return Shape(len(values), mean, scatter, self._zero + centre, trend, bend)


@functools.lru_cache(maxsize=64)
def _weights(n: int) -> tuple[tuple[float, ...], ...]:
    """Return the weights of centre, trend and bend for so many samples."""
    turns = [2 * math.pi * (number + 0.5) / n for number in range(n)]
    hann = [1 - math.cos(turn) for turn in turns]
    trend = [math.sin(2 * turn) / 2 - math.sin(turn) for turn in turns]
    bend = [math.cos(2 * turn) - math.cos(turn) for turn in turns]
    norms = sum(hann), *(math.sqrt(n * math.fsum(w * w for w in ws)) / 2 for ws in (trend, bend))
    return tuple(tuple(w / norm for w in ws) for ws, norm in zip((hann, trend, bend), norms, strict=True))
