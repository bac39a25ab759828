"""What each cell shows on the empty platform, visit after visit: one that drifts, sticks, or a deck that rocks.

Each time the platform is empty the cells' readings are compared with their usual ones, which follow over hours, so
that temperature (a few grams for five kelvin) passes. What is left is taken apart: one cell alone has wandered
(drifting); all four have moved by the same, up and down across the diagonals, with their sum unchanged (a foot stands
otherwise: uneven, and rocking when it goes to and fro). A cell that comes back from its loads to another value than
it left, again and again and alone, is held by something (bound).
"""

import itertools
import math
import statistics
from collections import deque

from calibration.platform import CORNERS, Platform
from station.core.cell_words import Diagnosis, Trouble

NS = 1_000_000_000
FOLLOW_S = 4 * 3_600.0  # time constant of the usual readings
FIRST = 3  # visits that make the first usual readings
VISITS = 12
DRIFT_DIVISIONS, DRIFT_SHARE = 8.0, 0.001  # of capacity: what a cell may wander alone
TWIST_DIVISIONS = 4.0  # what the twist of the empty deck may change, a cell's part
ALONE = 0.4  # of the one that stands out: the others' most
SWINGS = 3  # to and fro in twelve visits: no foot is put right so often
HELD_DIVISIONS, HELD_SHARE = 4.0, 0.005  # of its load: what a cell may keep; cheap ones creep by 0.003
HELD_VISITS, HELD_OF = 3, 4

Forces = tuple[float, ...]


class ZeroWatch:
    """The empty platform of one converter, in grams from its calibration."""

    def __init__(self, cells: int, platform: Platform | None, capacity_g: float, division_g: float) -> None:
        self._signs = None
        if platform is not None and platform.parity_weights is not None and cells == CORNERS:
            self._signs = tuple(math.copysign(1.0, weight) for weight in platform.parity_weights)
        self._drift_g = max(DRIFT_DIVISIONS * division_g, DRIFT_SHARE * capacity_g)
        self._twist_g = TWIST_DIVISIONS * division_g
        self._held_g = HELD_DIVISIONS * division_g
        self._usual: Forces | None = None
        self._seen = 0
        self._at_ns = 0
        self._twists: deque[float] = deque(maxlen=VISITS)
        self._held: deque[int | None] = deque(maxlen=HELD_OF)
        self.last: Forces | None = None  # what the empty platform showed last

    def empty(self, t_ns: int, grams: Forces, load_g: Forces | None) -> list[Diagnosis]:
        """Take the empty platform; `load_g` is what the cells bore since it was empty last, None: nothing."""
        before, self.last = self.last, grams
        if load_g is not None and before is not None:
            self._held.append(self._held_cell(before, grams, load_g))
        off = self._off(t_ns, grams)
        twist_g = self._twist_of(off)
        if load_g is not None or not self._twists:
            self._twists.append(twist_g)
        return [*self._bound(), *self._drifting(off), *self._seated(twist_g)]

    def _off(self, t_ns: int, grams: Forces) -> Forces:
        """Return how far the cells are from their usual readings, which follow."""
        if self._usual is None:
            self._usual = grams
        self._seen += 1
        elapsed_s, self._at_ns = max(t_ns - self._at_ns, 0) / NS, t_ns
        follow = 1 / self._seen if self._seen <= FIRST else -math.expm1(-min(elapsed_s, FOLLOW_S) / FOLLOW_S)
        off = tuple(now - usual for now, usual in zip(grams, self._usual, strict=True))
        self._usual = tuple(usual + follow * away for usual, away in zip(self._usual, off, strict=True))
        return off

    def _held_cell(self, before: Forces, after: Forces, load_g: Forces) -> int | None:
        """Return the one cell that did not come back."""
        kept = [abs(b - a) for a, b in zip(before, after, strict=True)]
        cell = max(range(len(kept)), key=kept.__getitem__)
        alone = all(other <= ALONE * kept[cell] for n, other in enumerate(kept) if n != cell)
        return cell if alone and kept[cell] > max(self._held_g, HELD_SHARE * abs(load_g[cell])) else None

    def _bound(self) -> list[Diagnosis]:
        cell = self._held[-1] if self._held else None
        names = [held for held in self._held if held is not None]
        sure = statistics.mode(names) if names else None
        if sure is None or names.count(sure) < HELD_VISITS:
            return []
        evidence = f"not back at zero after {names.count(sure)} of {len(self._held)} loads"
        return [Diagnosis(trouble=Trouble.BOUND, cell=sure if cell is None else cell, evidence=evidence)]

    def _drifting(self, off: Forces) -> list[Diagnosis]:
        """Return the one cell that has wandered, beside what all have in common."""
        common_g = statistics.median(off)
        alone = [away - common_g for away in off]
        cell = max(range(len(alone)), key=lambda n: abs(alone[n]))
        most_g = abs(alone[cell])
        if most_g <= self._drift_g or any(abs(a) > ALONE * most_g for n, a in enumerate(alone) if n != cell):
            return []
        return [Diagnosis(trouble=Trouble.DRIFTING, cell=cell, evidence=f"by {alone[cell]:+.0f} g beside the others")]

    def _twist_of(self, off: Forces) -> float:
        """Return by how much four cells moved up and down across the diagonals, 0 where they moved otherwise."""
        if self._signs is None:
            return 0.0
        twist_g = sum(sign * away for sign, away in zip(self._signs, off, strict=True)) / CORNERS
        rest = [away - sign * twist_g for sign, away in zip(self._signs, off, strict=True)]
        return twist_g if all(abs(other) <= ALONE * abs(twist_g) for other in rest) else 0.0

    def _seated(self, twist_g: float) -> list[Diagnosis]:
        """Return whether a foot stands otherwise than usual, and whether it goes to and fro."""
        steps = [b - a for a, b in itertools.pairwise(self._twists)]
        swings = [step > 0 for step in steps if abs(step) > self._twist_g]
        turns = sum(1 for a, b in itertools.pairwise(swings) if a != b)
        if turns >= SWINGS:
            evidence = f"to and fro {turns} times in {len(self._twists)} visits"
            return [Diagnosis(trouble=Trouble.ROCKING, evidence=evidence)]
        if abs(twist_g) > self._twist_g:
            return [Diagnosis(trouble=Trouble.UNEVEN, evidence=f"{abs(twist_g):.0f} g across the diagonals, empty")]
        return []
