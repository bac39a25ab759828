"""Small image operations on masks, in numpy alone: growing, shrinking, connected regions.

A mask is a height x width array of bool; labels are int32 of the same shape, 0 for background.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]


def window_sum(values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Return, for each pixel, the sum over the square window around it; outside counts as 0."""
    rows = _slide(values, radius)
    return np.ascontiguousarray(_slide(np.ascontiguousarray(rows.T), radius).T)


def _slide(values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    padded = np.pad(values, ((radius + 1, radius), (0, 0)))
    total = np.cumsum(padded, axis=0, dtype=np.float32)
    width = 2 * radius + 1
    return cast("NDArray[np.float32]", total[width:] - total[:-width])


def grow(mask: Mask, steps: int) -> Mask:
    """Return the mask widened by one pixel in all eight directions, `steps` times (dilation)."""
    for _ in range(steps):
        wide = mask.copy()
        wide[:, 1:] |= mask[:, :-1]
        wide[:, :-1] |= mask[:, 1:]
        mask = wide.copy()
        mask[1:] |= wide[:-1]
        mask[:-1] |= wide[1:]
    return mask


def shrink(mask: Mask, steps: int) -> Mask:
    """Return the mask narrowed by one pixel from all eight directions, `steps` times (erosion).

    What is beyond the picture's edge counts as set, so that objects there keep their side.
    """
    return ~grow(~mask, steps)


def rim(mask: Mask) -> Mask:
    """Return the set pixels with an unset neighbour above, below or beside them; beyond the edge is unset."""
    padded = np.pad(mask, 1)
    return mask & ~(padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:])


def halved(mask: Mask) -> Mask:
    """Return the mask at half size, a pixel set where any of its four is."""
    height, width = mask.shape
    even = np.pad(mask, ((0, height % 2), (0, width % 2)))
    return even[::2, ::2] | even[1::2, ::2] | even[::2, 1::2] | even[1::2, 1::2]


def extent(labels: Labels, number: int) -> tuple[slice, slice]:
    """Return the rows and columns that hold the label."""
    here = labels == number
    rows, columns = np.flatnonzero(here.any(axis=1)), np.flatnonzero(here.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def outline(mask: Mask) -> NDArray[np.float64]:
    """Return the corners (x, y) of the first and last pixel of each row: the convex hull's are among them."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - mask[rows, ::-1].argmax(axis=1)
    sides = [np.stack([columns, rows + down], axis=1) for columns in (first, last) for down in (0, 1)]
    return np.concatenate(sides).astype(np.float64)


def label(mask: Mask) -> tuple[Labels, int]:
    """Return connected regions (8 neighbours) as labels 1 to n, in reading order of their first pixel, and n."""
    rows, starts, ends = _runs(mask)
    parent = np.arange(len(rows))
    _join(parent, rows, starts, ends)
    for run in range(len(parent)):  # a run's parent is never a later one
        parent[run] = parent[parent[run]]
    roots, number = np.unique(parent, return_inverse=True)
    steps = np.zeros(mask.size + 1, np.int32)
    width = mask.shape[1]
    np.add.at(steps, rows * width + starts, number + 1)
    np.add.at(steps, rows * width + ends, -(number + 1))
    return np.cumsum(steps[:-1], dtype=np.int32).reshape(mask.shape), len(roots)


def _runs(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return row, first column and end column of every horizontal run of set pixels."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    return rows, starts, ends


def _join(
    parent: NDArray[np.int64], rows: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> None:
    """Unite runs that touch a run of the row above; both rows are walked once, from left to right."""
    chain = parent.tolist()
    above = below = 0
    at, first, last = rows.tolist(), starts.tolist(), ends.tolist()
    while below < len(at):
        if at[above] < at[below] - 1 or (at[above] == at[below] - 1 and last[above] < first[below]):
            above += 1
        elif at[above] == at[below] - 1 and first[above] <= last[below]:
            _unite(chain, above, below)
            if last[above] < last[below]:
                above += 1
            else:
                below += 1
        else:
            below += 1
    parent[:] = chain


def _unite(chain: list[int], one: int, other: int) -> None:
    while chain[one] != one:
        one = chain[one]
    while chain[other] != other:
        other = chain[other]
    chain[max(one, other)] = min(one, other)


def spread(labels: Labels, mask: Mask, steps: int) -> Labels:
    """Return the labels grown into the mask, a pixel a step, the larger number winning ties."""
    grown = labels.copy()
    for _ in range(steps):
        free = mask & (grown == 0)
        if not free.any():
            break
        padded = np.pad(grown, 1)
        around = np.maximum.reduce(
            [padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]],
        )
        grown[free] = around[free]
    return grown
