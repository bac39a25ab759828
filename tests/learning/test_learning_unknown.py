"""A shopper with a plan, and a product that nobody or few have bought before: how far it goes, how it is put right."""

import pytest

from station.core.learned_snapshot import dump, load
from station.core.learning import Learner
from station.core.learning_settings import LearningSettings
from tests.learning.shop import Shop

PLACE = 7
UNLIKE_G = 40.0  # what its label lets expect


def shop_with_one_unknown() -> tuple[Shop, list[int]]:
    shop = Shop()
    return shop, [at for at in range(shop.products) if at != PLACE]


def doctored(shop: Shop, learner: Learner, more_g: float, shopper: str | None) -> None:
    """Let one shopper's baskets pass, each with the product filled with so much more."""
    others = [at for at in range(shop.products) if at != PLACE]
    honest_g = float(shop.mean_g[PLACE])
    shop.mean_g[PLACE] = honest_g + more_g
    for _ in range(200):
        rest = [int(at) for at in shop.rng.choice(others, 2, replace=False)]
        learner.learn(shop.lesson([PLACE, *rest], shopper=shopper))
    shop.mean_g[PLACE] = honest_g
    learner.refine()


def learner_of(shop: Shop) -> Learner:
    """Return one that has learned all products but one."""
    learner = Learner(shop.beliefs(), LearningSettings(refine_every=250))
    for number in range(600):
        places = shop.rng.choice([at for at in range(shop.products) if at != PLACE], size=4, replace=False).tolist()
        learner.learn(shop.lesson(places, shopper=f"S-{number % 100}"))
    return learner


def bought(shop: Shop, learner: Learner, others: list[int], shoppers: list[str | None]) -> None:
    """Let honest baskets with the product pass."""
    for shopper in shoppers:
        rest = [int(at) for at in shop.rng.choice(others, 2, replace=False)]
        learner.learn(shop.lesson([PLACE, *rest], shopper=shopper))
    learner.refine()


SIZES = [pytest.param(size, marks=pytest.mark.slow) for size in (-45.0, 8.0, 20.0, 90.0)]


@pytest.mark.parametrize("more_g", [45.0, *SIZES])
@pytest.mark.parametrize("named", [True, False])
def test_a_shopper_alone_moves_a_label_by_less_than_half_a_unit_s_scatter(more_g: float, named: bool) -> None:
    shop, _ = shop_with_one_unknown()
    learner = learner_of(shop)
    before_g, before_sd_g = (float(each[PLACE]) for each in (learner.beliefs.mean_g, learner.beliefs.mean_sd_g))
    doctored(shop, learner, more_g, "thief" if named else None)
    now_g, sd_g = float(learner.beliefs.mean_g[PLACE]), float(learner.beliefs.mean_sd_g[PLACE])
    assert abs(now_g - before_g) < 0.5 * float(shop.sigma_g[PLACE])
    far = abs(float(shop.mean_g[PLACE]) + more_g - before_g) > 1.5 * before_sd_g
    assert sd_g > (before_sd_g if far else float(learner.beliefs.unit_sd_g[PLACE]))  # wider, or no surer than one unit


@pytest.mark.parametrize("more_g", [45.0, *SIZES])
@pytest.mark.parametrize("buyers", [3, 30])
def test_nor_beyond_what_all_others_say_by_themselves(more_g: float, buyers: int) -> None:
    shop, others = shop_with_one_unknown()
    learner = learner_of(shop)
    bought(shop, learner, others, [f"before-{number}" for number in range(buyers)])
    ends_g = sorted(float(each[PLACE]) for each in (learner.beliefs.mean_g, learner.state.mean_g))
    doctored(shop, learner, more_g, "thief")
    room_g = 0.5 * float(shop.sigma_g[PLACE])
    assert ends_g[0] - room_g < float(learner.beliefs.mean_g[PLACE]) < ends_g[1] + room_g


@pytest.mark.parametrize("more_g", [45.0, *SIZES])
def test_and_is_put_right_by_those_who_come_after(more_g: float) -> None:
    shop, others = shop_with_one_unknown()
    learner = learner_of(shop)
    unit_sd_g = float(learner.state.stated_g2[PLACE] ** 0.5)
    doctored(shop, learner, more_g, "thief")
    bought(shop, learner, others, [f"later-{number}" for number in range(60)])
    assert abs(float(learner.beliefs.mean_g[PLACE]) - float(shop.mean_g[PLACE])) < 0.75 * unit_sd_g


def test_different_shoppers_are_needed_to_leave_a_label_freely() -> None:
    errors_g = []
    for shoppers in (["A"] * 40, [f"S-{number}" for number in range(40)]):
        shop, others = shop_with_one_unknown()
        learner = learner_of(shop)
        shop.mean_g[PLACE] += UNLIKE_G
        bought(shop, learner, others, list(shoppers))
        errors_g.append(abs(float(learner.beliefs.mean_g[PLACE]) - float(shop.mean_g[PLACE])))
    assert errors_g[1] < errors_g[0] / 3


def test_what_staff_saw_is_let_out_at_once() -> None:
    shop, others = shop_with_one_unknown()
    learner = learner_of(shop)
    shop.mean_g[PLACE] += UNLIKE_G
    before_g = abs(float(learner.beliefs.mean_g[PLACE]) - float(shop.mean_g[PLACE]))
    for _ in range(4):
        rest = [int(at) for at in shop.rng.choice(others, 2, replace=False)]
        learner.learn(shop.lesson([PLACE, *rest], shopper="A", source="attendant"))
    assert abs(float(learner.beliefs.mean_g[PLACE]) - float(shop.mean_g[PLACE])) < before_g / 2


@pytest.fixture(scope="module")
def nobodys() -> tuple[Shop, Learner]:
    """Return a shop whose shoppers nobody can tell apart, after some weeks; every basket holds the product."""
    shop, others = shop_with_one_unknown()
    learner = Learner(shop.beliefs(), LearningSettings(refine_every=250))
    shop.mean_g[PLACE] += UNLIKE_G
    for _ in range(3600):
        rest = [int(at) for at in shop.rng.choice(others, 2, replace=False)]
        learner.learn(shop.lesson([PLACE, *rest], shopper=None))
    return shop, learner


def test_what_everybody_buys_is_learned_though_nobody_can_be_told_apart(nobodys: tuple[Shop, Learner]) -> None:
    shop, learner = nobodys
    unit_sd_g = float(learner.state.stated_g2[PLACE] ** 0.5)
    assert abs(float(learner.beliefs.mean_g[PLACE]) - float(shop.mean_g[PLACE])) < 0.5 * unit_sd_g
    assert float(learner.beliefs.mean_sd_g[PLACE]) < unit_sd_g


@pytest.mark.parametrize("honest", [0, 200, 300, 400])
def test_and_nobody_in_a_row_moves_it_by_half_a_unit_s_scatter(nobodys: tuple[Shop, Learner], honest: int) -> None:
    shop, learner = nobodys[0], Learner(nobodys[0].beliefs(), LearningSettings(refine_every=250))
    load(learner, dump(nobodys[1]))
    for _ in range(honest):  # wherever the row of doctored baskets begins
        learner.learn(shop.lesson([PLACE, 3], shopper=None))
    learner.refine()
    before_g = float(learner.beliefs.mean_g[PLACE])
    doctored(shop, learner, 45.0, None)
    assert abs(float(learner.beliefs.mean_g[PLACE]) - before_g) < 0.5 * float(shop.sigma_g[PLACE])
