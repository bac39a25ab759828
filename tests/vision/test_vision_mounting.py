"""A camera's calibration in the daemon: the region, the first reference, and a camera that moved."""

from pathlib import Path

import numpy as np
import pytest

from calibration import camera_making, camera_store, camera_tags
from calibration.camera_record import CameraRecord
from drivers.sim.bench_camera import PLATFORM_MM, TAG_MM, BenchCamera
from drivers.sim.world import PlacedObject, World
from station.core import events
from station.core.effects import Alarm
from station.sensing import CameraTrouble, CameraWell
from station.signing_keys import Verifier, ready
from station.vision import detect
from station.vision.gallery_store import GalleryStore
from station.vision.mounting import Mounting
from tests.vision.conftest import copied
from tests.vision.test_vision_looking import Eyes

pytest.importorskip("cv2", reason="needs OpenCV: pip install opencv-python-headless")


class Place:
    """A simulated platform with a camera that can be pushed."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir, self.world = state_dir, World()
        self._camera = BenchCamera(self.world, lens_turns=False)

    def picture(self, moved_px: tuple[int, int] = (0, 0)) -> np.ndarray:
        return np.roll(self._camera.capture(1.0).pixels, (moved_px[1], moved_px[0]), (0, 1))

    def calibrate(self) -> CameraRecord:
        setup = camera_making.Setup(
            camera="top", driver="sim", platform_mm=PLATFORM_MM, created="2026-01-01T00:00:00Z",
            tags=camera_tags.at_corners(PLATFORM_MM, TAG_MM),
        )  # fmt: skip
        made = camera_making.make(setup, [self.picture() for _ in range(4)], locked={})
        return camera_store.save(self.state_dir, made.record, made.empty, ready(None, self.state_dir).pair)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def mounted(place: Place) -> Mounting:
    made = Mounting(place.state_dir, "top", Verifier((ready(None, place.state_dir).pair.public,)))
    made.refresh()
    return made


def test_without_a_calibration_nothing_is_said(place: Place) -> None:
    mounting = mounted(place)
    assert not mounting.check(place.picture((40, 40)), empty=True).fault
    assert (mounting.outline, mounting.misfit.text) == (None, "")


def test_goods_outside_the_platform_are_no_goods(place: Place) -> None:
    place.calibrate()
    mounting = mounted(place)
    empty = detect.reference(place.picture())
    for x_m, y_m in ((0.0, 0.0), (-0.2, 0.24)):  # one in the middle, one behind the platform
        place.world.place(PlacedObject(gtin="", name="box", mass_g=500, x_m=x_m, y_m=y_m, size_m=(0.04, 0.03)))
    seen = place.picture()
    everywhere, there = detect.find(empty, seen), detect.find(empty, seen, mounting.outline)
    assert (len(everywhere), len(there)) == (2, 1)
    left, top, right, bottom = there[0].box
    assert left < 320 < right
    assert top < 240 < bottom


@pytest.mark.parametrize(
    ("move_px", "fault", "warns"),
    [((0, 0), False, False), ((2, 0), False, False), ((0, 5), False, True), ((12, 0), True, False)],
)
def test_a_moved_camera_is_noticed(place: Place, move_px: tuple[int, int], fault: bool, warns: bool) -> None:
    place.calibrate()
    mounting = mounted(place)
    health = mounting.check(place.picture(move_px), empty=True)
    assert (bool(health.fault), bool(mounting.warning())) == (fault, warns)
    assert ("camera moved, recalibrate" in health.fault) == fault


def test_a_small_move_takes_the_outline_along(place: Place) -> None:
    record = place.calibrate()
    mounting = mounted(place)
    mounting.check(place.picture((0, 5)), empty=True)
    assert mounting.outline is not None
    moves = np.array(mounting.outline) - np.array(record.outline_px)
    assert moves == pytest.approx(np.tile((0.0, 5.0), (4, 1)), abs=0.3)
    assert mounting.relearn()
    assert not mounting.relearn()


def test_covered_tags_are_a_fault_of_an_empty_platform_only(place: Place) -> None:
    place.calibrate()
    mounting = mounted(place)
    for x_m, y_m in ((-0.27, -0.17), (0.27, -0.17), (0.27, 0.17)):
        place.world.place(PlacedObject(gtin="", name="box", mass_g=500, x_m=x_m, y_m=y_m))
    assert "1 of 4 marks" in mounting.check(place.picture(), empty=True).fault
    assert not mounting.check(place.picture(), empty=False).fault


def test_a_record_that_was_edited_is_told_and_not_used(place: Place) -> None:
    place.calibrate()
    path = camera_store.record_path(place.state_dir, "top")
    path.write_bytes(path.read_bytes().replace(b'"driver": "sim"', b'"driver": "not"'))
    mounting = mounted(place)
    assert "its hash does not fit" in mounting.misfit.text
    assert mounting.outline is None


def test_a_picture_that_was_exchanged_is_told_and_not_used(place: Place) -> None:
    record = place.calibrate()
    path = camera_store.record_path(place.state_dir, "top").with_name(record.reference)
    path.write_bytes(path.read_bytes()[:-20])
    assert "was changed or damaged" in mounted(place).misfit.text


def test_a_record_of_another_station_is_refused(place: Place, tmp_path: Path) -> None:
    place.calibrate()
    mounting = Mounting(place.state_dir, "top", Verifier((ready(None, tmp_path / "other").pair.public,)))
    mounting.refresh()
    assert "none of this station's" in mounting.misfit.text


def test_pictures_of_another_size_do_not_fit(place: Place) -> None:
    place.calibrate()
    mounting = mounted(place)
    assert not mounting.check(place.picture()[:240, :320], empty=True).fault
    assert mounting.misfit.code == "CALIBRATION_MISFIT"
    assert "320 x 240, at calibration 640 x 480" in mounting.misfit.text


def test_a_new_calibration_is_taken_up_and_the_old_one_kept(place: Place) -> None:
    first = place.calibrate()
    mounting = mounted(place)
    second = place.calibrate()
    assert first.version != second.version
    mounting.refresh()
    assert mounting.first is not None
    past = camera_store.history_dir(place.state_dir, "top")
    assert {path.name for path in past.iterdir()} == {f"{first.version.removeprefix('sha256:')}.json", first.reference}


def test_the_running_eye_warns_faults_and_clears(store: GalleryStore, place: Place) -> None:
    copied(store, place.state_dir / "gallery")
    place.calibrate()
    eyes = Eyes(place.state_dir)
    try:
        assert eyes.worker.ready.wait(30)
        eyes.show(place.picture(), 1)  # not blind: the calibration's picture is the first reference
        assert eyes.wait(events.Seen).sightings == ()
        eyes.show(place.picture((5, 0)), None)
        warned = eyes.wait(Alarm)
        assert (warned.code, warned.part, warned.raised, warned.severity) == (
            "CAMERA_MOVED",
            "camera-top",
            True,
            "warning",
        )
        eyes.show(place.picture((5, 0)), 2)
        assert eyes.wait(events.Seen).visibility < 0.6
        eyes.show(place.picture((12, 0)), None)
        assert "camera moved, recalibrate: the view is off by +12 pixels" in eyes.wait(CameraTrouble).message
        eyes.show(place.picture((12, 0)), 3)
        assert eyes.wait(events.Blind).capture_no == 3
        eyes.show(place.picture(), None)
        eyes.wait(CameraWell)
    finally:
        eyes.worker.stop()
        eyes.worker.join(10)
