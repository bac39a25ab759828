"""The simulated camera's pictures: repeatable, and showing what lies there."""

import numpy as np
import pytest

from drivers.sim import render
from drivers.sim.assortment import ASSORTMENT, BY_GTIN
from drivers.sim.world import PlacedObject
from station.core import gtin as gtins

MILK, CAN = ASSORTMENT[0], ASSORTMENT[22]


def changed(objects: list[PlacedObject]) -> np.ndarray:
    """Where the picture differs from the empty platform's, same light, same noise."""
    bare = render.render([], rng_seed=1).astype(int)
    return np.asarray(np.abs(render.render(objects, rng_seed=1).astype(int) - bare).max(axis=2) > 20)


def test_numbers_are_valid_and_different() -> None:
    assert [gtins.normalise(article.gtin) for article in ASSORTMENT] == [article.gtin for article in ASSORTMENT]
    assert len(BY_GTIN) == len(ASSORTMENT) >= 40


def test_there_are_pairs_that_only_one_sense_tells_apart() -> None:
    alike = [(a, b) for a in ASSORTMENT for b in ASSORTMENT if a.gtin < b.gtin]
    same_weight = [
        pair for pair in alike if abs(pair[0].weight_g - pair[1].weight_g) < 1 and pair[0].colours != pair[1].colours
    ]
    same_look = [
        pair
        for pair in alike
        if pair[0].colours == pair[1].colours
        and pair[0].brand == pair[1].brand
        and pair[0].weight_g * 1.5 < pair[1].weight_g
    ]
    assert len(same_weight) >= 3
    assert same_look


def test_one_seed_one_picture() -> None:
    placed = [PlacedObject(MILK.gtin, MILK.name, 1.0, 0.1, 0.05, 0.4, MILK.size_m)]
    assert (render.render(placed, rng_seed=3) == render.render(placed, rng_seed=3)).all()
    assert (render.render(placed, rng_seed=3) != render.render(placed, rng_seed=4)).any()


def test_frames_have_the_size_asked_for() -> None:
    assert render.render([], rng_seed=1, width_px=320, height_px=240).shape == (240, 320, 3)
    assert render.render([], rng_seed=1).dtype == np.uint8


@pytest.mark.parametrize(("x_m", "y_m"), [(0.0, 0.0), (-0.2, 0.1), (0.2, -0.1)])
def test_things_are_drawn_where_they_lie(x_m: float, y_m: float) -> None:
    placed = PlacedObject(CAN.gtin, CAN.name, 1.0, x_m, y_m, 0.0, CAN.size_m)
    rows, columns = np.nonzero(changed([placed]))
    centre = render.outline_px(placed).mean(axis=0)
    assert np.abs(centre - (columns.mean(), rows.mean())).max() < 8


def test_hidden_things_are_not_drawn() -> None:
    assert not changed([PlacedObject(CAN.gtin, CAN.name, 1.0, hidden=True)]).any()


def test_later_things_lie_on_top() -> None:
    below = PlacedObject(MILK.gtin, MILK.name, 1.0, size_m=MILK.size_m)
    above = PlacedObject(CAN.gtin, CAN.name, 1.0, size_m=CAN.size_m)
    middle = (slice(235, 245), slice(315, 325))
    alone = render.render([above], rng_seed=1)[middle].astype(int)
    both = render.render([below, above], rng_seed=1)[middle].astype(int)
    assert np.abs(alone - both).max() < 12


def test_what_is_no_product_is_drawn_too() -> None:
    assert changed([PlacedObject("a bag", "a bag", 900.0, size_m=(0.2, 0.2))]).sum() > 20_000
