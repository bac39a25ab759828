"""`picamera2` on the real libcamera with a simulated sensor, and `v4l2` on the kernel's vivid: pictures, and faults."""

from collections.abc import Callable

import pytest

from tests.hw.machine import Seen

pytestmark = [pytest.mark.hw, pytest.mark.timeout(600)]
BOTH = pytest.mark.parametrize("driver", ["pi", "usb"])


@pytest.fixture
def seen(machine: Callable[[str], Seen]) -> Seen:
    return machine("cameras")


@BOTH
def test_pictures_are_whole_and_newer_than_the_question(seen: Seen, driver: str) -> None:
    facts = seen(f"{driver} pictures")
    assert facts["shapes"] == [[480, 640, 3]]
    assert facts["spread"] > 10
    assert facts["fresh"]


@pytest.mark.parametrize(("experiment", "shape"), [("pi another size", [240, 320, 3]), ("pi odd size", [490, 650, 3])])
def test_another_size_is_that_size(seen: Seen, experiment: str, shape: list[int]) -> None:
    assert seen(experiment)["shapes"] == [shape]


@BOTH
def test_a_hung_process_is_killed_in_time_and_another_takes_over(seen: Seen, driver: str) -> None:
    facts = seen(f"{driver} hangs")
    assert "the camera hung for 1.2 s" in facts["error"]
    assert facts["gone"]
    assert facts["again"] == [480, 640, 3]


@BOTH
def test_a_camera_that_vanishes_is_lost_told_as_absent_and_found_again(seen: Seen, driver: str) -> None:
    facts = seen(f"{driver} vanishes")
    assert facts["lost"]
    assert "is not there" in facts["absent"] or "no camera at" in facts["absent"]
    assert facts["again"] == [480, 640, 3]


@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        ("pi no such camera", "camera imx708 is not there (cameras: platform/vimc.0"),
        ("pi exposure", "the camera has no AeEnable, AnalogueGain, ExposureTime"),
        ("usb format", "not MJPG of 640 x 480"),
        ("usb exposure", "has no manual exposure"),
        ("usb nothing there", "no camera at /dev/video99"),
    ],
)
def test_what_cannot_be_had_is_told(seen: Seen, experiment: str, message: str) -> None:
    assert message in seen(experiment)["error"]
