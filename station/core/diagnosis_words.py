"""What is said of a condition that many transactions show: the alarm, its evidence and the remedy."""

from collections.abc import Callable, Sequence

from station.core.diagnosis import Condition
from station.core.effects import Alarm

SCALE, CARRIER, PRODUCT = "SCALE_BIASED", "TARE_DRIFTING", "WEIGHT_STALE"
PLATFORM = "platform"  # the weights of several scales add up: which of them it is, no transaction tells
NAME_MOST = 60  # letters
UNIT = {"zero": "g", "gain": "g a kilogram"}


def alarms(conditions: Sequence[Condition], name_of: Callable[[str], str]) -> list[Alarm]:
    """Return the alarms that stand, each part once; `name_of` a GTIN-14 is what people call the product, or empty."""
    scale = [condition for condition in conditions if condition.cause in UNIT]
    others = [c for c in conditions if c.cause not in UNIT]
    rest = [_product(c, name_of(c.cause)) if c.stated_g is not None else _carrier(c) for c in others]
    return ([_scale(scale)] if scale else []) + rest


def _scale(found: list[Condition]) -> Alarm:
    much = " and ".join(
        f"{abs(c.offset_g):.1f} ± {c.sd_g:.1f} {UNIT[c.cause]} too {_way(c, 'much', 'little')}" for c in found
    )
    return Alarm(
        code=SCALE, part=PLATFORM, raised=True, severity="warning",
        message=f"the scale reads {much}, by {_evidence(found[0])}; weights are believed less, and teach nothing",
        remedy="verify with a test weight: calibrate verify; then calibrate anew or clean the platform",
    )  # fmt: skip


def _carrier(found: Condition) -> Alarm:
    return Alarm(
        code=CARRIER, part=f"tare-{found.cause}", raised=True, severity="warning",
        message=f"a {found.cause} weighs {abs(found.offset_g):.1f} ± {found.sd_g:.1f} g {_way(found, 'more', 'less')}"
        f" than stated, by {_evidence(found)}; baskets in it teach nothing",
        remedy=f"weigh an empty {found.cause}, and set policy.tares.{found.cause} or what the claims state",
    )  # fmt: skip


def _product(found: Condition, name: str) -> Alarm:
    product = f"{name[:NAME_MOST]} ({found.cause})" if name else f"product {found.cause}"
    people = f", seen by {found.shoppers} shoppers" if found.shoppers > 1 else ""
    return Alarm(
        code=PRODUCT, part=found.cause, raised=True, severity="warning",
        message=f"{product} weighs about {abs(found.offset_g):.0f} g {_way(found, 'more', 'less')}"
        f" than the catalogue says ({found.stated_g:.0f} g){people}",
        remedy="look at the pack, and update the catalogue: station catalogue import FILE",
    )  # fmt: skip


def _way(found: Condition, more: str, less: str) -> str:
    return more if found.offset_g > 0 else less


def _evidence(found: Condition) -> str:
    return f"{found.baskets} transactions of {found.shoppers} shoppers"
