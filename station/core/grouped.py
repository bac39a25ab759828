"""Sums over all assignments of sightings to objects where look-alikes fall into small groups.

Most odds of a sighting are about one number b_s for all lines: those of products that it does not name. What a line
has above it is an edge. Sightings and lines joined by edges are a group; groups have nothing to do with each other but
that a unit explains one sighting only. So, with U units in all,

    Z = sum over m, k of F[m, k] (U - m) (U - m - 1) ... (U - m - k + 1),

m sightings being explained by edges, k by any other unit, and F being the product of the groups' polynomials. A group's
own one is summed over the subsets of its sightings that edges explain. Another number of units, or a sighting left out,
changes one group and U. Sightings are scaled, so that no sum overflows.

Approximations: odds of no edge count as their mean; and of a line's unit that is gone, the sightings of other groups
know by U alone.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from station.core.density import Floats

Places = NDArray[np.int64]
Marks = NDArray[np.bool_]

EDGE = 4.0  # odds above so many times the usual ones are an edge
SIGHTINGS_MAX = 7  # of one group
AT_ONCE = 5000  # numbers that are multiplied as quickly as a few


@dataclass(frozen=True, eq=False)
class Parted:
    """The odds as edges and what is usual, all scaled; `log_scale` is what that took from the log of the sum."""

    extra: Floats  # (lines, sightings)
    usual: Floats  # (sightings,) times `unit`
    clutter: Floats  # (sightings,)
    groups: tuple[tuple[Places, Places], ...]  # sightings and lines of each
    unit: float  # units count as parts of this
    log_scale: float


def parted(odds: Floats, units: Places, ups: int) -> Parted | None:
    """Part the odds (lines, sightings); None where a group would be too large."""
    lines, sightings = odds.shape
    low = np.sort(odds, axis=0)[(lines - 1) // 2] if lines else np.zeros(sightings)
    edges = odds > EDGE * low
    groups = tuple(_groups(edges))
    if any(members.size > SIGHTINGS_MAX for members, _ in groups):
        return None
    others = np.where(edges, 0, units[:, None])
    usual = (others * odds).sum(axis=0) / np.maximum(others.sum(axis=0), 1)
    scale, unit = 1 + (units[:, None] * odds).sum(axis=0), float(units.sum() + ups)
    extra = np.where(edges, odds - usual, 0.0) / scale
    return Parted(extra, usual * unit / scale, 1 / scale, groups, unit, float(np.log(scale).sum()))


def _groups(edges: Marks) -> Iterator[tuple[Places, Places]]:
    left = set(range(edges.shape[1]))
    while left:
        members, lines, new = set[int](), np.zeros(edges.shape[0], dtype=np.bool_), {min(left)}
        while new:
            members |= new
            lines |= edges[:, sorted(new)].any(axis=1)
            new = set(np.flatnonzero(edges[lines].any(axis=0)).tolist()) - members
        left -= members
        yield np.array(sorted(members), dtype=np.int64), np.flatnonzero(lines)


class Sums:
    """The sum over all assignments, for changed numbers of units and with sightings left out."""

    def __init__(self, odds: Parted, units: Places, ups: int) -> None:
        self.units, self.ups, self.odds = units, ups, odds
        self.downs = int(units.max(initial=1))
        self.groups = [_Group(odds, members, lines, units, ups) for members, lines in odds.groups]
        self.falling = _falling(int(units.sum()) - self.downs, self.downs + ups + 1, odds.usual.size, odds.unit)
        whole = np.zeros((odds.usual.size + 1,) * 2)
        whole[0, 0] = 1.0
        for group, others in zip(self.groups, _all_others(self.groups, whole), strict=True):
            group.place(others, self.falling)
        # With so many units in all, -downs ... ups more than claimed, none of a group's lines being changed.
        self.totals: Floats = self.groups[0].given @ self.groups[0].usual

    @property
    def log_total(self) -> float:
        """Log of the sum for the contents as claimed."""
        return math.log(self.totals[self.downs]) + self.odds.log_scale

    def left(self) -> tuple[Floats, Floats]:
        """Return (sightings,) and (sightings, sightings): the share in which they are clutter, one or two of them."""
        one, two = self._left_at(self.downs), np.zeros((self.odds.usual.size,) * 2)
        two += one[:, None] * one
        for group in self.groups:
            for at, first in enumerate(group.members):
                for also in range(at):
                    both = float(group.lacking((at, also))[self.downs] @ group.usual) / self.totals[self.downs]
                    two[first, group.members[also]] = two[group.members[also], first] = both
        np.fill_diagonal(two, 0.0)
        return one, two

    def _left_at(self, change: int) -> Floats:
        left = np.empty(self.odds.usual.size)
        for group in self.groups:
            left[group.members] = group.without_one[:, change] @ group.usual
        return np.asarray(left / self.totals[change], dtype=np.float64)

    def left_without(self) -> Floats:
        """Return (lines, sightings) the share in which each is clutter when one unit of the line is gone."""
        change = self.downs - 1
        without, as_claimed = self._left_at(change), self._left_at(self.downs)
        left = np.broadcast_to(without, (self.units.size, self.odds.usual.size)).copy()
        for group in self.groups:
            for line, by_units in zip(group.lines, group.by_units, strict=True):
                some = by_units[self.units[line] - 1]
                # A unit that an edge binds has been of no use to the sightings of other groups.
                loose = min(float(group.given[self.downs] @ some) / self.totals[self.downs], 1.0)
                left[line] = loose * without + (1 - loose) * as_claimed
                total = float(group.given[change] @ some)
                left[line, group.members] = group.without_one[:, change] @ some / total
        return left

    def changed(self) -> Floats:
        """Return (downs + 1 + ups, lines) the sums, as ratios, with -downs ... ups units more of each line."""
        result = np.broadcast_to((self.totals / self.totals[self.downs])[:, None], (self.totals.size, self.units.size))
        result = result.copy()
        for group in self.groups:
            for line, by_units in zip(group.lines, group.by_units, strict=True):
                first = self.downs - self.units[line]
                result[first:, line] = (group.given[first:] * by_units).sum(axis=1) / self.totals[self.downs]
        return result


class _Group:
    """One group: weights of the subsets of its sightings that edges explain."""

    def __init__(self, odds: Parted, members: Places, lines: Places, units: Places, ups: int) -> None:
        self.members, self.lines = members, lines
        self.size = members.size
        self.odds_usual, self.clutter = odds.usual[members], odds.clutter[members]
        self.inside, self.count = _subsets(self.size)
        rising = [_of_line(odds.extra[line, members], self.size, int(units[line]) + ups) for line in lines]
        as_claimed = [each[units[line]][None] for each, line in zip(rising, lines, strict=True)]
        nothing = np.zeros((1, 1 << self.size))
        nothing[0, 0] = 1.0
        before, after = [nothing], [nothing]
        for each, last in zip(as_claimed, reversed(as_claimed), strict=True):
            before.append(_joined(before[-1], each))
            after.append(_joined(after[-1], last))
        # The subsets with 0, 1, ... units of each line, the others as claimed.
        self.by_units = [_joined(_joined(before[at], after[-2 - at]), each) for at, each in enumerate(rising)]
        self.usual = before[-1][0]
        self.rest = self._rest(())
        # F[m, k] of this group.
        self.polynomial = np.zeros((self.size + 1, self.size + 1))
        np.add.at(self.polynomial, self.count, self.usual[:, None] * self.rest)

    def _rest(self, out: tuple[int, ...]) -> Floats:
        """Return (subsets, k): how the sightings outside a subset are clutter, or k of them any other unit's."""
        rest = np.zeros((1 << self.size, self.size + 1))
        rest[:, 0] = 1.0
        for at in range(self.size):
            with_it = rest * self.clutter[at]
            if at not in out:
                with_it[:, 1:] += rest[:, :-1] * self.odds_usual[at]
            rest = np.where(self.inside[:, at, None], rest, with_it)
        for at in out:
            rest[self.inside[:, at]] = 0.0
        return rest

    def place(self, others: Floats, falling: Floats) -> None:
        """Take what the `others` make of each (change, m, k), and with it of each subset."""
        reach = others.shape[0] - self.size
        windows = sliding_window_view(falling, (reach, reach), axis=(1, 2))
        self._around = np.einsum("umkab,ab->umk", windows, others[:reach, :reach])[:, self.count]
        self.given = (self._around * self.rest).sum(axis=2)
        self.without_one = np.array([self.lacking((at,)) for at in range(self.size)])

    def lacking(self, out: tuple[int, ...]) -> Floats:
        """Return (changes, subsets) as `given`, those sightings being clutter."""
        return np.asarray((self._around * self._rest(out)).sum(axis=2), dtype=np.float64)


