"""Focus, exposure, white balance and dirt, of pictures made for it."""

import re

import numpy as np
import pytest
from PIL import Image, ImageFilter

from calibration import camera_light
from calibration.camera_light import Pixels


def scene(seed: int = 0) -> Pixels:
    """Squares with a little noise: edges in every tile."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:480, 0:640]
    board = np.where((x // 20 + y // 20) % 2, 170.0, 110.0)[..., None].repeat(3, axis=2)
    return np.asarray((board + random.normal(0, 2, board.shape)).clip(0, 255), np.uint8)


def blurred(pixels: Pixels, radius: float) -> Pixels:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def test_a_good_picture_has_no_complaints() -> None:
    light = camera_light.measure(scene())
    assert light.mean == pytest.approx(140, abs=2)
    assert camera_light.complaints(light) == []


@pytest.mark.parametrize(
    ("gains", "said"),
    [((0.5, 0.5, 0.5), "too dark"), ((1.4, 1.4, 1.4), "too bright"), ((1.06, 1.0, 1.0), "red is \\+6%"),
     ((1.0, 1.0, 0.9), "blue is -10%")],
)  # fmt: skip
def test_exposure_and_white_balance_are_judged(gains: tuple[float, ...], said: str) -> None:
    pixels = (scene() * np.array(gains)).clip(0, 255).astype(np.uint8)
    complaints = camera_light.complaints(camera_light.measure(pixels))
    assert len(complaints) == 1
    assert re.search(said, complaints[0])


def test_burnt_out_pixels_are_counted() -> None:
    pixels = scene()
    pixels[:48] = 255
    assert camera_light.measure(pixels).clipped == pytest.approx(0.1, abs=0.001)


def test_blur_lowers_both_measures_and_brightness_does_not() -> None:
    sharp, soft = camera_light.measure(scene()), camera_light.measure(blurred(scene(), 2))
    assert soft.laplacian < 0.3 * sharp.laplacian
    assert soft.tenengrad < 0.6 * sharp.tenengrad
    dim = camera_light.measure((scene() * 0.8).astype(np.uint8))
    assert dim.tenengrad == pytest.approx(sharp.tenengrad, rel=0.1)


def test_a_smeared_tile_and_a_dark_one_are_found_and_nothing_else() -> None:
    then, now = scene(), (scene(1) * 0.85).astype(np.uint8)  # another lamp is no dirt
    now[80:160, 160:240] = blurred(now, 4)[80:160, 160:240]
    now[320:400, 560:640] = (now[320:400, 560:640] * 0.9).astype(np.uint8)
    spots = camera_light.compare(camera_light.tiles(then), camera_light.tiles(now))
    assert {(spot.row, spot.column) for spot in spots} == {(1, 2), (4, 7)}
    assert {spot.kind for spot in spots} <= {"soft", "blurred", "dark"}


def test_a_clean_lens_has_no_spots() -> None:
    assert camera_light.compare(camera_light.tiles(scene()), camera_light.tiles(scene(1))) == []


def test_dust_shows_on_a_white_card() -> None:
    y, x = np.mgrid[-1:1:480j, -1:1:640j]
    card = (200 * (1 - 0.2 * (x**2 + y**2) / 2))[..., None].repeat(3, axis=2)  # a lens darkens its corners
    clean = card.astype(np.uint8)
    assert camera_light.white_card(clean) == []
    card[100:130, 250:280] *= 0.85
    spots = camera_light.white_card(card.astype(np.uint8))
    assert [(spot.row, spot.column, spot.kind) for spot in spots] == [(1, 3, "dark")]


def test_what_never_changes_is_smear() -> None:
    random = np.random.default_rng(3)
    pictures = [random.integers(60, 200, (480, 640, 3), dtype=np.uint8) for _ in range(4)]
    for picture in pictures:
        picture[240:320, 0:80] = 120
    assert [(spot.row, spot.column, spot.kind) for spot in camera_light.smear(pictures)] == [(3, 0, "still")]


def test_flicker_is_relative_scatter() -> None:
    assert camera_light.flicker([100.0, 100.0, 100.0]) == 0
    assert camera_light.flicker([98.0, 102.0, 98.0, 102.0]) == pytest.approx(0.0231, abs=0.001)
