"""One row of the catalogue, as the backend describes a product (contract, section 3.5)."""

from typing import Literal

import msgspec


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says about a product. Only `gtin` (fourteen digits) and `name` are certain to be there."""

    gtin: str
    name: str
    department: str = ""
    sold_by: Literal["unit", "weight"] = "unit"
    unit_price_minor: int | None = None
    net_g: float | None = None  # the label's content
    weight_g: float | None = None  # gross unit weight: mean ...
    weight_sd_g: float | None = None  # ... standard deviation from unit to unit ...
    weight_n: int | None = None  # ... and the number of units both rest on
    sales_per_1000: float | None = None  # units among 1 000 sold
    min_age: int | None = None
