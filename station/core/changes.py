"""Single deviations as a mixture: how often each, how it shifts the weight, and what it would cost.

This is what combinations of two are made of. A mixture that is too long is thinned: its heaviest components stay, the
others are merged with their neighbours in weight, which keeps mass, mean and variance; a merged one no longer knows
its line.
"""

from dataclasses import dataclass, replace

import numpy as np

from station.core.cases import NOBODY, SOME, Case, Parts, Places, parts_joined, parts_of
from station.core.density import FLOOR, Floats
from station.core.singles import changed_worth, missing_prior, quantity_prior
from station.core.swaps import swap_worth

COMBINED_UPS = 2  # units more or less of a line that take part in combinations
NAMED_MAX = 24  # products, or pairs of line and product, named by cameras that take part


@dataclass(frozen=True, eq=False)
class Changes:
    """Components of a mixture; `weight` is prior times what the cameras say of it."""

    weight: Floats
    shift_g: Floats
    variance_g2: Floats  # what it adds
    loss_minor: Floats
    value_minor: Floats
    part: Parts

    def __len__(self) -> int:
        """Count the components."""
        return self.weight.size


def joined(pieces: list[Changes]) -> Changes:
    """Return all components in one mixture."""
    return Changes(
        np.concatenate([piece.weight for piece in pieces]), np.concatenate([piece.shift_g for piece in pieces]),
        np.concatenate([piece.variance_g2 for piece in pieces]), np.concatenate([piece.loss_minor for piece in pieces]),
        np.concatenate([piece.value_minor for piece in pieces]), parts_joined([piece.part for piece in pieces]),
    )  # fmt: skip


def picked(changes: Changes, which: Places) -> Changes:
    """Return some of the components."""
    part = changes.part
    return Changes(
        changes.weight[which], changes.shift_g[which], changes.variance_g2[which], changes.loss_minor[which],
        changes.value_minor[which], Parts(part.line[which], part.product[which], part.units[which]),
    )  # fmt: skip


def weighted(changes: Changes, factor: float) -> Changes:
    """Return the components with their weights times `factor`."""
    return replace(changes, weight=changes.weight * factor)


