"""Weights as people type them: every usual spelling is understood, every ambiguous one refused with both readings."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.captures import TestWeight
from calibration.loads import LoadError, choose, load, mass_g, short, value_g, weight_set

SPACES = [" ", "\u00a0", "\u202f", "'", ""]


@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("20kg", 20_000.0),
        ("20 000 g", 20_000.0),
        ("20,5 kg", 20_500.0),
        ("20.5 KG", 20_500.0),
        (" 500 g ", 500.0),
        ("0.500 kg", 500.0),
        ("0,005kg", 5.0),
        ("1.234,5 kg", 1_234_500.0),
        ("1,234.5kg", 1_234_500.0),
        ("5'000 g", 5000.0),
        ("250mg", 0.25),
        ("1234.500 g", 1234.5),
    ],
)
def test_usual_spellings(text: str, grams: float) -> None:
    assert mass_g(text) == pytest.approx(grams, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("20", "has no unit"),
        ("20 lb", "has lb"),
        ("20.000 kg", "20 or as 20000"),
        ("5,000 g", "5 or as 5000"),
        ("1.2.3kg", "too many separators"),
        ("1,23,4 kg", "too many separators"),
        ("20,kg", "breaks off"),
        ("0 kg", "nothing"),
        ("-5 kg", "no weight"),
        ("kg", "no weight"),
        ("", "no weight"),
        ("1e3 g", "no weight"),
    ],
)
def test_what_can_be_misread_is_refused_in_words(text: str, told: str) -> None:
    with pytest.raises(LoadError, match=told):
        mass_g(text)


@given(st.integers(1, 99_999_999), st.sampled_from([",", "."]), st.sampled_from(SPACES), st.sampled_from(SPACES[:4]))
def test_grouped_and_decimal_numbers_say_the_same_in_any_country(
    milligrams: int, decimal: str, space: str, before_unit: str
) -> None:
    whole, part = divmod(milligrams, 1000)
    digits = str(whole)
    groups = [digits[max(0, end - 3) : end] for end in range(len(digits), 0, -3)][::-1]
    text = space.join(groups) + decimal + f"{part:03d}0" + before_unit.replace("'", "") + "g"
    assert mass_g(text) == pytest.approx(milligrams / 1000, rel=1e-12)


@given(st.text(max_size=20))
def test_any_text_is_a_positive_mass_or_a_clear_refusal(text: str) -> None:
    try:
        grams = mass_g(text)
    except LoadError:
        return
    assert grams > 0
    assert math.isfinite(grams)


@given(st.floats(0.001, 3_000_000).map(lambda grams: float(f"{grams:.6g}")))
def test_what_is_shown_can_be_typed(grams: float) -> None:
    shown = short(grams)
    try:
        assert mass_g(shown) == pytest.approx(grams, rel=1e-5)
    except LoadError as error:
        assert "can be read as" in str(error)  # noqa: PT017 - 1.234 kg, which is for the typist to settle


def test_sums_and_names() -> None:
    weights = (
        TestWeight(weight_id="W-20-01", nominal_g=20_000.0, conventional_g=20_000.4),
        *weight_set("2x5kg M1"),
    )
    assert load("w-20-01 + 5kg-1", weights) == (25_000.4, ("W-20-01", "5kg-1"))
    assert load("2x10kg + 500 g", weights) == (20_500.0, ())
    with pytest.raises(LoadError, match="twice"):
        load("5kg-1 + 5kg-1", weights)


def test_a_typed_set_has_names_classes_and_no_gaps() -> None:
    found = weight_set("2x10kg M1; 1x5kg F2, 10kg; 20,5 kg")
    assert [weight.weight_id for weight in found] == ["10kg-1", "10kg-2", "5kg-1", "10kg-3", "20.5kg-1"]
    assert [weight.weight_class for weight in found] == ["M1", "M1", "F2", None, None]


def test_few_weights_near_the_target() -> None:
    weights = weight_set("4x10kg; 2x5kg; 1x500g")
    found = choose(weights, 50_000 / 3, 10_000, 20_000)
    assert found is not None
    assert found.grams == 15_000.0
    assert len(found.weights) == 2
    assert choose(weights, 60_000, 55_000, 70_000) is None
    heaviest = choose(weights, 50_000, 500, 50_000, penalty=0.0001)
    assert heaviest is not None
    assert heaviest.grams == 50_000.0


@given(st.lists(st.integers(1, 200), min_size=1, max_size=14), st.integers(1, 1000), st.integers(1, 400))
def test_chosen_weights_lie_within_the_bounds_and_exist_once(pieces: list[int], target: int, slack: int) -> None:
    weights = [TestWeight(weight_id=f"w{n}", nominal_g=100.0 * piece) for n, piece in enumerate(pieces)]
    found = choose(weights, 100.0 * target, 100.0 * (target - slack), 100.0 * (target + slack))
    if found is None:
        return
    by_name = {weight.weight_id: weight for weight in weights}
    assert sum(value_g(by_name[name]) for name in found.weights) == pytest.approx(found.grams)
    assert len(set(found.weights)) == len(found.weights)
    assert 100.0 * (target - slack) <= found.grams <= 100.0 * (target + slack)
