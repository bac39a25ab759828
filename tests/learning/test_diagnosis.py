"""Diagnosis across transactions: each fault is named, no other is, and it clears."""

import pytest

from tests.learning.shop import gtin_of
from tests.learning.stream import Store

BEFORE = 300
PRODUCT = 3
FAULTS = {"gain": 200, "zero": 300, "cart": 200, "basket": 300, gtin_of(PRODUCT): 300}  # transactions to its name


def break_it(store: Store, cause: str) -> None:
    """Make the cause true from now on."""
    if cause == "gain":
        store.gain = 0.004
    elif cause == "zero":
        store.zero_g = 25.0
    elif cause == "cart":
        store.carrier_g["cart"] = 40.0
    elif cause == "basket":
        store.carrier_g["basket"] = 18.0
    else:
        store.shop.mean_g[PRODUCT] += 40.0


def repair(store: Store, cause: str) -> None:
    store.gain = store.zero_g = 0.0
    store.carrier_g.clear()
    if cause == gtin_of(PRODUCT):
        store.shop.mean_g[PRODUCT] -= 40.0


@pytest.mark.parametrize(
    "cause", ["zero", *(pytest.param(cause, marks=pytest.mark.slow) for cause in FAULTS if cause != "zero")]
)
def test_a_fault_is_named_and_no_other_and_clears(cause: str) -> None:
    store = Store(weighed=300)
    store.visits(BEFORE)
    break_it(store, cause)
    assert store.until(cause, FAULTS[cause]) is not None
    store.visits(100)
    assert {name for name, _ in store.raised} == {cause}
    repair(store, cause)
    store.visits(400)
    assert store.diagnosis.state.conditions == {}
    assert {name for name, _ in store.raised} == {cause}


def test_two_faults_at_once_are_both_named() -> None:
    store = Store(weighed=300)
    store.visits(BEFORE)
    store.carrier_g["cart"] = 60.0
    store.carrier_g["basket"] = -25.0
    store.visits(300)
    assert {name for name, _ in store.raised} == {"cart", "basket"}


def test_a_shopper_who_slips_raises_no_alarm_of_any_kind() -> None:
    store = Store(weighed=300)
    store.visits(100)
    store.slips = {"S-7": 120.0}
    store.visits(500)
    assert store.raised == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_20_000_honest_transactions_raise_nothing() -> None:
    store = Store(weighed=30, seed=11)
    store.visits(20_000)
    assert store.raised == []