def thinned(changes: Changes, most: int) -> Changes:
    """Return at most `most` components: the heavier half as they are, the others merged by weight."""
    if len(changes) <= most:
        return changes
    order = np.argsort(changes.weight)[::-1]
    keep, rest = picked(changes, order[: most // 2]), picked(changes, order[most // 2 :])
    rest = picked(rest, np.argsort(rest.shift_g, kind="stable"))
    groups = most - most // 2
    group = np.arange(len(rest)) * groups // len(rest)
    share = rest.weight + FLOOR
    total: Floats = np.bincount(group, share, groups).astype(np.float64)

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(group, share * values, groups) / total, dtype=np.float64)

    shift = mean(rest.shift_g)
    spread = np.maximum(mean(rest.shift_g**2) - shift**2, 0.0)
    merged = Changes(
        total, shift, mean(rest.variance_g2) + spread, mean(rest.loss_minor), mean(rest.value_minor), parts_of(groups)
    )
    return joined([keep, merged])


def _of_lines(case: Case, weight: Floats, line: Places, units: Floats) -> Changes:
    basket = case.basket
    both = (basket.together[line] + units) ** 2 - basket.together[line] ** 2
    variance = basket.variance_g2 + units * basket.sigma2_g2[line] + both * basket.tau2_g2[line]
    loss, value = changed_worth(case, line, units)
    return Changes(
        weight, units * basket.mean_g[line], np.maximum(variance, basket.fixed_g2) - basket.variance_g2, loss, value,
        parts_of(line.size, line, units=units.astype(np.int64)),
    )  # fmt: skip


def missing_changes(case: Case) -> Changes:
    """Return one component for every line that may be missing."""
    basket = case.basket
    weight = missing_prior(case) * case.seen.less(basket.quantity)
    return _of_lines(case, weight, np.arange(len(basket.lines)), -basket.quantity.astype(np.float64))


def quantity_changes(case: Case) -> Changes:
    """Return one component for every line and change of its quantity by few units."""
    units, prior = quantity_prior(case, COMBINED_UPS)
    downs = np.broadcast_to(np.arange(1, COMBINED_UPS + 1)[:, None], (COMBINED_UPS, len(case.basket.lines)))
    ratio = np.concatenate([case.seen.line_more[:COMBINED_UPS], case.seen.less(downs)])
    here = prior > 0
    line = np.broadcast_to(np.arange(len(case.basket.lines)), prior.shape)
    return _of_lines(case, (prior * ratio)[here], line[here], units[here])


def named_changes(case: Case) -> Changes:
    """Return one component for each product that cameras name, with what they say above any other product."""
    beliefs, seen = case.beliefs, case.seen
    weight = beliefs.prior[seen.named] * np.maximum(seen.named_more - seen.other_more, 0.0)
    best = np.argsort(weight)[::-1][:NAMED_MAX]
    place, price = seen.named[best], beliefs.price_minor[seen.named[best]]
    return Changes(
        weight[best], beliefs.mean_g[place], beliefs.variance_g2[place], price * case.policy.loss_factor, price,
        parts_of(best.size, product=place, units=1),
    )  # fmt: skip


def swap_changes(case: Case) -> Changes:
    """Return one component for every line: a unit of it gone, and some product there, whose weight is still to add."""
    basket, seen = case.basket, case.seen
    line = np.arange(len(basket.lines))
    shift, variance = basket.changed(np.full(line.size, -1.0))
    loss, value = swap_worth(case, line, np.full(line.size, case.beliefs.usual_price_minor))
    weight = basket.quantity / basket.quantity.sum() * seen.swap_other
    return Changes(weight, shift, variance - basket.variance_g2, loss, value, parts_of(line.size, line, SOME, 1))


def named_swap_changes(case: Case) -> Changes:
    """Return the likeliest pairs of a line and a product that cameras name instead."""
    basket, seen, beliefs = case.basket, case.seen, case.beliefs
    share = basket.quantity / basket.quantity.sum()
    gain = np.maximum(seen.swap_named - seen.swap_other[:, None], 0.0)
    gain = np.where(seen.named == basket.place[:, None], 0.0, gain)
    weight = (share[:, None] * beliefs.prior[seen.named] * gain).ravel()
    best = np.argsort(weight)[::-1][:NAMED_MAX]
    line, place = best // max(seen.named.size, 1), seen.named[best % max(seen.named.size, 1)]
    shift, variance = basket.changed(np.full(len(basket.lines), -1.0))
    loss, value = swap_worth(case, line, beliefs.price_minor[place])
    return Changes(
        weight[best], shift[line] + beliefs.mean_g[place],
        variance[line] - basket.variance_g2 + beliefs.variance_g2[place], loss, value,
        parts_of(best.size, line, place, 1),
    )  # fmt: skip


def shared_sightings(case: Case, part: Parts) -> Floats:
    """Return (n, n) what is left of the ratio of a pair of components, for one sighting cannot be of two objects.

    A component that adds an object uses a sighting with some share u; of a pair, 1 - sum_s u_s u'_s is left, a factor
    for each camera.
    """
    left = np.ones((part.line.size, part.line.size))
    column = np.searchsorted(case.seen.named, np.maximum(part.product, 0))
    named, line = part.product >= 0, np.maximum(part.line, 0)
    for use in case.seen.uses:
        gain = np.zeros((part.line.size, use.odds.shape[1]))
        besides, swapped = named & (part.line == NOBODY), named & (part.line != NOBODY)
        more = (part.line != NOBODY) & (part.product == NOBODY) & (part.units > 0)
        gain[besides] = use.named[column[besides]]
        gain[swapped] = use.odds[column[swapped]] * use.left_without[line[swapped]]
        gain[more] = use.line[line[more]]
        share = gain / (1 + gain.sum(axis=1, keepdims=True))
        left *= np.maximum(1 - np.einsum("as,bs->ab", share, share), 1e-12)
    return left
