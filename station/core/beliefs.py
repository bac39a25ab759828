"""What is believed about every product's gross unit weight, as arrays over the whole catalogue.

Units of a product scatter around its mean with `unit_sd_g`; the mean itself is known to `mean_sd_g`. The two are kept
apart because the first averages out over several units and the second does not. Three grounds, best first:

- weighed: the mean of `weight_n` units. Their scatter is drawn towards what the label law allows by as much as four
  units would weigh, for a scatter from few units is itself uncertain; the degrees of freedom carry that on.
- label: the net content plus packaging (wide; very wide for goods sold by weight), scatter half the tolerable
  negative error of Directive 76/211/EEC, annex I 2.4.
- nothing: what the products of the department, else of the catalogue, weigh.

Fruit and vegetables sold by the piece scatter like what grew on a tree, unless a label states their content or their
scatter was measured. A deposit is money: it weighs nothing and cannot lie anywhere unscanned.

`prior` is the share of an item picked at random from what may lie unscanned: sales times the department's multiplier.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from station.core.density import Floats, Grid, sums_of
from station.core.product import Product
from station.core.reach import Reach
from station.core.store_policy import DEPARTMENTS

SEVERAL_MAX = 4  # items in the longest sum whose density is kept
SCATTER_UNITS = 4.0  # what the label's scatter counts beside weighed units
LABEL_FREEDOM = 6.0  # packaging has outliers: a jar among bags
ASSUMED_UNITS = 10  # behind a weight whose number of units is not told
PACKAGING_G, PACKAGING_SHARE, PACKAGING_SPREAD = 3.0, 0.07, 0.06  # mean: both; standard deviation: 3 g and 6 %
HEAVY_PACKAGING = ("wine", "spirit", "liquor", "wein", "sekt", "vin", "spirituosen")  # glass: 0.6 of the content
NOTHING_KNOWN_G, NOTHING_KNOWN_SD_G = 450.0, 400.0
LOOSE_SCATTER = 0.12  # units without a label weight (an apple, a flower pot), as a share of their mean
PIECE_SPREAD = 0.3  # of goods sold by weight around the piece that the catalogue calls usual
UNSOLD_SHARE = 0.05  # of the mean sales: a product never sold may lie there all the same
GROWN = ("fruit", "obst", "produce", "vegetable", "gemuese", "gemüse", "légume", "floral", "plant", "blumen", "fleur")
DEPOSITS = {"deposit", "deposits", "pfand", "leergut", "consigne", "consignes"}  # whole words, of a department or name
DEPOSIT_SD_G = 1.0
PRICE_MINOR = 300.0  # of a product in a catalogue without any price
FEW_PRICED, FLAT = 20, 0.05  # products that show nothing; variance of log prices below which they hardly do
TAUGHT = "mean_g", "mean_sd_g", "unit_sd_g", "freedom", "variance_g2", "fourth"  # the arrays that `teach` changes
NARROW_SPREAD = 0.3  # variance of the logarithm of a weight guessed from its price: no price tells more, and …
WIDE_SPREAD = 0.8  # … of one of which nothing is known


@dataclass(frozen=True, eq=False)
class Beliefs:
    """Arrays of one length, a product each, in the catalogue's order; NaN never appears."""

    gtins: tuple[str, ...]
    names: tuple[str, ...]
    index: Mapping[str, int]
    mean_g: Floats
    mean_sd_g: Floats
    unit_sd_g: Floats
    variance_g2: Floats  # of one unit whose mean is not known exactly
    fourth: Floats  # sum of v^2 / nu over its two parts
    freedom: Floats  # degrees of freedom behind the standard deviations
    price_minor: Floats  # of one unit, or of one typical piece where sold by weight
    prior: Floats
    min_age: NDArray[np.int64]  # 0: none
    by_weight: NDArray[np.bool_]
    order: NDArray[np.int64]  # places by rising mean
    reach: Reach  # which products can matter to a residual
    sums: tuple[Grid, ...]  # densities of the weight of 1, 2, … items drawn by `prior`
    priced: Grid | None  # the first of them, each product times its price
    usual_g: float  # weight of an item picked at random …
    usual_sd_g: float  # … and its standard deviation
    usual_price_minor: float
    by_price: "ByPrice"  # what a product that nobody described may weigh
    taught: list[tuple[NDArray[np.int64], Floats]] = field(default_factory=list)  # places, and rows of what stood there

    def __len__(self) -> int:
        """Count the products."""
        return len(self.gtins)

    def own(self) -> "Beliefs":
        """Return a copy whose weights may be taught, with the order and the densities that follow from them."""
        if not len(self):
            return self
        mean_g, sd_g = self.mean_g.copy(), np.sqrt(self.variance_g2)
        return replace(
            self, mean_g=mean_g, mean_sd_g=self.mean_sd_g.copy(), unit_sd_g=self.unit_sd_g.copy(),
            freedom=self.freedom.copy(), variance_g2=self.variance_g2.copy(), fourth=self.fourth.copy(),
            order=np.argsort(mean_g, kind="stable").astype(np.int64),
            reach=Reach.of(mean_g, self.variance_g2, self.fourth, self.prior),
            sums=sums_of(mean_g, sd_g, self.prior, SEVERAL_MAX),
            priced=sums_of(mean_g, sd_g, self.prior * self.price_minor, 1)[0], taught=[],
        )  # fmt: skip

    def teach(self, at: NDArray[np.int64], mean_g: Floats, mean_g2: Floats, unit_g2: Floats, freedom: Floats) -> None:
        """Put learned weights in place; only for beliefs from `own`; order and densities stay as they are."""
        self.taught.append((at, np.stack([getattr(self, name)[at] for name in TAUGHT])))
        self.mean_g[at], self.mean_sd_g[at], self.unit_sd_g[at] = mean_g, np.sqrt(mean_g2), np.sqrt(unit_g2)
        self.freedom[at], self.variance_g2[at] = freedom, mean_g2 + unit_g2
        self.fourth[at] = (mean_g2**2 + unit_g2**2) / freedom
        self.reach.widen(at, mean_g, self.variance_g2[at], self.fourth[at])

    @classmethod
    def of(cls, products: Iterable[Product], departments: Mapping[str, float] = DEPARTMENTS) -> "Beliefs":
        """Return the beliefs that the catalogue's rows support."""
        rows = list(products)
        table = _Table(rows)
        mean_g, tau_g, sigma_g, freedom = _weights(table)
        prior = _prior(table, departments)
        price = _prices(table, mean_g)
        sd_g: Floats = np.hypot(tau_g, sigma_g)
        fourth = (tau_g**4 + sigma_g**4) / freedom
        some = len(rows) > 0
        usual_g = float(prior @ mean_g) if some else NOTHING_KNOWN_G
        variance = float(prior @ ((mean_g - usual_g) ** 2 + sd_g**2)) if some else NOTHING_KNOWN_SD_G**2
        return cls(
            gtins=tuple(row.gtin for row in rows),
            names=tuple(row.name for row in rows),
            index={row.gtin: place for place, row in enumerate(rows)},
            mean_g=mean_g, mean_sd_g=tau_g, unit_sd_g=sigma_g, freedom=freedom,
            variance_g2=sd_g**2, fourth=fourth, price_minor=price, prior=prior,
            min_age=np.array([row.min_age or 0 for row in rows], dtype=np.int64),
            by_weight=table.by_weight, order=np.argsort(mean_g).astype(np.int64),
            reach=Reach.of(mean_g, sd_g**2, fourth, prior),
            sums=sums_of(mean_g, sd_g, prior, SEVERAL_MAX) if some else (),
            priced=sums_of(mean_g, sd_g, prior * price, 1)[0] if some else None,
            usual_g=usual_g, usual_sd_g=max(variance**0.5, 0.3 * usual_g, 1.0),
            usual_price_minor=float(prior @ price) if some else PRICE_MINOR,
            by_price=ByPrice.of(mean_g, price, prior, ~np.isnan(table.price_minor) & ~table.by_weight),
        )  # fmt: skip


