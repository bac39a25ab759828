"""Statics of the platform; MC-1 and MC-2 are the worked fixtures of the metrology notes, section 4.1."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.model import Calibration, Cell
from calibration.platform import UNIT_SQUARE, Platform, expected_parity_g, place_name, shares, usual_platform

A_MM, B_MM = 300.0, 200.0
RECTANGLE = tuple((x * A_MM, y * B_MM) for x, y in UNIT_SQUARE)
GAINS_PER_KG = (21_500.08, 21_939.92, 20_979.98, 21_610.02)
ZEROS = (84_210, -12_055, 40_310, 151_200)
MC_1 = {  # counts with 20 kg, and where it lay (mm)
    (0, 0): (191_710, 97_645, 145_210, 259_250),
    (-250, -150): (382_075, 67_935, -1_213, 247_995),
    (250, -150): (162_595, 291_905, 134_283, 108_430),
    (250, 150): (41_658, 86_218, 330_970, 229_986),
    (-250, 150): (180_512, -55_478, 116_800, 450_589),
}
MC_2_KG = (7.802, 14.073, 9.260, 3.865)
positions = st.floats(-0.95, 0.95)


@pytest.fixture
def platform() -> Platform:
    return Platform(RECTANGLE)


def forces(weight_g: float, u: float, v: float, kappa: float) -> tuple[float, ...]:
    return tuple(weight_g / 4 * (1 + u * x + v * y + kappa * u * v * x * y) for x, y in UNIT_SQUARE)


@pytest.mark.parametrize("place", MC_1)
def test_mc_1_captures_weigh_20_kg_where_it_lay_with_kappa_0_3(platform: Platform, place: tuple[int, int]) -> None:
    cells = tuple(Cell(zero_counts=z, counts_per_g=g / 1000) for z, g in zip(ZEROS, GAINS_PER_KG, strict=True))
    grams = Calibration(cells=cells).cell_grams(MC_1[place])
    assert sum(grams) == pytest.approx(20_000, abs=0.1)
    centre = platform.centre_of_mass(grams, (0.3,) * 4, 5)
    assert centre is not None
    assert (centre.x, centre.y) == pytest.approx(place, abs=0.02)
    u, v = platform.offset(grams)
    assert platform.parity_g(grams) == pytest.approx(expected_parity_g(20_000, u, v, 0.3), abs=0.5)


def test_mc_2_weight_centre_of_mass_and_parity(platform: Platform) -> None:
    grams = tuple(1000 * kg for kg in MC_2_KG)
    centre = platform.centre_of_mass(grams, (0.3,) * 4, 5)
    assert centre is not None
    assert (centre.x, centre.y) == pytest.approx((100, -50), abs=0.02)
    assert platform.parity_g(grams) == pytest.approx(-875, abs=2)
    u, v = platform.offset(grams)
    assert expected_parity_g(35_000, u, v, 0.3) == pytest.approx(-875, abs=1)


def test_mc_2_with_a_dead_cell_back_right(platform: Platform) -> None:
    grams = tuple(1000 * kg for kg in (*MC_2_KG[:2], 0.0, MC_2_KG[3]))
    assert sum(grams) == pytest.approx(25_740, abs=1)
    assert platform.parity_g(grams) == pytest.approx(-10_140, abs=5)
    assert shares(grams) == pytest.approx((0.303, 0.547, 0, 0.150), abs=5e-4)


@given(u=positions, v=positions, kappa=st.floats(0, 1))
def test_one_point_load_is_found_whatever_the_deck_passes_on(u: float, v: float, kappa: float) -> None:
    platform = Platform(RECTANGLE)
    grams = forces(8_000, u, v, kappa)
    assert platform.offset(grams) == pytest.approx((u, v), abs=1e-9)
    assert platform.parity_g(grams) == pytest.approx(kappa * 8_000 * u * v, abs=1e-6)


@given(u=positions, v=positions, twist_g=st.floats(-500, 500))
def test_of_four_cells_the_residual_is_the_parity(u: float, v: float, twist_g: float) -> None:
    platform = Platform(RECTANGLE)
    grams = tuple(f + twist_g * s for f, s in zip(forces(8_000, u, v, 0), (1, -1, 1, -1), strict=True))
    assert platform.residual_g(grams) == pytest.approx([s * twist_g for s in (1, -1, 1, -1)], abs=1e-6)
    assert platform.parity_g(grams) == pytest.approx(4 * twist_g, abs=1e-6)


@given(u=positions, v=positions, lost=st.integers(0, 5))
def test_six_cells_have_three_redundancies_that_a_lost_force_shows_in(u: float, v: float, lost: int) -> None:
    platform = Platform([(-600, -300), (0, -300), (600, -300), (600, 300), (0, 300), (-600, 300)])
    rigid = [1_000 * (1 + u * x / 600 + v * y / 300) for x, y in platform.positions]
    assert platform.residual_g(rigid) == pytest.approx([0] * 6, abs=1e-6)
    without = [0.0 if n == lost else force for n, force in enumerate(rigid)]
    assert math.hypot(*platform.residual_g(without)) > abs(rigid[lost]) / 3


def test_order_and_origin_of_the_positions_do_not_matter() -> None:
    turned = Platform([(x + 900, y - 70) for x, y in (*RECTANGLE[1:], RECTANGLE[0])])
    grams = forces(8_000, 0.5, -0.4, 0.3)
    again = (*grams[1:], grams[0])
    assert turned.offset(again) == pytest.approx((0.5, -0.4))
    assert turned.parity_g(again) == pytest.approx(0.3 * 8_000 * 0.5 * -0.4)


def test_centre_of_mass_is_unknown_below_fifty_intervals_and_surer_with_more_load(platform: Platform) -> None:
    assert platform.centre_of_mass(forces(249, 0, 0, 0), (0.3,) * 4, 5) is None
    light = platform.centre_of_mass(forces(250, 0, 0, 0), (0.3,) * 4, 5)
    heavy = platform.centre_of_mass(forces(2_500, 0, 0, 0), (0.3,) * 4, 5)
    assert light is not None
    assert heavy is not None
    assert light.sd_x == pytest.approx(2 * 300 * 0.3 / 250)
    assert heavy.sd_x == pytest.approx(light.sd_x / 10)


def test_a_corner_has_a_name_and_the_usual_order_begins_front_left() -> None:
    usual = usual_platform(4)
    assert usual is not None
    assert [place_name(usual, n) for n in range(4)] == ["front left", "front right", "back right", "back left"]
    six = Platform([(-600, -300), (0, -300), (600, -300), (600, 300), (0, 300), (-600, 300)])
    assert place_name(six, 4) == "back"


def test_three_cells_have_no_parity_and_a_line_is_no_platform() -> None:
    assert usual_platform(3) is None
    three = Platform([(0, 0), (600, 0), (300, 500)])
    assert three.residual_g((1_000, 50, 700)) == pytest.approx((0, 0, 0), abs=1e-9)
    with pytest.raises(ValueError, match="four cells"):
        three.parity_g((1, 1, 1))
    with pytest.raises(ValueError, match="not in one line"):
        Platform([(0, 0), (100, 0), (200, 0), (300, 0)])
    with pytest.raises(ValueError, match="three cells or more"):
        Platform([])
