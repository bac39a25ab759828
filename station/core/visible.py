"""What this basket would have hidden: the smallest added item that would be noticed nine times in ten.

For a row of residuals the posterior is worked out from weight alone, by the smoothed densities of the catalogue, and
with it the decision. Above the largest residual that would still be released, an item is noticed; nine items in ten of
a weight w lie above it where w exceeds it by 1.28 standard deviations.
"""

from collections.abc import Callable

import numpy as np

from station.core import strays, wrongs
from station.core.cases import Case
from station.core.density import Floats, log_t, smoothed_all
from station.core.hypotheses import shares
from station.core.policy_costs import accepted
from station.core.severals import SEVERAL_SHARE
from station.core.singles import UP_FALL, UP_SHARE, UPS
from station.core.store_policy import Policy
from station.core.verdict import SmallestVisible

NINE_IN_TEN = 1.2816
LARGEST_G = 60_000.0
POINTS = 96
TOTAL_LINES = 60  # whose quantities enter; the longest


def smallest_visible(case: Case, trust: float) -> SmallestVisible:
    """Return weight and usual value of the smallest added item that is caught with 90 %."""
    sd_g = case.basket.variance_g2**0.5
    residual_g = np.geomspace(max(sd_g / 2, 0.5), LARGEST_G, POINTS)
    released = _released(case, trust, residual_g)
    last = int(np.flatnonzero(released)[-1]) if released.any() else -1
    limit_g = 0.0 if last < 0 else float(residual_g[min(last + 1, POINTS - 1)])
    weight_g = min(limit_g + NINE_IN_TEN * sd_g, LARGEST_G)
    if len(case.beliefs):
        weight_g = max(weight_g, float(case.beliefs.mean_g[case.beliefs.order[0]]))
    return SmallestVisible(weight_g=weight_g, value_minor=round(_usual_price(case, weight_g)))


def _usual_price(case: Case, weight_g: float) -> float:
    if case.beliefs.priced is None:
        return case.policy.default_price_minor
    at, width = np.array([min(weight_g, 15_000.0)]), np.array([(0.15 * weight_g) ** 2 + 100.0])
    share, worth = smoothed_all((case.beliefs.sums[0], case.beliefs.priced), at, width)[:, 0].tolist()
    return worth / share if share > 1e-12 else case.beliefs.usual_price_minor  # noqa: PLR2004 - nothing that heavy


def _released(case: Case, trust: float, residual_g: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    variance = np.full(residual_g.shape, case.basket.variance_g2)
    claimed = trust * np.exp(log_t(residual_g, variance, case.basket.freedom_at(variance)))
    other, loss = _others(case, residual_g, variance)
    total = claimed + (1 - trust) * other
    p, mean_loss = claimed / total, (1 - trust) * loss / total
    return accepted(case.policy, p, mean_loss)


def _others(case: Case, residual_g: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return (density, density times loss) of all explanations of more weight, at each residual."""
    density, loss = np.full(residual_g.shape, 1e-12), np.zeros(residual_g.shape)
    beliefs = case.beliefs
    # Prices of one product drawn from the catalogue, and the weights of one, two, … of them.
    drawn = smoothed_all([beliefs.priced, *beliefs.sums] if beliefs.priced else [], residual_g, variance)
    for name, share in shares(case).items():
        if name in _OF_ONE_LOSS:
            density_of, loss_of = _OF_ONE_LOSS[name]
            more = density_of(case, residual_g)
            worth = more * loss_of(case.policy)
        elif name in _DRAWN and beliefs.priced is not None:
            more, worth = _DRAWN[name](case, drawn)
        elif name == "quantity":
            more, worth = _quantities(case, residual_g)
        else:
            continue  # an added item alone is meant; these need more than that
        density += share * more
        loss += share * worth
    return density, loss


def _unscanned(case: Case, drawn: Floats) -> tuple[Floats, Floats]:
    return drawn[1], drawn[0] * case.policy.loss_factor


def _several(case: Case, drawn: Floats) -> tuple[Floats, Floats]:
    counts = np.arange(2, len(SEVERAL_SHARE) + 2)
    more = drawn[counts] * np.array(SEVERAL_SHARE)[:, None]
    worth = (more * counts[:, None]).sum(axis=0) * (case.beliefs.usual_price_minor * case.policy.loss_factor)
    return np.asarray(more.sum(axis=0), dtype=np.float64), np.asarray(worth, dtype=np.float64)


def _quantities(case: Case, residual_g: Floats) -> tuple[Floats, Floats]:
    basket = case.basket
    units = np.arange(1.0, UPS + 1)[:, None]
    prior = UP_FALL**units * basket.quantity
    prior *= UP_SHARE / prior.sum()
    shift, variance = basket.changed(np.broadcast_to(units, prior.shape))
    use = np.argsort(basket.quantity)[::-1][:TOTAL_LINES]
    like = prior[:, use, None] * np.exp(
        log_t(residual_g - shift[:, use, None], variance[:, use, None], basket.freedom_at(variance[:, use, None]))
    )
    worth = like * (units * basket.price_minor)[:, use, None] * case.policy.loss_factor
    return like.sum(axis=(0, 1)), worth.sum(axis=(0, 1))


# The wide explanations, each with what its release would lose, and those of goods of many prices.
_OF_ONE_LOSS: dict[str, tuple[Callable[[Case, Floats], Floats], Callable[[Policy], float]]] = {
    "unknown_object": (strays.unknown_density, lambda policy: policy.default_price_minor * policy.loss_factor),
    "foreign_load": (strays.foreign_density, lambda policy: policy.foreign_loss_minor),
    "tare": (strays.tare_density, lambda policy: policy.tare_loss_minor),
    "other_basket": (strays.basket_density, lambda policy: policy.other_basket_loss_minor),
    "scale_fault": (wrongs.fault_density, lambda policy: policy.fault_loss_minor),
    "stale_weight": (wrongs.stale_density, lambda _policy: 0.0),
}
_DRAWN: dict[str, Callable[[Case, Floats], tuple[Floats, Floats]]] = {"unscanned": _unscanned, "several": _several}
