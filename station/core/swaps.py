"""Swapped: a unit of a claimed line in the receipt, another product in the basket.

Lines x products is too many to look at one by one, so each line's total comes from the catalogue's smoothed weight
density, and only the likeliest pairs of the likeliest lines are told apart; what they do not cover stays with the line
as "some other product". No mass is lost.
"""

import math

import numpy as np

from station.core.cases import NOBODY, Branch, Case, Places, branch_of, log_of
from station.core.density import FLOOR, Floats, log_t

NEAREST = 2048  # products around a line's target weight that are looked at one by one
SWAP_LINES, SWAP_PAIRS = 12, 6  # told apart: lines, and pairs of each
SWAP_FINEST = 1e-5  # of the likeliest explanation: lines below it are not told apart


def _swap_loss(case: Case, line: Places, price: Floats) -> tuple[Floats, Floats]:
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
    itself = _pair_density(case, target_g, variance, own) * np.where(basket.place >= 0, seen.swap_other, 0.0)
    mass = np.maximum(mass - itself, 0.0)
    if seen.named.size:
        named = np.broadcast_to(seen.named, (lines.size, seen.named.size))
        exact = _pair_density(case, target_g[:, None], variance[:, None], named)
        exact = np.where(named == basket.place[:, None], 0.0, exact)
        mass = np.maximum(mass - exact.sum(axis=1) * seen.swap_other, 0.0) + (exact * seen.swap_named).sum(axis=1)
    share = basket.quantity / basket.quantity.sum()
    return _told_apart(case, target_g, variance, mass * share, math.exp(min(highest, 500.0)) * SWAP_FINEST)


def _pair_density(case: Case, target_g: Floats, variance: Floats, place: Places) -> Floats:
    """Return prior times density of `place` lying where the line's unit should."""
    beliefs = case.beliefs
    both = variance + beliefs.variance_g2[place]
    like = log_t(target_g - beliefs.mean_g[place], both, case.basket.freedom_at(both))
    return np.asarray(beliefs.prior[place] * np.exp(like), dtype=np.float64)


def _told_apart(case: Case, target_g: Floats, variance: Floats, weight: Floats, least: float) -> Branch:
    """Split the mass of the likeliest lines above `least` into pairs; the remainder stays with the line."""
    share = case.basket.quantity / case.basket.quantity.sum()
    top = np.argsort(weight)[::-1][:SWAP_LINES]
    rest, lines, places, pairs = weight.copy(), [], [], []
    for line in top[weight[top] > max(least, 1e-3 * weight.max(initial=0.0))]:
        near = _near(case, float(target_g[line]), int(line))
        density = _pair_density(case, target_g[line], variance[line], near) * share[line]
        density *= _swap_ratio(case, int(line), near)
        best = np.argsort(density)[::-1][:SWAP_PAIRS]
        kept = density[best] * min(1.0, weight[line] / max(float(density[best].sum()), FLOOR))
        rest[line] = max(float(weight[line] - kept.sum()), 0.0)
        lines.append(np.full(best.size, line))
        places.append(near[best])
        pairs.append(kept)
    every = np.arange(rest.size)
    line = np.concatenate([every, *lines])
    other = np.concatenate([np.full(rest.size, NOBODY), *places])
    price = np.where(other >= 0, case.beliefs.price_minor[other], case.beliefs.usual_price_minor)
    loss, value = _swap_loss(case, line, price)
    return branch_of("swapped", log_of(np.concatenate([rest, *pairs])), loss, value, line=line, other=other)


def _near(case: Case, target_g: float, line: int) -> Places:
    order = case.beliefs.order
    middle = int(np.searchsorted(case.beliefs.mean_g, target_g, sorter=order))
    start = min(max(middle - NEAREST // 2, 0), max(order.size - NEAREST, 0))
    near = order[start : start + NEAREST]
    if case.seen.named.size:
        near = np.union1d(near, case.seen.named)
    return np.asarray(near[near != case.basket.place[line]], dtype=np.int64)


def _swap_ratio(case: Case, line: int, places: Places) -> Floats:
    ratio = np.full(places.size, case.seen.swap_other[line])
    if case.seen.named.size:
        at = np.searchsorted(places, case.seen.named)
        inside = (at < places.size) & (places[np.minimum(at, places.size - 1)] == case.seen.named)
        ratio[at[inside]] = case.seen.swap_named[line][inside]
    return ratio
