"""The USB camera: format and controls read back, old pictures thrown away, what breaks is told."""

import importlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from drivers.base import SensorError
from drivers.v4l2 import Driver, Options


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The library in front of the driver."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "fake_cv2")
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    yield importlib.import_module("cv2")
    sys.modules.pop("cv2", None)


def camera(**keys: Any) -> Driver:
    return Driver(Options(device="/dev/null", **keys))


def opened(**keys: Any) -> Driver:
    made = camera(**keys)
    made.open()
    return made


@pytest.mark.parametrize("wire", ["MJPG", "YUYV"])
def test_pictures_are_rgb_and_newer_than_the_question(library: Any, wire: str) -> None:
    driver = opened(format=wire, width_px=320, height_px=240)
    for _ in range(3):
        before_ns = time.monotonic_ns()
        frame = driver.capture(5.0)
        assert frame.pixels.shape == (240, 320, 3)
        red, _, blue = frame.pixels[100, 100].tolist()
        assert red > 200
        assert blue < 60
        assert frame.t_ns >= before_ns
    driver.close()
    assert library.VideoCapture.last.released


def test_without_time_stamps_as_many_pictures_are_thrown_away_as_a_queue_can_hold(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library.VideoCapture, "stamps", False)
    driver = opened()
    before = library.VideoCapture.last.reads
    driver.capture(5.0)
    assert library.VideoCapture.last.reads - before == 6


def test_exposure_white_balance_gain_and_focus_are_fixed(library: Any) -> None:
    assert opened(exposure_us=0, white_balance_k=0).lock() == {}
    driver = opened(exposure_us=5000, white_balance_k=4000, gain=30, focus=12)
    assert driver.lock() == {"exposure_us": 5000, "white_balance_k": 4000, "gain": 30, "focus": 12}
    values = library.VideoCapture.last.values
    assert (values[library.CAP_PROP_AUTO_EXPOSURE], values[library.CAP_PROP_EXPOSURE]) == (1, 50)
    assert (values[library.CAP_PROP_AUTO_WB], values[library.CAP_PROP_WB_TEMPERATURE]) == (0, 4000)
    assert (values[library.CAP_PROP_GAIN], values[library.CAP_PROP_AUTOFOCUS], values[library.CAP_PROP_FOCUS]) == (
        30,
        0,
        12,
    )


@pytest.mark.parametrize(
    ("fault", "message", "remedy"),
    [
        ({"missing": {"CAP_PROP_AUTO_EXPOSURE"}}, "has no manual exposure", "exposure_us = 0"),
        ({"most": {"CAP_PROP_EXPOSURE": 50}}, "uses exposure 50 instead of 100", "exposure_us = 0"),
        ({"missing": {"CAP_PROP_WB_TEMPERATURE"}}, "has no white balance", "white_balance_k = 0"),
        ({"formats": ("YUYV",)}, "not MJPG of 640 x 480", "v4l2-ctl --list-formats-ext"),
        ({"most": {"CAP_PROP_FRAME_WIDTH": 320}}, "MJPG of 320 x 480, not", "v4l2-ctl"),
        ({"opens": False}, "cannot be opened", "nothing else uses it"),
        ({"gone": True}, "gives no pictures any more", "reseat its cable"),
    ],
)
def test_what_the_camera_does_not_do_is_told_with_the_remedy(
    library: Any, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any], message: str, remedy: str
) -> None:
    for name, value in fault.items():
        made: Any = value
        if name == "missing":
            made = frozenset(getattr(library, control) for control in value)
        if name == "most":
            made = {getattr(library, control): most for control, most in value.items()}
        monkeypatch.setattr(library.VideoCapture, name, made)
    with pytest.raises(SensorError, match=message) as caught:
        opened()
    assert remedy in caught.value.remedy
    assert library.VideoCapture.last.released


def test_a_picture_that_is_cut_short_is_an_error_and_not_grey(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = opened()
    monkeypatch.setattr(library.VideoCapture, "damaged", True)
    with pytest.raises(SensorError, match="sent a damaged picture"):
        driver.capture(5.0)


def test_a_camera_that_was_pulled_out_is_lost_and_found_again(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = opened()
    monkeypatch.setattr(library.VideoCapture, "gone", True)
    with pytest.raises(SensorError, match="gives no pictures any more"):
        driver.capture(5.0)
    driver.close()
    monkeypatch.setattr(library.VideoCapture, "gone", False)
    driver.open()
    assert driver.capture(5.0).pixels.shape == (480, 640, 3)


def test_only_old_pictures_are_no_picture(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = opened()
    monkeypatch.setattr(library.VideoCapture, "queued", 10**9)
    with pytest.raises(SensorError, match="no picture in time"):
        driver.capture(0.05)


def test_an_absent_camera_and_an_absent_library_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SensorError, match="no camera at /dev/absent"):
        Driver(Options(device="/dev/absent")).open()
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(SensorError, match="OpenCV is not installed") as caught:
        camera().open()
    assert "apt install python3-opencv" in caught.value.remedy


def test_the_device_is_a_path_in_dev() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"device": "video0"}, Options)
