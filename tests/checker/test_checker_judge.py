"""The judgement as a whole: bounds, order, decisions, words of every field."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from station.core.beliefs import Beliefs
from station.core.claim import Claim, Line, Tare
from station.core.evidence import Evidence, Sighting
from station.core.policy import Policy, abstained, consider, judge
from station.core.policy_costs import costs
from station.core.recheck import looks
from station.core.store_policy import BaseRates
from station.core.verdict import Judgement
from tests.checker.small import claim, gtin, product, reading

POLICY = Policy()
RNG = np.random.default_rng(3)
WEIGHTS_G = np.round(RNG.lognormal(math.log(350), 0.7, 400), 1)
BELIEFS = Beliefs.of(
    [product(at, float(w), max(0.01 * float(w), 1.0), 30, min_age=16 if at == 2 else None, unit_price_minor=250)
     for at, w in enumerate(WEIGHTS_G)]
)  # fmt: skip
LINES = st.lists(st.tuples(st.integers(0, 399), st.integers(1, 9)), max_size=12, unique_by=lambda line: line[0])


def expected_g(lines: list[tuple[int, int]]) -> float:
    return float(sum(BELIEFS.mean_g[at] * units for at, units in lines))


def p_of(judgement: Judgement) -> float:
    assert judgement.p_as_claimed is not None
    return judgement.p_as_claimed


def numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [x for item in value.values() for x in numbers(item)]
    if isinstance(value, list | tuple):
        return [x for item in value for x in numbers(item)]
    return [float(value)] if isinstance(value, int | float) else []


@given(
    lines=LINES, gross_g=st.floats(-1e6, 1e6), sd_g=st.floats(0, 1e5), trust=st.floats(0.02, 0.99),
    seen=st.none() | st.lists(st.tuples(st.integers(0, 399), st.floats(0, 0.9), st.floats(0, 0.1)), max_size=14),
    visibility=st.floats(0, 1),
)  # fmt: skip
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_field_is_bounded(
    lines: list[tuple[int, int]], gross_g: float, sd_g: float, trust: float,
    seen: list[tuple[int, float, float]] | None, visibility: float,
) -> None:  # fmt: skip
    evidence = None
    if seen is not None:
        sightings = tuple(Sighting(camera="a", candidates=((gtin(at), p),), unknown=u) for at, p, u in seen)
        evidence = Evidence(sightings=sightings, visibility=visibility, cameras=1, gallery_size=400)
    judgement = judge(claim(*lines, trust=trust), reading(gross_g, sd_g), evidence, BELIEFS, POLICY)
    assert all(math.isfinite(number) for number in numbers(msgspec.to_builtins(judgement)))
    assert set(judgement.message) >= {"en", "de"}
    assert all(judgement.message.values())
    assert len(judgement.recheck) + len(judgement.look_for) <= 3
    if judgement.decision == "abstain":
        assert judgement.reasons
        return
    assert 0 <= p_of(judgement) <= 1
    assert judgement.expected_loss_minor is not None
    assert judgement.expected_loss_minor >= 0
    assert judgement.smallest_visible is not None
    assert 0 < judgement.smallest_visible.weight_g <= 60_000
    told = [explanation.p for explanation in judgement.explanations]
    assert told == sorted(told, reverse=True)
    assert sum(told) <= 1 + 1e-9
    assert sum(told) >= 0.95 or len(told) == 10
    allowed = {"accept": {"release"}, "review": {"sight_check", "rescan_items"}, "reject": {"rescan_all", "call_staff"}}
    assert judgement.action in allowed[judgement.decision]
    assert (judgement.decision == "accept") == (judgement.reasons == ())


@given(lines=LINES.filter(bool), extra=st.floats(30, 400), trust=st.floats(0.1, 0.99))
@settings(max_examples=60, deadline=None)
def test_unexplained_weight_beyond_all_doubt_never_raises_the_probability(
    lines: list[tuple[int, int]], extra: float, trust: float
) -> None:
    base = consider(claim(*lines, trust=trust), reading(expected_g(lines)), None, BELIEFS, POLICY)
    more_g = extra * base.case.basket.variance_g2**0.5
    for sign in (1, -1):
        far = consider(claim(*lines, trust=trust), reading(expected_g(lines) + sign * more_g), None, BELIEFS, POLICY)
        assert far.p_as_claimed <= base.p_as_claimed
        assert far.p_as_claimed < 1e-4


@given(lines=LINES, trust=st.tuples(st.floats(0.02, 0.99), st.floats(0.02, 0.99)), extra=st.floats(-500, 500))
@settings(max_examples=40, deadline=None)
def test_more_trust_never_lowers_the_probability(
    lines: list[tuple[int, int]], trust: tuple[float, float], extra: float
) -> None:
    low, high = (
        consider(claim(*lines, trust=value), reading(expected_g(lines) + extra), None, BELIEFS, POLICY).p_as_claimed
        for value in sorted(trust)
    )
    assert low <= high + 1e-12


def test_an_honest_basket_is_released() -> None:
    judgement = judge(claim((0, 2), (1, 1)), reading(expected_g([(0, 2), (1, 1)])), None, BELIEFS, POLICY)
    assert (judgement.decision, judgement.action, judgement.reasons) == ("accept", "release", ())
    assert p_of(judgement) > 0.97
    assert judgement.explanations[0].kind == "as_claimed"


def test_the_unscanned_product_is_named_among_the_looks_or_explanations() -> None:
    """Heavier than the receipt by one catalogue product that no other weighs."""
    beliefs = Beliefs.of([product(0, 200.0), product(1, 310.0), product(2, 777.0)])
    judgement = judge(claim((0, 1), (1, 1)), reading(510.0 + 777.0), None, beliefs, POLICY)
    first = judgement.explanations[0]
    assert (first.kind, first.gtin, first.quantity, first.value_minor) == ("unscanned", gtin(2), 1, 120)
    assert judgement.decision == "review"
    assert judgement.look_for[0].gtin == gtin(2)
    assert "Product 2" in judgement.message["en"]
    assert "heavier" in judgement.message["en"]
    assert judgement.reasons[0] == "UNSCANNED"


def test_a_missing_item_is_told_to_the_overcharged_shopper() -> None:
    beliefs = Beliefs.of([product(0, 200.0), product(1, 310.0), product(2, 777.0)])
    judgement = judge(claim((0, 1), (1, 1)), reading(310.0), None, beliefs, POLICY)
    first = judgement.explanations[0]
    assert (first.kind, first.gtin, first.quantity) == ("missing", gtin(0), 1)
    assert judgement.recheck[0].gtin == gtin(0)
    assert "MISSING" in judgement.reasons
    assert "more than you have" in judgement.message["en"]


@pytest.mark.parametrize("factor", [-1, 1])
def test_too_light_counts_as_much_as_too_heavy(factor: int) -> None:
    beliefs = Beliefs.of([product(0, 200.0), product(1, 310.0), product(2, 777.0)])
    judgement = judge(claim((0, 2), (1, 1)), reading(710.0 + factor * 200.0), None, beliefs, POLICY)
    assert p_of(judgement) < 0.001
    assert judgement.decision == "review"
    assert (judgement.explanations[0].kind, judgement.explanations[0].delta) == ("quantity", factor)


def test_a_swap_names_both_products() -> None:
    beliefs = Beliefs.of([product(0, 200.0), product(1, 310.0), product(2, 433.0, unit_price_minor=900)])
    judgement = judge(claim((0, 1), (1, 1)), reading(433.0 + 310.0), None, beliefs, POLICY)
    swap = next(told for told in judgement.explanations if told.kind == "swapped")
    assert (swap.gtin, swap.actual_gtin, swap.value_minor) == (gtin(0), gtin(2), 800)
    assert judgement.recheck[0].gtin == gtin(0)


def test_a_leaning_hand_is_no_reason_to_ask_for_goods() -> None:
    judgement = judge(claim((0, 1)), reading(expected_g([(0, 1)]) + 9000), None, BELIEFS, POLICY)
    assert "FOREIGN_OBJECT" in judgement.reasons
    assert judgement.decision != "accept"


def test_an_empty_claim_works() -> None:
    assert judge(claim(), reading(0.0), None, BELIEFS, POLICY).decision == "accept"
    assert judge(claim(), reading(900.0), None, BELIEFS, POLICY).decision != "accept"


def test_an_empty_catalogue_works() -> None:
    judgement = judge(claim((0, 1)), reading(400.0), None, Beliefs.of([]), POLICY)
    assert judgement.decision == "accept"
    assert "UNKNOWN_WEIGHT" not in judgement.reasons


def test_an_unknown_gtin_is_no_alarm_by_itself() -> None:
    for gross_g in (150.0, 400.0, 900.0, 1400.0):
        judgement = judge(claim((999, 1), trust=0.97), reading(gross_g), None, BELIEFS, POLICY)
        assert judgement.decision == "accept", gross_g
        assert p_of(judgement) > 0.7


def test_nothing_can_be_said_of_a_basket_of_unknown_weights() -> None:
    asked = claim(*((number, 9) for number in range(900, 912)), trust=0.97)
    judgement = judge(asked, reading(30_000.0), None, BELIEFS, POLICY)
    assert (judgement.decision, judgement.action, judgement.reasons) == ("abstain", "call_staff", ("UNKNOWN_WEIGHT",))
    assert judgement.p_as_claimed is None
    assert judgement.weight is not None


def test_an_unknown_tare_is_said_so() -> None:
    asked = claim((0, 1), tare=Tare(kind="cart", weight_g=20_000, sd_g=4000))
    judgement = judge(asked, reading(20_000 + expected_g([(0, 1)])), None, BELIEFS, POLICY)
    assert (judgement.decision, judgement.reasons) == ("abstain", ("TARE_UNKNOWN",))


def test_no_reading_is_waited_for() -> None:
    judgement = judge(claim((0, 1)), None, None, BELIEFS, POLICY)
    assert (judgement.decision, judgement.action, judgement.reasons) == ("abstain", "wait", ("NOT_SETTLED",))
    assert abstained(("SCALE_FAULT",), "EUR").action == "call_staff"
    assert abstained(("NO_CLAIM",), "EUR").message["en"].startswith("Please hold")


def test_age_is_a_requirement_and_no_suspicion() -> None:
    judgement = judge(claim((1, 1), (2, 1)), reading(expected_g([(1, 1), (2, 1)])), None, BELIEFS, POLICY)
    assert [(r.kind, r.line, r.min_age) for r in judgement.requirements] == [("age", 2, 16)]
    assert judgement.decision == "accept"


def test_a_label_weight_overrules_the_catalogue() -> None:
    line = Line(line=1, gtin=gtin(5), quantity=1, weight_g=412.0, unit_price_minor=489)
    asked = Claim(transaction_id="T", revision=1, lines=(line,), trust=0.9)
    right = judge(asked, reading(420.0), None, BELIEFS, POLICY)
    wrong = judge(asked, reading(620.0), None, BELIEFS, POLICY)
    assert p_of(right) > 0.95
    assert p_of(wrong) < 0.05


@pytest.mark.parametrize(
    ("lines", "policy"),
    [
        ([(0, 1)], Policy(risk_appetite=4.0)),
        ([(at, 1 + at % 2) for at in range(10)], POLICY),
        *(
            pytest.param(lines, policy, marks=pytest.mark.slow)
            for lines in ([(0, 1)], [(at, 1 + at % 2) for at in range(10)], [(at, 1) for at in range(40)])
            for policy in (POLICY, Policy(risk_appetite=4.0), Policy(base_rates=BaseRates(stale_weight=10)))
        ),
    ],
)
def test_an_added_item_of_the_smallest_visible_weight_is_caught_nine_times_in_ten(
    lines: list[tuple[int, int]], policy: Policy
) -> None:
    """Simulated: the weights of all units, of tare and scale are drawn by the beliefs."""
    tare, rng = Tare(kind="basket", weight_g=600, sd_g=30), np.random.default_rng(5)
    base = judge(claim(*lines, tare=tare), reading(600 + expected_g(lines)), None, BELIEFS, policy)
    assert base.smallest_visible is not None
    at, units = (np.array(numbers) for numbers in zip(*lines, strict=True))
    sd_g = math.sqrt(float(units @ BELIEFS.unit_sd_g[at] ** 2 + units**2 @ BELIEFS.mean_sd_g[at] ** 2) + 30**2 + 2**2)
    middle_g = 600 + expected_g(lines)

    def stopped(added_g: float) -> float:
        grosses_g = middle_g + added_g + rng.normal(0, sd_g, 80)
        verdicts = [judge(claim(*lines, tare=tare), reading(float(g)), None, BELIEFS, policy) for g in grosses_g]
        return sum(verdict.decision != "accept" for verdict in verdicts) / len(verdicts)

    assert stopped(base.smallest_visible.weight_g) > 0.8  # 0.9 less three standard errors
    assert stopped(0.35 * base.smallest_visible.weight_g) < 0.5  # so the figure is no mere safe side


@pytest.mark.parametrize("gross_g", [-2000.0, -120.0, 600_000.0])
def test_what_no_load_can_weigh_is_the_scales_fault(gross_g: float) -> None:
    judgement = judge(claim((0, 1)), reading(gross_g), None, BELIEFS, POLICY)
    assert (judgement.decision, judgement.action, judgement.reasons) == ("abstain", "call_staff", ("SCALE_FAULT",))
    assert judgement.p_as_claimed is None
    assert judgement.weight is not None


def test_a_reading_that_knows_nothing_is_waited_for() -> None:
    judgement = judge(claim((0, 1), trust=0.97), reading(expected_g([(0, 1)]), 20_000.0), None, BELIEFS, POLICY)
    assert (judgement.decision, judgement.action, judgement.reasons) == ("abstain", "wait", ("NOT_SETTLED",))


def test_mostly_unknown_goods_support_no_release() -> None:
    asked = claim((0, 1), *((number, 1) for number in range(900, 906)), trust=0.97)
    heavier = Policy(unknown_sd_g=300.0)
    judgement = judge(asked, reading(expected_g([(0, 1)]) + 6 * BELIEFS.usual_g), None, BELIEFS, heavier)
    assert (judgement.decision, judgement.reasons) == ("abstain", ("UNKNOWN_WEIGHT",))


def test_another_carrier_than_stated_is_asked_for_and_no_goods() -> None:
    lines = [(at, 1) for at in range(5)]
    stated = Tare(kind="basket", weight_g=600, sd_g=10)
    asked = claim(*lines, tare=stated, trust=0.97)
    judgement = judge(asked, reading(21_480 + expected_g(lines)), None, BELIEFS, POLICY)
    first = judgement.explanations[0]
    assert (first.kind, first.cause, first.value_minor) == ("foreign_load", "tare", None)
    assert judgement.reasons[0] == "TARE_UNKNOWN"
    assert judgement.decision in {"review", "reject"}
    if judgement.action != "call_staff":
        assert "cart or basket" in judgement.message["en"]


def test_somebody_elses_goods_are_told_as_such() -> None:
    """Some kilograms lighter: no hand lifts just that much as often as claims are mixed up."""
    lines = [(at, 9) for at in range(12)]
    judgement = judge(claim(*lines), reading(3000.0), None, BELIEFS, POLICY)
    first = judgement.explanations[0]
    assert (first.kind, first.cause) == ("foreign_load", "other_basket")
    assert judgement.decision == "reject"
    assert judgement.action == "rescan_all"


def test_a_new_pack_is_no_reason_to_stop_a_shopper() -> None:
    """Nine units that are each 3 % heavier: no single product weighs that, and nothing is lost."""
    beliefs = Beliefs.of([product(0, 500.0, 1.0, 400), product(1, 3000.0, 2.0, 400)])
    asked = claim((0, 9), trust=0.97)
    told = judge(asked, reading(9 * 515.0), None, beliefs, POLICY)
    stale = next(each for each in told.explanations if each.kind == "stale_weight")
    assert (stale.gtin, stale.value_minor) == (gtin(0), None)
    assert stale.p > 0.2
    without = judge(asked, reading(9 * 515.0), None, beliefs, Policy(base_rates=BaseRates(stale_weight=0.0)))
    assert told.expected_loss_minor is not None
    assert without.expected_loss_minor is not None
    assert told.expected_loss_minor < 0.85 * without.expected_loss_minor


def test_two_deviations_are_told_in_parts() -> None:
    beliefs = Beliefs.of([product(0, 200.0), product(1, 310.0), product(2, 777.0), product(3, 1234.0)])
    gross_g = 200.0 + 777.0 + 1234.0  # product 1 is missing, product 3 unscanned
    told = judge(claim((0, 1), (1, 1), (2, 1)), reading(gross_g), None, beliefs, POLICY)
    both = next(each for each in told.explanations if each.kind == "several" and each.parts)
    assert both.parts is not None
    assert [(part.kind, part.gtin) for part in both.parts] == [("missing", gtin(1)), ("unscanned", gtin(3))]
    assert both.p <= told.explanations[0].p


def test_looks_are_worth_what_they_cost() -> None:
    """The looks named first settle most; with them a check costs less than without."""
    dear = product(2, 777.0, unit_price_minor=900)
    beliefs = Beliefs.of([product(0, 200.0), product(1, 310.0), dear, product(3, 779.0)])
    result = consider(claim((0, 1), (1, 1)), reading(510.0 + 777.5), None, beliefs, POLICY)
    named = looks(result)
    assert [each.gtin for each in named.products][:2] == [gtin(2), gtin(3)]
    with_looks = costs(POLICY, result.p_as_claimed, result.loss_minor, named.settled_minor, named.p_open)
    assert with_looks.small_check < costs(POLICY, result.p_as_claimed, result.loss_minor).small_check
    assert 0 <= named.p_open < 0.2


def test_a_pack_with_a_fifth_more_in_it_is_known_for_what_it_is() -> None:
    """Twelve packs of 100 g, each with 20 % more: a difference that no other product of the catalogue makes."""
    beliefs = Beliefs.of([product(0, 106.0), product(1, 900.0)])
    judgement = judge(claim((0, 12), trust=0.97), reading(12 * 126.0), None, beliefs, Policy())
    packs = next(each for each in judgement.explanations if each.kind == "stale_weight")
    assert packs.gtin == gtin(0)
    assert packs.p > 0.3


def test_a_child_on_the_platform_is_something_else_and_no_goods() -> None:
    lines = [(0, 1), (1, 2)]
    judgement = judge(claim(*lines), reading(expected_g(lines) + 18_000), None, BELIEFS, POLICY)
    assert judgement.reasons == ("FOREIGN_OBJECT",)
    assert judgement.explanations[0].kind == "foreign_load"
    assert judgement.message["en"].startswith("Please make sure that only the shopping is on the platform")


def test_nobody_is_sent_to_look_for_what_hardly_can_be_there() -> None:
    lines = [(at, 2) for at in range(8)]
    judgement = judge(claim(*lines), reading(0.0), None, BELIEFS, POLICY)
    assert judgement.recheck == ()
    assert judgement.look_for == ()
    assert "let go of it" in judgement.message["en"]
