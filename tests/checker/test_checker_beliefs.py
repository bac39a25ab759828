"""Beliefs about weights, from the best ground each row gives; and the weight equation built of them."""

import math

import numpy as np
import pytest

from station.core.basket import LABEL_PACKAGING_G, weigh
from station.core.beliefs import LABEL_FREEDOM, NOTHING_KNOWN_G, Beliefs, label_sd_g
from station.core.claim import Claim, Line, Tare
from station.core.policy import Policy
from station.core.product import Product
from tests.checker.small import claim, gtin, product, reading


def of(**fields: object) -> Beliefs:
    return Beliefs.of([Product(gtin=gtin(0), name="x", **fields)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("net_g", "error_g"), [(40, 3.6), (80, 4.5), (150, 6.75), (250, 9), (400, 12), (700, 15), (2000, 30), (20_000, 300)]
)
def test_label_scatter_is_half_the_tolerable_negative_error(net_g: float, error_g: float) -> None:
    assert label_sd_g(np.array([float(net_g)]))[0] == pytest.approx(error_g / 2)


def test_many_weighed_units_are_believed_as_they_are() -> None:
    beliefs = of(weight_g=530.0, weight_sd_g=3.0, weight_n=10_000, net_g=500.0)
    assert beliefs.mean_g[0] == 530
    assert beliefs.unit_sd_g[0] == pytest.approx(3.0, rel=0.01)
    assert beliefs.mean_sd_g[0] == pytest.approx(0.03, rel=0.01)


def test_few_weighed_units_lean_on_the_label_and_widen_the_tails() -> None:
    beliefs = of(weight_g=530.0, weight_sd_g=0.1, weight_n=3, net_g=500.0)
    assert 5 < beliefs.unit_sd_g[0] < 7.5
    assert beliefs.freedom[0] == 6
    assert beliefs.mean_sd_g[0] == pytest.approx(beliefs.unit_sd_g[0] / math.sqrt(3))


def test_a_label_alone_is_wide_and_skewed_to_heavier() -> None:
    beliefs = of(net_g=500.0)
    assert beliefs.mean_g[0] > 510
    assert beliefs.mean_sd_g[0] > 25
    assert beliefs.unit_sd_g[0] == pytest.approx(7.5)
    assert beliefs.freedom[0] == LABEL_FREEDOM
    assert of(net_g=750.0, department="Wine").mean_g[0] > 1100


def test_nothing_known_is_as_heavy_as_the_department() -> None:
    rows = [Product(gtin=gtin(at), name="x", department="spices", net_g=50.0) for at in range(30)]
    rows += [Product(gtin=gtin(30), name="y", department="spices"), Product(gtin=gtin(31), name="z")]
    beliefs = Beliefs.of(rows)
    assert 40 < beliefs.mean_g[30] < 110
    assert beliefs.mean_sd_g[30] > 10
    assert of().mean_sd_g[0] > 0.5 * NOTHING_KNOWN_G


def test_the_prior_follows_sales_and_department() -> None:
    beliefs = Beliefs.of([
        Product(gtin=gtin(0), name="a", department="Fruit & nuts", sales_per_1000=10.0),
        Product(gtin=gtin(1), name="b", department="soap", sales_per_1000=10.0),
        Product(gtin=gtin(2), name="c", department="soap", sales_per_1000=0.0),
        Product(gtin=gtin(3), name="d", department="soap"),
    ])  # fmt: skip
    assert beliefs.prior.sum() == pytest.approx(1)
    assert beliefs.prior[0] == pytest.approx(2 * beliefs.prior[1])
    assert 0 < beliefs.prior[2] < 0.1 * beliefs.prior[1]
    assert beliefs.prior[3] == pytest.approx(beliefs.prior[1] * 2 / 3)  # the mean of those known


def test_goods_by_weight_are_priced_by_the_kilogram() -> None:
    beliefs = of(sold_by="weight", net_g=400.0, unit_price_minor=1000)
    assert beliefs.price_minor[0] == pytest.approx(0.01 * 100 * beliefs.mean_g[0])
    assert 400 < beliefs.mean_g[0] < 450
    assert beliefs.mean_sd_g[0] > 100


def test_silly_rows_make_no_nan() -> None:
    rows = [Product(gtin=gtin(0), name="x", weight_g=-5.0, weight_sd_g=float("nan"), weight_n=0, net_g=0.0)]
    beliefs = Beliefs.of([*rows, Product(gtin=gtin(1), name="y", sales_per_1000=float("inf"), unit_price_minor=0)])
    for values in (beliefs.mean_g, beliefs.mean_sd_g, beliefs.unit_sd_g, beliefs.prior, beliefs.price_minor):
        assert np.isfinite(values).all()


def test_sums_of_items_equal_the_convolution() -> None:
    beliefs = Beliefs.of([product(at, 100.0 + 90 * at, 3.0) for at in range(5)])
    x_g, variance = np.array([280.0, 470.0, 333.0]), np.array([4.0, 400.0, 1e4])
    exact = np.zeros(3)
    for a in range(5):
        for b in range(5):
            own = variance + beliefs.variance_g2[a] + beliefs.variance_g2[b]
            gap = x_g - beliefs.mean_g[a] - beliefs.mean_g[b]
            exact += beliefs.prior[a] * beliefs.prior[b] * np.exp(-0.5 * gap**2 / own) / np.sqrt(2 * math.pi * own)
    np.testing.assert_allclose(beliefs.sums[1].smoothed(x_g, variance), exact, rtol=0.08, atol=1e-7)


def test_the_weight_equation_keeps_scatter_and_mean_apart() -> None:
    beliefs = Beliefs.of([product(0, 500.0, 4.0, 25), product(1, 250.0, 3.0, 25)])
    basket = weigh(claim((0, 3), (1, 1), tare=Tare(kind="cart", weight_g=20_000, sd_g=8)), reading(22_000, 2.0),
                   beliefs, Policy())  # fmt: skip
    sigma2, tau2 = beliefs.unit_sd_g**2, beliefs.mean_sd_g**2
    assert basket.expected_g == pytest.approx(20_000 + 1750)
    assert basket.residual_g == pytest.approx(250)
    assert basket.variance_g2 == pytest.approx(3 * sigma2[0] + 9 * tau2[0] + sigma2[1] + tau2[1] + 64 + 4)


def test_lines_of_one_product_share_the_error_of_its_mean() -> None:
    beliefs = Beliefs.of([product(0, 500.0, 4.0, 4)])
    one = weigh(claim((0, 3)), reading(1500), beliefs, Policy())
    lines = tuple(Line(line=at, gtin=gtin(0), quantity=at) for at in (1, 2))
    two = weigh(Claim(transaction_id="T", revision=1, lines=lines), reading(1500), beliefs, Policy())
    assert two.variance_g2 == pytest.approx(one.variance_g2)


def test_tares_come_from_the_claim_else_from_the_policy() -> None:
    beliefs, policy = Beliefs.of([]), Policy(tare="basket")
    assert weigh(claim(), reading(0), beliefs, policy).tare_g == 600
    assert weigh(claim(tare=Tare(kind="cart")), reading(0), beliefs, policy).tare_g == 21_500
    stated = weigh(claim(tare=Tare(kind="cart", weight_g=20_000)), reading(0), beliefs, policy)
    assert stated.tare_g == 20_000
    assert stated.fixed_g2 == pytest.approx(25 + 4)


def test_a_label_weight_is_the_line_whatever_the_catalogue_says() -> None:
    line = Line(line=1, gtin=gtin(77), quantity=1, weight_g=412.0)
    basket = weigh(Claim(transaction_id="T", revision=1, lines=(line,)), reading(420), Beliefs.of([]), Policy())
    assert basket.expected_g == pytest.approx(412 + LABEL_PACKAGING_G)
    assert basket.variance_g2 < 10**2
