"""Pictures of a platform with tags under a known homography, drawn with the library that also finds them."""

import numpy as np

from calibration import camera_tags
from calibration.camera_light import Pixels
from calibration.camera_plane import Point

SIZE = (640, 480)
PLATFORM_MM = (600.0, 400.0)
TAG_MM = 40.0
PX_PER_MM = 4
# millimetres to pixels: a camera that is turned, tilted and off the middle
TRUE = np.array([[0.9, 0.05, 320.0], [0.03, -0.92, 240.0], [0.0001, 0.0002, 1.0]])


def platform(numbers: tuple[int, ...] = (0, 1, 2, 3)) -> Pixels:
    """The empty platform from straight above, brushed, its tags at the corners."""
    width, depth = (int(side * PX_PER_MM) for side in PLATFORM_MM)
    brushed = np.random.default_rng(1).normal(160, 4, (depth, 1)).repeat(width, axis=1)
    drawn = np.repeat(brushed.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    for tag in camera_tags.at_corners(PLATFORM_MM, TAG_MM):
        if tag.id in numbers:
            paste(drawn, camera_tags.draw_tag(tag.id, int(TAG_MM * PX_PER_MM)), (tag.x_mm, tag.y_mm))
    return drawn


def paste(drawn: Pixels, picture: Pixels, middle_mm: Point) -> None:
    height, width, _ = picture.shape
    left = round((middle_mm[0] + PLATFORM_MM[0] / 2) * PX_PER_MM - width / 2)
    top = round((PLATFORM_MM[1] / 2 - middle_mm[1]) * PX_PER_MM - height / 2)
    drawn[top : top + height, left : left + width] = picture


def seen(drawn: Pixels, true: np.ndarray = TRUE, *, noise_seed: int = 0, moved_px: Point = (0.0, 0.0)) -> Pixels:
    """What the camera sees of it: every pixel the mean of four places of the platform, with noise."""
    (width, height), (across, down) = SIZE, moved_px
    inverse = np.linalg.inv(true)
    total = np.zeros((height, width, 3))
    for off_y in (-0.25, 0.25):
        for off_x in (-0.25, 0.25):
            v, u = np.mgrid[0:height, 0:width].astype(float)
            x, y, w = np.tensordot(inverse, np.stack([u + off_x - across, v + off_y - down, np.ones_like(u)]), 1)
            column = np.floor((x / w + PLATFORM_MM[0] / 2) * PX_PER_MM).astype(int)
            row = np.floor((PLATFORM_MM[1] / 2 - y / w) * PX_PER_MM).astype(int)
            inside = (column >= 0) & (row >= 0) & (column < drawn.shape[1]) & (row < drawn.shape[0])
            total += np.where(
                inside[..., None], drawn[row.clip(0, drawn.shape[0] - 1), column.clip(0, drawn.shape[1] - 1)], 90
            )
    noise = np.random.default_rng(noise_seed).normal(0, 2, total.shape)
    return np.asarray((total / 4 + noise).round().clip(0, 255), np.uint8)
