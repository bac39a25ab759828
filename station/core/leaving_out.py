"""A solution of all lessons without those of one speaker, for each speaker and product at once.

The linear one: the speaker's gradient over the precision that is left without it. What an equation tells of one
product has the others' uncertainty in its noise, so the products of a basket are looked at one by one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.core.density import Floats
from station.core.solving import Equations

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Apart:
    """Of each term of the equations: its pair of speaker and product, what it tells (a precision) and its gradient.

    Of each pair: the product, the speaker, the precision left without it, and how far its lessons move the mean.
    """

    group: Places
    told: Floats
    gradient: Floats
    at: Places
    who: Places
    left: Floats
    moved_g: Floats


def apart(system: Equations, speaker: Places, mean_g: Floats, tau_g2: Floats, prior_g2: Floats) -> Apart:
    """Look at a solution, its means and variances; `speaker` of each row, variances before any lesson."""
    row, place, units = system.row, system.place, system.units
    spread = units**2 * tau_g2[place]
    told = units**2 / ((system.noise_g2 + system.sums(spread))[row] - spread)
    gradient = units * ((system.goods_g - system.sums(units * mean_g[place])) / system.noise_g2)[row]
    group, first = groups(speaker[row], place)
    at = place[first]
    left = np.maximum(1 / tau_g2[at] - np.bincount(group, told), 1 / prior_g2[at])
    return Apart(group, told, gradient, at, speaker[row][first], left, np.bincount(group, gradient) / left)


def groups(speaker: Places, place: Places) -> tuple[Places, Places]:
    """Return for each term the number of its pair of speaker and product, and for each pair its first term."""
    order = np.lexsort((speaker, place))
    new = np.ones(order.size, dtype=np.bool_)
    new[1:] = (np.diff(place[order]) != 0) | (np.diff(speaker[order]) != 0)
    group = np.empty(order.size, dtype=np.int64)
    group[order] = np.cumsum(new) - 1
    return group, order[new]
