"""Error limits and change-over points: OIML R 76-1 table 6, Directive 2014/31/EU annex I, the vectors of its tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration import limits
from calibration.limits import PartialRange


@pytest.mark.parametrize(
    ("interval_g", "load_g", "limit_g"),
    [
        (10, 0, 5), (10, 5000, 5), (10, 5010, 10), (10, 20_000, 10), (10, 20_010, 15), (10, 60_000, 15),
        (20, 10_000, 10), (20, 10_020, 20), (20, 40_000, 20), (20, 40_020, 30), (20, 60_000, 30),
    ],
)  # fmt: skip
def test_class_iii_at_the_edges_of_its_bands(interval_g: float, load_g: float, limit_g: float) -> None:
    assert limits.mpe_g(load_g, interval_g) == limit_g
    assert limits.class_iii_mpe_g(-load_g, interval_g) == limit_g
    assert limits.mpe_g(load_g, interval_g, in_service=True) == 2 * limit_g


@pytest.mark.parametrize(
    ("load_g", "limit_g"), [(10_000, 5), (10_005, 7.5), (15_000, 7.5), (15_010, 10), (20_000, 10), (50_000, 30)]
)
def test_a_partial_range_has_its_own_interval(load_g: float, limit_g: float) -> None:
    ranges = (PartialRange(15_000, 5), PartialRange(30_000, 10), PartialRange(60_000, 20))
    assert limits.multi_interval_mpe_g(load_g, ranges) == limit_g
    assert limits.multi_interval_mpe_g(load_g, ranges, in_service=True) == 2 * limit_g


def test_beyond_the_last_range_its_interval_counts() -> None:
    assert limits.multi_interval_mpe_g(70_000, (PartialRange(15_000, 5), PartialRange(60_000, 20))) == 30


@pytest.mark.parametrize(
    ("accuracy", "edge_e"), [("I", 50_000), ("II", 5_000), ("III", 500), ("IIII", 50)]
)  # fmt: skip
def test_every_class_has_its_own_first_edge(accuracy: limits.AccuracyClass, edge_e: int) -> None:
    assert limits.mpe_g(edge_e * 0.1, 0.1, accuracy) == pytest.approx(0.05)
    assert limits.mpe_g((edge_e + 1) * 0.1, 0.1, accuracy) == pytest.approx(0.1)


@given(st.integers(1, 10_000), st.sampled_from([0.001, 0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20]))
def test_no_rounding_moves_a_band_edge(intervals: int, interval_g: float) -> None:
    factor = 0.5 if intervals <= 500 else 1.0 if intervals <= 2000 else 1.5
    assert limits.mpe_g(intervals * interval_g, interval_g) == pytest.approx(factor * interval_g)


def test_the_staircase_has_its_steps_within_capacity() -> None:
    assert limits.mpe_edges_g(10, 50_000) == (5_000, 20_000)
    assert limits.mpe_edges_g(10, 15_000) == (5_000,)


def test_change_over_points_give_the_error_before_rounding() -> None:
    # OIML R 76-1 A.4.4.3: e = 5 g, L = I = 1 000 g, 1.5 g of small weights
    assert limits.before_rounding_g(1000, 5, 1.5) == 1001
    assert limits.changeover_error_g(1000, 1000, 1.5, 5, zero_error_g=0.5) == 0.5
    zero_error_g = limits.changeover_error_g(0, 0, 9, 20)
    assert zero_error_g == 1
    assert limits.changeover_error_g(20_000, 20_000, 7, 20) == 3
    assert limits.changeover_error_g(20_000, 20_000, 7, 20, zero_error_g) == 2


def test_a_fifth_of_an_interval_is_fine_enough_to_read_directly() -> None:
    assert limits.rounding_negligible(1, 5)
    assert not limits.rounding_negligible(2, 5)
