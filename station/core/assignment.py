"""Which sighting belongs to which object: sums over all assignments, and how they change with the contents.

Inputs are odds (lines, sightings): "a unit of this line gave this sighting" against "the unit went unseen and the
sighting is clutter". Few sightings are summed exactly, unit by unit over all subsets of sightings explained so far:
units x sightings x 2^sightings steps. Where the look-alikes fall into small groups, the sum goes group by group
(`grouped`). What is left are many sightings of many like objects: there, belief propagation (Williams and Lau 2014)
gives the marginals: exact without loops, and good where each sighting has one likely owner; where like objects compete
for as many sightings it is wrong by nats.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.core.density import Floats
from station.core.grouped import Sums, parted

EXACT_SIGHTINGS = 10
QUICK_WORK = 200_000  # numbers touched: below, the plain sum is the quickest
EXACT_WORK = 4_000_000  # some ten milliseconds on a small computer
ROUNDS = 40
ROUND_CHANGE = 1e-7
BATCH_MAX = 100_000  # numbers in one batch of assignments; beyond, all lines share the base's marginals


@dataclass(frozen=True, eq=False)
class Room:
    """What the assignments leave for changed contents, as ratios to the sum for the contents as claimed.

    Everywhere an unseen object counts 1, so a change by k units still wants the factor (1 - v)^k.
    """

    left: Floats  # (sightings,) without the sighting: the share of assignments in which it is clutter
    left_pair: Floats  # (sightings, sightings) without both; zero on the diagonal
    left_without: Floats  # (lines, sightings) as `left`, for the contents without one unit of the line
    line_more: Floats  # (ups, lines) with 1, 2, … units more of the line
    line_less: Floats  # (downs, lines) with 1, 2, … units less of the line; as without any where it has no more
    log_total: float  # log of the sum itself; all clutter counts 1


def room(odds: Floats, units: NDArray[np.int64], ups: int) -> Room:
    """Return the room beside `units` (lines,) units of each line, whose `odds` are (lines, sightings)."""
    exact = exactly(odds, units, ups)
    return propagated(odds, units, ups) if exact is None else exact


def exactly(odds: Floats, units: NDArray[np.int64], ups: int) -> Room | None:
    """Return the room as `room` does, None where the assignments are too many to be summed."""
    lines, sightings = odds.shape
    work = max(lines, 1) * int(units.sum()) * sightings * 2 ** min(sightings, 60)
    if sightings <= EXACT_SIGHTINGS and work <= QUICK_WORK:
        return summed(odds, units, ups)
    if (parts := parted(odds, units, ups)) is not None:
        return in_groups(Sums(parts, units, ups))
    if sightings <= EXACT_SIGHTINGS and work <= EXACT_WORK:
        return summed(odds, units, ups)
    return None


def in_groups(sums: Sums) -> Room:
    """Return the room where look-alikes fall into small groups."""
    changed, units = sums.changed(), sums.units
    left, left_pair = sums.left()
    downs = np.minimum(np.arange(1, sums.downs + 1)[:, None], units)
    return Room(
        left, left_pair, sums.left_without(), changed[sums.downs + 1 :],
        changed[sums.downs - downs, np.arange(units.size)], sums.log_total,
    )  # fmt: skip


def summed(odds: Floats, units: NDArray[np.int64], ups: int) -> Room:
    """Return the room exactly."""
    lines, sightings = odds.shape
    none = np.zeros((lines + 1, 2**sightings))  # without any unit of the line; the last row: of all lines
    none[:, 0] = 1.0
    for line in range(lines):
        others = np.delete(np.arange(lines + 1), line)
        for _ in range(int(units[line])):
            none[others] = _with_one_more(none[others], odds[line])
    every = none[-1]
    total = every.sum()
    outside = 1.0 - (np.arange(2**sightings)[:, None] >> np.arange(sightings) & 1)
    both = (outside.T * every) @ outside / total
    np.fill_diagonal(both, 0.0)
    more, line_more = np.broadcast_to(every, (lines, every.size)), np.empty((ups, lines))
    for count in range(ups):
        more = _with_one_more(more, odds)
        line_more[count] = more.sum(axis=1) / total
    line_sums, without = _one_by_one(none[:-1], odds, units)
    least = np.maximum(without.sum(axis=1), 1e-300)
    left_without = without @ outside / least[:, None]
    return Room(every @ outside / total, both, left_without, line_more, _less(line_sums, units), math.log(total))


def _one_by_one(none: Floats, odds: Floats, units: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the sums (units + 1, lines) with 0, 1, … units of each line, and the subsets with one unit less."""
    most = int(units.max(initial=1))
    sums, without, some = np.empty((most + 1, units.size)), none.copy(), none
    for count in range(most + 1):
        sums[count] = some.sum(axis=1)
        without = np.where((units == count + 1)[:, None], some, without)
        some = _with_one_more(some, odds) if count < most else some
    return sums, without


