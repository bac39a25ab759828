"""Tags on the platform and boards laid on it, found in a picture; sheets of tags to print. Needs OpenCV.

Tags are AprilTags of the family 36h11, each `size_mm` along its black square. Usual layout: tags 0 to 3 front left,
front right, back right, back left, each on a white sheet two eighths of the square wider, the sheet's outer corner on
the platform's. A ChArUco board lies in the middle of the platform, its first square front left, x along its columns.
"""

from typing import Any

import msgspec
import numpy as np

from calibration.camera_light import Pixels
from calibration.camera_plane import Point
from calibration.record import CalibrationError

QUIET = 0.125  # white beside the black square, of its side: a module
CODE_MODULES = 8  # of a tag, with its black border
SIDE_LEAST_PX = 24.0
CHARUCO = (7, 5)  # squares across and down
MARKER_SHARE = 0.75  # of a square
MARKERS = "DICT_APRILTAG_36h11"


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A tag where it is stuck on: its centre, from the middle of the platform, and the side of its black square."""

    id: int
    x_mm: float
    y_mm: float
    size_mm: float

    def corners_mm(self) -> tuple[Point, ...]:
        """Return its corners as the detector orders them: back left, back right, front right, front left."""
        half, x, y = self.size_mm / 2, self.x_mm, self.y_mm
        return ((x - half, y + half), (x + half, y + half), (x + half, y - half), (x - half, y - half))


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A tag in the picture: its corners, in the order of `Placed.corners_mm`."""

    id: int
    corners_px: tuple[Point, ...]

    @property
    def side_px(self) -> float:
        """Return its shortest side."""
        corners = np.array(self.corners_px)
        return float(np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).min())


def at_corners(size_mm: Point, tag_mm: float) -> tuple[Placed, ...]:
    """Return the usual layout on a platform of this width and depth."""
    x, y = (side / 2 - (0.5 + QUIET) * tag_mm for side in size_mm)
    places = ((-x, -y), (x, -y), (x, y), (-x, y))
    return tuple(Placed(id=number, x_mm=px, y_mm=py, size_mm=tag_mm) for number, (px, py) in enumerate(places))


def find_tags(pixels: Pixels) -> tuple[Seen, ...]:
    """Return the tags in a picture, by number; a number that is there twice is left out."""
    cv2 = _library()
    settings = cv2.aruco.DetectorParameters()
    settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(_dictionary(cv2), settings)
    corners, numbers, _ = detector.detectMarkers(_grey(pixels))
    found: list[Seen] = []
    if numbers is not None:
        for number, four in zip(np.ravel(numbers), corners, strict=True):
            found.append(Seen(id=int(number), corners_px=_points(four)))
    several = [seen.id for seen in found]
    return tuple(sorted((seen for seen in found if several.count(seen.id) == 1), key=lambda seen: seen.id))


def pairs(seen: tuple[Seen, ...], placed: tuple[Placed, ...]) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """Return corners in pixels and in millimetres of the tags that are both seen and placed."""
    where = {tag.id: tag for tag in placed}
    pixels = tuple(point for tag in seen if tag.id in where for point in tag.corners_px)
    return pixels, tuple(point for tag in seen if tag.id in where for point in where[tag.id].corners_mm())


def find_board(pixels: Pixels, square_mm: float) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """Return the inner corners of a ChArUco board that are seen, in pixels and in millimetres; empty without one."""
    cv2 = _library()
    corners, numbers, _, _ = cv2.aruco.CharucoDetector(_board(cv2, square_mm)).detectBoard(_grey(pixels))
    if numbers is None:
        return (), ()
    across, down = CHARUCO
    places = []
    for number in np.ravel(numbers):
        row, column = divmod(int(number), across - 1)
        places.append(((column + 1 - across / 2) * square_mm, (down / 2 - row - 1) * square_mm))
    return _points(corners), tuple(places)


def draw_tag(number: int, side_px: int) -> Pixels:
    """Return a tag, its black square `side_px` wide, with its white rim; grey as RGB."""
    cv2 = _library()
    tag = cv2.aruco.generateImageMarker(_dictionary(cv2), number, side_px)
    rim = round(QUIET * side_px)
    return np.repeat(np.pad(tag, rim, constant_values=255)[..., None], 3, axis=2)


def draw_board(square_px: int) -> Pixels:
    """Return the ChArUco board, black on white without a rim."""
    cv2 = _library()
    across, down = CHARUCO
    drawn = _board(cv2, 1.0).generateImage((across * square_px, down * square_px))
    return np.repeat(np.asarray(drawn)[..., None], 3, axis=2)


def sheets(tag_mm: float, numbers: tuple[int, ...] = (0, 1, 2, 3)) -> str:
    """Return an SVG of tags to print at true size and to cut out along the thin lines."""
    cv2 = _library()
    side = (1 + 2 * QUIET) * tag_mm
    module = tag_mm / CODE_MODULES
    width, height = 2 * side + 30, (len(numbers) + 1) // 2 * (side + 20) + 10
    box = f'width="{width:g}mm" height="{height:g}mm" viewBox="0 0 {width:g} {height:g}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {box}>']
    for place, number in enumerate(numbers):
        x, y = 10 + place % 2 * (side + 10), 10 + place // 2 * (side + 20)
        bits = cv2.aruco.generateImageMarker(_dictionary(cv2), number, CODE_MODULES)
        line = 'fill="none" stroke="#999" stroke-width="0.1"'
        parts.append(f'<rect x="{x:g}" y="{y:g}" width="{side:g}" height="{side:g}" {line}/>')
        rim = QUIET * tag_mm
        parts += [
            f'<rect x="{x + rim + column * module:g}" y="{y + rim + row * module:g}"'
            f' width="{module + 0.02:g}" height="{module + 0.02:g}"/>'
            for row, column in np.argwhere(bits == 0)
        ]
        corner = ("front left", "front right", "back right", "back left")[number] if number in range(4) else ""
        words = f"tag {number}, {corner}; this edge to the back is up; {tag_mm:g} mm"
        parts.append(f'<text x="{x:g}" y="{y + side + 5:g}" font-size="3" font-family="sans-serif">{words}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _library() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise CalibrationError('finding tags needs OpenCV: pip install "validation-station[camera]"') from error
    return cv2


def _dictionary(cv2: Any) -> Any:
    return cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, MARKERS))


def _board(cv2: Any, square: float) -> Any:
    return cv2.aruco.CharucoBoard(CHARUCO, square, MARKER_SHARE * square, _dictionary(cv2))


def _grey(pixels: Pixels) -> Any:
    return np.ascontiguousarray(np.dot(pixels, (0.299, 0.587, 0.114)).round().astype(np.uint8))


def _points(corners: Any) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in np.reshape(corners, (-1, 2)))
