"""A folder as a camera: newest or in turn, upright, and clear about what is wrong."""

import os
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from drivers.base import SensorError
from drivers.files_camera import Driver, Options


def picture(path: Path, red: int, age_s: float = 0.0, orientation: int = 1) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (64, 48), (red, 0, 0)).save(path, exif=exif)
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def opened(path: Path, **options: object) -> Driver:
    driver = Driver(msgspec.convert({"path": str(path), **options}, Options))
    driver.open()
    return driver


def reds(driver: Driver, count: int) -> list[int]:
    return [int(driver.capture(1.0).pixels[0, 0, 0]) for _ in range(count)]


def test_the_newest_picture_is_shown(tmp_path: Path) -> None:
    picture(tmp_path / "b.png", 20, age_s=50)
    picture(tmp_path / "a.png", 10, age_s=5)
    (tmp_path / "notes.txt").write_text("no picture")
    assert reds(opened(tmp_path), 2) == [10, 10]


def test_pictures_take_turns(tmp_path: Path) -> None:
    for name, red in (("a.png", 10), ("b.png", 20), ("c.bmp", 30)):
        picture(tmp_path / name, red)
    assert reds(opened(tmp_path, order="loop"), 4) == [10, 20, 30, 10]


def test_a_single_picture_is_turned_upright(tmp_path: Path) -> None:
    frame = opened(picture(tmp_path / "one.png", 10, orientation=6)).capture(1.0)
    assert frame.pixels.shape == (64, 48, 3)
    assert frame.pixels.dtype == np.uint8


def test_old_pictures_do_not_pass_where_fresh_ones_are_asked_for(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 10, age_s=50)
    driver = opened(tmp_path, fresh=True)
    with pytest.raises(SensorError, match=r"no picture in .* within 0\.05 s"):
        driver.capture(0.05)
    picture(tmp_path / "a.png", 30, age_s=-1)
    assert reds(driver, 1) == [30]


def test_what_is_absent_or_damaged_is_told(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="no folder or picture"):
        Driver(Options(path=str(tmp_path / "absent"))).open()
    (tmp_path / "a.jpg").write_bytes(b"not a picture at all")
    with pytest.raises(SensorError, match="is no JPEG"):
        opened(tmp_path).capture(0.1)
    whole = picture(tmp_path / "whole.png", 10).read_bytes()
    (tmp_path / "whole.png").write_bytes(whole[:90])
    with pytest.raises(SensorError, match=r"whole\.png"):
        opened(tmp_path / "whole.png").capture(0.1)


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="fps"):
        msgspec.convert({"path": "x", "fps": 3}, Options)
