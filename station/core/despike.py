"""Wild single samples of one load cell, taken out before the cells are summed.

Theory: what survives the drivers' integrity checks can still be wild: a disturbance on one cell's cable, a bit flipped
on a line without a check. A real load never comes and goes within one sample. So a value that jumps by more than
`JUMP` times the cell's usual difference between neighbours is held until the next sample: the median of the three is
what the cell had. A step passes unchanged, one sample late; a spike becomes one of its neighbours. What does not jump
is passed on at once, so a resting load is judged without any delay, at 10 samples a second too.

The usual difference is a running median, which a spike can move by one small step only. Assumes that spikes are
single; two in a row are taken for a step, which delays a reading but does not falsify one.
"""

from collections.abc import Iterator, Sequence

JUMP = 10.0  # in usual differences (a median: two thirds of their standard deviation)
LEARN = 0.02  # how far one sample moves the usual difference, as a share of it; the first ones further
LEAST_COUNTS = 2.0  # a converter that repeats one value has a jump too

Counts = tuple[int, ...]


class Despiker:
    """Feed it the aligned counts of all cells; it gives them back without single wild values."""

    def __init__(self) -> None:
        self._last: Counts = ()
        self._held: tuple[int, Counts] | None = None
        self._usual: list[float] = []
        self._seen = 0

    def clear(self) -> None:
        """What comes next does not follow what came before."""
        self._last, self._held = (), None

    def feed(self, t_ns: int, counts: Counts) -> Sequence[tuple[int, Counts]]:
        """Take one sample; return those that are decided now, in order: none, one or two."""
        if len(counts) != len(self._last):
            self._last, self._held = counts, None
            self._usual = self._usual if len(self._usual) == len(counts) else [LEAST_COUNTS] * len(counts)
            return ((t_ns, counts),)
        decided: list[tuple[int, Counts]] = []
        if self._held is not None:
            held_ns, held = self._held
            self._last = tuple(self._medians(held, counts))
            self._held = None
            decided.append((held_ns, self._last))
        if self._jumps(counts):
            self._held = (t_ns, counts)
        else:
            self._last = counts
            decided.append((t_ns, counts))
        return decided

    def _medians(self, held: Counts, after: Counts) -> Iterator[int]:
        """Yield what each cell had at the held sample: where it did not jump, that itself."""
        for before, now, then, usual in zip(self._last, held, after, self._usual, strict=True):
            jumped = abs(now - before) > JUMP * usual
            yield sorted((before, now, then))[1] if jumped else now

    def _jumps(self, counts: Counts) -> bool:
        """Compare each cell with its last value, and learn what is usual."""
        jumps = False
        self._seen += 1
        learn = max(LEARN, 1 / self._seen)
        for number, (before, now) in enumerate(zip(self._last, counts, strict=True)):
            usual, difference = self._usual[number], abs(now - before)
            jumps |= difference > JUMP * usual
            self._usual[number] = max(usual * (1 + learn if difference > usual else 1 - learn), LEAST_COUNTS)
        return jumps
