"""Every way in which the basket may differ from its claim, each with prior times likelihood.

A family of explanations (all products that may lie unscanned, say) is a `Branch`: parallel arrays of log weights, of
what release would lose, and of who is concerned. The base rates share what the claim's trust leaves; families that
this basket does not admit (nothing can be missing from an empty claim) leave their share to the others. Within one:

- unscanned: any unclaimed product, by its prior; exact, one entry each.
- quantity: up by k, share falling with k; down by k, for lines of several units. An unscanned unit of a claimed
  product is this, not "unscanned".
- missing: a whole line, longer ones less often.
- swapped: a unit of a line for any product (`swaps`).
- several: 2 to 4 products unscanned, by the convolved density; those that cameras named are told apart.
- unknown object, foreign load: wide densities. A foreign load may pull upwards, and has a floor below everything.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from station.core.cases import Branch, Case, branch_of, log_of, one
from station.core.density import Broad, Floats, log_t
from station.core.swaps import swapped
from station.core.verdict import Kind

UPS = 5
UP_SHARE, UP_FALL = 0.8, 0.5  # quantity: how often up rather than down, and how each further unit gets rarer
SEVERAL_SHARE = 0.6, 0.25, 0.15  # two, three, four items
ANYTHING = 1e-9  # per gram: what no density explains is a foreign load
NAMED_MAX = 24  # products named by cameras that take part in pairs


def branches(case: Case, trust: float) -> list[Branch]:
    """Return all families with their log weights: prior (base rates and trust) times likelihood."""
    result = [_as_claimed(case, math.log(trust))]
    for kind, share in _shares(case).items():
        if share > 0:
            shift = math.log((1 - trust) * share)
            highest = max(float(branch.log_w.max()) for branch in result)
            result.append(_shifted(_FAMILIES[kind](case, highest - shift), shift))
    return result


def _shares(case: Case) -> dict[Kind, float]:
    """Return the share of each family that this basket admits, dear ones last; they sum to one."""
    kinds: list[Kind] = ["unknown_object", "foreign_load"]
    if case.prior.sum() > 0:
        kinds += ["unscanned", "several"]
    if case.basket.lines:
        kinds += ["quantity", "missing"]
    if case.basket.lines and len(case.beliefs):
        kinds += ["swapped"]
    rates = {kind: float(getattr(case.policy.base_rates, kind)) for kind in kinds}
    total = sum(rates.values())
    return {kind: rate / total for kind, rate in rates.items() if rate > 0}


def _shifted(branch: Branch, shift: float) -> Branch:
    return Branch(
        branch.kind, branch.log_w + shift, branch.loss_minor, branch.value_minor, branch.line, branch.product,
        branch.other, branch.units,
    )  # fmt: skip


def _as_claimed(case: Case, log_trust: float) -> Branch:
    basket = case.basket
    variance = one(basket.variance_g2)
    log_w = log_t(one(basket.residual_g), variance, basket.freedom_at(variance))
    return branch_of("as_claimed", log_w + log_trust, 0.0, 0.0, units=0)


def more_of(case: Case, residual_g: Floats | float) -> Floats:
    """Return (products,) the log likelihood of the weight when one of each product lies there besides."""
    beliefs, basket = case.beliefs, case.basket
    variance = basket.variance_g2 + beliefs.variance_g2
    return log_t(np.asarray(residual_g - beliefs.mean_g), variance, basket.freedom_at(variance, beliefs.fourth))


def _unscanned(case: Case, _highest: float) -> Branch:
    ratio = np.full(len(case.beliefs), case.seen.other_more)
    ratio[case.seen.named] = case.seen.named_more
    log_w = more_of(case, case.basket.residual_g) + log_of(case.prior * ratio)
    price = case.beliefs.price_minor
    places = np.arange(len(case.beliefs))
    return branch_of("unscanned", log_w, price * case.policy.loss_factor, price, product=places)


def _several(case: Case, _highest: float) -> Branch:
    basket, seen, beliefs = case.basket, case.seen, case.beliefs
    at, variance = one(basket.residual_g), one(basket.variance_g2)
    diffuse = [
        share * float(beliefs.sums[count - 1].smoothed(at, variance)[0]) * seen.other_more**count
        for count, share in enumerate(SEVERAL_SHARE, start=2)
    ]
    counts = np.arange(2, 2 + len(diffuse))
    price: Floats = case.beliefs.usual_price_minor * counts.astype(np.float64)
    parts = [branch_of("several", log_of(np.array(diffuse)), price * case.policy.loss_factor, price, units=counts)]
    if seen.named.size:
        parts += _several_named(case)
    return _joined(parts)


def _several_named(case: Case) -> list[Branch]:
    """Pairs of which a camera named one or both."""
    beliefs, seen, basket = case.beliefs, case.seen, case.basket
    gain = case.prior[seen.named] * seen.named_more
    best = np.argsort(gain)[::-1][:NAMED_MAX]
    best = best[gain[best] > 0]
    place, own, price = seen.named[best], beliefs.variance_g2[seen.named[best]], beliefs.price_minor[seen.named[best]]
    rest_g, variance = basket.residual_g - beliefs.mean_g[place], basket.variance_g2 + own
    one = beliefs.sums[0].smoothed(rest_g, variance) * gain[best] * seen.other_more * 2 * SEVERAL_SHARE[0]
    value = price + beliefs.usual_price_minor
    loss = case.policy.loss_factor
    single = branch_of("several", log_of(one), value * loss, value, product=place, units=2)
    first, second = np.triu_indices(best.size)
    ways = np.where(first == second, 1.0, 2.0) * SEVERAL_SHARE[0]
    prior = case.prior[place[first]] * case.prior[place[second]] * ways
    both = variance[first] + own[second]
    like = log_t(rest_g[first] - beliefs.mean_g[place[second]], both, basket.freedom_at(both))
    log_w = like + log_of(prior * seen.pair_named[best[first], best[second]])
    value = price[first] + price[second]
    pair = branch_of("several", log_w, value * loss, value, product=place[first], other=place[second], units=2)
    return [single, pair]


def _joined(parts: list[Branch]) -> Branch:
    def cat(name: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(part, name) for part in parts])

    names = ("log_w", "loss_minor", "value_minor", "line", "product", "other", "units")
    return Branch(parts[0].kind, *(cat(name) for name in names))  # type: ignore[arg-type]  # dtypes as the parts'


def _lines_changed(case: Case, units: Floats, ratio: Floats) -> Floats:
    shift, variance = case.basket.changed(units)
    like = log_t(case.basket.residual_g - shift, variance, case.basket.freedom_at(variance))
    return np.asarray(like + log_of(ratio), dtype=np.float64)


def _quantity(case: Case, _highest: float) -> Branch:
    basket, seen = case.basket, case.seen
    counts = np.arange(1, UPS + 1)[:, None]
    fall = UP_FALL ** np.arange(UPS)[:, None]
    can_fall = counts < basket.quantity
    up = np.broadcast_to(fall * basket.quantity, can_fall.shape)
    down = fall * np.where(can_fall, basket.quantity, 0)
    up_share = UP_SHARE if down.sum() > 0 else 1.0
    prior = np.concatenate([up_share * up / up.sum(), (1 - up_share) * down / max(down.sum(), 1)])
    units = np.broadcast_to(np.concatenate([counts, -counts]), prior.shape).astype(np.float64)
    ratio = np.concatenate([seen.line_more, seen.line_less**counts])
    log_w = _lines_changed(case, units, ratio) + log_of(prior)
    here = prior > 0
    line = np.broadcast_to(np.arange(len(basket.lines)), prior.shape)
    value = np.abs(units) * basket.price_minor
    cost = np.where(units > 0, case.policy.loss_factor, case.policy.overcharge_factor)
    return branch_of(
        "quantity", log_w[here], (value * cost)[here], value[here],
        line=line[here], units=units[here].astype(np.int64),
    )  # fmt: skip


def _missing(case: Case, _highest: float) -> Branch:
    basket = case.basket
    share = 1.0 / basket.quantity
    log_w = _lines_changed(case, -basket.quantity.astype(np.float64), case.seen.line_less**basket.quantity)
    value = basket.quantity * basket.price_minor
    line = np.arange(len(basket.lines))
    return branch_of(
        "missing", log_w + log_of(share / share.sum()), value * case.policy.overcharge_factor, value,
        line=line, units=-basket.quantity,
    )  # fmt: skip


def _unknown_object(case: Case, _highest: float) -> Branch:
    policy, basket = case.policy, case.basket
    wide = Broad.lognormal(policy.unknown_median_g, policy.unknown_spread)
    density = wide.smoothed(one(basket.residual_g), basket.variance_g2) * case.seen.unknown_more
    price = policy.default_price_minor
    return branch_of("unknown_object", log_of(density), price * policy.loss_factor, price)


def _foreign_load(case: Case, _highest: float) -> Branch:
    policy, basket = case.policy, case.basket
    wide = Broad.lognormal(policy.foreign_median_g, policy.foreign_spread)
    down, lift = wide.smoothed(np.array([basket.residual_g, -basket.residual_g]), basket.variance_g2)
    density = (1 - policy.foreign_lift) * down + policy.foreign_lift * lift + ANYTHING
    seen = (1 + case.seen.unknown_more) / 2  # it may stand beside the platform
    loss = policy.foreign_loss_minor  # what such a load covers up nobody can tell
    return branch_of("foreign_load", log_of(one(density * seen)), loss, 0.0)


# Each takes the case and the highest log weight so far, less its own prior: what is far below need not be told apart.
_FAMILIES: dict[Kind, Callable[[Case, float], Branch]] = {
    "unscanned": _unscanned, "several": _several, "quantity": _quantity, "missing": _missing, "swapped": swapped,
    "unknown_object": _unknown_object, "foreign_load": _foreign_load,
}  # fmt: skip
