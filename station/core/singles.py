"""As claimed, and the single deviations of goods: unscanned, quantity, missing. Exact, one entry each.

- unscanned: any unclaimed product, by its prior.
- quantity: up by k, share falling with k; down by k, for lines of several units. An unscanned unit of a claimed
  product is this, not "unscanned".
- missing: a whole line, longer ones less often.
"""

import math

import numpy as np

from station.core.cases import Branch, Case, Places, branch_of, log_of, one, parts_of
from station.core.density import Floats, above_nothing, log_t
from station.core.fillers import wide

UPS = 5
UP_SHARE, UP_FALL = 0.8, 0.5  # quantity: how often up rather than down, and how each further unit gets rarer


def as_claimed(case: Case) -> Branch:
    """Return the likelihood of the basket as claimed."""
    basket = case.basket
    variance = one(basket.variance_g2)
    return branch_of("as_claimed", log_t(one(basket.residual_g), variance, basket.freedom_at(variance)), 0.0, 0.0)


def more_of(case: Case, places: Places) -> Floats:
    """Return (places,) the log likelihood of the weight when one of each of these products lies there besides."""
    beliefs, basket = case.beliefs, case.basket
    mean_g, own = beliefs.mean_g[places], beliefs.variance_g2[places]
    variance = basket.variance_g2 + own
    like = log_t(basket.residual_g - mean_g, variance, basket.freedom_at(variance, beliefs.fourth[places]))
    loose = np.flatnonzero(wide(mean_g, own))
    if loose.size:
        like[loose] += np.log(above_nothing(one(basket.residual_g), basket.variance_g2, mean_g[loose], own[loose]))
    return like


def unscanned(case: Case, highest: float) -> Branch:
    """Return one entry for every product of the catalogue that may matter beside the `highest` log weight so far."""
    seen, basket = case.seen, case.basket
    least = highest + math.log(case.free / seen.other_more)
    places = case.beliefs.reach.reached(basket.residual_g, basket.variance_g2, basket.freedom_at, least)
    if seen.named.size:
        places = np.concatenate([places[~case.among(places, seen.named)], seen.named])
    ratio = np.full(places.size, seen.other_more)
    ratio[places.size - seen.named.size :] = seen.named_more
    log_w = more_of(case, places) + log_of(case.prior_of(places) * ratio)
    price = case.beliefs.price_minor[places]
    return branch_of(
        "unscanned", log_w, price * case.policy.loss_factor, price, parts_of(places.size, product=places, units=1)
    )


def _lines_changed(case: Case, units: Floats, ratio: Floats) -> Floats:
    shift, variance = case.basket.changed(units)
    like = log_t(case.basket.residual_g - shift, variance, case.basket.freedom_at(variance))
    return np.asarray(like + log_of(ratio), dtype=np.float64)


def quantity_prior(case: Case, ups: int = UPS) -> tuple[Floats, Floats]:
    """Return (units, share) of all changes by up to `ups` units, (2 ups, lines); the shares sum to one."""
    quantity = case.basket.quantity
    counts = np.arange(1, ups + 1)[:, None]
    fall = UP_FALL ** np.arange(ups)[:, None]
    up = np.broadcast_to(fall * quantity, (ups, quantity.size))
    down = fall * np.where(counts < quantity, quantity, 0)
    up_share = UP_SHARE if down.sum() > 0 else 1.0
    prior = np.concatenate([up_share * up / up.sum(), (1 - up_share) * down / max(down.sum(), 1)])
    return np.broadcast_to(np.concatenate([counts, -counts]), prior.shape).astype(np.float64), prior


def quantity(case: Case, _highest: float) -> Branch:
    """Return one entry for every line and number of units more or less."""
    basket, seen = case.basket, case.seen
    units, prior = quantity_prior(case)
    downs = np.broadcast_to(np.arange(1, UPS + 1)[:, None], (UPS, len(basket.lines)))
    ratio = np.concatenate([seen.line_more, seen.less(downs)])
    log_w = _lines_changed(case, units, ratio) + log_of(prior)
    here = prior > 0
    line = np.broadcast_to(np.arange(len(basket.lines)), prior.shape)[here]
    loss, value = changed_worth(case, line, units[here])
    return branch_of("quantity", log_w[here], loss, value, parts_of(line.size, line, units=units[here].astype(int)))


def changed_worth(case: Case, line: Places, units: Floats) -> tuple[Floats, Floats]:
    """Return (loss, value) of so many units more or less of each of the lines."""
    value = np.abs(units) * case.basket.price_minor[line]
    return value * np.where(units > 0, case.policy.loss_factor, case.policy.overcharge_factor), value


def missing_prior(case: Case) -> Floats:
    """Return (lines,) how likely each line is the one that is missing."""
    share = 1.0 / case.basket.quantity
    return np.asarray(share / share.sum(), dtype=np.float64)


def missing(case: Case, _highest: float) -> Branch:
    """Return one entry for every line."""
    basket = case.basket
    line, units = np.arange(len(basket.lines)), -basket.quantity
    log_w = _lines_changed(case, units.astype(np.float64), case.seen.less(basket.quantity))
    loss, value = changed_worth(case, line, units.astype(np.float64))
    log_w += log_of(missing_prior(case))
    return branch_of("missing", log_w, loss, value, parts_of(line.size, line, units=units))