@dataclass(frozen=True)
class ByPrice:
    """The weight of a product of which only the price is known: a straight line through the catalogue's logarithms."""

    log_price: float
    log_g: float  # at that price
    slope: float
    spread: float  # variance of the logarithm of the weight, given the price

    @classmethod
    def of(cls, mean_g: Floats, price_minor: Floats, prior: Floats, usable: NDArray[np.bool_]) -> "ByPrice":
        """Fit the line to what is likely bought; few products show no connection."""
        share = np.where(usable, prior, 0.0)
        if np.count_nonzero(share) < FEW_PRICED:
            return cls(math.log(PRICE_MINOR), math.log(NOTHING_KNOWN_G), 0.0, WIDE_SPREAD)
        share /= share.sum()
        price, weight = np.log(np.maximum(price_minor, 1.0)), np.log(np.maximum(mean_g, 1.0))
        at, middle = float(share @ price), float(share @ weight)
        ups, sides = price - at, weight - middle
        slope = float(np.clip(share @ (ups * sides) / (share @ ups**2 + FLAT), 0.0, 1.0))
        return cls(at, middle, slope, max(float(share @ (sides - slope * ups) ** 2), NARROW_SPREAD))

    def weight_g(self, price_minor: float | None) -> tuple[float, float]:
        """Return mean and standard deviation in grams; without a price those of the catalogue's middle, wider."""
        far = 0.0 if price_minor is None else math.log(max(price_minor, 1.0)) - self.log_price
        spread = min(self.spread + (self.slope**2 if price_minor is None else 0.0), WIDE_SPREAD)
        mean_g = math.exp(self.log_g + self.slope * min(max(far, -3.0), 3.0) + spread / 2)
        return mean_g, mean_g * math.sqrt(math.exp(spread) - 1)


