"""Goods that carry their own weight or price, goods nobody described, and goods that weigh nothing."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.core.basket import LABEL_PACKAGING_G, weigh
from station.core.beliefs import Beliefs
from station.core.claim import Claim, ClaimError, Line
from station.core.density import above_nothing
from station.core.gtin import check_digit
from station.core.policy import judge
from station.core.product import Product
from station.core.restricted import Layout, read
from station.core.store_policy import Policy
from station.element_strings import plain
from tests.checker.small import gtin, normal, product, reading

WEIGHT, PRICE = Layout(pattern="28IIIIIWWWWWC"), Layout(pattern="02IIIIIVPPPPC")
CHEESE_KG_PRICE = 1990


def number(body: str) -> str:
    return f"0{body}{check_digit(body)}"


def cheese(item: str) -> Product:
    return Product(
        gtin=item, name="Cheese", department="dairy", sold_by="weight", unit_price_minor=CHEESE_KG_PRICE, net_g=300
    )


def weighed(
    line_gtin: str, *, layouts: tuple[Layout, ...], catalogue: list[Product], **line: float
) -> tuple[float, float, float]:
    """Return mean, standard deviation and price of the only line's unit."""
    claimed = Claim(transaction_id="T", revision=1, lines=(Line(line=1, gtin=line_gtin, quantity=1, **line),))  # type: ignore[arg-type]
    basket = weigh(claimed, reading(0), Beliefs.of(catalogue), Policy(layouts=layouts))
    return float(basket.mean_g[0]), float((basket.sigma2_g2 + basket.tau2_g2)[0] ** 0.5), float(basket.price_minor[0])


def test_a_weight_in_the_barcode_is_the_weight_of_the_piece() -> None:
    item = number("281234500000")
    mean_g, sd_g, price = weighed(number("281234500412"), layouts=(WEIGHT,), catalogue=[cheese(item)])
    assert mean_g == 412 + LABEL_PACKAGING_G
    assert sd_g < 7
    assert price == pytest.approx(0.412 * CHEESE_KG_PRICE)


def test_a_price_in_the_barcode_is_what_the_price_per_kilogram_buys() -> None:
    item = number("021234500000")
    mean_g, sd_g, price = weighed(number("021234570820"), layouts=(WEIGHT, PRICE), catalogue=[cheese(item)])
    assert mean_g == pytest.approx(820 / CHEESE_KG_PRICE * 1000 + LABEL_PACKAGING_G)
    assert sd_g < 7
    assert price == 820


def test_the_claims_own_weight_comes_first() -> None:
    item = number("281234500000")
    mean_g, _, _ = weighed(number("281234500412"), layouts=(WEIGHT,), catalogue=[cheese(item)], weight_g=398.0)
    assert mean_g == 398 + LABEL_PACKAGING_G


def test_a_price_without_a_price_per_kilogram_is_no_weight() -> None:
    _, sd_g, price = weighed(number("021234570820"), layouts=(PRICE,), catalogue=[])
    assert sd_g > 300
    assert price == 820


def test_without_a_layout_such_a_number_is_unknown() -> None:
    _, sd_g, _ = weighed(number("281234500412"), layouts=(), catalogue=[cheese(number("281234500000"))])
    assert sd_g > 300


@given(item=st.integers(0, 99_999), grams=st.integers(1, 99_999))
def test_whatever_a_store_prints_is_read_back(item: int, grams: int) -> None:
    found = read(number(f"28{item:05d}{grams:05d}"), (PRICE, WEIGHT))
    assert found is not None
    assert (found.item, found.weight_g, found.price_minor) == (number(f"28{item:05d}00000"), grams, None)


@given(body=st.integers(0, 10**13 - 1))
def test_a_number_of_another_prefix_carries_nothing(body: int) -> None:
    code = f"{body:013d}"
    expected = code.startswith("028") and code[8:13] != "00000"
    assert (read(code + str(check_digit(code)), (WEIGHT,)) is not None) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "21IIIIIVPPPPPC",
        "99IIIIIWWWWWC",
        "28IIIIIIIIIIC",
        "28IIIIIWWPPPC",
        "28IIIIIWWWWWW",
        "2812345WWWWWC",
        "IIIIIIIWWWWWC",
    ],
)
def test_a_layout_that_makes_no_sense_is_refused(pattern: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"pattern": pattern}, Layout)


def test_what_nobody_described_weighs_as_others_of_its_price() -> None:
    catalogue = [product(at, 50.0 * (1 + at % 20), unit_price_minor=40 * (1 + at % 20)) for at in range(100)]
    cheap, _, _ = weighed(gtin(900), layouts=(), catalogue=catalogue, unit_price_minor=80)
    dear, dear_sd, _ = weighed(gtin(900), layouts=(), catalogue=catalogue, unit_price_minor=800)
    assert cheap < 300 < dear
    assert dear_sd > 300


