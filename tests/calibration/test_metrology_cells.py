"""Gains of several cells from sums: the fixtures MC-1 and MC-2 of a 60 x 40 cm platform, and a rigid deck."""

import math

import numpy as np
import pytest

from calibration import gains
from calibration.model import Calibration, Cell
from calibration.platform import Platform

ZEROS = np.array([84_210, -12_055, 40_310, 151_200])
COUNTS = np.array([
    [191_710, 97_645, 145_210, 259_250],
    [382_075, 67_935, -1_213, 247_995],
    [162_595, 291_905, 134_283, 108_430],
    [41_658, 86_218, 330_970, 229_986],
    [180_512, -55_478, 116_800, 450_589],
], dtype=float)  # fmt: skip
TRUE_PER_KG = (21_500, 21_940, 20_980, 21_610)
LOADS = [20_000.0] * 5
PLACES = ((0.0, 0.0), (-0.25, -0.15), (0.25, -0.15), (0.25, 0.15), (-0.25, 0.15))
A, B = 0.30, 0.20


def loaded(kappa: float, places: tuple[tuple[float, float], ...] = PLACES, grams: float = 20_000.0) -> gains.Matrix:
    """Forces on FL FR BR BL of a load at these places, in metres."""
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return np.array([
        [grams / 4 * (1 + u * x / A + v * y / B + kappa * u * x / A * v * y / B) for u, v in corners]
        for x, y in places
    ])  # fmt: skip


def test_mc1_gains_of_the_fixture() -> None:
    solved = gains.solve(COUNTS - ZEROS, LOADS, np.eye(5) * 0.1**2)
    assert 1000 / solved.g_per_count == pytest.approx((21_500.08, 21_939.92, 20_979.98, 21_610.02), abs=0.01)
    assert solved.rank == 4
    assert np.abs(solved.residuals_g).max() < 0.1
    assert np.abs(1000 / solved.g_per_count / TRUE_PER_KG - 1).max() < 5e-6
    assert np.sqrt(np.diag(solved.covariance)).max() < 2e-5


def test_mc1_negative_cells_are_solved_with_their_sign() -> None:
    counts = (COUNTS - ZEROS) * np.array([1, -1, 1, 1])
    solved = gains.solve(counts, LOADS, np.eye(5) * 0.1**2)
    assert 1000 / solved.g_per_count == pytest.approx((21_500.08, -21_939.92, 20_979.98, 21_610.02), abs=0.01)


def test_mc2_centre_of_mass_parity_and_a_dead_cell() -> None:
    platform = Platform([(-A, -B), (A, -B), (A, B), (-A, B)])
    cells = tuple(Cell(zero_counts=float(z), counts_per_g=g / 1000) for z, g in zip(ZEROS, TRUE_PER_KG, strict=True))
    calibration = Calibration(cells=cells)
    forces = loaded(0.3, ((0.10, -0.05),), 35_000.0)[0]
    counts = [round(z + f * g / 1000) for z, f, g in zip(ZEROS, forces, TRUE_PER_KG, strict=True)]
    grams = calibration.cell_grams(counts)
    assert grams == pytest.approx((7_802, 14_073, 9_260, 3_865), abs=0.6)
    assert calibration.gross_g(counts) == pytest.approx(35_000.1, abs=0.2)
    u, v = platform.offset(grams)
    assert (u * A, v * B) == pytest.approx((0.10, -0.05), abs=1e-5)
    assert platform.parity_g(grams) == pytest.approx(-875, abs=0.5)
    counts[2] = int(ZEROS[2])
    assert calibration.gross_g(counts) == pytest.approx(25_740, abs=1)
    assert platform.parity_g(calibration.cell_grams(counts)) == pytest.approx(-10_140, abs=6)


