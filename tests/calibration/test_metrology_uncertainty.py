"""Budgets, quantiles and fits beside published or recomputed results; each test names its source."""

import math

import numpy as np
import pytest

from calibration import budget, fit, in_use, repeatability, student
from calibration.captures import TestWeight
from calibration.in_use import CertifiedError, Instrument
from calibration.results import Contribution
from calibration.weights import reference

K_TABLE = {
    1: 13.97, 2: 4.53, 3: 3.31, 4: 2.87, 5: 2.65, 6: 2.52, 7: 2.43, 8: 2.37, 10: 2.28, 12: 2.23, 14: 2.20, 16: 2.17,
    18: 2.15, 20: 2.13, 25: 2.11, 30: 2.09, 35: 2.07, 40: 2.06, 50: 2.05, 100: 2.025,
}  # fmt: skip


@pytest.mark.parametrize(("dof", "k"), K_TABLE.items())
def test_coverage_factors_are_those_of_the_table_of_cg_18(dof: int, k: float) -> None:
    assert student.coverage_factor(dof) == pytest.approx(k, abs=0.0051)


def test_quantiles_are_within_their_stated_error_of_closed_forms() -> None:
    for p in (0.55, 0.9, 0.97725, 0.999):
        assert student.t_quantile(p, 1) == pytest.approx(math.tan(math.pi * (p - 0.5)), rel=1e-9)
        a = 4 * p * (1 - p)
        assert student.t_quantile(p, 2) == pytest.approx((2 * p - 1) * math.sqrt(2 / a), rel=1e-9)
        q = math.cos(math.acos(math.sqrt(a)) / 3) / math.sqrt(a)
        assert student.t_quantile(p, 4) == pytest.approx(2 * math.sqrt(q - 1), rel=1e-9)
        assert student.chi2_quantile(p, 2) == pytest.approx(-2 * math.log(1 - p), rel=1e-9)
    assert student.coverage_factor(math.inf) == pytest.approx(2.0, abs=2e-5)
    assert student.t_quantile(0.9, 999_999) == pytest.approx(student.t_quantile(0.9, math.inf), rel=1e-6)
    assert student.t_quantile(0.1, 5) == -student.t_quantile(0.9, 5)


@pytest.mark.parametrize(("dof", "value"), [(1, 3.8415), (3, 7.8147), (4, 9.4877), (10, 18.3070), (100, 124.3421)])
def test_chi_square_at_95_percent_is_that_of_common_tables(dof: int, value: float) -> None:
    assert student.chi2_quantile(0.95, dof) == pytest.approx(value, abs=5e-5)


def test_quantiles_agree_with_scipy_where_it_is_there() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is no dependency")
    for dof in (0.7, 1.5, 3.3, 30.76, 351.4, 1e4):
        assert student.t_quantile(0.97725, dof) == pytest.approx(stats.t.ppf(0.97725, dof), rel=1e-9)
        assert student.chi2_quantile(0.95, dof) == pytest.approx(stats.chi2.ppf(0.95, dof), rel=1e-9)


# TC-1: masscor MT.XPE.204, INM Colombia certificate 5143 of 2021-03-18, results printed in masscor's vignette
XPE_LOADS = (0.01, 0.5, 1, 10, 20, 50, 100, 120, 150, 200, 220)
XPE_ERRORS_MG = (*[0.0] * 9, -0.2, -0.2)
XPE_U_MG = (0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.5)
XPE = Instrument(
    division_g=1e-4,
    errors=[CertifiedError(*row) for row in zip(
        XPE_LOADS, (e / 1e3 for e in XPE_ERRORS_MG), (u / 1e3 for u in XPE_U_MG), strict=True)],
    repeatability=[(0.1, 0.0), (100, 4e-5), (220, 3e-5)],
    eccentricity=(100, 1e-4),
)  # fmt: skip


def test_tc1_a_weighing_with_its_certificate() -> None:
    weighed = in_use.weigh(XPE, 211.1342)
    assert weighed.error_g == pytest.approx(-2e-4, abs=1e-12)
    assert weighed.weight_g == pytest.approx(211.1344, abs=1e-9)
    assert weighed.error_sd_g == pytest.approx(0.2278355e-3, abs=1e-10)
    assert weighed.reading_sd_g == pytest.approx(0.0835552e-3, abs=1e-10)
    assert weighed.sd_g == pytest.approx(0.24267362e-3, abs=1e-11)
    assert budget.eccentric_sd_g(211.1342, 1e-4, 100) == pytest.approx(0.0609492e-3, abs=1e-10)