class _Table:
    """The rows' columns, NaN where a row is silent."""

    def __init__(self, rows: Sequence[Product]) -> None:
        self.department = [row.department for row in rows]
        words = [set(f"{row.department} {row.name}".lower().split()) for row in rows]
        self.deposit = np.array([not DEPOSITS.isdisjoint(found) for found in words], dtype=np.bool_)
        self.grown = np.array([_names(row.department, GROWN) for row in rows], dtype=np.bool_)
        self.by_weight = np.array([row.sold_by == "weight" for row in rows], dtype=np.bool_)
        self.price_minor = _column([row.unit_price_minor for row in rows], least=0.0)
        self.net_g = _column([row.net_g for row in rows])
        self.weight_g = _column([row.weight_g for row in rows])
        self.weight_sd_g = _column([row.weight_sd_g for row in rows])
        self.weight_n = _column([row.weight_n for row in rows])
        self.sales = _column([row.sales_per_1000 for row in rows], least=0.0)


def _column(values: Sequence[float | None], least: float = 1e-6, most: float = 1e7) -> Floats:
    column = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    column[~((column >= least) & (column <= most))] = np.nan
    return column


def label_sd_g(net_g: Floats) -> Floats:
    """Return half the tolerable negative error of a prepackage of this nominal content."""
    at_g, error_g = [0, 50, 100, 200, 300, 500, 1000, 10_000, 1e7], [0, 4.5, 4.5, 9, 9, 15, 15, 150, 1.5e5]
    return np.maximum(np.interp(net_g, at_g, error_g) / 2, 0.3)


