"""Which products would fill a gap in the weight: the likeliest of the catalogue around a target.

The mass of "some product" comes from the catalogue's smoothed density; here its likeliest products are told apart, and
what they do not cover stays with the rest. No mass is lost.
"""

import numpy as np
from numpy.typing import NDArray

from station.core.cases import Case, Places
from station.core.density import FLOOR, Floats, above_nothing, log_t

NEAREST = 2048  # products around a target weight that are looked at ...
CLOSER = 64  # ... and those of them that may be the likeliest
WIDE_SD = 6.0  # from nothing to the mean: less, and Student's tails have weight below zero


def item_density(case: Case, target_g: Floats, variance: Floats, place: Places) -> Floats:
    """Return prior times density of a unit of `place` filling the target; broadcasts."""
    beliefs = case.beliefs
    mean_g, own = beliefs.mean_g[place], beliefs.variance_g2[place]
    both = variance + own
    like = log_t(target_g - mean_g, both, case.basket.freedom_at(both))
    density = np.asarray(beliefs.prior[place] * np.exp(like), dtype=np.float64)
    return density * above_nothing(target_g, variance, mean_g, own) if wide(mean_g, own).any() else density


def wide(mean_g: Floats, variance_g2: Floats) -> NDArray[np.bool_]:
    """Return which beliefs reach below zero, so that a basket too light might seem explained by one more of them."""
    return np.asarray(mean_g * mean_g < WIDE_SD**2 * variance_g2, dtype=np.bool_)


def likeliest(
    case: Case, target_g: float, variance: float, ratio: Floats, without: int, count: int
) -> tuple[Places, Floats]:
    """Return the `count` likeliest products for a target, and prior times density times ratio of each.

    `ratio` holds what the cameras say of the named products (in their order), and last of every other one.
    """
    near = _near(case, target_g)
    near = near[near != without]
    ratios = ratio[case.column[near]] if case.seen.named.size else np.full(near.size, ratio[-1])
    best = _highest(_roughly(case, target_g, variance, near) * ratios, CLOSER)
    near, ratios = near[best], ratios[best]
    density = item_density(case, np.full(near.size, target_g), np.full(near.size, variance), near) * ratios
    best = np.argsort(density)[::-1][:count]
    return near[best], density[best]


def _roughly(case: Case, target_g: float, variance: float, places: Places) -> Floats:
    """Return a cheap stand-in for `item_density`, good enough for a first choice."""
    beliefs = case.beliefs
    both, gap_g = variance + beliefs.variance_g2[places], target_g - beliefs.mean_g[places]
    return np.asarray(beliefs.prior[places] * np.exp(-0.5 * gap_g * gap_g / both) / np.sqrt(both), dtype=np.float64)


def _highest(values: Floats, count: int) -> Places:
    """Return where the `count` highest values are, in no order."""
    if values.size <= count:
        return np.arange(values.size)
    return np.asarray(np.argpartition(values, values.size - count)[values.size - count :], dtype=np.int64)


def _near(case: Case, target_g: float) -> Places:
    order = case.beliefs.order
    middle = int(np.searchsorted(case.beliefs.mean_g, target_g, sorter=order))
    start = min(max(middle - NEAREST // 2, 0), max(order.size - NEAREST, 0))
    near = order[start : start + NEAREST]
    named = case.seen.named
    return np.concatenate([near, named[~case.among(named, near)]]) if named.size else near


def scaled(density: Floats, weight: float) -> Floats:
    """Return the densities, scaled down where together they exceed the mass that is there."""
    return density * min(1.0, weight / max(float(density.sum()), FLOOR))
