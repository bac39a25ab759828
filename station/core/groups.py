"""Assignments of sightings to objects, group by group, where they cannot be summed exactly (`assignment.exactly`).

A sighting has to do with few lines: those it looks like. Lines and sightings that are linked, directly or through
others, form a group; groups do not know of each other, so sums over assignments are products over groups. A group of
one line is summed exactly whatever its size: its units are alike, so t of q explain t given sightings in q!/(q - t)!
ways. Other groups go to `assignment`. This matters in full carts: over all lines together there are too many sightings
to sum exactly, and the approximation takes several units of one product, all seen, for one more than claimed.

A link whose odds are a hundredth of the sighting's best (or of clutter) is weak. Weak links make no group; they count
with the clutter, as if the object were free, and as room for one more of the line.
"""

import math
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from station.core.assignment import EXACT_SIGHTINGS, EXACT_WORK, Room, exactly, room
from station.core.density import FLOOR, Floats

WEAK = 0.2  # odds beside clutter's 1
FAR_BELOW = 1e-3, 0.03  # of the best odds; one after the other where a group would be too large
MANY, DIFFUSE = 6, 20.0  # lines of which most share the usual odds, and odds that are nobody's own
PAIRS_EXACT = 12  # sightings

Places = NDArray[np.int64]


def rooms(odds: Floats, units: Places, ups: int) -> Room:
    """Return the room beside `units` (lines,) units of each line, whose `odds` are (lines, sightings)."""
    lines, sightings = odds.shape
    if (exact := exactly(odds, units, ups)) is not None:
        return exact
    strong, found = _parted(odds, units)
    weak, sure = np.where(strong, 0.0, odds), np.where(strong, odds, 0.0)
    taken = (sure / (1 + np.einsum("l,ls->s", units.astype(np.float64), sure))).sum(axis=1) * units
    free = np.maximum(units - taken, 0.0)
    clutter = 1 + np.einsum("l,ls->s", free, weak)
    linked = sure / clutter
    downs = max(int(units.max(initial=1)), 1)
    left, pair = np.ones(sightings), np.zeros((sightings, sightings))
    more, less, without = np.ones((ups, lines)), np.ones((downs, lines)), np.ones((lines, sightings))
    log_total = float(np.log(clutter).sum())
    groups = [(of, seen, _group(linked[np.ix_(of, seen)], units[of], ups)) for of, seen in found]
    for _, seen, inner in groups:
        left[seen] = inner.left
        log_total += inner.log_total
    without *= left
    pair = np.outer(left, left)
    for of, seen, inner in groups:
        pair[np.ix_(seen, seen)] = inner.left_pair
        without[np.ix_(of, seen)] = inner.left_without
        more[:, of] = inner.line_more
        rows = np.minimum(np.arange(1, downs + 1)[:, None], units[of]) - 1  # a line has no more to lose than its own
        less[:, of] = inner.line_less[rows, np.arange(of.size)]
    np.fill_diagonal(pair, 0.0)
    gain = np.einsum("ls,s->l", weak, left / clutter)
    more *= (1 + gain) ** np.arange(1, ups + 1)[:, None]
    less /= (1 + gain * free / units) ** np.minimum(np.arange(1, downs + 1)[:, None], units)
    return Room(left / clutter, pair / np.outer(clutter, clutter), without / clutter, more, less, log_total)