def _weights(table: _Table) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean, uncertainty of the mean, unit scatter and degrees of freedom, from the best ground of each row."""
    label_g, label_tau_g = _from_label(table)
    weighed, labelled = ~np.isnan(table.weight_g), ~np.isnan(table.net_g)
    known_g = np.where(weighed, table.weight_g, np.where(labelled, label_g, np.nan))
    usual_g, usual_sd_g = _usual(table.department, known_g)
    mean_g = np.where(np.isnan(known_g), usual_g, known_g)
    scatter_g = np.where(np.isnan(table.net_g) | table.by_weight, LOOSE_SCATTER * mean_g, label_sd_g(table.net_g))
    packed = weighed & np.isnan(table.net_g) & ~table.grown & ~table.by_weight
    scatter_g = np.where(packed, label_sd_g(mean_g), scatter_g)
    units = np.where(np.isnan(table.weight_n), ASSUMED_UNITS, table.weight_n)
    sigma_g, freedom = _scatter(scatter_g, table.weight_sd_g, units)
    sigma_g = np.where(weighed, sigma_g, scatter_g)
    tau_g = np.where(weighed, sigma_g / np.sqrt(units), np.where(labelled, label_tau_g, usual_sd_g))
    money = table.deposit & ~weighed
    mean_g = np.where(money, 0.0, mean_g)
    tau_g, sigma_g = np.where(money, DEPOSIT_SD_G, tau_g), np.where(money, DEPOSIT_SD_G, sigma_g)
    return mean_g, tau_g, sigma_g, np.where(weighed, freedom, LABEL_FREEDOM)


def _names(department: str, words: Sequence[str]) -> bool:
    return any(word in department.lower() for word in words)


def _from_label(table: _Table) -> tuple[Floats, Floats]:
    glass = np.array([_names(name, HEAVY_PACKAGING) for name in table.department], dtype=np.bool_)
    share, spread = np.where(glass, 0.6, PACKAGING_SHARE), np.where(glass, 0.2, PACKAGING_SPREAD)
    spread = np.where(table.by_weight, PIECE_SPREAD, spread)
    return table.net_g * (1 + share) + PACKAGING_G, np.hypot(table.net_g * spread, PACKAGING_G)


def _scatter(label_sd: Floats, weighed_sd: Floats, units: Floats) -> tuple[Floats, Floats]:
    """Pool the scatter seen over `units` with the label's; without one seen the label's stands alone."""
    seen = np.where(np.isnan(weighed_sd), 0.0, np.maximum(units - 1, 0.0))
    freedom = SCATTER_UNITS + seen
    pooled = (SCATTER_UNITS * label_sd**2 + seen * np.nan_to_num(weighed_sd) ** 2) / freedom
    return np.sqrt(np.maximum(pooled, 0.01)), freedom


def _usual(department: Sequence[str], known_g: Floats) -> tuple[Floats, Floats]:
    """Return mean and spread of the known weights of each row's department; few known ones lean on the catalogue."""
    if not len(known_g):
        return known_g, known_g
    place = {name: number for number, name in enumerate(dict.fromkeys(department))}
    group = np.array([place[name] for name in department], dtype=np.int64)
    logs, known = np.log(np.nan_to_num(known_g, nan=1.0)), (~np.isnan(known_g)).astype(np.float64)
    few = 3.0  # pseudo-products at the general mean
    first = np.log(NOTHING_KNOWN_G) * few, few * (np.log(NOTHING_KNOWN_G) ** 2 + 0.8**2)
    total = known.sum() + few
    mean, square = (logs @ known + first[0]) / total, (logs**2 @ known + first[1]) / total
    count = np.bincount(group, known) + few
    means = (np.bincount(group, known * logs) + few * mean) / count
    squares = (np.bincount(group, known * logs**2) + few * square) / count
    spread = np.clip(squares - means**2, 0.05, 0.8)[group]
    usual_g = np.exp(means[group] + spread / 2)
    return usual_g, usual_g * np.sqrt(np.exp(spread) - 1)


def _prior(table: _Table, departments: Mapping[str, float]) -> Floats:
    known = ~np.isnan(table.sales)
    usual = float(table.sales[known].mean()) if known.any() else 1.0
    share = np.where(known, np.maximum(np.nan_to_num(table.sales), UNSOLD_SHARE * usual), usual)
    if usual <= 0:
        share = np.ones_like(share)
    factor = {name: _factor(name, departments) for name in set(table.department)}
    share = share * np.array([factor[name] for name in table.department], dtype=np.float64)
    share = np.where(table.deposit, 0.0, share)
    return share / share.sum() if share.sum() > 0 else share


def _factor(department: str, departments: Mapping[str, float]) -> float:
    return max((value for word, value in departments.items() if word in department.lower()), default=1.0)


def _prices(table: _Table, mean_g: Floats) -> Floats:
    """Return the price of one item; goods sold by weight are priced by the kilogram."""
    price = np.where(table.by_weight, table.price_minor * mean_g / 1000, table.price_minor)
    known = price[~np.isnan(price)]
    return np.where(np.isnan(price), float(np.median(known)) if known.size else PRICE_MINOR, price)
