"""The Pi's camera: addressed by id, fixed exposure, requests given back, a hung camera is an error and no wait."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.base import SensorError
from drivers.picamera2 import Driver, Options

SENSOR = "/base/soc/i2c0mux/i2c@1/imx708@1a"


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The library in front of the driver, with one camera that is not the first in the list."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "fake_picamera2")
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    module = importlib.import_module("picamera2")
    module.Picamera2.cameras = [{"Num": 0, "Id": "usb"}, {"Num": 1, "Id": SENSOR}]
    yield module.Picamera2
    sys.modules.pop("picamera2", None)


def test_pictures_are_rgb_of_the_configured_size_and_newer_than_the_call(library: Any) -> None:
    import time

    driver = Driver(Options(id=SENSOR, width_px=800, height_px=600))
    driver.open()
    before_ns = time.monotonic_ns()
    frame = driver.capture(1.0)
    assert library.opened[-1].number == 1
    assert frame.pixels.shape == (600, 800, 3)
    assert frame.pixels[0, 0].tolist() == [200, 0, 0]
    assert frame.t_ns >= before_ns
    assert library.opened[-1].held == 0
    driver.close()
    assert library.opened[-1].closed


def test_exposure_and_white_balance_are_fixed(library: Any) -> None:
    Driver(Options(exposure_us=5000, gain=3.0)).open()
    controls = library.opened[-1].configuration["controls"]
    assert controls["AeEnable"] is False
    assert controls["AwbEnable"] is False
    assert (controls["ExposureTime"], controls["AnalogueGain"]) == (5000, 3.0)


def test_a_camera_that_ignores_the_exposure_is_refused(library: Any) -> None:
    with pytest.raises(SensorError, match="ExposureTime 100000 instead of 200000"):
        Driver(Options(exposure_us=200_000)).open()
    assert library.opened[-1].closed


@pytest.mark.usefixtures("library")
def test_an_absent_camera_is_named_with_those_that_are_there() -> None:
    with pytest.raises(SensorError, match=f"camera imx219 is not there .cameras: usb, {SENSOR}"):
        Driver(Options(id="imx219")).open()
    with pytest.raises(SensorError, match="camera number 2 is not there"):
        Driver(Options(index=2)).open()


def test_a_camera_in_use_is_an_error_with_a_remedy(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "taken", True)
    with pytest.raises(SensorError, match="does not start") as caught:
        Driver(Options()).open()
    assert "end what else uses it" in caught.value.remedy


def test_a_hung_camera_is_cancelled_and_reported(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(Options())
    driver.open()
    monkeypatch.setattr(library, "hung", True)
    with pytest.raises(SensorError, match=r"no picture within 0\.5 s"):
        driver.capture(0.5)
    assert library.opened[-1].cancelled == 1


def test_without_the_library_the_remedy_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(SensorError, match="not installed") as caught:
        Driver(Options()).open()
    assert "apt install python3-picamera2" in caught.value.remedy


def test_white_balance_that_is_not_kept_and_controls_that_are_not_there_are_refused(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "white", (1.8, 3.2))
    with pytest.raises(SensorError, match=r"blue gain 3\.2 instead of 1\.6"):
        Driver(Options()).open()
    monkeypatch.setattr(sys.modules["picamera2"], "CONTROLS", {"AeEnable", "AwbEnable", "ColourGains"})
    with pytest.raises(SensorError, match="has no AnalogueGain, ExposureTime") as caught:
        Driver(Options()).open()
    assert "exposure_us = 0" in caught.value.remedy


def test_a_picture_of_another_shape_is_refused(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(Options())
    driver.open()
    monkeypatch.setattr(library, "pixels_off", 2)
    with pytest.raises(SensorError, match=r"shape \(480, 642, 3\), not \(480, 640, 3\)"):
        driver.capture(1.0)
    assert library.opened[-1].held == 0


def test_a_camera_that_does_not_tell_its_exposure_gives_no_old_picture_either(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setattr(sys.modules["picamera2"], "CONTROLS", {"Brightness"})
    driver = Driver(Options(exposure_us=0, red_gain=0.0))
    driver.open()
    for _ in range(3):
        before_ns = time.monotonic_ns()
        assert driver.capture(1.0).t_ns >= before_ns
    assert library.opened[-1].held == 0
