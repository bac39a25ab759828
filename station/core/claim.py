"""The claim: what the shopper says is in the basket (contract, section 3.1).

`parse` turns the JSON object of a message into a `Claim` whose every field is within its bounds, with GTINs as
fourteen digits; anything else is a `ClaimError` that names the field.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from station.core import gtin

TRUST_MIN, TRUST_MAX = 0.02, 0.99
MAX_UNITS = 2_000  # of all lines together: ten full carts
MAX_LINES = 500  # a cart holds some 200 items; more is a broken sender, and bounds the work a message can cause

Text = Annotated[str, Meta(min_length=1, max_length=64)]
TareKind = Literal["none", "basket", "cart", "bag"]
# The uncertainty of a tare that the claim may ask for; wider ones would hide goods behind the trolley.
TARE_SD_MAX_G: dict[str, float] = {"none": 0.0, "basket": 60.0, "cart": 400.0, "bag": 60.0}


class ClaimError(ValueError):
    """The claim cannot be used; the message says which field and why."""


class Tare(msgspec.Struct, frozen=True, kw_only=True):
    """The weight of what carries the goods."""

    kind: TareKind = "none"
    weight_g: Annotated[float, Meta(ge=0, le=500_000)] = 0.0
    sd_g: Annotated[float, Meta(ge=0)] = 0.0


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the claim; `weight_g` is the label's net weight of a variable-measure item."""

    line: Annotated[int, Meta(ge=1)]
    gtin: str
    quantity: Annotated[int, Meta(ge=1, le=999)]
    unit_price_minor: Annotated[int, Meta(ge=0)] | None = None
    weight_g: Annotated[float, Meta(gt=0, le=500_000)] | None = None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A whole basket as claimed. `trust` and `tare` are None where the configuration's defaults apply."""

    transaction_id: Text
    revision: Annotated[int, Meta(ge=1)]
    lines: Annotated[tuple[Line, ...], Meta(max_length=MAX_LINES)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "EUR"
    trust: float | None = None
    tare: Tare | None = None
    shopper: Text | None = None


def parse(data: Any) -> Claim:
    """Return the claim in a decoded JSON object; raise `ClaimError` when any of it is out of bounds."""
    try:
        claim = msgspec.convert(data, Claim, strict=True)
    except msgspec.ValidationError as error:
        raise ClaimError(str(error)) from error
    if (units := sum(line.quantity for line in claim.lines)) > MAX_UNITS:
        raise ClaimError(f"{units} units are claimed; at most {MAX_UNITS} are possible - at `$.lines`")
    numbers = [line.line for line in claim.lines]
    if len(set(numbers)) != len(numbers):
        raise ClaimError("two lines have the same number - at `$.lines`")
    return msgspec.structs.replace(
        claim,
        lines=tuple(_checked(line) for line in claim.lines),
        trust=None if claim.trust is None else min(max(claim.trust, TRUST_MIN), TRUST_MAX),
        tare=None if claim.tare is None else _bounded(claim.tare),
    )


def _checked(line: Line) -> Line:
    try:
        return msgspec.structs.replace(line, gtin=gtin.normalise(line.gtin))
    except gtin.GtinError as error:
        raise ClaimError(f"{error} - at line {line.line}") from error


def _bounded(tare: Tare) -> Tare:
    return msgspec.structs.replace(tare, sd_g=min(tare.sd_g, TARE_SD_MAX_G[tare.kind]))
