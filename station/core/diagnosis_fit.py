"""Which causes explain the differences of a stretch of transactions, all weighed against each other.

The differences of a right model are white, with the variance that is stated; a fault shows along its own column. All
sets of common causes compete (2^5, exact Gaussian evidence with the rows weighted by Student's law, so that thefts
count little); products and shoppers are taken in one after the other, each by the likelihood that it gains. Priors are
the designed rate of false alarms: a cause must gain `e^RARE` over its absence, and a Bayes factor passes that by chance
with a probability below `e^-RARE`. A cause that another explains as well gains nothing: then none is named.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from station.core.density import Floats, log_t
from station.core.diagnosis_table import COMMON, Integers, Table
from station.core.lesson import ANONYMOUS

FREEDOM = 5.0
PRIOR_SD = np.array([1.0, 20.0, 10.0, 40.0, 100.0, 40.0])  # as `COMMON`: an error like this is usual for its fault
RARE = np.array([0.0, 15.5, 13.0, 12.0, 12.0, 12.0])  # the zero is seen anew whenever the platform is empty
RARE_PRODUCT, RARE_SHOPPER = 17.0, 15.0
PRODUCT_SHARE, PRODUCT_MIN_G = 0.1, 5.0  # of a unit: sd of how far a stale weight is off
SHOPPER_SD_G = 100.0
FEWEST = 4  # rows that name a product or a shopper
EXTRA_MOST, ROUNDS, CANDIDATES = 4, 4, 3
LOG_ODDS_MAX = 500.0

_SETS = np.array([[1.0, *((number >> bit) & 1 for bit in range(5))] for number in range(32)])


@dataclass(frozen=True)
class Extra:
    """A product (by its GTIN as a number) or a shopper that explains differences of its own."""

    kind: str  # product or shopper
    key: int
    offset_g: float  # of one unit, or of one basket
    sd_g: float
    log_odds: float
    baskets: int
    shoppers: int  # with a pseudonym
    voices: float  # those, and half a voice for each basket of nobody's


@dataclass(frozen=True, eq=False)
class Fit:
    """The joint explanation: averages over all sets, and for each common cause the odds that it is needed."""

    mean: Floats
    sd: Floats
    log_odds: Floats
    free: Floats  # estimates with all common causes in, and their uncertainty
    free_sd: Floats
    extras: tuple[Extra, ...]


@dataclass(frozen=True, eq=False)
class _Column:
    rows: Integers
    value: Floats
    prior_sd_g: float
    rare: float
    kind: str
    key: int


def fit(table: Table, watched: frozenset[int]) -> Fit:
    """Explain a table; products that are `watched` are in from the start."""
    extras: dict[tuple[str, int], tuple[_Column, Extra]] = {}
    for key in sorted(watched):
        column = _product(table, key)
        if column.rows.size:
            extras["product", key] = column, _measured(table, table.residual_g, column)
    rest = table.residual_g - _part(table, extras)
    common = _common(table, rest)
    for _ in range(EXTRA_MOST):
        rest = table.residual_g - table.common @ common.mean - _part(table, extras)
        found = _best(table, rest, set(extras))
        if found is None:
            break
        extras[found[0].kind, found[0].key] = found
        for _ in range(2):
            common = _common(table, table.residual_g - _part(table, extras))
            extras = _again(table, table.residual_g - table.common @ common.mean, extras)
    return replace(common, extras=tuple(extra for _, extra in extras.values()))


def _part(table: Table, extras: dict[tuple[str, int], tuple[_Column, Extra]]) -> Floats:
    part = np.zeros(table.rows)
    for column, extra in extras.values():
        part[column.rows] += column.value * extra.offset_g
    return part


def _again(
    table: Table, rest: Floats, extras: dict[tuple[str, int], tuple[_Column, Extra]]
) -> dict[tuple[str, int], tuple[_Column, Extra]]:
    part = _part(table, extras)
    found = {}
    for key, (column, extra) in extras.items():
        own = np.zeros(table.rows)
        own[column.rows] = column.value * extra.offset_g
        found[key] = column, _measured(table, rest - part + own, column)
    return found


def _weights(rest: Floats, variance: Floats) -> Floats:
    """Return each row's weight over its variance."""
    return np.asarray((FREEDOM + 1) / (FREEDOM + rest * rest / variance) / variance, dtype=np.float64)


