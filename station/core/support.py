"""Whether the evidence can support a verdict at all: what the scale cannot have shown, and what hides too much.

Beyond reason is a load that is lighter than nothing or heavier than any platform carries: then the scale is wrong,
whatever was claimed. Blind is a basket whose weight says too little for a release by weight alone: because the reading,
the carrier or the goods are too uncertain, or because most of the goods are unknown to the catalogue.
"""

import numpy as np
from numpy.typing import NDArray

from station.core.basket import UNKNOWN_PLACE, Basket
from station.core.evidence import Reading
from station.core.store_policy import Policy
from station.core.verdict import Reason

BELOW_SD = 6.0  # standard deviations below nothing that are still chance


def beyond_reason(reading: Reading, policy: Policy) -> tuple[Reason, ...]:
    """Return why no verdict can rest on this reading, or nothing."""
    lowest_g = -(policy.below_zero_g + BELOW_SD * reading.sd_g)
    return () if lowest_g <= reading.gross_g <= policy.load_max_g else ("SCALE_FAULT",)


def blind(basket: Basket, policy: Policy) -> tuple[Reason, ...]:
    """Return why weight alone cannot support a release of this basket, or nothing."""
    if basket.variance_g2 > policy.blind_sd_g**2:
        tare_g2 = basket.tare_sd_g**2
        scale_g2 = basket.fixed_g2 - tare_g2
        by_part: dict[Reason, float] = {
            "NOT_SETTLED": scale_g2, "TARE_UNKNOWN": tare_g2, "UNKNOWN_WEIGHT": basket.variance_g2 - basket.fixed_g2,
        }  # fmt: skip
        return (max(by_part, key=lambda reason: by_part[reason]),)
    unknown = unknown_lines(basket)
    goods_g = basket.quantity * basket.mean_g
    mostly = float((goods_g * unknown).sum()) > policy.unknown_share * float(goods_g.sum())
    return ("UNKNOWN_WEIGHT",) if mostly and basket.variance_g2 > policy.unknown_sd_g**2 else ()


def unknown_lines(basket: Basket) -> NDArray[np.bool_]:
    """Return which lines nobody described: neither the catalogue nor a label of their own."""
    return np.asarray((basket.place == UNKNOWN_PLACE) & ~basket.labelled, dtype=np.bool_)