@functools.lru_cache(maxsize=32)
def _subsets(size: int) -> tuple[Marks, Places]:
    inside = (np.arange(1 << size)[:, None] >> np.arange(size) & 1).astype(np.bool_)
    return inside, inside.sum(axis=1)


def _of_line(odds: Floats, size: int, most: int) -> Floats:
    """Return (most + 1, subsets): in how many ways 0, 1, … units of a line explain a subset, times its odds."""
    inside, count = _subsets(size)
    product = np.where(inside, odds, 1.0).prod(axis=1)
    return np.asarray(_ways(most, size)[:, count] * product, dtype=np.float64)


@functools.lru_cache(maxsize=256)
def _ways(most: int, size: int) -> Floats:
    rows = [[math.perm(units, hits) for hits in range(size + 1)] for units in range(most + 1)]
    return np.array(rows, dtype=np.float64)


def _joined(one: Floats, many: Floats) -> Floats:
    """Return (…, subsets): each subset explained partly by `one` (1, subsets), the rest of it by each of `many`."""
    if not one[0, 1:].any():
        return np.asarray(many * one[0, 0], dtype=np.float64)
    at = np.arange(many.shape[1])
    rest = np.where((at[:, None] & at) == at, one[0][at[:, None] ^ at], 0.0)
    return np.asarray(np.einsum("cb,mb->cm", many, rest), dtype=np.float64)