def test_tc2_between_two_loads_masscor_minimal_certificate() -> None:
    # E is the linear interpolation; masscor's own 12.4837 comes from a neighbour chosen by distance
    instrument = Instrument(
        1e-4, [CertifiedError(5, -2e-4, 2e-4), CertifiedError(20, -1e-4, 2.01e-4)], [(20, 3e-5)], (20, 1e-4)
    )
    weighed = in_use.weigh(instrument, 12.4835)
    assert weighed.error_sd_g == pytest.approx(0.100249e-3, abs=1e-9)
    assert weighed.reading_sd_g**2 == pytest.approx(2.891329e-9, rel=1e-6)
    assert weighed.sd_g == pytest.approx(0.1137598e-3, abs=1e-10)
    assert weighed.error_g == pytest.approx(-0.15011e-3, abs=1e-8)
    assert weighed.weight_g == pytest.approx(12.48365, abs=1e-6)


def test_tc3_a_two_kilogram_instrument_keeps_its_ends() -> None:
    # masscor MT.XP.2002, certificate 5142: data of a real certificate
    loads = (0.5, 5, 10, 20, 50, 100, 200, 500, 1000, 1500, 2000)
    errors = (*[0.0] * 7, -0.01, -0.02, -0.04, -0.04)
    expanded = (*[0.01] * 7, 0.02, 0.02, 0.03, 0.04)
    rows = [CertifiedError(*row) for row in zip(loads, errors, expanded, strict=True)]
    instrument = Instrument(0.01, rows, [(2, 0.0), (1000, 0.005), (2000, 0.005)], (1000, 0.02))
    assert in_use.interpolated(rows, 0.1) == (0.0, 0.01)
    assert in_use.interpolated(rows, 2500) == (-0.04, 0.04)
    assert in_use.interpolated(rows, 750) == pytest.approx((-0.015, 0.02))
    centred, anywhere = in_use.weigh(instrument, 1500), in_use.weigh(instrument, 1500, anywhere=True)
    assert centred.weight_g == pytest.approx(1500.04)
    assert anywhere.sd_g > centred.sd_g


def test_tc4_truck_scale_on_four_cells_lammi_example_1() -> None:
    scatter = repeatability.RANGE_FACTORS[6] * 10  # identical readings: the interval is the range
    assert repeatability.from_range([1000.0] * 6, 10) == pytest.approx(3.95)
    assert scatter == pytest.approx(4, abs=0.06)
    assert budget.quick_expanded(4, 10, 1.3, 0, part=0.4) == pytest.approx(6.879, abs=1e-3)
    assert budget.quick_expanded(4, 10, 1.3, 0) == pytest.approx(10.33, abs=5e-3)


def test_tc5_laboratory_scale_lammi_example_2() -> None:
    assert budget.quick_expanded(0.24, 0, 0.2, 0.8) == pytest.approx(1.7177, abs=1e-4)
    assert budget.quick_expanded(0.24, 0, 0.2, 0) == pytest.approx(0.6248, abs=1e-4)


def test_tc6_a_range_speaks_for_a_standard_deviation() -> None:
    table = {3: 0.591, 4: 0.486, 5: 0.430, 6: 0.395, 7: 0.370, 8: 0.350, 9: 0.337, 10: 0.325}
    for count, factor in table.items():
        assert repeatability.from_range([0.0] * (count - 1) + [2.0], 0.1) == pytest.approx(2 * factor)
    chance = np.random.default_rng(1)
    for count, factor in table.items():  # the factors themselves: 1/d2 of the normal distribution
        ranges = np.ptp(chance.normal(size=(40_000, count)), axis=1)
        assert 1 / ranges.mean() == pytest.approx(factor, rel=0.01)


def test_tc7_ea_4_02_example_s2_ten_kilogram_weight() -> None:
    parts = [
        Contribution(name="standard", sd_g=0.045 / 2),
        Contribution(name="drift", sd_g=budget.rectangular_sd(0.015)),
        Contribution(name="difference", sd_g=0.025 / math.sqrt(3)),
        Contribution(name="eccentricity and magnetism", sd_g=budget.rectangular_sd(0.010)),
        Contribution(name="buoyancy", sd_g=budget.rectangular_sd(0.010)),
    ]
    combined = budget.combine(parts)
    assert combined.sd_g == pytest.approx(0.0293, abs=5e-5)
    assert combined.nu_eff is None
    assert combined.expanded_g == pytest.approx(0.059, abs=5e-4)


# TC-10, synthetic
TEN_I, TEN_E, TEN_U = (5, 15, 30, 45, 60), (2, 5, 12, 15, 24), (4, 4.2, 4.8, 5.6, 6.5)


def test_tc10_weighted_line_through_zero() -> None:
    line = fit.through_zero(TEN_I, TEN_E, TEN_U)
    assert line.slope == pytest.approx(0.374624978, abs=1e-9)
    assert line.slope_sd == pytest.approx(0.070158613, abs=1e-9)
    assert line.chi2 == pytest.approx(0.212866, abs=1e-6)
    assert line.dof == 4
    assert line.residuals_g == pytest.approx((0.127, -0.619, 0.761, -1.858, 1.523), abs=5e-4)
    assert fit.on_curve(line, 22) == pytest.approx((8.2417, 1.5435), abs=5e-5)
    assert line.accepted


