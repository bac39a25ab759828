"""What the samples of each cell show by themselves: one that repeats, one that is quieter or noisier than it was.

Kept of every sample is the row of counts, nothing is computed then; twice a second, and whenever a load has settled,
the last rows are looked at. A frozen cell repeats its value while its siblings change: the chance of that follows
from how often cells repeat by chance (the siblings' now, its own in the past, whichever is more), and one in 10^9 is
believed at once. The noise of a cell is that of differences of neighbouring samples (von Neumann), which slow motion
of the load does not enter. Its usual value is that of calibrating, else it is learned on the still platform over the
first looks, and then followed slowly; a cell stands out only against its siblings, so that a shaken platform accuses
nobody, and a station that knows no usual noise yet says nothing.
"""

import itertools
import math
import statistics
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from station.core.cell_words import Diagnosis, Trouble

ROWS = 64  # 0.8 s at 80 samples a second
FEW = 8
SURE = math.log(1e9)  # odds against chance
REPEATS_LEAST = 0.03  # chance that a cell repeats, whatever was seen: no converter is known that well
NOISE_LEAST_COUNTS = 0.3  # rounding alone
LEARN_LOOKS = 20
FOLLOW = 1 / 2_000  # of a usual noise, each look
QUIET, NOISY, VERY_NOISY = 0.2, 3.0, 6.0  # metrology notes, section 4.4
QUIET_LOOKS, NOISY_LOOKS = 4, 10
LEAST_COUNTS, MOST_COUNTS = -0x800000, 0x7FFFFF  # the ends of a converter's range

Row = tuple[int, ...]


class Window(NamedTuple):
    """The last samples of all cells since a moment, each cell's mean and noise in counts."""

    rows: list[Row]
    means: tuple[float, ...]
    noises: tuple[float, ...]