def test_an_unknown_product_is_no_reason_to_doubt() -> None:
    catalogue = [product(at, 200.0 + 10 * at) for at in range(30)]
    lines = (Line(line=1, gtin=gtin(1), quantity=1), Line(line=2, gtin=gtin(900), quantity=1, unit_price_minor=200))
    claimed = Claim(transaction_id="T", revision=1, lines=lines)
    for weight_g in (30.0, 300.0, 900.0):
        judged = judge(claimed, reading(210 + weight_g), None, Beliefs.of(catalogue), Policy())
        assert judged.decision in {"accept", "abstain"}, weight_g


def test_a_deposit_weighs_nothing_and_lies_nowhere() -> None:
    money = Product(gtin=gtin(5), name="Pfand 0,25", unit_price_minor=25)
    beliefs = Beliefs.of([product(1, 330.0), money])
    assert (beliefs.mean_g[1], beliefs.prior[1]) == (0, 0)
    claimed = Claim(
        transaction_id="T", revision=1,
        lines=(Line(line=1, gtin=gtin(1), quantity=6), Line(line=2, gtin=gtin(5), quantity=6)),
    )  # fmt: skip
    basket = weigh(claimed, reading(6 * 330), beliefs, Policy())
    assert basket.expected_g == pytest.approx(6 * 330, abs=1)


def test_fruit_by_the_piece_scatters_more_than_a_package() -> None:
    apple = Product(gtin=gtin(1), name="Apple", department="Fruit", weight_g=180, weight_n=30)
    tin = Product(gtin=gtin(2), name="Tin", department="Canned", weight_g=180, weight_n=30)
    measured = Product(gtin=gtin(3), name="Melon", department="Fruit", weight_g=180, weight_sd_g=4, weight_n=300)
    apple_sd, tin_sd, measured_sd = Beliefs.of([apple, tin, measured]).unit_sd_g
    assert apple_sd > 15 > measured_sd
    assert tin_sd < 6


@pytest.mark.parametrize(
    ("code", "weight_g"),
    [
        ("]C101040063813339313103000412", 412.0),
        ("0104006381333931\x1d3102000041", 410.0),
        ("]C1010400638133393115261122", None),
        ("]E04006381333931", None),
    ],
)
def test_an_element_string_becomes_its_number_and_weight(code: str, weight_g: float | None) -> None:
    (line,) = plain({"lines": [{"line": 1, "gtin": code, "quantity": 1}]})["lines"]
    assert line["gtin"].zfill(14) == "04006381333931"
    assert line.get("weight_g") == weight_g


def test_an_element_string_without_a_number_says_so() -> None:
    with pytest.raises(ClaimError, match="at line 3"):
        plain({"lines": [{"line": 3, "gtin": "]C13103000412", "quantity": 1}]})


@given(text=st.text(max_size=60))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    for code in (text, f"]{text}", f"]C1{text}", f"01{text}"):
        try:
            plain({"lines": [{"line": 1, "gtin": code}]})
        except ClaimError:
            continue


def test_a_basket_too_light_is_explained_by_nothing_that_lies_there_besides() -> None:
    loose = Product(gtin=gtin(90), name="Apples", department="fruit", sold_by="weight", unit_price_minor=299)
    beliefs = Beliefs.of([product(1, 430.0), loose])
    claimed = Claim(transaction_id="T", revision=1, lines=(Line(line=1, gtin=gtin(1), quantity=2),), trust=0.5)
    judgement = judge(claimed, reading(430.0), None, beliefs, Policy())
    assert [each.p for each in judgement.explanations if each.kind == "unscanned" and each.p > 1e-4] == []
    assert [each.gtin for each in judgement.look_for] == []


@pytest.mark.parametrize("target_g", [-500.0, -40.0, 0.0, 60.0, 900.0])
def test_the_share_above_nothing_is_that_of_the_product_of_both_densities(target_g: float) -> None:
    mean_g, own_g2, variance_g2 = 450.0, 400.0**2, 50.0**2
    steps = [-3000.0 + 0.5 * (step + 0.5) for step in range(14_000)]
    weights = [normal(at - mean_g, own_g2) * normal(target_g - at, variance_g2) for at in steps]
    share = sum(w for at, w in zip(steps, weights, strict=True) if at > 0) / sum(weights)
    found = above_nothing(np.array([target_g]), variance_g2, np.array([mean_g]), np.array([own_g2]))
    assert found[0] == pytest.approx(share, abs=1e-3)
