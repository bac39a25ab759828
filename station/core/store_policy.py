"""The store's policy as values: how often what goes wrong, and what a mistake or a check costs.

All numbers are the `[policy]` table of the configuration; costs are in minor units of the currency.
"""

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta

from station.core.claim import TareKind
from station.core.restricted import Layout

Rate = Annotated[float, Meta(ge=0, le=1000)]
Share = Annotated[float, Meta(ge=0, le=1)]
Cost = Annotated[float, Meta(ge=0, le=1_000_000)]
Grams = Annotated[float, Meta(ge=0, le=500_000)]

# Words in a department's name that make its products more (or less) likely to lie unscanned.
DEPARTMENTS: dict[str, float] = {
    "fruit": 2.0, "obst": 2.0, "produce": 2.0, "vegetable": 2.0, "gemuese": 2.0, "gemüse": 2.0, "légume": 2.0,
    "dairy": 1.5, "milch": 1.5, "molkerei": 1.5, "crème": 1.5, "bag": 3.0, "tasche": 3.0, "tüte": 3.0, "sac": 3.0,
}  # fmt: skip


class BaseRates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the ways in which a basket differs from its claim compare in frequency; only their ratios count.

    `combined` is the rate of two deviations of one basket at once; which two, follows from the product of the rates
    of unscanned, missing, quantity and swapped (two unscanned items are `several`).
    """

    unscanned: Rate = 10.0
    quantity: Rate = 4.0
    several: Rate = 1.0
    missing: Rate = 1.5
    swapped: Rate = 1.5
    unknown_object: Rate = 0.25
    foreign_load: Rate = 0.5
    combined: Rate = 1.0
    tare: Rate = 0.3  # another carrier than stated
    other_basket: Rate = 0.1  # the goods of somebody else
    stale_weight: Rate = 0.5  # a claimed product weighs something else than the catalogue says
    scale_fault: Rate = 0.05  # that nothing else has noticed


class TareDefault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a carrier of this kind weighs when the claim does not say."""

    weight_g: Grams = 0.0
    sd_g: Annotated[float, Meta(ge=0, le=5000)] = 0.0


