"""The basket as claimed: what it should weigh, how surely, and how each line enters that sum.

M = sum q mu + tare, V = sum (q sigma^2 + Q^2 tau^2) + V_tare + u^2_scale, where Q counts a product's units over all
its lines, for they share one error of the mean. A line with a label weight is that weight plus packaging, whatever its
GTIN; the label's weight is the claim's, else the one that the store's own barcode carries, or what its price buys.
A product that nobody described is as heavy as others of its price, widely: it hides much, but accuses nobody.

Degrees of freedom follow Welch and Satterthwaite: nu = V^2 / sum(v_i^2 / nu_i).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.core import restricted
from station.core.beliefs import Beliefs
from station.core.claim import Claim, Line, TareKind
from station.core.density import Floats
from station.core.evidence import Reading
from station.core.store_policy import Policy

UNKNOWN_PLACE = -1  # of a GTIN that the catalogue does not have
LABEL_PACKAGING_G, LABEL_PACKAGING_SD_G = 8.0, 6.0  # tray and film, or a paper bag
LABEL_FREEDOM = 8.0
UNKNOWN_FREEDOM, UNKNOWN_WIDER = 3.0, 2.0  # nobody described it: heavier tails, wider than the catalogue's spread
FREEDOM_MIN, FREEDOM_MAX = 3.0, 1e7
SCALE_SD_MIN_G = 0.1


@dataclass(frozen=True, eq=False)
class Basket:
    """The claim in arrays (one entry a line), and the weight equation of the whole."""

    lines: tuple[Line, ...]
    place: NDArray[np.int64]  # in the catalogue, or UNKNOWN_PLACE
    quantity: NDArray[np.int64]
    mean_g: Floats  # of one unit
    sigma2_g2: Floats
    tau2_g2: Floats
    freedom: Floats
    together: NDArray[np.int64]  # units of the same product over all lines
    labelled: NDArray[np.bool_]  # lines whose goods bring their own weight
    price_minor: Floats
    tare_kind: TareKind
    tare_g: float
    tare_sd_g: float
    fixed_g2: float  # variance of tare and scale
    expected_g: float
    expected_g2: float  # variance without the scale's
    residual_g: float
    variance_g2: float  # of the residual, all in
    fourth: float  # sum(v_i^2 / nu_i)

    def changed(self, units: Floats) -> tuple[Floats, Floats]:
        """Return (shift, variance) of the residual when each line had `units` more (broadcast: (k, lines))."""
        shift = units * self.mean_g
        both = (self.together + units) ** 2 - self.together**2
        variance = self.variance_g2 + units * self.sigma2_g2 + both * self.tau2_g2
        return shift, np.maximum(variance, self.fixed_g2)

    def freedom_at(self, variance_g2: Floats, extra_fourth: Floats | float = 0.0) -> Floats:
        """Return the degrees of freedom of a residual of this variance."""
        freedom = variance_g2 * variance_g2 / (self.fourth + extra_fourth + 1e-12)
        return np.asarray(np.clip(freedom, FREEDOM_MIN, FREEDOM_MAX), dtype=np.float64)


def weigh(claim: Claim, reading: Reading, beliefs: Beliefs, policy: Policy) -> Basket:
    """Set up the weight equation of the claim."""
    goods = [_goods(line, beliefs, policy.layouts) for line in claim.lines]
    place = np.array([item.place for item in goods], dtype=np.int64)
    quantity = np.array([line.quantity for line in claim.lines], dtype=np.int64)
    mean_g, tau2, sigma2, freedom = _lines(goods, place, beliefs)
    together = _together(claim, goods, quantity)
    tare_g, tare_sd_g = tare_of(claim, policy)
    of_scatter = quantity * sigma2
    of_mean = quantity * together * tau2  # summed over a product's lines: Q^2 tau^2
    scale_sd_g = max(reading.sd_g, SCALE_SD_MIN_G)
    expected_g = float(quantity @ mean_g) + tare_g
    expected_g2 = float(of_scatter.sum() + of_mean.sum()) + tare_sd_g**2
    return Basket(
        lines=claim.lines, place=place, quantity=quantity,
        mean_g=mean_g, sigma2_g2=sigma2, tau2_g2=tau2, freedom=freedom, together=together,
        labelled=np.array([item.net_g is not None for item in goods], dtype=np.bool_),
        price_minor=_prices(goods, place, beliefs),
        tare_kind=claim.tare.kind if claim.tare else policy.tare,
        tare_g=tare_g, tare_sd_g=tare_sd_g, fixed_g2=tare_sd_g**2 + scale_sd_g**2,
        expected_g=expected_g, expected_g2=expected_g2,
        residual_g=reading.gross_g - expected_g, variance_g2=expected_g2 + scale_sd_g**2,
        fourth=float((of_scatter**2 / freedom).sum() + (of_mean**2 / freedom).sum()),
    )  # fmt: skip


def tare_of(claim: Claim, policy: Policy) -> tuple[float, float]:
    """Return weight and standard deviation of what carries the goods, in grams."""
    stated = claim.tare
    if stated is None or (stated.kind != "none" and stated.weight_g == 0):
        default = policy.tares.of(policy.tare if stated is None else stated.kind)
        return default.weight_g, default.sd_g
    if stated.sd_g == 0 and stated.weight_g > 0:
        return stated.weight_g, policy.stated_tare_sd_g
    return stated.weight_g, stated.sd_g


@dataclass(frozen=True)
class _Goods:
    """What a line's number and label say: the product, and net weight and price of one piece where it has its own."""

    place: int
    net_g: float | None = None
    net_sd_g: float = 0.0
    price_minor: float | None = None


