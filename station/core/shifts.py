"""Has a product become another one? Watched product by product, and believed only from many mouths.

Every lesson says of each of its products how well it fits the belief. For a rise and for a fall by a few standard
deviations of one unit, the log likelihood ratio against no change is summed up, never below nothing (Page's CUSUM; a
chance alarm has a probability of about exp(-ALARM) each time the sum leaves nothing). At ALARM the product is in
quarantine: lessons do not move its weight, and its uncertainty is widened. It leaves when the sum has fallen back to
nothing, when enough different shoppers bear the new weight out, or by an attendant's word.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.core.density import Floats

Places = NDArray[np.int64]

SHIFT_SD, SHIFT_MIN_G = 3.0, 2.0  # the change that is looked for
ALARM = 13.0
CLIP_SD = 3.0  # one lesson says no more than this
SIGNIFICANT_SD = 3.0  # a new weight is one only so far from the old
WITNESSES_MAX = 64


class Witness:
    """What different shoppers say a changed product weighs."""

    def __init__(self, precision: float = 0.0, total: float = 0.0, shoppers: tuple[int, ...] = ()) -> None:
        self.precision, self.total, self.shoppers = precision, total, shoppers

    @property
    def mean_g(self) -> float:
        """Return the weight that the witnesses agree on."""
        return self.total / self.precision

    def hear(self, shopper: int, weight_g: float, variance_g2: float) -> None:
        """Take one shopper's word; a second one of the same shopper is nothing new."""
        if shopper and shopper not in self.shoppers and len(self.shoppers) < WITNESSES_MAX:
            self.precision += 1 / variance_g2
            self.total += weight_g / variance_g2
            self.shoppers = (*self.shoppers, shopper)

    def convinces(self, mean_g: float, shoppers: int) -> bool:
        """Return whether enough shoppers bear out a weight that is clearly not `mean_g`, or far more cannot tell."""
        if len(self.shoppers) < shoppers:
            return False
        apart_sd = abs(self.mean_g - mean_g) * math.sqrt(self.precision)
        return apart_sd > SIGNIFICANT_SD or len(self.shoppers) >= min(4 * shoppers, WITNESSES_MAX)


@dataclass(frozen=True, eq=False)
class Fit:
    """How a lesson fits the belief: its products, their units and scatter, the difference and its deviations."""

    at: Places
    units: Floats
    unit_sd_g: Floats
    residual_g: float
    sd_g: Floats  # of the difference, as each product sees it


@dataclass(frozen=True)
class Turn:
    """A product entered or left quarantine."""

    place: int
    began: bool


class Shifts:
    """The sums of all products: row 0 for a rise, row 1 for a fall; `moved_g` and `onset` since each left nothing."""

    def __init__(self, products: int) -> None:
        self.sums = np.zeros((2, products))
        self.moved_g = np.zeros((2, products))
        self.onset = np.zeros((2, products), dtype=np.int64)  # number of the lesson
        self.changing = np.zeros(products, dtype=np.bool_)
        self.witnesses: dict[int, Witness] = {}

    def take(self, fit: Fit, number: int, weight: float, step_g: Floats) -> list[Turn]:
        """Take lesson `number`, believed by `weight`, which moved the means by `step_g`; return what turned."""
        at = fit.at
        size = fit.units * np.maximum(SHIFT_SD * fit.unit_sd_g, SHIFT_MIN_G) / fit.sd_g
        clipped = np.clip(fit.residual_g / fit.sd_g, -CLIP_SD, CLIP_SD)
        change = weight * np.stack([size * clipped, -size * clipped]) - weight * size**2 / 2
        before = self.sums[:, at]
        after = np.clip(before + change, 0.0, ALARM)
        begins = (before <= 0) & (after > 0)
        self.onset[:, at] = np.where(begins, number, self.onset[:, at])
        self.moved_g[:, at] = np.where(after > 0, np.where(begins, 0.0, self.moved_g[:, at]) + step_g, 0.0)
        self.sums[:, at] = after
        high = after.max(axis=0)
        began = (high >= ALARM) & ~self.changing[at]
        ended = (high <= 0) & self.changing[at]
        self.changing[at] = (self.changing[at] | began) & ~ended
        return [Turn(int(place), began=True) for place in at[began]] + [Turn(int(p), began=False) for p in at[ended]]

    def origin(self, place: int) -> tuple[int, float]:
        """Return when the change began (a lesson's number), and how far the belief has followed it, in grams."""
        way = int(np.argmax(self.sums[:, place]))
        return int(self.onset[way, place]), float(self.moved_g[way, place])

    def clear(self, place: int) -> None:
        """Begin anew with this product."""
        self.sums[:, place] = self.moved_g[:, place] = 0.0
        self.changing[place] = False
        self.witnesses.pop(place, None)
