"""Pictures from files: upright, bounded, and clear errors."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from station.vision import figures, picture
from station.vision.picture import PictureError


def encoded(mode: str, size: tuple[int, int], kind: str = "PNG", orientation: int = 1) -> bytes:
    content = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new(mode, size).save(content, kind, exif=exif)
    return content.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1"])
def test_every_kind_of_picture_becomes_rgb(mode: str) -> None:
    assert picture.decode(encoded(mode, (60, 40)), "it").shape == (40, 60, 3)


def test_the_camera_held_upright_is_turned_upright() -> None:
    assert picture.decode(encoded("RGB", (60, 40), "JPEG", orientation=6), "it").shape == (60, 40, 3)


@pytest.mark.parametrize("size", [(31, 400), (9000, 40), (7000, 7000)])
def test_sizes_are_bounded(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match=f"picture it is {size[0]} x {size[1]} pixels"):
        picture.decode(encoded("1", size), "it")


@pytest.mark.parametrize(
    "content", [b"", b"hello", encoded("RGB", (60, 40))[:70], encoded("RGB", (60, 40), "JPEG")[:300]]
)
def test_what_is_no_picture_is_an_error_of_one_line(content: bytes) -> None:
    with pytest.raises(PictureError, match=r"^picture it is [^\n]*$"):
        picture.decode(content, "it")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"absent\.jpg cannot be read: No such file"):
        picture.read(tmp_path / "absent.jpg")


def test_fitting_keeps_the_proportions() -> None:
    square = picture.fit(np.full((50, 100, 3), 200, np.uint8), 224)
    assert square.shape == (224, 224, 3)
    assert (square[112, 112] == 200).all()
    assert (square[10, 112] == picture.PAD_GREY).all()


def test_calibration_error_is_zero_when_stated_and_true_agree() -> None:
    assert figures.calibration_error(
        np.array([1.0, 1.0, 0.5, 0.5]), np.array([True, True, True, False])
    ) == pytest.approx(0)
    assert figures.calibration_error(np.array([0.9, 0.9]), np.array([False, False])) == pytest.approx(0.9)


def test_auroc_counts_pairs() -> None:
    assert figures.auroc(np.array([0.9, 0.4]), np.array([0.1, 0.4])) == pytest.approx((1 + 1 + 1 + 0.5) / 4)
    assert figures.auroc(np.array([]), np.array([0.1])) is None