class Tares(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The carriers of this store."""

    none: TareDefault = TareDefault()
    basket: TareDefault = TareDefault(weight_g=600.0, sd_g=30.0)
    cart: TareDefault = TareDefault(weight_g=21_500.0, sd_g=150.0)
    bag: TareDefault = TareDefault(weight_g=40.0, sd_g=20.0)

    def of(self, kind: TareKind) -> TareDefault:
        """Return the default of one kind."""
        default: TareDefault = getattr(self, kind)
        return default


class Sights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How pictures relate to contents."""

    clutter_per_camera: Annotated[float, Meta(ge=1e-4, le=20)] = 0.05  # objects seen that are no goods
    unknown_prior: Annotated[float, Meta(ge=1e-3, le=0.9)] = 0.05  # a recogniser's prior for "not in the gallery"
    visibility: Annotated[float, Meta(ge=0.01, le=0.99)] = 0.5  # where the evidence does not say
    gallery_size: Annotated[int, Meta(ge=0, le=10_000_000)] = 0  # products cameras can name; 0: the enrolled, or all
    outside: Annotated[float, Meta(ge=0, le=1)] = 0.05  # of the catalogue that cameras cannot name, at least
    alike: Annotated[float, Meta(ge=0, le=1)] = 0.1  # of those that look like a product that cameras can name
    other_basket_items: Annotated[float, Meta(gt=0, le=500)] = 12.0  # in the basket of somebody else


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[policy]` table. Every number has a default that suits a supermarket and bounds that keep it sane."""

    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "EUR"
    trust: Annotated[float, Meta(ge=0.02, le=0.99)] = 0.97  # of a claim that does not state one
    base_rates: BaseRates = BaseRates()
    departments: dict[str, Annotated[float, Meta(ge=0.01, le=100)]] = msgspec.field(
        default_factory=lambda: dict(DEPARTMENTS)
    )

    risk_appetite: Annotated[float, Meta(ge=0.05, le=20)] = 1.0  # weighs what checks cost: above 1 more may pass
    loss_factor: Annotated[float, Meta(ge=0, le=100)] = 1.0  # cost of unpaid goods over their price
    overcharge_factor: Annotated[float, Meta(ge=0, le=100)] = 1.0  # cost of goods paid for but not received
    small_check_minor: Cost = 10.0  # staff time, about twenty seconds
    small_check_annoyance_minor: Cost = 20.0  # an honest shopper's patience
    small_check_overlooks: Share = 0.1  # of what its looks concern
    sight_overlooks: Share = 0.5  # of everything else
    full_check_minor: Cost = 200.0
    full_check_annoyance_minor: Cost = 200.0
    full_check_overlooks: Share = 0.01
    default_price_minor: Annotated[float, Meta(gt=0, le=1_000_000)] = 300.0  # of a product nobody priced

    layouts: Annotated[
        tuple[Layout, ...],
        Meta(
            max_length=20,
            description="`{ pattern = …, unit = 1.0 }` each: in-store barcodes that carry a weight or a price, such as "
            '`"28IIIIIWWWWWC"` (grams) or `"02IIIIIVPPPPC"` (minor units); I item, V verifier, C check digit',
        ),
    ] = ()

    tare: TareKind = "none"  # of a claim that does not state one
    tares: Tares = Tares()
    stated_tare_sd_g: Annotated[float, Meta(ge=0, le=1000)] = 5.0  # where a claim states a weight without its sd
    foreign_median_g: Annotated[float, Meta(gt=0, le=100_000)] = 900.0  # own bag, hand, child
    foreign_spread: Annotated[float, Meta(gt=0.1, le=3)] = 1.2  # sd of the logarithm
    foreign_loss_minor: Cost = 150.0  # of releasing a basket that something leans on
    foreign_lift: Share = 0.2  # the part of foreign loads that pull upwards ...
    lift_max_g: Annotated[float, Meta(gt=100, le=500_000)] = 15_000.0  # ... and what a hand or a child lifts at most
    tare_loss_minor: Cost = 50.0  # of releasing goods in a carrier whose weight nobody knows
    other_basket_loss_minor: Cost = 1000.0  # of releasing goods that are not the claimed ones
    other_basket_median_g: Annotated[float, Meta(gt=0, le=500_000)] = 4000.0  # what shoppers carry
    other_basket_spread: Annotated[float, Meta(gt=0.1, le=3)] = 1.1
    stale_spread: Annotated[float, Meta(gt=0.01, le=1)] = 0.12  # of a new pack's weight, sd of the logarithm
    fault_loss_minor: Cost = 150.0  # of releasing by a scale that is wrong
    fault_zero_g: Annotated[float, Meta(gt=0, le=10_000)] = 100.0  # an unnoticed error of the zero, sd ...
    fault_gain: Annotated[float, Meta(gt=0, le=0.5)] = 0.02  # ... and of the gain, as a share
    unknown_median_g: Annotated[float, Meta(gt=0, le=100_000)] = 350.0
    unknown_spread: Annotated[float, Meta(gt=0.1, le=3)] = 1.1
    blind_sd_g: Annotated[float, Meta(gt=1, le=100_000)] = 3000.0  # beyond this the weight alone cannot support a yes
    unknown_share: Share = 0.5  # of the goods' weight: with more from products nobody described ...
    unknown_sd_g: Annotated[float, Meta(gt=1, le=100_000)] = 1500.0  # ... this is the limit
    below_zero_g: Grams = 100.0  # what the scale may show below nothing
    load_max_g: Annotated[float, Meta(gt=0, le=3_000_000)] = 500_000.0  # more than any platform carries
    sights: Sights = Sights()


def version_of(policy: Policy) -> str:
    """Return `sha256:…` of the policy, as verdicts name it."""
    return "sha256:" + hashlib.sha256(msgspec.json.encode(policy, order="deterministic")).hexdigest()
