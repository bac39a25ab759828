"""Test weights of OIML R 111-1, their suitability, and the density of air; each test names its source."""

import math

import pytest

from calibration import air, weights
from calibration.captures import TestWeight, WeightClass


def weight(nominal_g: float, weight_class: WeightClass | None = "M1", **more: float) -> TestWeight:
    return TestWeight(weight_id=f"W{nominal_g:g}", nominal_g=nominal_g, weight_class=weight_class, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("nominal_g", "weight_class", "limit_mg"),
    [
        (20_000, "M1", 1000), (10_000, "M1", 500), (5_000, "F1", 25), (1_000, "E2", 1.6), (500, "M2", 80),
        (10, "M1", 2), (5, "M1", 1.6), (1, "M3", 10), (50_000, "F2", 800), (200, "F1", 1),
    ],
)  # fmt: skip
def test_limits_of_weights(nominal_g: float, weight_class: WeightClass, limit_mg: float) -> None:
    # OIML R 111-1 table 1; 10 kg M1 also by Lammi's example 2
    assert weights.class_mpe_g(nominal_g, weight_class) == pytest.approx(limit_mg / 1000)


def test_every_step_of_the_classes_is_wider() -> None:
    for row in weights.MPE_MG.values():
        assert list(row) == sorted(row)
        assert len(row) == len(weights.CLASSES)


def test_a_nominal_value_of_no_class_has_no_limit() -> None:
    assert weights.class_mpe_g(3_000, "M1") is None
    assert weights.tolerance_g(weight(3_000)) is None
    assert weights.total_tolerance_g([weight(5_000), weight(3_000)]) is None


@pytest.mark.parametrize(
    ("nominals_g", "weight_class", "limit_g", "fits"),
    [
        ((20_000, 20_000, 20_000), "M1", 30, True),
        ((20_000, 20_000, 20_000), "M2", 30, True),  # 9 g of 10 g, barely
        ((20_000, 20_000, 20_000), "M3", 30, False),
        ((20_000, 10_000), "M1", 7.5, True),
        ((20_000, 10_000), "M2", 7.5, False),
    ],
)
def test_weights_must_be_known_within_a_third_of_the_limit(
    nominals_g: tuple[float, ...], weight_class: WeightClass, limit_g: float, fits: bool
) -> None:
    chosen = [weight(nominal, weight_class) for nominal in nominals_g]
    assert weights.suitable(chosen, limit_g) is fits


def test_uncertainties_of_several_weights_add_up_arithmetically() -> None:
    one, two = weights.reference([weight(20_000)]), weights.reference([weight(20_000), weight(20_000)])
    assert one.calibration_sd_g == pytest.approx(1 / math.sqrt(3))
    assert two.calibration_sd_g == pytest.approx(2 * one.calibration_sd_g)
    assert two.mass_g == 40_000


def test_a_certificate_is_worth_more_than_a_class() -> None:
    certified = weight(20_000, conventional_g=20_000.4, expanded_g=0.3)
    found = weights.reference([certified])
    assert found.mass_g == 20_000.4
    assert found.calibration_sd_g == pytest.approx(0.15)
    assert found.drift_sd_g == pytest.approx(1 / (3 * math.sqrt(3)))


def test_a_weight_of_no_known_worth_is_known_to_a_part_in_a_thousand() -> None:
    assert weights.reference([weight(5_000, None)]).calibration_sd_g == pytest.approx(5 / math.sqrt(3))


def test_a_weight_is_overdue_on_the_day_after() -> None:
    due = TestWeight(weight_id="a", nominal_g=1000, due="2026-05-04")
    assert not weights.overdue(due, "2026-05-04T23:59:59Z")
    assert weights.overdue(due, "2026-05-05T00:00:00Z")
    assert not weights.overdue(TestWeight(weight_id="a", nominal_g=1000), "2026-05-05")


@pytest.mark.parametrize(
    ("typed_g", "power"), [(200_000, 10), (2_000, 0.1), (20, 0.001), (20_000, None), (30_000, None)]
)
def test_a_slipped_decimal_point_is_recognised(typed_g: float, power: float | None) -> None:
    found = weights.recognise(typed_g, [10_000, 10_000])
    assert found is None if power is None else found == pytest.approx(power)


def test_tc9_density_of_air() -> None:
    # masscor's tests: CIPM-2007 and the simplified formula
    assert air.density(21.5, 751, 0.581) == pytest.approx(0.8815079, abs=5e-8)
    assert air.density_simplified(21.5, 751, 0.581) == pytest.approx(0.881614, abs=5e-7)
    assert air.density(20, 1013.25, 0.5) == pytest.approx(1.199314, abs=5e-7)
    assert air.density_simplified(20, 1013.25, 0.5) == pytest.approx(1.199294, abs=5e-7)
    assert air.density(10, 730 * 1.33322387415, 0.4) == pytest.approx(1.19569, abs=1e-4)


def test_buoyancy_factor_and_conventional_mass() -> None:
    assert air.buoyancy_factor(1.199314, 2115, 8000) == pytest.approx(1.000417, abs=5e-7)
    # TC-1, masscor MT.XPE.204: a body of 7 113 kg/m3 at 21.1 C, 990 hPa, 46.6 %
    assert air.conventional_g(211.1344, air.density(21.1, 990, 0.466), 7113) == pytest.approx(211.134292, abs=5e-7)
    assert air.conventional_g(100, 1.2, 3000) == pytest.approx(100)