@pytest.mark.parametrize(
    ("kappa", "least_kg", "condition"), [(0.05, 0.625, 36.0), (0.3, 3.75, 6.0), (1.0, 12.5, 1.8)]
)  # fmt: skip
def test_a_soft_deck_tells_all_gains(kappa: float, least_kg: float, condition: float) -> None:
    solved = gains.solve(loaded(kappa) * 21.5, LOADS, np.eye(5) * 0.3**2)
    assert solved.singular_g[3] / 1000 == pytest.approx(least_kg, rel=1e-3)
    assert solved.singular_g[0] / solved.singular_g[3] == pytest.approx(condition, rel=0.01)
    assert solved.rank == 4


def test_a_rigid_deck_has_rank_three_does_not_explode_and_says_so() -> None:
    true = np.array([21.5, 21.94, 20.98, 21.61])
    counts = loaded(0.0) * true
    solved = gains.solve(counts, LOADS, np.eye(5) * 0.3**2)
    assert solved.singular_g / 1000 == pytest.approx((22.36, 16.67, 15.0, 0.0), abs=0.35)
    assert solved.rank == 3
    assert np.abs(solved.directions[-1]) == pytest.approx(np.full(4, 0.5), abs=0.02)
    sds = np.sqrt(np.diag(solved.covariance))
    assert sds.min() > gains.PRIOR_REL_SD / 3  # each gain is unsure ...
    other = loaded(0.0, ((0.1, 0.08), (-0.2, 0.1)), 35_000.0)
    assert other * true @ solved.g_per_count == pytest.approx([35_000, 35_000], abs=1.0)  # ... and every sum is right
    read = other[0] * true * solved.g_per_count
    share = read / read.sum()
    assert math.sqrt(share @ solved.covariance @ share) < 2e-5
    twisted = share + np.array([0.01, -0.01, 0.01, -0.01])  # feet that moved: now the doubt counts
    assert math.sqrt(twisted @ solved.covariance @ twisted) > 4e-4


def test_three_cells_are_always_told() -> None:
    corners = np.array([(-1, -1), (1, -1), (0, 1)])
    places = [(0, 0), (-0.5, -0.5), (0.5, -0.5), (0, 0.5)]
    lever = np.linalg.inv(np.stack([np.ones(3), corners[:, 0], corners[:, 1]]))
    forces = np.array([lever @ np.array([1, x, y]) * 10_000 for x, y in places])
    solved = gains.solve(forces * np.array([20.0, 21.0, 19.0]), [10_000.0] * 4, np.eye(4) * 0.3**2)
    assert 1 / solved.g_per_count == pytest.approx((20, 21, 19), rel=1e-4)
    assert solved.rank == 3


def test_one_cell_needs_one_load() -> None:
    solved = gains.solve(np.array([[430_000.0]]), [20_000.0], np.eye(1) * 0.3**2)
    assert 1 / solved.g_per_count == pytest.approx([21.5])
    assert (solved.rank, gains.spread(solved.g_per_count.tolist())) == (1, 0)


def test_shares_by_contribution_would_leave_corner_errors() -> None:
    # what a popular way of trimming makes of MC-1, as published beside it; the sums' fit leaves less than 0.1 g
    counts = COUNTS - ZEROS
    borne = counts / counts.sum(axis=1, keepdims=True) * 20_000
    circular = (borne * counts).sum(axis=0) / (counts**2).sum(axis=0)
    assert 1000 / circular == pytest.approx((21_619, 21_622, 21_331, 21_456), abs=1.5)
    assert np.abs(counts[1:] @ circular - 20_000).max() == pytest.approx(125, abs=2)


def test_no_answer_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no load cell answers"):
        gains.solve(np.zeros((3, 4)), [1.0] * 3, np.eye(3))


def test_twist_stiffness_and_its_uncertainty() -> None:
    platform = Platform([(-A, -B), (A, -B), (A, B), (-A, B)])
    forces = loaded(0.3)
    parities = [platform.parity_g(row.tolist()) for row in forces]
    offsets = [platform.offset(row.tolist()) for row in forces]
    kappa, sd = gains.twist(parities, LOADS, offsets, 5.0)
    assert kappa == pytest.approx(0.3)
    assert 0 < sd < 1e-3
    assert gains.twist([1.0], [1000.0], [(0.0, 0.0)], 5.0) == (0.0, math.inf)
