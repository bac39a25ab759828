"""A product that becomes another one: quarantine, and who may end it."""

import pytest

from station.core.learning import Learner
from station.core.learning_settings import LearningSettings
from station.core.lesson import ANONYMOUS
from tests.learning.shop import Shop, gtin_of

PLACE, MORE_G = 7, 60.0
SETTINGS = LearningSettings(refine_every=250, distinct_shoppers=5)


def known() -> tuple[Shop, Learner]:
    shop = Shop(weighed=30)
    learner = Learner(shop.beliefs(), SETTINGS)
    for lesson in shop.stream(100):
        learner.learn(lesson)
    learner.notes.clear()
    return shop, learner


def changed(shop: Shop, learner: Learner, shoppers: list[str | None], source: str = "accepted") -> None:
    """Let baskets pass that hold the product as it is now."""
    for shopper in shoppers:
        others = [int(at) for at in shop.rng.choice([at for at in range(60) if at != PLACE], 2, replace=False)]
        learner.learn(shop.lesson([PLACE, *others], shopper=shopper, source=source))


def test_a_new_recipe_is_quarantined_and_then_borne_out_by_different_shoppers() -> None:
    shop, learner = known()
    old_g, old_sd_g = float(learner.beliefs.mean_g[PLACE]), float(learner.beliefs.mean_sd_g[PLACE])
    shop.mean_g[PLACE] += MORE_G
    changed(shop, learner, ["A"] * 10)
    assert learner.state.shifts.changing[PLACE]
    assert [note.why for note in learner.notes if note.gtin == gtin_of(PLACE)] == ["quarantined"]
    assert abs(float(learner.beliefs.mean_g[PLACE]) - old_g) < 0.5
    assert learner.beliefs.mean_sd_g[PLACE] > 5 * old_sd_g
    changed(shop, learner, ["B", "C", "D"])
    assert learner.state.shifts.changing[PLACE]  # four shoppers are not enough
    changed(shop, learner, ["E"])
    assert not learner.state.shifts.changing[PLACE]
    changed(shop, learner, [f"S{number}" for number in range(40)])
    learner.refine()
    assert abs(float(learner.beliefs.mean_g[PLACE]) - shop.mean_g[PLACE]) < 5
    assert any(note.why.startswith("changed, borne out") for note in learner.notes)


def test_one_shopper_or_nobody_never_ends_a_quarantine() -> None:
    shop, learner = known()
    old_g = float(learner.beliefs.mean_g[PLACE])
    shop.mean_g[PLACE] += MORE_G
    changed(shop, learner, ["A"] * 60 + [None] * 60)
    assert learner.state.shifts.changing[PLACE]
    assert abs(float(learner.beliefs.mean_g[PLACE]) - old_g) < 0.5


def test_an_attendant_ends_it_at_once() -> None:
    shop, learner = known()
    shop.mean_g[PLACE] += MORE_G
    changed(shop, learner, ["A"] * 10)
    changed(shop, learner, ["A"], source="attendant")
    assert not learner.state.shifts.changing[PLACE]
    changed(shop, learner, ["B"] * 4, source="attendant")
    assert abs(float(learner.beliefs.mean_g[PLACE]) - shop.mean_g[PLACE]) < 12
    assert any(note.why == "changed, by an attendant's word" for note in learner.notes)


def test_a_false_alarm_ends_by_itself() -> None:
    shop, learner = known()
    mean_sd_g = float(learner.beliefs.mean_sd_g[PLACE])
    shop.mean_g[PLACE] += MORE_G
    changed(shop, learner, ["A"] * 10)
    shop.mean_g[PLACE] -= MORE_G
    changed(shop, learner, ["A"] * 30)
    assert not learner.state.shifts.changing[PLACE]
    assert learner.beliefs.mean_sd_g[PLACE] < 1.1 * mean_sd_g
    assert learner.notes[-1].why == "confirmed"


@pytest.mark.slow
def test_honest_traffic_raises_no_alarm() -> None:
    shop = Shop(weighed=30)
    learner = Learner(shop.beliefs(), SETTINGS)
    for lesson in shop.stream(2000):
        learner.learn(lesson)
    assert [note for note in learner.notes if note.why == "quarantined"] == []


def test_shoppers_are_counted_without_being_kept() -> None:
    shop, learner = known()
    before = learner.state.shoppers(PLACE)
    changed(shop, learner, [f"new-{number}" for number in range(12)])
    assert before + 6 <= learner.state.shoppers(PLACE) <= before + 20
    assert shop.lesson([1], shopper=None).shopper == ANONYMOUS