def _parted(odds: Floats, units: Places) -> tuple[NDArray[np.bool_], list[tuple[Places, Places]]]:
    """Return the strong links and their groups: as many links as leave every group one that can be summed."""
    lines, sightings = odds.shape
    usual = np.sort(odds, axis=0)[(lines - 1) // 2] if lines >= MANY else np.zeros(sightings)
    least = np.maximum(2 * np.minimum(usual, DIFFUSE), WEAK)
    strong = odds > least
    for far_below in FAR_BELOW:
        if all(of.size == 1 or summable(odds[np.ix_(of, seen)], units[of]) for of, seen in _groups(strong)):
            break
        strong = odds > np.maximum(least, far_below * odds.max(axis=0, initial=0.0))
    return strong, _groups(strong)


def _groups(linked: NDArray[np.bool_]) -> list[tuple[Places, Places]]:
    """Return (lines, sightings) of each group that has both."""
    lines, sightings = linked.shape
    group = np.arange(lines + sightings)
    first, second = np.nonzero(linked)
    second = second + lines
    while True:
        lowest = np.minimum(group[first], group[second])
        after = group.copy()
        np.minimum.at(after, first, lowest)
        np.minimum.at(after, second, lowest)
        if (after == group).all():
            break
        group = after
    return [
        (np.flatnonzero(group[:lines] == each), np.flatnonzero(group[lines:] == each))
        for each in np.unique(group[first])
    ]


def _group(odds: Floats, units: Places, ups: int) -> Room:
    """Return the room of one group; lines of one kind are taken together and told apart again."""
    alike, kind = np.unique(odds, axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    together = np.bincount(kind, units).astype(np.int64)
    inner = _alike(alike[0], int(together[0]), ups) if len(alike) == 1 else room(alike, together, ups)
    return Room(
        inner.left, inner.left_pair, inner.left_without[kind], inner.line_more[:, kind], inner.line_less[:, kind],
        inner.log_total,
    )  # fmt: skip


def _alike(odds: Floats, units: int, ups: int) -> Room:
    """Return the room beside so many like units, exactly: sum_t q! / (q - t)! e_t(odds)."""
    sightings = odds.size
    all_of_them = _symmetric(odds)
    totals = np.array([_log_total(all_of_them, count) for count in range(units + ups + 1)])
    single = [_symmetric(np.delete(odds, at)) for at in range(sightings)]  # without one sighting
    left = np.exp(np.array([_log_total(each, units) for each in single]) - totals[units])
    fewer = np.exp(np.array([_log_total(each, units - 1) for each in single]) - totals[units - 1])
    more, less = np.exp(totals[units + 1 :] - totals[units]), np.exp(totals[units - 1 :: -1] - totals[units])
    return Room(
        left, _pairs(odds, units, left, float(totals[units])), fewer[None], more[:, None], less[:, None],
        float(totals[units]),
    )  # fmt: skip


def _pairs(odds: Floats, units: int, left: Floats, log_total: float) -> Floats:
    """Return (sightings, sightings) the share of assignments that leave both; of many sightings, about."""
    pair = np.outer(left, left)
    if odds.size <= PAIRS_EXACT:
        for one, other in combinations(range(odds.size), 2):
            both = _log_total(_symmetric(np.delete(odds, [one, other])), units)
            pair[one, other] = pair[other, one] = math.exp(both - log_total)
    np.fill_diagonal(pair, 0.0)
    return pair


def _symmetric(odds: Floats) -> Floats:
    """Return the logs of the elementary symmetric polynomials e_0, e_1, … of the odds."""
    scale = max(float(odds.max(initial=0.0)), 1.0)  # powers of large odds would overflow
    found = np.zeros(odds.size + 1)
    found[0] = 1.0
    for count, each in enumerate(odds / scale, start=1):
        found[1 : count + 1] = found[1 : count + 1] + each * found[:count]
    return np.asarray(np.log(np.maximum(found, FLOOR)) + np.arange(odds.size + 1) * math.log(scale), dtype=np.float64)


def _log_total(symmetric: Floats, units: int) -> float:
    """Return the log of the sum over all ways in which so many alike objects explain some of the sightings."""
    hits = np.arange(min(units + 1, symmetric.size))
    ways = np.concatenate([[0.0], np.cumsum(np.log(units - hits[:-1]))])
    return float(np.logaddexp.reduce(ways + symmetric[: hits.size]))


def log_alike(odds: Floats, units: int) -> float:
    """Return the log of the sum over all ways in which so many alike objects explain sightings of these odds."""
    return _log_total(_symmetric(odds), units)


def summable(odds: Floats, units: Places) -> bool:
    """Tell whether all assignments can be summed one by one."""
    lines, sightings = odds.shape
    return bool(sightings <= EXACT_SIGHTINGS and lines * int(units.sum()) * sightings << sightings <= EXACT_WORK)