def test_tc10_weighted_straight_line() -> None:
    shape = np.stack([np.ones(5), np.array(TEN_I, dtype=float)], axis=1)
    line = fit.weighted(shape, np.array(TEN_E, dtype=float), np.array(TEN_U))
    assert line.parameters == pytest.approx((-0.2201694, 0.3803904), abs=1e-7)
    assert np.sqrt(np.diag(line.covariance)) == pytest.approx((3.56149, 0.116705), rel=1e-5)
    assert line.covariance[0, 1] == pytest.approx(-0.332152, abs=1e-6)


def test_a_line_that_does_not_fit_is_not_accepted_and_too_few_values_are_refused() -> None:
    assert not fit.through_zero((10, 20, 30), (1, -2, 1), (0.1, 0.1, 0.1)).accepted
    with pytest.raises(ValueError, match="do not determine"):
        fit.weighted(np.ones((1, 2)), np.ones(1), np.ones(1))


def test_correlated_weights_widen_a_slope_as_adding_up_does() -> None:
    # every load is off by the same relative error: no number of loads averages that out
    loads = np.array([10.0, 20, 30, 40])
    own, common = 0.01, 1e-3
    covariance = np.diag(np.full(4, own**2)) + np.outer(common * loads, common * loads)
    slope = fit.general(loads[:, None], np.zeros(4), covariance)
    assert math.sqrt(slope.covariance[0, 0]) == pytest.approx(math.hypot(common, own / math.sqrt(3000)), rel=1e-9)


def _budget_30_kg(step_g: float, scatter_g: float) -> list[Contribution]:
    """TC-11: 30 kg of 20 and 10 kg M1, two bodies, five readings, one taken, 20 g at the corners at 20 kg."""
    weights = [
        TestWeight(weight_id="a", nominal_g=20_000, conventional_g=20_000, expanded_g=0.33, weight_class="M1"),
        TestWeight(weight_id="b", nominal_g=10_000, conventional_g=10_000, expanded_g=0.17, weight_class="M1"),
    ]
    mass = reference(weights)
    return [
        Contribution(name="zero", sd_g=budget.rounding_sd(step_g)),
        Contribution(name="rounding", sd_g=budget.rounding_sd(step_g)),
        Contribution(name="repeatability", sd_g=scatter_g, dof=4),
        Contribution(name="eccentricity", sd_g=budget.eccentric_sd_g(30_000, 20, 20_000)),
        Contribution(name="weights", sd_g=mass.calibration_sd_g),
        Contribution(name="buoyancy", sd_g=mass.buoyancy_sd_g),
        Contribution(name="drift", sd_g=mass.drift_sd_g),
    ]


def test_tc11_a_whole_budget_with_a_coarse_display() -> None:
    scatter_g = repeatability.standard_deviation([29_980, 30_000, 30_000, 30_000, 30_000])
    parts = _budget_30_kg(20, scatter_g)
    expected = (5.7735, 5.7735, 8.9443, 8.6603, 0.25, 0.2165, 0.2887)
    assert [part.sd_g for part in parts] == pytest.approx(expected, abs=5e-5)
    combined = budget.combine(parts)
    assert combined.sd_g == pytest.approx(14.8949, abs=1e-4)
    assert combined.nu_eff == pytest.approx(30.76, abs=5e-3)
    assert combined.k == pytest.approx(2.0846, abs=1e-4)
    assert combined.expanded_g == pytest.approx(31.05, abs=5e-3)


def test_tc11_the_same_read_finely() -> None:
    combined = budget.combine(_budget_30_kg(1, 3.0))
    assert combined.sd_g == pytest.approx(9.1847, abs=1e-4)
    assert combined.nu_eff == pytest.approx(351.4, abs=0.05)
    assert combined.k == pytest.approx(2.0071, abs=1e-4)
    assert combined.expanded_g == pytest.approx(18.44, abs=5e-3)


@pytest.mark.parametrize(("safety", "weight_g"), [(1, 2717.39), (2, 5952.38)])
def test_minimum_weight_of_cg_18(safety: float, weight_g: float) -> None:
    assert in_use.minimum_weight(25, 0.0008, 0.01, safety).weight_g == pytest.approx(weight_g, abs=5e-3)


def test_an_instrument_that_never_reaches_what_is_required_has_no_minimum_weight() -> None:
    assert in_use.minimum_weight(25, 0.006, 0.01, 2).weight_g is None


def test_identical_readings_do_not_make_a_perfect_scale() -> None:
    found = repeatability.evaluate(20_000, [20_000.0] * 5, 10, 10)
    assert found.sd_g == pytest.approx(4.3)
    assert found.range_g == 0
    spread = repeatability.evaluate(20_000, [19_990, 20_000, 20_000, 20_010, 20_000], 10, 10)
    assert spread.sd_g == pytest.approx(math.sqrt(200 / 4))
    assert repeatability.pooled([found, spread]) == pytest.approx((spread.sd_g, 4))
    assert repeatability.pooled([]) is None
