"""Several products unscanned: two to four of them, by the convolved density of catalogue weights.

Of pairs, those of which a camera named one or both are told apart. The convolution is Gaussian and rests on a grid of
2 g, and its items are drawn from the whole catalogue, claimed products too.
"""

import numpy as np

from station.core.cases import SOME, Branch, Case, branch_of, joined, log_of, one, parts_of
from station.core.density import Floats, log_t
from station.core.fillers import item_density

SEVERAL_SHARE = 0.6, 0.25, 0.15  # two, three, four items
NAMED_MAX = 24  # products named by cameras that take part in pairs


def several(case: Case, _highest: float) -> Branch:
    """Return an entry for two, three and four products nobody named, and one for each pair that cameras speak of."""
    basket, seen, beliefs = case.basket, case.seen, case.beliefs
    at, variance = one(basket.residual_g), one(basket.variance_g2)
    diffuse = [
        share * float(beliefs.sums[count - 1].smoothed(at, variance)[0]) * seen.other_more**count
        for count, share in enumerate(SEVERAL_SHARE, start=2)
    ]
    counts = np.arange(2, 2 + len(diffuse))
    price: Floats = beliefs.usual_price_minor * counts.astype(np.float64)
    some = parts_of(counts.size, product=SOME, units=counts)
    pieces = [branch_of("several", log_of(np.array(diffuse)), price * case.policy.loss_factor, price, some)]
    if seen.named.size:
        pieces += _named(case)
    return joined(pieces)


def _named(case: Case) -> list[Branch]:
    """Pairs of which a camera named one or both."""
    beliefs, seen, basket = case.beliefs, case.seen, case.basket
    gain = beliefs.prior[seen.named] * seen.named_more
    best = np.argsort(gain)[::-1][:NAMED_MAX]
    best = best[gain[best] > 0]
    place, own, price = seen.named[best], beliefs.variance_g2[seen.named[best]], beliefs.price_minor[seen.named[best]]
    rest_g, variance = basket.residual_g - beliefs.mean_g[place], basket.variance_g2 + own
    also = item_density(case, rest_g[:, None], variance[:, None], np.broadcast_to(place, (best.size, best.size)))
    unnamed = np.maximum(beliefs.sums[0].smoothed(rest_g, variance) - also.sum(axis=1), 0.0)
    like = unnamed * gain[best] * seen.other_more * 2 * SEVERAL_SHARE[0]
    value = price + beliefs.usual_price_minor
    loss = case.policy.loss_factor
    single = branch_of(
        "several", log_of(like), value * loss, value, parts_of(best.size, product=place, units=1),
        parts_of(best.size, product=SOME, units=1),
    )  # fmt: skip
    first, second = np.triu_indices(best.size)
    ways = np.where(first == second, 1.0, 2.0) * SEVERAL_SHARE[0]
    prior = beliefs.prior[place[first]] * beliefs.prior[place[second]] * ways
    both = variance[first] + own[second]
    log_like = log_t(rest_g[first] - beliefs.mean_g[place[second]], both, basket.freedom_at(both))
    log_w = log_like + log_of(prior * seen.pair_named[best[first], best[second]])
    value = price[first] + price[second]
    pair = branch_of(
        "several", log_w, value * loss, value, parts_of(first.size, product=place[first], units=1),
        parts_of(first.size, product=place[second], units=1),
    )  # fmt: skip
    return [single, pair]