def _common(table: Table, rest: Floats) -> Fit:
    """Explain what is left by the common causes."""
    x, precision = table.common, np.diag(1 / PRIOR_SD**2)
    usual: Floats = np.full(rest.size, np.median(rest))
    for _ in range(ROUNDS):
        weight = _weights(rest - usual, table.variance_g2)
        usual = x @ np.linalg.solve(x.T @ (x * weight[:, None]) + precision, x.T @ (rest * weight))
    weight = _weights(rest - usual, table.variance_g2)
    info, told = x.T @ (x * weight[:, None]), x.T @ (rest * weight)
    system = precision + info * _SETS[:, :, None] * _SETS[:, None, :]
    right = told * _SETS
    means = np.linalg.solve(system, right[:, :, None])[:, :, 0]
    log_evidence = 0.5 * (right * means).sum(axis=1) - 0.5 * np.linalg.slogdet(system @ np.linalg.inv(precision))[1]
    log_p = log_evidence - _SETS @ RARE
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    spread = np.linalg.inv(system).diagonal(axis1=1, axis2=2)
    mean: Floats = np.asarray(p @ (means * _SETS), dtype=np.float64)
    variance = p @ (_SETS * (spread + means**2)) - mean**2
    sd = np.sqrt(np.maximum(variance, 0.0))
    return Fit(mean, sd, _log_odds(log_p), means[-1], np.sqrt(spread[-1]), ())


def _log_odds(log_p: NDArray[np.float64]) -> Floats:
    """Return for each common cause the log odds of the sets that have it to those that do not."""
    odds = [_log_sum(log_p[_SETS[:, at] > 0]) - _log_sum(log_p[_SETS[:, at] == 0]) for at in range(1, len(COMMON))]
    return np.asarray(np.clip([0.0, *odds], -LOG_ODDS_MAX, LOG_ODDS_MAX), dtype=np.float64)


def _log_sum(log_p: Floats) -> float:
    high = float(log_p.max())
    return high + float(np.log(np.exp(log_p - high).sum()))


# products and shoppers


def _product(table: Table, key: int) -> _Column:
    at = np.flatnonzero((table.product == key) & (table.units > 0))
    unit_g = float(np.abs(table.mean_g[at]).mean()) if at.size else 0.0
    prior_sd_g = PRODUCT_MIN_G + PRODUCT_SHARE * unit_g
    return _Column(table.term_row[at], table.units[at], prior_sd_g, RARE_PRODUCT, "product", key)


def _shopper(table: Table, key: int) -> _Column:
    rows = np.flatnonzero(table.shopper == key)
    return _Column(rows, np.ones(rows.size), SHOPPER_SD_G, RARE_SHOPPER, "shopper", key)


def _best(table: Table, rest: Floats, taken: set[tuple[str, int]]) -> tuple[_Column, Extra] | None:
    """Return the product or shopper that explains most of what is left, None if none is worth its rarity."""
    weight = _weights(rest, table.variance_g2)
    row = table.term_row
    products = _ranked(table.product, table.units * rest[row] * weight[row], table.units**2 * weight[row])
    shoppers = _ranked(table.shopper, rest * weight, weight)
    columns = [_product(table, key) for key in products if ("product", key) not in taken]
    columns += [_shopper(table, key) for key in shoppers if key != ANONYMOUS and ("shopper", key) not in taken]
    found = [(column, _measured(table, rest, column)) for column in columns if column.rows.size >= FEWEST]
    best = max(found, key=lambda pair: pair[1].log_odds, default=None)
    return best if best is not None and best[1].log_odds > 0 else None


def _ranked(keys: Integers, score: Floats, info: Floats) -> list[int]:
    """Return the keys whose columns promise most, best first."""
    names, place = np.unique(keys, return_inverse=True)
    total, known = np.bincount(place, score), np.bincount(place, info)
    promise = total * total / np.maximum(known, 1e-12)
    return [int(name) for name in names[np.argsort(-promise, kind="stable")[: CANDIDATES + 1]]]


def _measured(table: Table, rest: Floats, column: _Column) -> Extra:
    """Fit one column to what is left: its offset, and the log odds that it is needed."""
    mine, variance, value = rest[column.rows], table.variance_g2[column.rows], column.value
    offset_g, info = float(np.median(mine / value)), 0.0
    prior = 1 / column.prior_sd_g**2
    for _ in range(2 * ROUNDS):
        weight = _weights(mine - value * offset_g, variance)
        info = float((value * value * weight).sum())
        offset_g = float((value * mine * weight).sum()) / (info + prior)
    gain = float((_log_t(mine - value * offset_g, variance) - _log_t(mine, variance)).sum())
    occam = 0.5 * np.log1p(info / prior) + 0.5 * offset_g**2 * prior
    people, named = np.unique(table.shopper[column.rows]), table.shopper[column.rows] != ANONYMOUS
    shoppers = int((people != ANONYMOUS).sum())
    return Extra(
        column.kind, column.key, offset_g, (info + prior) ** -0.5, gain - float(occam) - column.rare,
        int(column.rows.size), shoppers, shoppers + 0.5 * int((~named).sum()),
    )  # fmt: skip


def _log_t(rest: Floats, variance: Floats) -> Floats:
    return log_t(rest, variance, np.array([FREEDOM]))
