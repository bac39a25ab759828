"""Recent transactions as arrays: what diagnosis explains the differences between scale and belief from.

One row a transaction. The common columns say how each common cause would show: `unknown` (an error that all means
share, in their own standard deviations; never blamed, for that is what labels are like), `zero` (grams), `gain` (grams
a kilogram on the scale), and one for each kind of carrier. Products and shoppers are sparse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.core.density import Floats
from station.core.lesson import ANONYMOUS, Innovation

Integers = NDArray[np.int64]

CARRIERS = "basket", "cart", "bag"
COMMON = "unknown", "zero", "gain", *CARRIERS
ROWS_A_SHOPPER = 2  # of one product: nobody alone makes a product stale
ENOUGH = 24  # rows that tell the spread of a carrier's differences
SPREAD_RANGE = 0.25, 4.0  # of the differences, over the one that is stated
MAD = 0.6745  # median of the absolute value of a standard normal variable


@dataclass(frozen=True, eq=False)
class Table:
    """Rows in the order they came; `term_row` says which row each product's term belongs to."""

    residual_g: Floats
    variance_g2: Floats
    common: Floats  # (rows, len(COMMON))
    shopper: Integers
    product: Integers  # of each term: the GTIN as a number
    units: Floats  # of each term; 0 where the shopper has spoken often enough
    mean_g: Floats  # of each term's unit
    term_row: Integers

    @property
    def rows(self) -> int:
        """Return the number of transactions."""
        return self.residual_g.size

    def last(self, rows: int) -> "Table":
        """Return the latest rows."""
        cut = max(self.rows - rows, 0)
        terms = slice(int(np.searchsorted(self.term_row, cut)), None)
        return Table(
            self.residual_g[cut:], self.variance_g2[cut:], self.common[cut:], self.shopper[cut:],
            self.product[terms], self.units[terms], self.mean_g[terms], self.term_row[terms] - cut,
        )  # fmt: skip


@dataclass(frozen=True)
class Since:
    """From which row on a product counts, and the weight it is compared with instead of the belief."""

    row: int
    stated_g: float | None


def table(rows: Sequence[Innovation], since: Mapping[int, Since]) -> Table:
    """Return the rows as arrays."""
    residual = np.array([_residual(row, number, since) for number, row in enumerate(rows)])
    carrier = np.array([CARRIERS.index(row.tare) if row.tare in CARRIERS else -1 for row in rows], dtype=np.int64)
    means_g2 = np.array([sum((part.units * part.mean_sd_g) ** 2 for part in row.parts) for row in rows])
    variance = np.array([row.noise_g2 for row in rows]) + means_g2
    parts = [part for row in rows for part in row.parts]
    shopper = np.array([row.shopper for row in rows], dtype=np.int64)
    term_row = np.repeat(np.arange(len(rows)), [len(row.parts) for row in rows])
    product = np.array([int(part.gtin) for part in parts], dtype=np.int64)
    units = np.array([part.units for part in parts], dtype=np.float64)
    for key, begun in since.items():
        units[(product == key) & (term_row < begun.row)] = 0.0
    return Table(
        residual, variance * _spread(residual, variance, carrier), _common(rows, carrier), shopper, product,
        units * _heard(product, shopper[term_row]), np.array([part.mean_g for part in parts]), term_row,
    )  # fmt: skip


def _residual(row: Innovation, number: int, since: Mapping[int, Since]) -> float:
    if not since:
        return row.residual_g
    more_g = 0.0
    for part in row.parts:
        begun = since.get(int(part.gtin))
        if begun is not None and begun.stated_g is not None and number >= begun.row:
            more_g += part.units * (part.mean_g - begun.stated_g)
    return row.residual_g + more_g


def _common(rows: Sequence[Innovation], carrier: Integers) -> Floats:
    common = np.zeros((len(rows), len(COMMON)))
    common[:, 0] = [sum(part.units * part.mean_sd_g for part in row.parts) for row in rows]
    common[:, 1] = 1.0
    common[:, 2] = [row.gross_g / 1000 for row in rows]
    for number in range(len(CARRIERS)):
        common[:, 3 + number] = carrier == number
    return common


def _spread(residual: Floats, variance: Floats, carrier: Integers) -> Floats:
    """Return the factor on each variance by which a carrier's differences really scatter (robust)."""
    factor = np.ones(residual.size)
    z = residual / np.sqrt(variance)
    for kind in np.unique(carrier).tolist():
        mine = carrier == kind
        if int(mine.sum()) >= ENOUGH:
            spread = float(np.median(np.abs(z[mine] - np.median(z[mine])))) / MAD
            factor[mine] = np.clip(spread, *SPREAD_RANGE) ** 2
    return factor


def _heard(product: Integers, shopper: Integers) -> Floats:
    """Return 1 for the latest terms of each shopper about each product, 0 for more of them; nobody's all count."""
    if not product.size:
        return np.zeros(0)
    order = np.lexsort((-np.arange(product.size), shopper, product))
    same = (np.diff(product[order]) == 0) & (np.diff(shopper[order]) == 0)
    begins = np.flatnonzero(np.append(True, ~same))
    rank = np.arange(product.size) - np.repeat(begins, np.diff(np.append(begins, product.size)))
    heard = np.zeros(product.size)
    heard[order] = rank < ROWS_A_SHOPPER
    return np.where(shopper == ANONYMOUS, 1.0, heard)
