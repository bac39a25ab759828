"""Pictures that cannot be believed are told from those that can: drawn scenes, spoilt in known ways."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageFilter

from drivers.sim import render
from drivers.sim.assortment import ASSORTMENT
from drivers.sim.world import PlacedObject
from station.vision import detect, view_check
from station.vision.detect import Reference
from station.vision.view_check import WELL
from station.vision.watch import OBSTINATE, OLD_NS, Watch

Spoil = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def reference(empty: np.ndarray) -> Reference:
    return detect.reference(empty)


def scene(goods: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    placed = []
    for _ in range(goods):
        article = ASSORTMENT[random.integers(len(ASSORTMENT))]
        x_m, y_m, angle = random.uniform(-0.25, 0.25), random.uniform(-0.17, 0.17), random.uniform(0, 6.28)
        placed.append(PlacedObject(article.gtin, article.name, article.weight_g, x_m, y_m, angle, article.size_m))
    return render.render(placed, rng_seed=seed)


def lit(gain: float) -> Spoil:
    return lambda pixels: np.clip(pixels * float(gain), 0, 255).astype(np.uint8)


def blurred(radius_px: float) -> Spoil:
    return lambda pixels: np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius_px)))


def moved(right: int, down: int) -> Spoil:
    return lambda pixels: np.roll(pixels, (down, right), (0, 1))


SCENES = [(goods, seed) for seed, goods in enumerate((0, 1, 3, 5, 8, 12))]


@pytest.mark.parametrize(("goods", "seed"), SCENES)
def test_an_ordinary_picture_is_believed(reference: Reference, goods: int, seed: int) -> None:
    assert view_check.examine(reference, scene(goods, seed)) == WELL
    assert view_check.examine(reference, lit(0.8)(scene(goods, seed))) == WELL
    assert view_check.alone(scene(goods, seed)) == WELL


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lit(0.02), "the picture is dark"),
        (lit(0.2), r"the light is 0\.2 times"),
        (lit(3.0), "burnt out"),
        (blurred(3.0), "blurred"),
        (moved(6, 4), r"off by 6 pixels across and 4 down"),
        (moved(-40, 20), r"off by -40 pixels across and 20 down"),
    ],
)
@pytest.mark.parametrize(("goods", "seed"), [(0, 3), (3, 4), (8, 5)])
def test_a_spoilt_picture_is_a_fault_with_its_cause(
    reference: Reference, spoil: Spoil, fault: str, goods: int, seed: int
) -> None:
    import re

    health = view_check.examine(reference, spoil(scene(goods, seed)))
    assert health.trust == 0.0
    assert re.search(fault, health.fault)
    assert health.remedy


@pytest.mark.parametrize("spoil", [lit(0.45), blurred(1.5)])
def test_a_poor_picture_counts_less(reference: Reference, spoil: Spoil) -> None:
    health = view_check.examine(reference, spoil(scene(4, 7)))
    assert 0 < health.trust < 1
    assert health.fault == ""


def test_a_platform_without_edges_tells_nothing_of_movement() -> None:
    plain = np.random.default_rng(1).integers(120, 126, (480, 640, 3), np.uint8)
    assert view_check.shift(detect.reference(plain), moved(20, 20)(plain)) is None


def test_noise_and_blankness_do_not_upset_it(reference: Reference) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)
    for pixels in (noise, np.zeros_like(noise), np.full_like(noise, 255)):
        view_check.examine(reference, pixels)
    assert view_check.sharpness(np.full_like(noise, 77)) is None


def test_a_picture_from_before_the_question_or_of_long_ago_is_refused() -> None:
    def health(taken_ns: int, now_ns: int) -> str:
        return Watch().fresh(np.zeros((2, 2, 3), np.uint8), taken_ns, 10**10, now_ns).fault

    assert health(10**10, 10**10 + 10**8) == ""
    assert health(10**10 - 10**9, 10**10) == "its picture was taken 1000 ms before it was asked for"
    assert health(10**10 + 10**9, 10**10) == "its picture was taken in the future"
    assert "its picture is 6.0 s old" in health(10**10, 10**10 + OLD_NS + 10**9)


def test_the_same_bytes_twice_are_a_frozen_camera_until_others_come() -> None:
    watch, one = Watch(), scene(1, 1)
    other = one.copy()
    other[0, 0, 0] ^= 1
    faults = [watch.fresh(pixels, 0, 0, 0).fault for pixels in (one, one, other, one)]
    assert faults == ["", "it gives the same picture again and again", "", ""]


def test_dirt_on_the_platform_lowers_what_is_believed(reference: Reference) -> None:
    watch, dirty = Watch(), scene(0, 2)
    dirty[200:240, 200:280] = (110, 60, 40)
    health, learns = watch.learn(reference, dirty)
    assert (health, learns) == (WELL, True)
    assert 0.005 < watch.dirt < 0.03
    assert 0.8 < watch.look(reference, scene(3, 1)).trust < 1
    watch.learn(reference, scene(0, 3))
    assert watch.look(reference, scene(3, 1)) == WELL


def test_what_covers_the_view_of_an_empty_platform_is_not_learnt_unless_it_stays(reference: Reference) -> None:
    watch = Watch()
    covered = scene(0, 2)
    covered[:, :200] = (60, 40, 110)
    answers = [watch.learn(reference, covered) for _ in range(OBSTINATE)]
    assert [learns for _, learns in answers] == [False] * (OBSTINATE - 1) + [True]
    assert all("differs though nothing is weighed" in health.fault for health, _ in answers)
    assert watch.learn(reference, scene(0, 4)) == (WELL, True)


def test_a_first_picture_that_is_dark_or_blurred_is_no_reference() -> None:
    assert not Watch().learn(None, lit(0.02)(scene(0, 1)))[1]
    assert not Watch().learn(None, blurred(4.0)(scene(0, 1)))[1]
    assert Watch().learn(None, scene(0, 1)) == (WELL, True)
