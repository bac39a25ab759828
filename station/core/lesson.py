"""What one transaction teaches: the weight of goods whose names and numbers are known.

A lesson is an equation, sum q mu = weight ± noise, over the products that have a weight of their own. What carries the
goods, and goods that bring their label's weight, are taken off before; their uncertainty stays in the noise. So are
goods sold by weight without a label: their pieces differ too much to teach anything.
"""

import hashlib
from collections.abc import Iterable
from typing import Literal

import msgspec
import numpy as np

from station.core.basket import Basket
from station.core.beliefs import Beliefs

Source = Literal["accepted", "attendant"]

ANONYMOUS = 0  # a shopper without a pseudonym: nobody can tell such from each other


def number_of(text: str | None) -> int:
    """Return the number that a shopper's pseudonym or a transaction is known by; nobody's is `ANONYMOUS`."""
    if not text:
        return ANONYMOUS
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1 | 1


class Lesson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One equation; `goods` are (GTIN-14, units), each product once."""

    transaction_id: str
    goods: tuple[tuple[str, int], ...]
    weight_g: float
    noise_g2: float
    p: float  # that `goods` is what lay there, by all evidence
    source: Source = "accepted"
    shopper: int = ANONYMOUS  # a hash of the pseudonym
    day: float = 0.0  # since 1970; 0: not known
    tare: str = "none"
    tare_sd_g: float = 0.0
    gross_g: float = 0.0  # what the scale showed; 0: not known


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A product of a lesson, as it was believed: units, mean and its uncertainty, and what the catalogue says."""

    gtin: str
    units: int
    mean_g: float
    mean_sd_g: float  # without what quarantine adds
    stated_g: float


class Innovation(msgspec.Struct, frozen=True, kw_only=True):
    """How one lesson differed from what was believed before it: what diagnosis across transactions works from."""

    transaction_id: str
    residual_g: float
    sd_g: float
    shares: tuple[tuple[str, float], ...]  # (GTIN, part of the variance that its mean's uncertainty has)
    weight: float  # how far it was believed, 0 to 1
    source: Source
    shopper: int
    tare: str
    day: float
    tare_sd_g: float = 0.0
    gross_g: float = 0.0
    parts: tuple[Part, ...] = ()
    noise_g2: float = 0.0  # variance of the difference but for the means' uncertainty

    @property
    def z(self) -> float:
        """Return the difference in standard deviations."""
        return self.residual_g / self.sd_g


def lesson_of(  # noqa: PLR0913 - what identifies a lesson
    basket: Basket, beliefs: Beliefs, transaction_id: str, p: float, *, source: Source = "accepted",
    shopper: int = ANONYMOUS, day: float = 0.0, tare: str = "none",
) -> Lesson | None:  # fmt: skip
    """Return what a basket of known contents teaches, None if it holds nothing to be learned about."""
    teachable = teachable_lines(basket, beliefs)
    if not teachable.any():
        return None
    rest = ~teachable
    quantity = basket.quantity.astype(np.float64)
    others_g = float((quantity * basket.mean_g)[rest].sum())
    others_g2 = float((quantity * (basket.sigma2_g2 + basket.together * basket.tau2_g2))[rest].sum())
    units: dict[int, int] = {}
    for place, count in zip(basket.place[teachable].tolist(), basket.quantity[teachable].tolist(), strict=True):
        units[place] = units.get(place, 0) + count
    gross_g = basket.residual_g + basket.expected_g
    return Lesson(
        transaction_id=transaction_id, goods=tuple((beliefs.gtins[place], count) for place, count in units.items()),
        weight_g=gross_g - basket.tare_g - others_g, noise_g2=basket.fixed_g2 + others_g2, p=p,
        source=source, shopper=shopper, day=day, tare=tare, tare_sd_g=basket.tare_sd_g, gross_g=gross_g,
    )  # fmt: skip


def teachable_lines(basket: Basket, beliefs: Beliefs) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which lines are of a known product that is sold by the piece and brings no weight of its own."""
    known = (basket.place >= 0) & ~basket.labelled
    if not len(beliefs):
        return known & False
    return np.asarray(known & ~beliefs.by_weight[np.where(known, basket.place, 0)], dtype=np.bool_)


def places_of(goods: Iterable[tuple[str, int]], beliefs: Beliefs) -> list[tuple[int, int]] | None:
    """Return (place, units) of a lesson's goods, None if the catalogue does not have all of them."""
    found = [(beliefs.index.get(gtin, -1), units) for gtin, units in goods]
    return None if any(place < 0 for place, _ in found) else found
