"""A small shop whose every true weight is known, and streams of its baskets."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from station.core.beliefs import Beliefs
from station.core.gtin import check_digit
from station.core.lesson import Lesson, number_of
from station.core.product import Product

TARE_SD_G = 8.0


def gtin_of(number: int) -> str:
    digits = f"0400{number:09d}"
    return digits + str(check_digit(digits))


@dataclass
class Shop:
    """Products with true means and scatter; `weighed`: the catalogue knows them from so many units, else by label."""

    products: int = 60
    weighed: int | None = None
    seed: int = 1
    rng: np.random.Generator = field(init=False)
    mean_g: NDArray[np.float64] = field(init=False)
    sigma_g: NDArray[np.float64] = field(init=False)
    made: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        label_g = np.round(self.rng.uniform(60, 900, self.products))
        self.label_g = label_g
        self.mean_g = label_g * (1 + self.rng.lognormal(np.log(0.06), 0.5, self.products)) + 2
        self.sigma_g = np.maximum(0.008 * label_g, 1.5)

    @property
    def gtins(self) -> list[str]:
        return [gtin_of(number) for number in range(self.products)]

    def catalogue(self) -> list[Product]:
        n = self.weighed
        return [
            Product(
                gtin=gtin, name=f"P{at}", net_g=float(self.label_g[at]), unit_price_minor=199, sales_per_1000=10.0,
                weight_g=float(self.mean_g[at]) if n else None, weight_sd_g=float(self.sigma_g[at]) if n else None,
                weight_n=n,
            )
            for at, gtin in enumerate(self.gtins)
        ]  # fmt: skip

    def beliefs(self) -> Beliefs:
        return Beliefs.of(self.catalogue())

    def lesson(self, places: list[int], *, shopper: str | None, more_g: float = 0.0, **extra: object) -> Lesson:
        """Return the lesson of a basket that weighs `more_g` too much."""
        self.made += 1
        units = [(place, int(self.rng.integers(1, 3))) for place in places]
        goods_g = sum(self.rng.normal(self.mean_g[p] * n, self.sigma_g[p] * n**0.5) for p, n in units)
        given: dict[str, object] = {"p": 0.98, "transaction_id": f"T-{self.made}", **extra}
        return Lesson(
            goods=tuple((gtin_of(place), count) for place, count in units),
            weight_g=float(goods_g) + self.rng.normal(0, TARE_SD_G) + more_g, noise_g2=TARE_SD_G**2,
            shopper=number_of(shopper), **given,  # type: ignore[arg-type] # fields by name
        )  # fmt: skip

    def stream(self, number: int, *, wrong: float = 0.0, shoppers: int = 200) -> Iterator[Lesson]:
        """Yield baskets of 2 to 8 products; a share of them with a further product that nobody claimed."""
        for _ in range(number):
            places = self.rng.choice(self.products, size=int(self.rng.integers(2, 9)), replace=False).tolist()
            more_g = float(self.rng.choice(self.mean_g)) if self.rng.random() < wrong else 0.0
            yield self.lesson(places, shopper=f"S-{self.rng.integers(shoppers)}", more_g=more_g)
