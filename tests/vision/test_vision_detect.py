"""Finding objects in the simulated camera's frames, whose contents are known."""

import numpy as np
import pytest

from drivers.sim import render
from drivers.sim.assortment import ASSORTMENT, Article
from drivers.sim.world import PlacedObject
from station.vision import crop, detect
from station.vision.detect import Reference

BY_NAME = {article.name: article for article in ASSORTMENT}


@pytest.fixture(scope="module")
def reference(empty: np.ndarray) -> Reference:
    return detect.reference(empty)


def put(name: str, x_m: float, y_m: float, angle_rad: float = 0.0) -> PlacedObject:
    article = BY_NAME[name]
    return PlacedObject(article.gtin, name, article.weight_g, x_m, y_m, angle_rad, article.size_m)


def found(reference: Reference, *objects: PlacedObject, seed: int = 1) -> tuple[detect.Thing, ...]:
    return detect.find(reference, render.render(objects, rng_seed=seed))


def covers(thing: detect.Thing, placed: PlacedObject) -> bool:
    """The box is the drawn outline's, give or take shadow and rounding."""
    corners = render.outline_px(placed)
    expected = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    return bool(np.abs(expected - np.array(thing.box)).max() <= 8)


@pytest.mark.parametrize("seed", range(6))
def test_the_empty_platform_is_empty_in_any_light(reference: Reference, seed: int) -> None:
    assert found(reference, seed=seed) == ()


@pytest.mark.parametrize("article", ASSORTMENT, ids=lambda article: article.name.replace(" ", "_"))
def test_every_product_is_found_once_and_whole(reference: Reference, article: Article) -> None:
    placed = put(article.name, 0.02, -0.01, 0.5)
    (thing,) = found(reference, placed)
    assert covers(thing, placed) or article.drawing in {
        "round_fruit",
        "long_fruit",
        "loaf",
        "can",
        "tub",
        "bottle",
        "jar",
    }


@pytest.mark.parametrize("gain", [0.8, 0.93, 1.1])
def test_a_lamp_that_drifts_is_no_object(reference: Reference, empty: np.ndarray, gain: float) -> None:
    slope = np.linspace(0.97, 1.03, empty.shape[1])[:, np.newaxis]
    drifted = np.clip(empty * gain * slope * (1.03, 1.0, 0.97), 0, 255).astype(np.uint8)
    assert detect.find(reference, drifted) == ()


@pytest.mark.parametrize(("seed", "tilt"), [(5, 0.15), (17, 0.15), (22, 0.2)])
def test_light_from_a_corner_joins_no_objects(reference: Reference, empty: np.ndarray, seed: int, tilt: float) -> None:
    random = np.random.default_rng(seed)
    goods = [ASSORTMENT[place].name for place in random.choice(len(ASSORTMENT), 6, replace=False)]
    places = [(x, y) for y in (-0.1, 0.1) for x in (-0.2, 0.0, 0.2)]
    frame = render.render([put(name, *at, 0.3) for name, at in zip(goods, places, strict=True)], rng_seed=seed)
    rows, columns = empty.shape[:2]
    light = 1 + tilt * (np.linspace(-1, 1, columns)[np.newaxis, :] - np.linspace(-1, 1, rows)[:, np.newaxis])
    found = detect.find(reference, np.clip(frame * light[..., np.newaxis] * 0.85, 0, 255).astype(np.uint8))
    assert len(found) >= 6
    assert max(thing.area_px for thing in found) < 40_000


def test_a_soft_shadow_is_no_object(reference: Reference, empty: np.ndarray) -> None:
    y, x = np.mgrid[: empty.shape[0], : empty.shape[1]]
    shadow = 1 - 0.4 * np.exp(-(((x - 300) / 90) ** 2) - ((y - 240) / 60) ** 2)
    assert detect.find(reference, (empty * shadow[..., np.newaxis]).astype(np.uint8)) == ()


def test_a_thing_as_grey_as_the_platform_is_found_by_its_edges(reference: Reference, empty: np.ndarray) -> None:
    pixels = empty.copy()
    pixels[200:280, 250:350] = (pixels[200:280, 250:350] * 0.9).astype(np.uint8)
    pixels[200:203, 250:350] = pixels[277:280, 250:350] = pixels[200:280, 250:253] = pixels[200:280, 347:350] = 60
    (thing,) = detect.find(reference, pixels)
    assert thing.area_px > 7000


def test_things_apart_are_counted(reference: Reference) -> None:
    objects = (put("Tuna 160 g", -0.2, 0.1), put("Orange", 0.2, 0.1), put("Butter 250 g", 0.0, -0.08, 0.7))
    things = found(reference, *objects)
    assert sorted(any(covers(thing, placed) for thing in things) for placed in objects)[1:] == [True, True]
    assert len(things) == 3


def test_things_that_touch_are_cut_apart(reference: Reference) -> None:
    objects = (put("Muesli 750 g", -0.1, 0.0), put("Orange", 0.01, 0.0), put("Penne 500 g", 0.11, 0.0, 0.4))
    assert len(found(reference, *objects)) == 3


def test_what_lies_beside_the_region_is_left_out(reference: Reference) -> None:
    frame = render.render([put("Tuna 160 g", -0.2, 0.0), put("Orange", 0.2, 0.0)], rng_seed=1)
    (thing,) = detect.find(reference, frame, (0, 0, 320, 480))
    assert thing.box[2] <= 320


def test_the_reference_follows_a_slow_change(reference: Reference, empty: np.ndarray) -> None:
    dirty = empty.copy()
    dirty[220:260, 300:340] = (120, 60, 40)
    assert len(detect.find(reference, dirty)) == 1
    for _ in range(20):
        reference = detect.refreshed(reference, dirty)
    assert detect.find(reference, dirty) == ()


def test_a_picture_of_another_size_is_refused(reference: Reference) -> None:
    with pytest.raises(ValueError, match="picture is 320 x 240, the reference 640 x 480"):
        detect.find(reference, np.zeros((240, 320, 3), np.uint8))


def test_noise_and_blackness_do_not_upset_it(reference: Reference) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)
    for pixels in (noise, np.zeros_like(noise), np.full_like(noise, 255)):
        detect.find(reference, pixels)


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2, 2.5])
def test_crops_stand_upright_whatever_the_angle(reference: Reference, angle: float) -> None:
    from PIL import Image

    frame = render.render([put("Spaghetti 500 g", 0.0, 0.0, angle)], rng_seed=1)
    (thing,) = detect.find(reference, frame)
    square = crop.cut(Image.fromarray(frame), thing, 224)
    drawn = np.abs(square.astype(int) - 127).max(axis=2) > 12
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    assert np.ptp(rows) > 195
    assert 45 < np.ptp(columns) < 75