class CellSignals:
    """The samples of the cells of one converter."""

    def __init__(self, cells: int, usual_counts: Sequence[float] = ()) -> None:
        """`usual_counts` is each cell's noise when it was calibrated; without it, it is learned."""
        known = len(usual_counts) == cells
        self._rows: deque[tuple[int, Row]] = deque(maxlen=ROWS)
        self._usual = [max(noise, NOISE_LEAST_COUNTS) for noise in usual_counts] if known else [0.0] * cells
        self._looks = LEARN_LOOKS if known else 0
        self._repeats = [(0.0, 0.0)] * cells  # pairs that were equal, and all pairs, both fading
        self._odd = [0] * cells  # looks in a row that were quiet (negative) or noisy (positive)
        self._ends = [0] * cells  # samples in a row at the end of the range
        self.found: dict[int, Diagnosis] = {}

    def feed(self, t_ns: int, counts: Row) -> None:
        """Take one sample; the only thing done at every sample."""
        self._rows.append((t_ns, counts))

    def saturated(self, counts: Row) -> None:
        """Take a sample of which a cell is at the end of its range; several in a row are no chance."""
        self._rows.clear()
        within = (LEAST_COUNTS < count < MOST_COUNTS for count in counts)
        self._ends = [0 if sound else run + 1 for run, sound in zip(self._ends, within, strict=True)]
        for cell, run in enumerate(self._ends):
            if run >= FEW:
                self.found[cell] = Diagnosis(trouble=Trouble.SATURATED, cell=cell)

    def clear(self) -> None:
        """Forget the samples and what they showed: there was a break."""
        self._rows.clear()
        self.found = {cell: d for cell, d in self.found.items() if d.trouble is Trouble.SATURATED}

    def window(self, since_ns: int = 0) -> Window | None:
        """Return the samples since a moment, at least the last eight; None while there are fewer."""
        if len(self._rows) < FEW:
            return None
        late = sum(1 for t_ns, _ in self._rows if t_ns >= since_ns)
        rows = [row for _, row in itertools.islice(self._rows, len(self._rows) - max(late, FEW), None)]
        columns = list(zip(*rows, strict=True))
        noises = tuple(max(_noise(column), NOISE_LEAST_COUNTS) for column in columns)
        return Window(rows, tuple(sum(column) / len(rows) for column in columns), noises)

    def look(self, *, still: bool) -> None:
        """Judge the last samples; `still`: nothing moves on the platform, so that usual noise can be learned."""
        window = self.window()
        if window is None:
            return
        self._ends = [0] * len(self._ends)
        self.found = {
            cell: Diagnosis(trouble=Trouble.FROZEN, cell=cell, evidence=f"{window.rows[-1][cell]} counts")
            for cell in self._frozen(window.rows)
        }
        if still and not self.found:
            self._weigh_noise(window)
        elif not still:
            self._odd = [0] * len(self._odd)

    def _frozen(self, rows: list[Row]) -> set[int]:
        """Return the cells whose last run of equal values is no chance; learn from the others how they repeat."""
        cells = range(len(rows[0]))
        pairs = list(itertools.pairwise(rows))
        equal = [[a[cell] == b[cell] for a, b in pairs] for cell in cells]
        runs = [next((n for n, same in enumerate(reversed(line)) if not same), len(line)) for line in equal]
        found = {cell for cell in cells if self._no_chance(cell, runs[cell], equal)}
        for cell in set(cells) - found:
            same, seen = self._repeats[cell]
            self._repeats[cell] = (0.99 * same + sum(equal[cell]), 0.99 * seen + len(pairs))
        return found

    def _no_chance(self, cell: int, run: int, equal: list[list[bool]]) -> bool:
        if run < FEW - 1:
            return False
        others = [same for n, line in enumerate(equal) if n != cell for same in line[-run:]]
        if not others:
            return False
        now = (sum(others) + 1) / (len(others) + 2)
        same, seen = self._repeats[cell]
        chance = max(now, same / seen if seen else 0.0, REPEATS_LEAST)
        return chance < 1 and -run * math.log(chance) >= SURE

    def _weigh_noise(self, window: Window) -> None:
        if self._looks < LEARN_LOOKS:
            self._looks += 1
            share = 1 / self._looks
            self._usual = [old + share * (new - old) for old, new in zip(self._usual, window.noises, strict=True)]
            return
        ratios = [now / usual for now, usual in zip(window.noises, self._usual, strict=True)]
        for cell, ratio in enumerate(ratios):
            others = ratios[:cell] + ratios[cell + 1 :]
            beside = statistics.median(window.noises[:cell] + window.noises[cell + 1 :]) if others else 0.0
            self._stand_out(
                cell,
                ratio / max(statistics.median(others), QUIET) if others else 1.0,
                low=window.noises[cell] < beside / 2,  # a cell that only lost a machine beside it is like its siblings
            )
            if self._odd[cell] == 0:
                self._usual[cell] *= 1 + FOLLOW * (min(ratio, 2.0) - 1)

    def _stand_out(self, cell: int, ratio: float, *, low: bool) -> None:
        """Count looks in a row at which the cell's noise, beside its siblings', was not its own."""
        odd = self._odd[cell]
        self._odd[cell] = min(odd, 0) - 1 if low and ratio < QUIET else max(odd, 0) + 1 if ratio > NOISY else 0
        if self._odd[cell] <= -QUIET_LOOKS:
            self.found[cell] = Diagnosis(trouble=Trouble.QUIET, cell=cell, evidence=f"noise {ratio:.2f} of the usual")
        elif self._odd[cell] >= NOISY_LOOKS:
            grade = "over 6" if ratio > VERY_NOISY else "over 3"
            self.found[cell] = Diagnosis(trouble=Trouble.NOISY, cell=cell, evidence=f"{grade} times the usual")


def _noise(column: tuple[int, ...]) -> float:
    """Return the standard deviation of a cell's noise in counts, from differences of neighbours."""
    squares = sum((b - a) ** 2 for a, b in itertools.pairwise(column))
    return math.sqrt(squares / (2 * (len(column) - 1)))
