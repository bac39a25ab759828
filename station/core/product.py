"""One row of the catalogue, as the backend describes a product (contract, section 3.5)."""

import hashlib
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

# Bounds hold for what is decoded; they are wide enough for every real product and keep out slipped units.
Grams = Annotated[float, Meta(gt=0, le=500_000)]


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says about a product. Only `gtin` (fourteen digits) and `name` are certain to be there."""

    gtin: str
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    department: Annotated[str, Meta(max_length=100)] = ""
    sold_by: Literal["unit", "weight"] = "unit"
    unit_price_minor: Annotated[int, Meta(ge=0, le=1_000_000_000)] | None = None
    net_g: Grams | None = None  # the label's content
    weight_g: Grams | None = None  # gross unit weight: mean ...
    weight_sd_g: Annotated[float, Meta(ge=0, le=100_000)] | None = None  # ... standard deviation from unit to unit ...
    weight_n: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None  # ... and the number of units both rest on
    sales_per_1000: Annotated[float, Meta(ge=0, le=1000)] | None = None  # units among 1 000 sold
    min_age: Annotated[int, Meta(ge=0, le=150)] | None = None


def version_of(products: Iterable[Product]) -> str:
    """Return `sha256:…` of the products, which must be sorted by GTIN."""
    digest = hashlib.sha256()
    encode = msgspec.json.Encoder().encode
    for product in products:
        digest.update(encode(product))
    return "sha256:" + digest.hexdigest()
