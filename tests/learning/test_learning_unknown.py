"""A shopper with a plan and a product that nobody has bought before: how far it goes, and how it is put right."""

import pytest

from station.core.learning import Learner
from station.core.learning_settings import LearningSettings
from tests.learning.shop import Shop

PLACE = 7


def shop_with_one_unknown() -> tuple[Shop, list[int]]:
    shop = Shop()
    return shop, [at for at in range(shop.products) if at != PLACE]


def doctored(shop: Shop, learner: Learner, more_g: float, visits: int = 200) -> None:
    """Let one shopper's baskets pass, each with the product filled with so much more."""
    others = [at for at in range(shop.products) if at != PLACE]
    honest_g = float(shop.mean_g[PLACE])
    shop.mean_g[PLACE] = honest_g + more_g
    for _ in range(visits):
        rest = [int(at) for at in shop.rng.choice(others, 2, replace=False)]
        learner.learn(shop.lesson([PLACE, *rest], shopper="thief"))
    shop.mean_g[PLACE] = honest_g
    learner.refine()


def learner_of(shop: Shop, first_share: float = 3.0) -> Learner:
    """Return one that has learned all products but one."""
    learner = Learner(shop.beliefs(), LearningSettings(refine_every=250, first_share=first_share))
    for number in range(600):
        places = shop.rng.choice([at for at in range(shop.products) if at != PLACE], size=4, replace=False).tolist()
        learner.learn(shop.lesson(places, shopper=f"S-{number % 100}"))
    return learner


@pytest.mark.parametrize(
    "more_g", [pytest.param(8.0, marks=pytest.mark.slow), pytest.param(20.0, marks=pytest.mark.slow), 45.0]
)
def test_where_first_buyers_teach_nothing_a_label_stands(more_g: float) -> None:
    shop, _ = shop_with_one_unknown()
    learner = learner_of(shop, first_share=0.0)
    before_g = float(learner.beliefs.mean_g[PLACE])
    doctored(shop, learner, more_g)
    assert abs(float(learner.beliefs.mean_g[PLACE]) - before_g) < 0.5 * float(learner.beliefs.unit_sd_g[PLACE])


@pytest.mark.parametrize(
    "more_g", [pytest.param(20.0, marks=pytest.mark.slow), 45.0, pytest.param(90.0, marks=pytest.mark.slow)]
)
def test_else_it_stays_within_what_the_label_leaves_open(more_g: float) -> None:
    shop, _ = shop_with_one_unknown()
    learner = learner_of(shop)
    label_g, label_sd_g = float(shop.beliefs().mean_g[PLACE]), float(shop.beliefs().mean_sd_g[PLACE])
    doctored(shop, learner, more_g)
    assert abs(float(learner.beliefs.mean_g[PLACE]) - label_g) <= 3.0 * label_sd_g


@pytest.mark.parametrize(
    "more_g", [pytest.param(8.0, marks=pytest.mark.slow), pytest.param(20.0, marks=pytest.mark.slow), 45.0]
)
def test_and_is_put_right_by_those_who_come_after(more_g: float) -> None:
    shop, others = shop_with_one_unknown()
    learner = learner_of(shop)
    unit_sd_g = float(learner.state.stated_g2[PLACE] ** 0.5)
    doctored(shop, learner, more_g)
    for number in range(60):
        rest = [int(at) for at in shop.rng.choice(others, 2, replace=False)]
        learner.learn(shop.lesson([PLACE, *rest], shopper=f"later-{number}"))
    learner.refine()
    assert abs(float(learner.beliefs.mean_g[PLACE]) - float(shop.mean_g[PLACE])) < 0.5 * unit_sd_g
