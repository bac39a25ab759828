"""One weight as the camera and as the load cells see it, to see that their frames agree."""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from calibration import camera_plane, store
from calibration.bench import Scale
from calibration.camera_light import Pixels, luminance
from calibration.camera_plane import Matrix, Point
from calibration.camera_record import CrossCheck
from calibration.capturing import Watch, band_g, nominal
from calibration.measuring import first_reading, measure
from calibration.platform import LEGS, Platform
from calibration.record import CalibrationError
from drivers.base import Sample, SensorError

DIFFERS = 0.12  # of the brightness there without the weight
LEAST_MM2 = 400.0
SECONDS = 2.0
PLACE = "FL"  # off the middle in both directions, so that turned and mirrored frames show


class Weighing:
    """The platform's cells, read before and after the weight is put down."""

    def __init__(self, scale: Scale) -> None:
        """Raise `CalibrationError` for a scale that cannot tell where a load lies."""
        if not scale.gives_counts or scale.positions_mm is None or len(scale.positions_mm) < LEGS:
            raise CalibrationError("the scale does not tell where a load lies: it has no cells with positions_mm")
        self._scale = scale
        self._platform = Platform(scale.positions_mm)
        self._zeros = self._means()

    def place(self) -> tuple[Point, float]:
        """Return where the load acts, millimetres from the middle, and its weight in grams (about)."""
        rises = [mean - zero for mean, zero in zip(self._means(), self._zeros, strict=True)]
        gains = self._gains(len(rises))
        forces_g = [rise / gain for rise, gain in zip(rises, gains, strict=True)]
        centre = self._platform.centre_of_mass(forces_g, [0.0] * len(forces_g), self._scale.division_g)
        if centre is None:
            raise CalibrationError(f"{sum(forces_g):.0f} g are too light to tell where they lie: use a heavier weight")
        return (centre.x, centre.y), sum(forces_g)

    def _gains(self, cells: int) -> tuple[float, ...]:
        """Return counts a gram of the calibration in force, else those of usual cells, alike."""
        record = store.load(self._scale.state_dir, self._scale.number)
        if record is not None and len(record.calibration.cells) == cells:
            return tuple(cell.counts_per_g for cell in record.calibration.cells)
        return nominal(self._scale.capacity_g, (0.0,) * cells).per_gram

    def _means(self) -> tuple[float, ...]:
        """Return the counts of the cells at rest; the driver is opened anew, so that nothing old is read."""
        driver = self._scale.make()
        watch = Watch(band_g(self._scale.division_g, counts=True))
        try:
            driver.open()
            first = first_reading(driver)
            if not isinstance(first, Sample) or len(first.counts) != len(self._platform.positions):
                raise CalibrationError("the scale has not as many channels as positions_mm has places")
            watch.weigher = nominal(self._scale.capacity_g, tuple(float(count) for count in first.counts))
            return measure(driver, watch, SECONDS).means
        except SensorError as error:
            raise CalibrationError(f"{error.message}; {error.remedy}") from error
        finally:
            driver.close()


def compare(
    weighing: Weighing, look: Callable[[], Pixels], empty: Pixels, matrix: Matrix, size_mm: Point
) -> CrossCheck:
    """Return where the weight that lies there now is for both."""
    camera_mm = centroid_mm(empty, look(), matrix, size_mm)
    scale_mm, load_g = weighing.place()
    apart_mm = float(np.hypot(camera_mm[0] - scale_mm[0], camera_mm[1] - scale_mm[1]))
    return CrossCheck(camera_mm=camera_mm, scale_mm=scale_mm, apart_mm=apart_mm, load_g=load_g)


def centroid_mm(empty: Pixels, now: Pixels, matrix: Matrix, size_mm: Point) -> Point:
    """Return the middle of the largest thing on the platform that is not in the empty picture."""
    import cv2

    inside = Image.new("1", (empty.shape[1], empty.shape[0]))
    ImageDraw.Draw(inside).polygon(camera_plane.outline_px(matrix, size_mm, 30.0), fill=1)
    mask = np.array(inside, np.bool_)
    ratio = (luminance(now) + 8) / (luminance(empty) + 8)
    ratio /= np.median(ratio[mask])
    changed = ((np.abs(ratio - 1) > DIFFERS) & mask).astype(np.uint8)
    changed = cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    changed = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(changed)
    sizes: Any = stats[1:, cv2.CC_STAT_AREA]
    if not len(sizes) or float(sizes.max()) < LEAST_MM2 * camera_plane.px_per_mm(matrix) ** 2:
        raise CalibrationError("the camera sees no weight on the platform: is it there, and is there light?")
    rows, columns = np.nonzero(labels == int(sizes.argmax()) + 1)
    places = np.array(camera_plane.apply(matrix, list(zip(columns.tolist(), rows.tolist(), strict=True))))
    return (float(places[:, 0].mean()), float(places[:, 1].mean()))
