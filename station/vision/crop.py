"""What the model gets to see of an object: upright in a square, everything else grey.

The smallest rectangle around the object's outline gives its angle; its long side is turned upright, so that a
package looks the same however it lies (but for half turns, which the gallery knows).
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from station.vision import regions
from station.vision.detect import Box, Thing
from station.vision.picture import PAD_GREY

MARGIN = 1.06  # the square against the object's long side
ANGLES = np.radians(np.arange(0.0, 90.0, 3.0))

Pixels = NDArray[np.uint8]


def cut(pixels: Pixels, thing: Thing, side_px: int) -> Pixels:
    """Return the object as the model's square of `side_px`."""
    left, top, right, bottom = _within(thing.box, pixels.shape)
    mask = np.repeat(np.repeat(thing.mask, thing.factor, axis=0), thing.factor, axis=1)[: bottom - top, : right - left]
    alone = np.where(mask[..., np.newaxis], pixels[top:bottom, left:right], np.uint8(PAD_GREY))
    centre, long_px, angle = upright(thing.mask)
    step = MARGIN * long_px * thing.factor / side_px
    cos, sin = float(np.cos(angle)) * step, float(np.sin(angle)) * step
    x, y = centre[0] * thing.factor, centre[1] * thing.factor
    half = side_px / 2
    turn = (cos, -sin, x - (cos - sin) * half, sin, cos, y - (sin + cos) * half)
    square = Image.fromarray(alone).transform(
        (side_px, side_px), Image.Transform.AFFINE, turn, Image.Resampling.BILINEAR, fillcolor=(PAD_GREY,) * 3
    )
    return np.asarray(square)


def upright(mask: NDArray[np.bool_]) -> tuple[tuple[float, float], float, float]:
    """Return centre (x, y), long side and angle of the smallest rectangle around a mask, in its pixels and radians.

    A turn of the picture by the angle puts the long side upright.
    """
    outline = regions.outline(mask)
    axes = np.stack([np.cos(ANGLES), np.sin(ANGLES)])  # along x of the turned frame
    along, across = outline @ axes, outline @ np.stack([-axes[1], axes[0]])
    wide, high = np.ptp(along, axis=0), np.ptp(across, axis=0)
    best = int((wide * high).argmin())
    middle = (along[:, best].max() + along[:, best].min()) / 2, (across[:, best].max() + across[:, best].min()) / 2
    cos, sin = axes[:, best]
    centre = float(cos * middle[0] - sin * middle[1]), float(sin * middle[0] + cos * middle[1])
    lying = bool(wide[best] > high[best])
    return centre, float(max(wide[best], high[best])), float(ANGLES[best]) + (np.pi / 2 if lying else 0.0)


def _within(box: Box, shape: tuple[int, ...]) -> Box:
    left, top, right, bottom = box
    return left, top, min(right, shape[1]), min(bottom, shape[0])
