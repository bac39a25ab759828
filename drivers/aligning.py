"""Several free-running converters as one stream: the counts of all cells at the times of the first one.

Theory: converters of one platform differ by several per cent in rate, so their samples never meet. Each sample of the
first source is given out with the counts that the other sources had at its time, read from the straight line between
their samples before and after it. On a resting platform that line only averages noise; while the load moves, it is
right to the second order of the period, where taking the newest sample of each would be wrong by up to a period of
motion. The price is to wait for the next sample of the slowest source. A sample is worth what its worst part is worth:
flags of either end are taken over, and where the two ends are too far apart, the sample is STALE. Times of the first
source before another's first sample are dropped. Nothing is summed here: cells differ in counts per gram.
"""

from collections import deque

from drivers.base import Sample, SampleFlag

_KEPT = 256  # samples of a source; the others are long silent then, and their driver has said so


class Aligner:
    """Feed it the samples of each source in order; it returns samples of all sources' channels, in source order."""

    def __init__(self, sources: int, stale_ns: int) -> None:
        self._stale_ns = stale_ns
        self._first: deque[Sample] = deque(maxlen=_KEPT)
        self._others: list[deque[Sample]] = [deque(maxlen=_KEPT) for _ in range(sources - 1)]

    def feed(self, source: int, sample: Sample) -> list[Sample]:
        """Take a sample of `source`; return what is complete now."""
        if not self._others:
            return [sample]
        (self._first if source == 0 else self._others[source - 1]).append(sample)
        complete = []
        while self._first and all(line and line[-1].t_ns >= self._first[0].t_ns for line in self._others):
            first = self._first.popleft()
            parts = [self._at(first.t_ns, line) for line in self._others]
            complete += [_join(first, [part for part in parts if part])] if all(parts) else []
        return complete

    def _at(self, t_ns: int, line: deque[Sample]) -> Sample | None:
        """Return what a source had at `t_ns`, None where it begins later; forget what is older."""
        while len(line) > 1 and line[1].t_ns <= t_ns:
            line.popleft()
        before, after = line[0], line[min(1, len(line) - 1)]
        if before.t_ns > t_ns:
            return None
        if before.t_ns == t_ns:
            return before
        span_ns = after.t_ns - before.t_ns
        flags = before.flags | after.flags
        if span_ns > self._stale_ns:
            flags |= SampleFlag.STALE
        share = (t_ns - before.t_ns) / span_ns
        ends = zip(before.counts, after.counts, strict=True)
        return Sample(t_ns, tuple(round(start + share * (end - start)) for start, end in ends), flags)


def _join(first: Sample, others: list[Sample]) -> Sample:
    counts, flags = first.counts, first.flags
    for other in others:
        counts, flags = counts + other.counts, flags | other.flags
    return Sample(first.t_ns, counts, flags)