def _goods(line: Line, beliefs: Beliefs, layouts: tuple[restricted.Layout, ...]) -> _Goods:
    place = beliefs.index.get(line.gtin, UNKNOWN_PLACE)
    carried = restricted.read(line.gtin, layouts)
    if carried is not None:
        place = beliefs.index.get(carried.item, place)
    by_weight = place != UNKNOWN_PLACE and bool(beliefs.by_weight[place])
    minor_per_g = float(beliefs.price_minor[place] / beliefs.mean_g[place]) if by_weight else 0.0
    price_minor = line.unit_price_minor if carried is None else carried.price_minor or line.unit_price_minor
    net_g, net_sd_g = line.weight_g, 0.0
    if net_g is None and carried is not None and carried.weight_g is not None:
        net_g, net_sd_g = carried.weight_g, carried.rounding
    elif net_g is None and carried is not None and carried.price_minor is not None and minor_per_g > 0:
        net_g, net_sd_g = carried.price_minor / minor_per_g, carried.rounding / minor_per_g
    if price_minor is None and net_g is not None and minor_per_g > 0:
        price_minor = net_g * minor_per_g
    return _Goods(place, net_g, net_sd_g, price_minor)


def _lines(goods: list[_Goods], place: NDArray[np.int64], beliefs: Beliefs) -> tuple[Floats, Floats, Floats, Floats]:
    at = np.where(place >= 0, place, 0)
    if len(beliefs):
        mean_g, tau2 = beliefs.mean_g[at], beliefs.mean_sd_g[at] ** 2
        sigma2, freedom = beliefs.unit_sd_g[at] ** 2, beliefs.freedom[at]
    else:
        mean_g, tau2, sigma2, freedom = (np.zeros(place.size) for _ in range(4))
    for number, item in enumerate(goods):
        if item.place == UNKNOWN_PLACE:
            guess_g, guess_sd_g = beliefs.by_price.weight_g(item.price_minor)
            mean_g[number], tau2[number], sigma2[number], freedom[number] = (
                guess_g, (UNKNOWN_WIDER * guess_sd_g) ** 2, (0.1 * guess_g) ** 2, UNKNOWN_FREEDOM,
            )  # fmt: skip
        if item.net_g is not None:
            mean_g[number], tau2[number], sigma2[number], freedom[number] = (
                item.net_g + LABEL_PACKAGING_G, 1.0, LABEL_PACKAGING_SD_G**2 + item.net_sd_g**2 / 3, LABEL_FREEDOM,
            )  # fmt: skip
    return mean_g, tau2, sigma2, freedom


def _together(claim: Claim, goods: list[_Goods], quantity: NDArray[np.int64]) -> NDArray[np.int64]:
    pairs = zip(claim.lines, goods, strict=True)
    keys = [(line.gtin, line.line if item.net_g is not None else 0) for line, item in pairs]
    totals: dict[tuple[str, int], int] = {}
    for key, units in zip(keys, quantity.tolist(), strict=True):
        totals[key] = totals.get(key, 0) + units
    return np.array([totals[key] for key in keys], dtype=np.int64)


def _prices(goods: list[_Goods], place: NDArray[np.int64], beliefs: Beliefs) -> Floats:
    believed = [beliefs.price_minor[at] if at >= 0 else beliefs.usual_price_minor for at in place.tolist()]
    pairs = zip(goods, believed, strict=True)
    return np.array(
        [guess if item.price_minor is None else item.price_minor for item, guess in pairs], dtype=np.float64
    )
