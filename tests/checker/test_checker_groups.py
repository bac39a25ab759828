"""Assignments of many sightings, group by group: beside the plain sum over all of them, and where that is no more."""

import math

import numpy as np
import pytest

from station.core.assignment import EXACT_SIGHTINGS, Room, summed
from station.core.density import Floats
from station.core.groups import rooms

UPS = 3


def close(found: Room, wanted: Room, within: float) -> None:
    for name in ("left", "left_pair", "left_without", "line_more"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=within, atol=1e-4, err_msg=name)
    rows = wanted.line_less.shape[0]
    np.testing.assert_allclose(found.line_less[:rows], wanted.line_less, rtol=within, atol=1e-4)
    assert abs(found.log_total - wanted.log_total) < within


def clear(rng: np.random.Generator, units: "np.typing.NDArray[np.int64]", sightings: int, faint: float) -> Floats:
    """Each sighting is of one of the lines, sometimes of either of two; all others are as good as excluded."""
    odds = np.full((units.size, sightings), faint)
    for sighting in range(sightings):
        line = rng.integers(units.size)
        odds[line, sighting] = 10 ** rng.uniform(1, 6)
        if rng.random() < 0.2:
            odds[(line + 1) % units.size, sighting] = odds[line, sighting] * rng.uniform(0.3, 1)
    return odds


@pytest.mark.parametrize("seed", range(12))
def test_groups_sum_as_all_assignments_do(seed: int) -> None:
    rng = np.random.default_rng(seed)
    units = rng.integers(1, 4, 6)
    odds = clear(rng, units, EXACT_SIGHTINGS + 2, 1e-9)
    close(rooms(odds, units, UPS), summed(odds, units, UPS), 1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_faint_links_are_counted_in_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    units = rng.integers(1, 3, 6)
    odds = clear(rng, units, EXACT_SIGHTINGS + 1, 0.01)
    close(rooms(odds, units, UPS), summed(odds, units, UPS), 0.1)


def test_many_units_of_one_line_are_exact() -> None:
    """With equal odds o the sum is that over t of (q)_t C(s, t) o^t."""
    units, sightings, o = 30, 22, 4e5

    def total(count: int) -> int:
        return sum(
            math.perm(count, hits) * math.comb(sightings, hits) * int(o) ** hits for hits in range(sightings + 1)
        )

    found = rooms(np.full((1, sightings), o), np.array([units]), UPS)
    for more in range(1, UPS + 1):
        assert found.line_more[more - 1, 0] == pytest.approx(total(units + more) / total(units), rel=1e-9)
    for less in (1, 2, units):
        assert found.line_less[less - 1, 0] == pytest.approx(total(units - less) / total(units), rel=1e-9)
    assert found.log_total == pytest.approx(math.log(total(units)))


def test_two_units_that_are_both_seen_are_not_three() -> None:
    """In a long claim where everything is seen, each line's two units by two sightings."""
    lines = 15
    odds = np.kron(np.eye(lines), np.full((1, 2), 1e6)) + 0.01
    found = rooms(odds, np.full(lines, 2), UPS)
    np.testing.assert_allclose(found.line_more[0], 3.0, rtol=0.1)  # 3 * 2 o^2 over 2 o^2
    assert found.left.max() < 1e-5


def test_lines_that_nothing_tells_apart_share_what_is_seen() -> None:
    """Eight lines that look alike, seen twelve times: as one line of as many units."""
    odds = np.full((8, 12), 1e3)
    units = np.full(8, 2)
    apart, together = rooms(odds, units, UPS), rooms(odds[:1], np.array([16]), UPS)
    np.testing.assert_allclose(apart.line_more, np.repeat(together.line_more, 8, axis=1))
    np.testing.assert_allclose(apart.line_less[:2], np.repeat(together.line_less[:2], 8, axis=1))
    np.testing.assert_allclose(apart.left, together.left)


def test_nothing_seen_and_nothing_claimed() -> None:
    unseen = rooms(np.zeros((3, 0)), np.array([1, 2, 40]), UPS)
    assert (unseen.line_more == 1).all()
    assert (unseen.line_less == 1).all()
    clutter = rooms(np.zeros((0, 14)), np.zeros(0, dtype=np.int64), UPS)
    assert (clutter.left == 1).all()
    assert clutter.log_total == 0
