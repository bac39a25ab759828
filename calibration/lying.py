"""What lies on the platform, told from the weighing for now, beside what an action asks for.

What is weighed by a guess only (`nominal`) is never believed: then a single weight counts as there once a quarter of it
shows, and a sum of weights only when somebody says so.
"""

from collections.abc import Sequence
from typing import NamedTuple

from calibration.captures import Position
from calibration.capturing import Live, Weigher
from calibration.placing import where_g
from calibration.procedure import Action, Platform

NEAR = 0.1  # of the load: a reading so near to what was asked is what was asked
NEAR_E, EMPTY_E = 10.0, 20.0
EMPTY_PART = 0.01  # of capacity: less is an empty platform
SOME = 0.05  # of the load: less is not worth a question
ROUGH = 0.25  # of the load must be seen where the sensitivity is only guessed


class Lying(NamedTuple):
    """One look at the platform; `live` is None before the first reading, `weigher` before there is any."""

    platform: Platform
    interval_g: float
    positions_mm: tuple[tuple[float, float], ...] | None
    weigher: Weigher | None
    live: Live | None

    @property
    def believed(self) -> bool:
        """Return whether the grams can be believed."""
        return self.weigher is not None and self.weigher.source != "nominal"

    @property
    def cells_g(self) -> tuple[float, ...] | None:
        """Return each cell's load; None where it cannot be told."""
        if self.live is None or self.weigher is None or len(self.weigher.zeros) != len(self.live.values):
            return None
        return self.weigher.cells_g(self.live.values)

    @property
    def gross_g(self) -> float:
        """Return the load, 0 where it cannot be told."""
        return sum(self.cells_g or ())

    def is_empty(self) -> bool:
        """Return whether nothing lies there."""
        return abs(self.gross_g) <= EMPTY_PART * self.platform.capacity_g + NEAR_E * self.interval_g

    def fits(self, action: Action) -> bool:
        """Return whether it weighs as much as was asked for."""
        if self.believed:
            return abs(self.gross_g - action.load_g) <= max(NEAR * action.load_g, NEAR_E * self.interval_g)
        return len(action.weights) == 1 and abs(self.gross_g) > ROUGH * action.load_g

    def is_new(self, action: Action, before_g: float) -> bool:
        """Return whether it rests, is worth a question, and is another load than lay there before."""
        touched = abs(self.gross_g - before_g) > EMPTY_E * self.interval_g
        least_g = max(SOME * action.load_g, EMPTY_E * self.interval_g)
        something = action.do == "empty" or abs(self.gross_g) > least_g
        return self.live is not None and self.live.rests and touched and something

    def misplaced(self, action: Action) -> Position | None:
        """Return where the load seems to lie, if that is not where it should."""
        cells_g: Sequence[float] | None = self.cells_g
        if cells_g is None or not self.believed or not self.platform.gives_counts:
            return None
        if action.do != "load" or action.position is None:
            return None
        seen = where_g(cells_g, self.positions_mm)
        return None if seen in {None, action.position} else seen
