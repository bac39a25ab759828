"""How far one shopper's lessons have moved each weight of the solution, and no further.

This is what lessons are judged by, and goes further than what the checker believes (`voices`): a basket of goods that
nobody else bought is explained best by what its shopper said before.

In the solution of all lessons, one shopper's pull on a weight is what the weight would move by if these lessons had
never been: their gradient there, over the precision that is left without them (what an equation tells of one product
has the others' uncertainty in its noise, so the products of a basket are looked at one by one). A pull beyond the bound
is taken off the weight again, and the weight is as uncertain as without that shopper.

The bound is a share of the scatter of one unit where the others' lessons, and what is known beforehand, say more than
one unit would. Where they say less, as of a product known by its label alone, it is a share of what they leave open: a
first shopper may teach, within what the label allows for; and as others come, the bound upon the first one closes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.core.density import Floats
from station.core.leaving_out import apart
from station.core.solving import Equations

Places = NDArray[np.int64]

KNOWN_SD = 1.0  # of one unit: a mean that is more uncertain is open


@dataclass(frozen=True)
class Bounds:
    """How far one shopper may move a weight."""

    known: float  # in standard deviations of one unit, where the weight is known
    open: float  # in standard deviations of its mean, where it is not

    def most_g(self, scatter_g2: Floats, without_g2: Floats) -> Floats:
        """Return the bound for scatters, and uncertainties of the means as all others leave them."""
        known_g = self.known * np.sqrt(scatter_g2)
        is_open = without_g2 > KNOWN_SD**2 * scatter_g2
        return np.where(is_open, np.maximum(known_g, self.open * np.sqrt(without_g2)), known_g)


@dataclass(frozen=True, eq=False)
class Pulls:
    """Of each term of the equations: what it tells of its product, as a precision, and how far it moves the mean."""

    told: Floats
    step_g: Floats
    over_g: Floats  # of each product of the catalogue: what goes beyond the bound, with its sign
    left_g2: Floats  # of each product: variance without a shopper who went beyond it, else nothing


def pulls(
    system: Equations, shopper: Places, mean_g: Floats, solved: tuple[Floats, Floats, Floats], bounds: Bounds
) -> Pulls:
    """Look at a solution: `solved` are variances of means, units and priors; `shopper` of each row.

    The steps of nobody's lessons (0) and of staff's (below) are told, too, but not bounded.
    """
    tau_g2, scatter_g2, prior_g2 = solved
    each = apart(system, shopper, mean_g, tau_g2, prior_g2)
    at, group, without, moved_g = each.at, each.group, each.left, each.moved_g
    most_g = np.where(each.who <= 0, np.inf, bounds.most_g(scatter_g2[at], 1 / without))
    beyond_g = moved_g - np.clip(moved_g, -most_g, most_g)
    over_g = np.zeros(mean_g.size)
    np.maximum.at(over_g, at, np.maximum(beyond_g, 0.0))
    down_g = np.zeros(mean_g.size)
    np.maximum.at(down_g, at, np.maximum(-beyond_g, 0.0))
    left_g2 = np.zeros(mean_g.size)
    np.maximum.at(left_g2, at, np.where(beyond_g == 0, 0.0, 1 / without))
    kept = np.where(moved_g == 0, 1.0, (moved_g - beyond_g) / np.where(moved_g == 0, 1.0, moved_g))
    return Pulls(each.told, each.gradient / without[group] * kept[group], over_g - down_g, left_g2)
