"""`calibrate camera`: focus, exposure, where the platform is, how the lens is, and whether the scale agrees."""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from calibration import camera_aid, camera_light, camera_making, camera_store, camera_tags, camera_weight
from calibration.asking import Asker, language_of
from calibration.bench import Bench, Camera
from calibration.camera_light import Pixels
from calibration.camera_making import Made
from calibration.camera_plane import Point
from calibration.camera_record import CameraRecord, Check, stamp
from calibration.camera_tags import Placed
from calibration.control_client import OutOfReachError, out_of_service
from calibration.faces import usable_screen
from calibration.loads import LoadError
from calibration.record import CalibrationError
from calibration.stations import ConfigurationError
from calibration.texts import say
from drivers.base import CameraDriver, Lockable, SensorError

OK, REFUSED = 0, 1
WAVED = 20  # pictures of a cloth that is waved
PICTURES = 8  # of the empty platform, averaged
LEAST_MM, MOST_MM = 50.0, 5000.0


class Desk:
    """One camera being calibrated: what was chosen, and who can be asked."""

    def __init__(self, chosen: argparse.Namespace, bench: Bench, camera: Camera) -> None:
        self.chosen, self.bench, self.camera = chosen, bench, camera
        self.language = language_of(chosen.lang)
        self.asker = Asker(self.language, may_ask=not chosen.yes and not chosen.json and sys.stdin.isatty())

    def wait(self, key: str) -> None:
        """Let somebody do something; whoever said --yes has done it."""
        if self.asker.may_ask:
            self.asker.text(key, None, "--yes", str)
        elif not self.chosen.yes:
            raise ConfigurationError("nobody can be asked here: --yes takes the platform as empty")

    def tell(self, key: str, **values: object) -> None:
        """Tell people something, not where JSON is wanted."""
        if not self.chosen.json:
            self.asker.tell(say(self.language, key, **values))


def run(chosen: argparse.Namespace, bench: Bench, camera: Camera) -> int:
    """Calibrate one camera, and store the result unless something forbids its use."""
    desk = Desk(chosen, bench, camera)
    try:
        with _held(camera), _opened(camera) as driver:
            made = _calibrated(desk, driver)
    except SensorError as error:
        raise CalibrationError(f"camera {camera.name}: {error.message}; {error.remedy}") from error
    except OutOfReachError as error:
        raise CalibrationError(str(error)) from error
    record = _overridden(made.record, chosen.override)
    stored = not camera_making.failed(made.record) or chosen.override is not None
    if stored:
        signer = bench.signer(chosen.config_path, camera.state_dir)
        record = camera_store.save(camera.state_dir, record, made.empty, signer)
    _report(desk, record, stored=stored)
    return OK if stored else REFUSED


def print_sheets(path: Path, tag_mm: float) -> int:
    """Write the tags to print."""
    try:
        path.write_text(camera_tags.sheets(tag_mm), encoding="utf-8")
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be written: {error.strerror}") from error
    return OK


def lines(record: CameraRecord) -> list[str]:
    """Return a record in words, a line an outcome."""
    width, height = record.size_px
    head = f"camera {record.camera}: {record.driver}, {width} x {height}, of {record.created}"
    found = [f"{head}, {record.version}" if record.version else head]
    for check in record.checks:
        remedy = f"; {check.remedy}" if check.remedy and check.outcome != "pass" else ""
        found.append(f"  {check.outcome.upper():7} {check.name}: {check.text}{remedy}")
    return found


@contextlib.contextmanager
def _held(camera: Camera) -> Iterator[None]:
    """Hold the running station out of service, where there is one."""
    if camera.control is None:
        yield
        return
    with out_of_service(camera.control, who="calibrate camera"):
        yield


@contextlib.contextmanager
def _opened(camera: Camera) -> Iterator[CameraDriver]:
    driver = camera.make()
    try:
        driver.open()
        yield driver
    finally:
        driver.close()


def _calibrated(desk: Desk, driver: CameraDriver) -> Made:
    chosen, camera = desk.chosen, desk.camera
    before = _before(camera)
    platform_mm = _platform(desk, before)
    locked = dict(driver.lock()) if isinstance(driver, Lockable) else None
    best = _aid(desk, driver)
    board = None
    if chosen.board is not None:
        desk.wait("camera.board")
        board = camera_tags.find_board(_picture(driver), chosen.board)
    lens = [*_card(desk, driver), *_wave(desk, driver)]
    desk.wait("camera.empty")
    setup = camera_making.Setup(
        camera=camera.name,
        driver=camera.driver,
        platform_mm=platform_mm,
        tags=_tags(chosen, platform_mm),
        margin_mm=chosen.margin,
        created=stamp(camera.now()),
        operator=chosen.operator or "",
        software=camera.software,
    )
    empties = [driver.capture(camera_aid.CAPTURE_S).pixels for _ in range(PICTURES)]
    made = camera_making.make(setup, empties, board=board, locked=locked, best=best, before=before)
    record = camera_making.with_check(made.record, *lens)
    return Made(_cross_checked(desk, driver, Made(record, made.empty)), made.empty)


def _before(camera: Camera) -> CameraRecord | None:
    try:
        return camera_store.load(camera.state_dir, camera.name)
    except CalibrationError:  # a damaged one is kept aside when it is replaced
        return None


