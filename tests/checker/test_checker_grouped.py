"""Assignments summed group by group equal those summed over every subset of all sightings."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from station.core.assignment import in_groups, propagated, room, summed
from station.core.density import Floats
from station.core.grouped import SIGHTINGS_MAX, Sums, parted

UPS = 3
Places = NDArray[np.int64]


def world(seed: int, lines: int, sightings: int, links: int = 2) -> tuple[Floats, Places]:
    """Return odds with up to so many look-alikes of each sighting among the lines, and units."""
    rng = np.random.default_rng(seed)
    odds = np.broadcast_to(rng.uniform(0.01, 0.3, sightings), (lines, sightings)).copy()
    for sighting in range(sightings):
        like = rng.choice(lines, int(rng.integers(0, links + 1)), replace=False)
        odds[like, sighting] = 10 ** rng.uniform(1, 6, like.size)
    return odds, rng.integers(1, 4, lines)


@pytest.mark.parametrize("seed", range(12))
def test_sums_equal_those_over_all_subsets(seed: int) -> None:
    odds, units = world(seed, lines=6, sightings=7)
    parts = parted(odds, units, UPS)
    assert parts is not None
    ours, exact = in_groups(Sums(parts, units, UPS)), summed(odds, units, UPS)
    for field in ("left", "line_more", "line_less"):
        np.testing.assert_allclose(getattr(ours, field), getattr(exact, field), rtol=1e-9)
    assert ours.log_total == pytest.approx(exact.log_total, rel=1e-9)
    assert ours.line_less.shape == exact.line_less.shape
    for members, lines in parts.groups:
        inside = np.ix_(members, members)
        np.testing.assert_allclose(ours.left_pair[inside], exact.left_pair[inside], rtol=1e-9)
        some = np.ix_(lines, members)
        np.testing.assert_allclose(ours.left_without[some], exact.left_without[some], rtol=1e-9)
    # Between groups, by the stated approximations.
    assert np.abs(np.log(ours.left_without / exact.left_without)).max() < 0.3
    np.testing.assert_allclose(ours.left_pair, exact.left_pair, atol=0.05)


@pytest.mark.parametrize("units", [[2], [3], [2, 2]])
def test_like_units_and_as_many_sightings_of_them(units: list[int]) -> None:
    """Where belief propagation is wrong by many nats."""
    count = np.array(units)
    odds = np.full((count.size, int(count.sum())), 1e6)
    if count.size > 1:
        odds[0, : units[0]], odds[1, units[0] :] = 0.02, 0.02
    parts = parted(odds, count, UPS)
    assert parts is not None
    ours, exact = in_groups(Sums(parts, count, UPS)), summed(odds, count, UPS)
    np.testing.assert_allclose(ours.line_less, exact.line_less, rtol=1e-9)
    np.testing.assert_allclose(ours.line_more, exact.line_more, rtol=1e-9)
    near = propagated(odds, count, UPS)
    assert np.abs(np.log(near.line_more[0] / exact.line_more[0])).max() > 1


def test_odds_that_are_no_edge_count_as_their_mean() -> None:
    odds, units = world(3, lines=8, sightings=6)
    odds *= np.random.default_rng(3).uniform(0.9, 1.1, odds.shape)
    parts = parted(odds, units, UPS)
    assert parts is not None
    ours, exact = in_groups(Sums(parts, units, UPS)), summed(odds, units, UPS)
    np.testing.assert_allclose(ours.line_more, exact.line_more, rtol=0.1)
    np.testing.assert_allclose(ours.left, exact.left, rtol=0.1)


def test_many_sightings_of_a_large_basket_stay_finite() -> None:
    rng = np.random.default_rng(2)
    odds = np.full((300, 120), 0.02)
    odds[rng.permutation(300)[:120], np.arange(120)] = 1e6
    units = rng.integers(1, 3, 300)
    found = room(odds, units, UPS)
    assert math.isfinite(found.log_total)
    assert np.isfinite(found.line_less).all()
    assert (found.left < 1e-5).all()


def test_sightings_without_any_claim_are_all_clutter() -> None:
    found = room(np.zeros((0, 12)), np.zeros(0, dtype=np.int64), UPS)
    assert found.left.tolist() == [1.0] * 12
    assert found.log_total == pytest.approx(0.0)
    assert found.left_pair[0, 1] == pytest.approx(1.0)


def test_too_large_a_group_is_left_to_others() -> None:
    odds = np.full((3, SIGHTINGS_MAX + 1), 0.02)
    odds[0] = 1e5
    units = np.array([2, 1, 1])
    assert parted(odds, units, UPS) is None
    np.testing.assert_allclose(room(odds, units, UPS).left, summed(odds, units, UPS).left, rtol=1e-9)
