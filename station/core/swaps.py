"""Swapped: a unit of a claimed line in the receipt, another product in the basket.

Lines x products is too many to look at one by one, so each line's total comes from the catalogue's smoothed weight
density, and only the likeliest pairs of the likeliest lines are told apart; what they do not cover stays with the line
as "some other product". No mass is lost.
"""

import math

import numpy as np

from station.core.cases import SOME, Branch, Case, Places, branch_of, log_of, parts_of
from station.core.density import Floats
from station.core.fillers import item_density, likeliest, scaled

SWAP_LINES, SWAP_PAIRS = 12, 6  # told apart: lines, and pairs of each
SWAP_FINEST = 1e-4  # of the likeliest explanation: lines below it are not told apart


def swap_worth(case: Case, line: Places, price: Floats) -> tuple[Floats, Floats]:
    """Return (loss, value) of a unit of each line gone for a product of this price."""
    more = price - case.basket.price_minor[line]
    loss = np.where(more > 0, more * case.policy.loss_factor, -more * case.policy.overcharge_factor)
    return loss, np.abs(more)


def swapped(case: Case, highest: float) -> Branch:
    """Return the branch; `highest` is the log weight of the likeliest other explanation, less this one's prior."""
    basket, seen, beliefs = case.basket, case.seen, case.beliefs
    lines = np.arange(len(basket.lines))
    shift, variance = basket.changed(np.full(lines.size, -1.0))
    target_g = basket.residual_g - shift
    mass = beliefs.sums[0].smoothed(target_g, variance) * seen.swap_other
    own = np.where(basket.place >= 0, basket.place, 0)
    itself = item_density(case, target_g, variance, own) * np.where(basket.place >= 0, seen.swap_other, 0.0)
    mass = np.maximum(mass - itself, 0.0)
    if seen.named.size:
        named = np.broadcast_to(seen.named, (lines.size, seen.named.size))
        exact = item_density(case, target_g[:, None], variance[:, None], named)
        exact = np.where(named == basket.place[:, None], 0.0, exact)
        mass = np.maximum(mass - exact.sum(axis=1) * seen.swap_other, 0.0) + (exact * seen.swap_named).sum(axis=1)
    share = basket.quantity / basket.quantity.sum()
    return _told_apart(case, target_g, variance, mass * share, math.exp(min(highest, 500.0)) * SWAP_FINEST)


def _told_apart(case: Case, target_g: Floats, variance: Floats, weight: Floats, least: float) -> Branch:
    """Split the mass of the likeliest lines above `least` into pairs; the remainder stays with the line."""
    basket, seen = case.basket, case.seen
    share = basket.quantity / basket.quantity.sum()
    top = np.argsort(weight)[::-1][:SWAP_LINES]
    rest, lines, places, pairs = weight.copy(), [], [], []
    for line in top[weight[top] > max(least, 1e-3 * weight.max(initial=0.0))]:
        ratio = np.append(seen.swap_named[line], seen.swap_other[line])
        near, density = likeliest(
            case, float(target_g[line]), float(variance[line]), ratio, int(basket.place[line]), SWAP_PAIRS
        )
        kept = scaled(density * share[line], float(weight[line]))
        rest[line] = max(float(weight[line] - kept.sum()), 0.0)
        lines.append(np.full(near.size, line))
        places.append(near)
        pairs.append(kept)
    line = np.concatenate([np.arange(rest.size), *lines])
    other = np.concatenate([np.full(rest.size, SOME), *places])
    price = np.where(other >= 0, case.beliefs.price_minor[np.maximum(other, 0)], case.beliefs.usual_price_minor)
    loss, value = swap_worth(case, line, price)
    return branch_of(
        "swapped", log_of(np.concatenate([rest, *pairs])), loss, value, parts_of(line.size, line, other, 1)
    )
