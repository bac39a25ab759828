"""What is no matter of single goods: an unknown object, something on the platform, another carrier, another basket.

All are wide densities of the weight. Each is a function of the residual, so that what a basket would have hidden can
be worked out with the same densities.

- unknown object: a log-normal, lying there besides.
- foreign load: own bag or a hand, a wider log-normal; or a child, a much heavier one. It may pull upwards, but no
  further than a hand lifts, and downwards it has a floor below everything.
- tare: another carrier than stated. One of the stated kind whose weight nobody told, two of them, or another kind.
- other basket: the claim belongs to somebody else's goods. What lies there weighs what baskets weigh, whatever the
  claim says; it is also where everything ends that nothing else explains.
"""

import numpy as np

from station.core.basket import Basket
from station.core.cases import Branch, Case, branch_of, log_of, one
from station.core.density import Broad, Floats, gauss
from station.core.store_policy import Policy, TareDefault

ANYTHING = 1e-9  # per gram: what no density explains is a foreign load ...
NOTHING_ELSE = 1e-12  # ... and what that cannot be either, another basket
HEAVY_SHARE, HEAVY_MEDIAN_G, HEAVY_SPREAD = 0.15, 18_000.0, 0.5  # of what presses down: a child, somebody who leans
SAME_KIND = 0.4  # how often another carrier is of the stated kind
SAME_WIDER = 3.0  # its uncertainty at least, as a multiple of the stated one


def unknown_density(case: Case, residual_g: Floats) -> Floats:
    """Return the density of the residual with an object from outside the catalogue."""
    wide = Broad.lognormal(case.policy.unknown_median_g, case.policy.unknown_spread)
    return wide.smoothed(residual_g, case.basket.variance_g2)


def foreign_density(case: Case, residual_g: Floats) -> Floats:
    """Return the density of the residual with something pressing on the platform, or lifting."""
    policy, variance = case.policy, case.basket.variance_g2
    down = Broad.lognormal(policy.foreign_median_g, policy.foreign_spread).smoothed(residual_g, variance)
    heavy = Broad.lognormal(HEAVY_MEDIAN_G, HEAVY_SPREAD).smoothed(residual_g, variance)
    down = (1 - HEAVY_SHARE) * down + HEAVY_SHARE * heavy
    most_g = min(policy.lift_max_g, max(case.basket.expected_g, policy.foreign_median_g))  # no more than lies there
    lifted = Broad.lognormal(policy.foreign_median_g, policy.foreign_spread, most_g=most_g)
    lift = lifted.smoothed(-residual_g, variance)
    anything = np.where(residual_g > 0, ANYTHING, 0.0)
    return np.asarray((1 - policy.foreign_lift) * down + policy.foreign_lift * lift + anything, dtype=np.float64)


def carriers(basket: Basket, policy: Policy) -> tuple[Floats, Floats, Floats]:
    """Return (share, weight, sd) of the carriers that may be there instead of the stated one."""
    kinds: dict[str, TareDefault] = {
        "none": policy.tares.none, "basket": policy.tares.basket, "cart": policy.tares.cart, "bag": policy.tares.bag,
    }  # fmt: skip
    stated = kinds.pop(basket.tare_kind)
    rows = [(each.weight_g, each.sd_g) for each in kinds.values()]
    shares = [1.0 / len(rows)] * len(rows)
    if stated.weight_g > 0:
        wider_g = max(stated.sd_g, SAME_WIDER * basket.tare_sd_g)
        rows += [(stated.weight_g, wider_g), (basket.tare_g + stated.weight_g, wider_g)]
        shares = [(1 - SAME_KIND) * share for share in shares] + [SAME_KIND * 0.75, SAME_KIND * 0.25]
    weight_g, sd_g = np.array(rows).T
    return np.array(shares), weight_g, sd_g


def tare_density(case: Case, residual_g: Floats) -> Floats:
    """Return the density of the residual with another carrier than stated."""
    basket = case.basket
    share, weight_g, sd_g = carriers(basket, case.policy)
    variance = np.maximum(basket.variance_g2 - basket.tare_sd_g**2, 0.01) + sd_g**2
    like = gauss(residual_g[:, None] - (weight_g - basket.tare_g), variance)
    return np.asarray((like * share).sum(axis=1), dtype=np.float64)


def basket_density(case: Case, residual_g: Floats) -> Floats:
    """Return the density of the residual when none of the claimed goods lie there, but those of somebody else."""
    policy, basket = case.policy, case.basket
    wide = Broad.lognormal(policy.other_basket_median_g, policy.other_basket_spread)
    goods_g = residual_g + basket.expected_g - basket.tare_g
    return np.asarray(wide.smoothed(goods_g, basket.fixed_g2) + NOTHING_ELSE, dtype=np.float64)


def unknown_object(case: Case, _highest: float) -> Branch:
    """Return the one entry of an object from outside the catalogue."""
    density = unknown_density(case, one(case.basket.residual_g)) * case.seen.unknown_more
    price = case.policy.default_price_minor
    return branch_of("unknown_object", log_of(density), price * case.policy.loss_factor, price)


def foreign_load(case: Case, _highest: float) -> Branch:
    """Return the one entry of something on the platform that is no goods; it may stand beside it, unseen."""
    seen = (1 + case.seen.unknown_more) / 2
    log_w = log_of(foreign_density(case, one(case.basket.residual_g)) * seen)
    return branch_of("foreign_load", log_w, case.policy.foreign_loss_minor, 0.0)


def tare(case: Case, _highest: float) -> Branch:
    """Return the one entry of another carrier than stated."""
    log_w = log_of(tare_density(case, one(case.basket.residual_g)))
    return branch_of("foreign_load", log_w, case.policy.tare_loss_minor, 0.0, cause="tare")


def other_basket(case: Case, _highest: float) -> Branch:
    """Return the one entry of somebody else's goods."""
    log_w = log_of(basket_density(case, one(case.basket.residual_g))) + case.seen.log_replaced
    return branch_of("foreign_load", log_w, case.policy.other_basket_loss_minor, 0.0, cause="other_basket")