def _platform(desk: Desk, before: CameraRecord | None) -> Point:
    known = desk.camera.platform_mm or (before and before.platform_mm)
    if desk.chosen.platform is None and known:
        return known
    return desk.asker.text("ask.platform", desk.chosen.platform, "--platform", _size_mm)


def _size_mm(text: str) -> Point:
    try:
        width, depth = (float(part) for part in text.lower().replace(",", ".").split("x"))
    except ValueError as error:
        raise LoadError(f"{text}: write 600x400") from error
    if not (LEAST_MM <= width <= MOST_MM and LEAST_MM <= depth <= MOST_MM):
        raise LoadError(f"{text}: {LEAST_MM:g} to {MOST_MM:g} mm each")
    return width, depth


def _tags(chosen: argparse.Namespace, platform_mm: Point) -> tuple[Placed, ...]:
    if chosen.tags is None:
        return camera_tags.at_corners(platform_mm, chosen.tag_mm)
    try:
        return msgspec.json.decode(Path(chosen.tags).read_bytes(), type=tuple[Placed, ...])
    except OSError as error:
        raise ConfigurationError(f"{chosen.tags}: cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{chosen.tags}: {error}") from error


def _aid(desk: Desk, driver: CameraDriver) -> float:
    """Let somebody focus, and return the best sharpness seen."""
    if desk.asker.may_ask and usable_screen():
        sight = camera_aid.watch(driver, desk.camera.name, desk.language)
        if sight is None:
            raise CalibrationError("given up; nothing was stored")
        return sight.best_tenengrad
    return camera_aid.glance(driver).best_tenengrad


def _card(desk: Desk, driver: CameraDriver) -> list[Check]:
    """Look at a white card: dust and smears show as dark spots, and white balance is what it should be."""
    if not desk.chosen.card:
        return []
    if desk.camera.hands is not None:
        return [Check(name="card", outcome="skipped", text="nobody holds a card into a simulated view")]
    desk.wait("camera.card")
    pixels = _picture(driver)
    found = [camera_making.spots_check(camera_light.white_card(pixels), "on a white card")]
    complaints = camera_light.complaints(camera_light.measure(pixels))
    remedy = "set exposure, gain and white balance in the camera's table"
    found += [Check(name="card", outcome="fail", text=text, remedy=remedy) for text in complaints]
    return found


def _wave(desk: Desk, driver: CameraDriver) -> list[Check]:
    """Look for places that stay the same while something moves over the whole view."""
    if not desk.chosen.wave:
        return []
    if desk.camera.hands is not None:
        return [Check(name="wave", outcome="skipped", text="nobody waves anything in a simulated view")]
    desk.wait("camera.wave")
    pictures = [driver.capture(camera_aid.CAPTURE_S).pixels for _ in range(WAVED)]
    return [camera_making.spots_check(camera_light.smear(pictures), "while something moved")]


def _picture(driver: CameraDriver) -> Pixels:
    return camera_making.mean_picture([driver.capture(camera_aid.CAPTURE_S).pixels for _ in range(PICTURES)])


def _cross_checked(desk: Desk, driver: CameraDriver, made: Made) -> CameraRecord:
    """Compare camera and load cells by one weight, where somebody can put it down."""
    camera, record = desk.camera, made.record
    why = _no_weight(desk, record)
    if why:
        return camera_making.with_check(record, Check(name="cross-check", outcome="skipped", text=why))
    if camera.scale is None or record.homography is None:
        return record
    try:
        weighing = camera_weight.Weighing(camera.scale)
        if camera.hands is not None:
            camera.hands.put([10_000.0], camera_weight.PLACE)
        else:
            desk.wait("camera.weight")
        found = camera_weight.compare(
            weighing, lambda: _picture(driver), made.empty, record.homography, record.platform_mm
        )
    except CalibrationError as error:
        check = Check(name="cross-check", outcome="warn", text=str(error), remedy="repeat it with a weight")
        return camera_making.with_check(record, check)
    finally:
        if camera.hands is not None:
            camera.hands.clear()
    return camera_making.with_cross_check(record, found)


def _no_weight(desk: Desk, record: CameraRecord) -> str:
    """Return why camera and scale are not compared, empty where they can be."""
    scale = desk.camera.scale
    if record.homography is None:
        return "the platform was not found"
    if scale is None or not scale.gives_counts or scale.positions_mm is None:
        return "the scale does not tell where a load lies: it has no cells with positions_mm"
    if desk.camera.hands is None and not desk.asker.may_ask:
        return "nobody can be asked to put a weight down"
    return ""


def _overridden(record: CameraRecord, reason: str | None) -> CameraRecord:
    if reason is None or not camera_making.failed(record):
        return record
    return camera_making.with_check(record, Check(name="override", outcome="warn", text=f"used all the same: {reason}"))


def _report(desk: Desk, record: CameraRecord, *, stored: bool) -> None:
    if desk.chosen.json:
        told: dict[str, Any] = {"camera": record.camera, "stored": stored, "record": record}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        return
    for line in lines(record):
        desk.asker.tell(line)
    if stored:
        desk.tell("camera.stored", path=camera_store.record_path(desk.camera.state_dir, record.camera))
    else:
        desk.tell("camera.refused")
