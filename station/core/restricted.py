"""Restricted-circulation numbers: in-store barcodes that carry the weight or the price of one piece.

GS1 leaves the layout of prefixes 02 and 20 to 29 to each country and store (GS1 General Specifications, restricted
circulation numbers), so a store writes its own as thirteen characters: digits as they are, `I` of the item, `W` of the
net weight, `P` of the price, `V` of a verifier for the value (not checked: each country has its own), `C` at the end
for the check digit.
Examples: "28IIIIIWWWWWC", "02IIIIIVPPPPC".

The item's own number, as catalogues have it, is the code with value and verifier zero and the check digit put right.
"""

import functools
from typing import Annotated

import msgspec
from msgspec import Meta

from station.core.gtin import check_digit

LENGTH = 13


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One layout; a unit of the value is `unit` grams or minor units of the currency."""

    pattern: Annotated[
        str, Meta(
            pattern="^(?=.{13}$)0?2[0-9]*[IV]*I[IV]*(W{3,6}|P{3,6})C$",
            extra={"must": "thirteen characters: digits (02 or 2 first), I item, V verifier, W weight or P price, C"},
        ),
    ]  # fmt: skip
    unit: Annotated[float, Meta(gt=0, le=1000)] = 1.0


class Embedded(msgspec.Struct, frozen=True):
    """What such a number says: the item's own number, and the weight or the price of this piece."""

    item: str
    weight_g: float | None = None
    price_minor: float | None = None
    rounding: float = 0.5  # of the value, either way


def read(gtin14: str, layouts: tuple[Layout, ...]) -> Embedded | None:
    """Return what the number carries by the first layout that fits it, None if none does; a value of 0 is none."""
    code = gtin14[1:]
    if not gtin14.startswith("0"):
        return None
    for layout in layouts:
        prefix, values, blanks = _places(layout.pattern)
        if code.startswith(prefix) and (value := int("".join(code[at] for at in values))):
            amount = value * layout.unit
            blank = "".join("0" if at in blanks else digit for at, digit in enumerate(code[:-1]))
            item = f"0{blank}{check_digit(blank)}"
            if "W" in layout.pattern:
                return Embedded(item, weight_g=amount, rounding=layout.unit / 2)
            return Embedded(item, price_minor=amount, rounding=layout.unit / 2)
    return None


@functools.lru_cache(maxsize=64)
def _places(pattern: str) -> tuple[str, tuple[int, ...], frozenset[int]]:
    """Return a pattern's leading digits, the places of its value, and those that the item's own number has as zero."""
    prefix = pattern[: next(at for at, letter in enumerate(pattern) if not letter.isdigit())]
    values = tuple(at for at, letter in enumerate(pattern) if letter in "WP")
    return prefix, values, frozenset(at for at, letter in enumerate(pattern) if letter in "WPV")