def _falling(least: int, changes: int, most: int, unit: float) -> Floats:
    """Return (changes, m, k): k factors from the units less m downwards, by `unit`; none below zero."""
    start = least + np.arange(changes)[:, None, None] - np.arange(most + 1)[:, None]
    factors = np.maximum(start - np.arange(most), 0) / unit
    ones = np.ones((changes, most + 1, 1))
    return np.concatenate([ones, np.cumprod(factors, axis=2)], axis=2)


def _times(whole: Floats, group: _Group) -> Floats:
    """Return `whole` (…, m, k) times the polynomial of the group."""
    result: Floats = whole * group.polynomial[0, 0]
    size = whole.shape[-1]
    for m in range(group.size + 1):
        for k in range(m == 0, group.size + 1 - m):
            result[..., m:, k:] += group.polynomial[m, k] * whole[..., : size - m, : size - k]
    return result


def _all_others(groups: Sequence[_Group], whole: Floats) -> Iterator[Floats]:
    """Yield for each group the product of the polynomials of all others with `whole`."""
    if len(groups) == 1 or len(groups) * whole.size <= AT_ONCE:
        others = np.repeat(whole[None], len(groups), axis=0)
        for at, group in enumerate(groups):
            without = others[at]
            others = _times(others, group)
            others[at] = without
        yield from others
        return
    half = len(groups) // 2
    for mine, theirs in ((groups[:half], groups[half:]), (groups[half:], groups[:half])):
        yield from _all_others(mine, functools.reduce(_times, theirs, whole))
