"""What the model gets to see of an object: upright in a square, everything else grey.

The smallest rectangle around the object's outline gives its angle; its long side is turned upright, so that a
package looks the same however it lies (but for half turns, which the gallery knows).
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from station.vision import regions
from station.vision.detect import Thing
from station.vision.picture import PAD_GREY

MARGIN = 1.06  # the square against the object's long side
ANGLES = np.radians(np.arange(0.0, 90.0, 3.0))
AXES = np.stack([np.cos(ANGLES), np.sin(ANGLES)])

Pixels = NDArray[np.uint8]
Affine = tuple[float, float, float, float, float, float]


def cut(frame: Image.Image, thing: Thing, side_px: int) -> Pixels:
    """Return the object as the model's square of `side_px`."""
    centre, (short_px, long_px), angle = upright(thing.mask)
    step = MARGIN * long_px / side_px  # working pixels a pixel of the square
    size = (min(round(short_px / step) + 4, side_px), side_px)  # what is beside it stays grey and costs nothing
    shape = Image.fromarray(thing.mask.astype(np.uint8) * 255)
    mask = shape.transform(size, Image.Transform.AFFINE, _turn(centre, angle, step, size))
    left, top, _, _ = thing.box
    middle = left + centre[0] * thing.factor, top + centre[1] * thing.factor
    turn = _turn(middle, angle, step * thing.factor, size)
    square = Image.new("RGB", (side_px, side_px), (PAD_GREY,) * 3)
    turned = frame.transform(size, Image.Transform.AFFINE, turn, Image.Resampling.BILINEAR)
    square.paste(turned, ((side_px - size[0]) // 2, 0), mask)
    return np.asarray(square)


def upright(mask: NDArray[np.bool_]) -> tuple[tuple[float, float], tuple[float, float], float]:
    """Return centre (x, y), short and long side, and angle of the smallest rectangle around a mask (pixels, radians).

    A turn of the picture by the angle puts the long side upright.
    """
    outline = regions.outline(mask)
    along, across = outline @ AXES, outline @ np.stack([-AXES[1], AXES[0]])
    wide, high = np.ptp(along, axis=0), np.ptp(across, axis=0)
    best = int((wide * high).argmin())
    middle = (along[:, best].max() + along[:, best].min()) / 2, (across[:, best].max() + across[:, best].min()) / 2
    cos, sin = AXES[:, best]
    centre = float(cos * middle[0] - sin * middle[1]), float(sin * middle[0] + cos * middle[1])
    lying = bool(wide[best] > high[best])
    short, long = sorted((float(wide[best]), float(high[best])))
    return centre, (short, long), float(ANGLES[best]) + (np.pi / 2 if lying else 0.0)


def _turn(centre: tuple[float, float], angle: float, step: float, size: tuple[int, int]) -> Affine:
    """Return the map from a place in the upright picture of `size` to one in the camera's, as Pillow takes it."""
    cos, sin = float(np.cos(angle)) * step, float(np.sin(angle)) * step
    x, y = size[0] / 2, size[1] / 2
    return cos, -sin, centre[0] - cos * x + sin * y, sin, cos, centre[1] - sin * x - cos * y
