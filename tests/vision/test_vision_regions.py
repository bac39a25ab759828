"""Mask operations against plain definitions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from station.vision import regions

masks = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))


def flooded(mask: regions.Mask) -> tuple[np.ndarray, int]:
    """Labels by flood fill, in reading order."""
    labels, count = np.zeros(mask.shape, int), 0
    for start in zip(*np.nonzero(mask), strict=True):
        if labels[start]:
            continue
        count += 1
        todo = [start]
        while todo:
            y, x = todo.pop()
            if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and not labels[y, x]:
                labels[y, x] = count
                todo += [(y + down, x + across) for down in (-1, 0, 1) for across in (-1, 0, 1)]
    return labels, count


@given(masks)
def test_labels_are_those_of_a_flood_fill(mask: regions.Mask) -> None:
    expected, expected_count = flooded(mask)
    labels, count = regions.label(mask)
    assert expected_count == count
    assert (expected == labels).all()


@given(masks, st.integers(1, 3))
def test_a_grown_mask_holds_every_pixel_within_reach(mask: regions.Mask, steps: int) -> None:
    expected = np.zeros_like(mask)
    for y, x in zip(*np.nonzero(mask), strict=True):
        expected[max(y - steps, 0) : y + steps + 1, max(x - steps, 0) : x + steps + 1] = True
    assert (expected == regions.grow(mask, steps)).all()


@given(masks, st.integers(1, 3))
def test_closing_keeps_and_opening_takes(mask: regions.Mask, steps: int) -> None:
    assert not (mask & ~regions.shrink(regions.grow(mask, steps), steps)).any()
    assert not (regions.grow(regions.shrink(mask, steps), steps) & ~mask).any()


@given(masks)
def test_labels_spread_over_the_whole_mask(mask: regions.Mask) -> None:
    seeds = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0).astype(np.int32)
    seeds[:, 1::2] = 0
    spread = regions.spread(seeds, mask, mask.size)
    assert ((spread > 0) <= mask).all()
    assert (spread[seeds > 0] == seeds[seeds > 0]).all()


def test_window_sums_count_what_is_inside() -> None:
    values = np.arange(20, dtype=np.float32).reshape(4, 5)
    sums = regions.window_sum(values, 1)
    assert values[0:3, 1:4].sum() == sums[1, 2]
    assert values[0:2, 0:2].sum() == sums[0, 0]