def _less(sums: Floats, units: NDArray[np.int64]) -> Floats:
    """Return (downs, lines): the ratios of `sums` (units, lines) with so many units less."""
    lines = np.arange(units.size)
    downs = np.arange(1, sums.shape[0])[:, None]
    return np.asarray(sums[np.maximum(units - downs, 0), lines] / np.maximum(sums[units, lines], 1e-300))


def _with_one_more(sums: Floats, odds: Floats) -> Floats:
    """Add an object of these `odds` (…, sightings) to the `sums` (…, subsets) over explained subsets."""
    result = sums.copy()
    for sighting in range(odds.shape[-1]):
        halves = (*sums.shape[:-1], sums.shape[-1] >> sighting + 1, 2, 2**sighting)
        result.reshape(halves)[..., 1, :] += odds[..., sighting, None, None] * sums.reshape(halves)[..., 0, :]
    return result


def propagated(odds: Floats, units: NDArray[np.int64], ups: int) -> Room:
    """Return the room by belief propagation."""
    lines, sightings = odds.shape
    line_of_unit = np.repeat(np.arange(lines), units)
    weights = odds[line_of_unit]
    first = np.ones_like(weights)
    _, left, forth, log_total = propagate(weights, first)
    both = np.outer(left, left)
    np.fill_diagonal(both, 0.0)
    without = np.broadcast_to(left, (lines, sightings))
    if lines and lines * weights.size <= BATCH_MAX:
        batch = np.broadcast_to(weights, (lines, *weights.shape)).copy()
        batch[np.arange(lines), np.searchsorted(line_of_unit, np.arange(lines))] = 0.0
        without = propagate(batch, np.broadcast_to(first, batch.shape).copy())[1]
    # What the other lines leave of each sighting for all units of a line.
    own = np.zeros((lines, sightings))
    np.add.at(own, line_of_unit, forth)
    cavity = 1 / np.maximum(1 / left - own, 1.0)
    sums = np.concatenate([np.ones((1, lines)), _several_more(odds * cavity, int(units.max(initial=1)))])
    more = _several_more(odds * left, ups)
    return Room(left, both, without, more, _less(sums, units), float(log_total))


def propagate(weights: Floats, back: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return (unseen, clutter, claims, log total) for `weights` (…, units, sightings), which are odds as above.

    Those are the probabilities that each unit went unseen, and that each sighting is clutter, how strongly
    each unit claims each sighting, and the log of the sum over all assignments in Bethe's approximation. `back` are
    messages to begin with (ones where nothing is known); it is left with the last ones.
    """
    if not weights.shape[-1] or not weights.shape[-2]:
        unseen, clutter = np.ones(weights.shape[:-1]), np.ones((*weights.shape[:-2], weights.shape[-1]))
        return unseen, clutter, np.zeros_like(weights), np.zeros(weights.shape[:-2])
    for _ in range(ROUNDS):
        odds = weights * back
        forth = weights / (1 + odds.sum(axis=-1, keepdims=True) - odds)
        new = 1 / (1 + forth.sum(axis=-2, keepdims=True) - forth)
        change = float(np.abs(new - back).max())
        back[...] = new
        if change < ROUND_CHANGE:
            break
    odds = weights * back
    forth = weights / (1 + odds.sum(axis=-1, keepdims=True) - odds)
    of_units, of_sightings = 1 + odds.sum(axis=-1), 1 + forth.sum(axis=-2)
    log_total = np.log(of_units).sum(axis=-1) + np.log(of_sightings).sum(axis=-1)
    return 1 / of_units, 1 / of_sightings, forth, log_total - np.log1p(forth * back).sum(axis=(-2, -1))


def _several_more(shares: Floats, ups: int) -> Floats:
    """Return (ups, lines) for `shares` (lines, sightings): two objects cannot share a sighting.

    k objects more: sum_t C(k, t) t! e_t(shares), with e_t the elementary symmetric polynomials.
    """
    symmetric = np.zeros((ups + 1, shares.shape[0]))
    symmetric[0] = 1.0
    for column in shares.T:
        for order in range(ups, 0, -1):
            symmetric[order] += symmetric[order - 1] * column
    counts = np.array([[math.perm(more, hits) for hits in range(ups + 1)] for more in range(1, ups + 1)], dtype=float)
    return np.asarray(counts @ symmetric, dtype=np.float64)
