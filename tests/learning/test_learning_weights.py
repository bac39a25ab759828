"""What a learner makes of honest baskets, of wrong ones, and of a shopper with a plan."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.core.learning import Learner
from station.core.learning_settings import LearningSettings
from station.core.lesson import Lesson
from tests.learning.shop import Shop, gtin_of

SETTINGS = LearningSettings(refine_every=250)


def taught(shop: Shop, lessons: int, wrong: float = 0.0) -> Learner:
    learner = Learner(shop.beliefs(), SETTINGS)
    for lesson in shop.stream(lessons, wrong=wrong):
        learner.learn(lesson)
    return learner


def error_g(learner: Learner, shop: Shop) -> float:
    return float(np.sqrt(np.mean((learner.beliefs.mean_g - shop.mean_g) ** 2)))


def test_true_weights_are_recovered_from_labels_alone() -> None:
    shop = Shop()
    before_g = error_g(Learner(shop.beliefs(), SETTINGS), shop)
    learner = taught(shop, 1500)
    assert before_g > 10
    assert error_g(learner, shop) < 1.2
    z = (learner.beliefs.mean_g - shop.mean_g) / learner.beliefs.mean_sd_g
    assert 0.6 < float(np.sqrt(np.mean(z**2))) < 1.5  # it knows how well it knows


def test_wrong_baskets_among_the_passed_ones_do_little_harm() -> None:
    honest, mixed = Shop(), Shop()
    error_honest_g = error_g(taught(honest, 1500), honest)
    error_mixed_g = error_g(taught(mixed, 1500, wrong=0.04), mixed)
    assert error_mixed_g < 2 * error_honest_g


def test_a_wrong_early_basket_is_doubted_once_more_is_known() -> None:
    shop = Shop()
    learner = Learner(shop.beliefs(), SETTINGS)
    learner.learn(shop.lesson([1, 2, 3], shopper="A", more_g=70.0, p=0.9))
    first = float(learner.kept.row("weight")[0])
    assert first > 0.25
    for lesson in shop.stream(750):
        learner.learn(lesson)
    assert learner.kept.row("weight")[0] < first / 10


@pytest.mark.parametrize("weighed", [5, 30, None])
@pytest.mark.parametrize("more_g", [8.0, 20.0, 45.0])
def test_one_shopper_cannot_teach_a_wrong_weight(weighed: int | None, more_g: float) -> None:
    shop = Shop(weighed=weighed)
    learner = taught(shop, 1000 if weighed is None else 0)
    place = 7
    before_g, unit_sd_g = float(learner.beliefs.mean_g[place]), float(learner.beliefs.unit_sd_g[place])
    for _ in range(200):
        others = [int(at) for at in shop.rng.choice([at for at in range(60) if at != place], 2, replace=False)]
        learner.learn(shop.lesson([place, *others], shopper="thief", more_g=more_g))
    learner.refine()
    assert abs(float(learner.beliefs.mean_g[place]) - before_g) < 0.5 * unit_sd_g


@pytest.mark.parametrize("more_g", [8.0, 45.0])
def test_nor_can_lessons_that_nobody_stands_behind(more_g: float) -> None:
    shop = Shop()
    learner = taught(shop, 1000)
    before_g, unit_sd_g = float(learner.beliefs.mean_g[7]), float(learner.beliefs.unit_sd_g[7])
    for _ in range(200):
        learner.learn(shop.lesson([7, 20], shopper=None, more_g=more_g))
    assert abs(float(learner.beliefs.mean_g[7]) - before_g) < 0.5 * unit_sd_g


def test_units_of_one_product_share_the_error_of_its_mean() -> None:
    shop = Shop()
    one, many = (Learner(shop.beliefs(), SETTINGS) for _ in range(2))
    lesson = shop.lesson([3], shopper="A")
    for learner, units in ((one, 1), (many, 6)):
        weight_g = float(shop.mean_g[3]) * units
        learner.learn(Lesson(transaction_id="T", goods=((gtin_of(3), units),), weight_g=weight_g, noise_g2=64, p=0.98))
    prior_g2, sigma_g2 = shop.beliefs().mean_sd_g[3] ** 2, shop.beliefs().unit_sd_g[3] ** 2
    for learner, units in ((one, 1), (many, 6)):
        weight = learner.kept.row("weight")[0]
        exact_g2 = 1 / (1 / prior_g2 + weight * units**2 / (64 + units * sigma_g2))
        assert learner.state.tau_g2[3] == pytest.approx(exact_g2, rel=1e-6)
    assert lesson.goods[0][0] == gtin_of(3)


def test_a_lesson_about_unknown_goods_teaches_nothing() -> None:
    learner = Learner(Shop().beliefs(), SETTINGS)
    assert learner.learn(Lesson(transaction_id="T", goods=((gtin_of(999), 1),), weight_g=5, noise_g2=4, p=0.9)) is None
    assert learner.number == 0


def test_old_lessons_are_summed_up_and_not_lost() -> None:
    shop = Shop()
    learner = Learner(shop.beliefs(), LearningSettings(refine_every=250, kept_lessons=500))
    for lesson in shop.stream(1500):
        learner.learn(lesson)
    assert learner.kept.lessons == 500
    assert error_g(learner, shop) < 1.5


@pytest.mark.parametrize("forgets", [False, True])
def test_a_solution_in_steps_ends_where_one_at_once_does(monkeypatch: pytest.MonkeyPatch, *, forgets: bool) -> None:
    shop = Shop()
    lessons = list(shop.stream(400, wrong=0.04))
    if forgets:  # staff contradict a lesson while a solution with it is under way
        told = {name: getattr(lessons[100], name) for name in lessons[100].__struct_fields__}
        lessons[256] = Lesson(**told | {"source": "attendant"})
    at_once, stepwise = (Learner(shop.beliefs(), SETTINGS) for _ in range(2))
    for lesson in lessons:
        at_once.learn(lesson)
    monkeypatch.setattr("station.core.learning.AT_ONCE", 0)
    solved = set()
    for lesson in lessons:
        stepwise.learn(lesson)
        solved.add(stepwise.solved)
    assert max(solved) > 250  # the latest one began there, and took several lessons
    assert 250 not in solved
    for learner in (at_once, stepwise):
        learner.refine()
    apart_g = np.abs(stepwise.beliefs.mean_g - at_once.beliefs.mean_g)
    assert float((apart_g / at_once.beliefs.mean_sd_g).max()) < 0.5
    assert stepwise.kept.lessons == at_once.kept.lessons


def test_what_was_summed_up_long_ago_is_less_sure_than_what_was_just_now() -> None:
    sds = []
    for later_days in (1.0, 3650.0):
        shop = Shop()
        learner = Learner(shop.beliefs(), LearningSettings(refine_every=250, kept_lessons=500))
        for lesson in shop.stream(1500):
            learner.learn(Lesson(**{name: getattr(lesson, name) for name in lesson.__struct_fields__} | {"day": 100.0}))
        learner.learn(shop.lesson([1, 2], shopper="A", day=100.0 + later_days))
        learner.refine()
        sds.append(learner.beliefs.mean_sd_g[3:].mean())
    assert sds[1] > 1.3 * sds[0]


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_no_order_of_lessons_upsets_the_beliefs(data: st.DataObject) -> None:
    shop = Shop(products=8, weighed=data.draw(st.sampled_from([None, 3])))
    learner = Learner(shop.beliefs(), LearningSettings(refine_every=20, kept_lessons=500))
    lesson = st.builds(
        Lesson, transaction_id=st.sampled_from("ABCDEFGH"),
        goods=st.lists(st.tuples(st.integers(0, 7).map(gtin_of), st.integers(1, 50)), min_size=1, max_size=5,
                       unique_by=lambda pair: pair[0]).map(tuple),
        weight_g=st.floats(-1e5, 1e6), noise_g2=st.floats(0.01, 1e6), p=st.floats(0, 1),
        source=st.sampled_from(["accepted", "attendant"]), shopper=st.integers(0, 4), day=st.floats(0, 40_000),
    )  # fmt: skip
    for given_lesson in data.draw(st.lists(lesson, max_size=60)):
        learner.learn(given_lesson)
        beliefs = learner.beliefs
        for array in (beliefs.mean_g, beliefs.mean_sd_g, beliefs.unit_sd_g, beliefs.freedom, beliefs.fourth):
            assert np.isfinite(array).all()
        assert (beliefs.mean_sd_g > 0).all()
        assert (beliefs.unit_sd_g > 0).all()
