"""Where is something? Objects on the platform, found by comparing a fixed view with the empty platform.

Theory of operation. The lamp drifts and the camera's gain with it: their ratio to the reference is a smooth plane
over the picture, fitted on the pixels whose ratio is the most common one (the floor and the free platform). What is
left of a pixel is a brightness ratio and a change of colour. A shadow darkens smoothly and keeps the colour; an
object changes the colour, or is brighter than a shadow can make it, or darker, or has edges. Edges close around
objects as grey as the platform, and holes that differ from the platform are filled. Regions joined by a neck that is
narrow against both sides are taken for two objects. Objects that lie on each other without a neck stay one region:
the caller must count on that (`visibility`).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from station.vision import regions
from station.vision.regions import Labels, Mask
from station.vision.split import split

WORKING_WIDTH_PX = 320  # objects are looked for at about this width
LIGHT_FITS = 3
DIMMEST = 0.2  # no lamp drifts so far: a picture without platform in it has no plane
CALM = 0.06  # what noise and the plane's slope leave of the ratio
DARK = 8.0  # added to both sides of a ratio: below it noise rules

Pixels = NDArray[np.uint8]
Values = NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, top, right, bottom in the full picture; right and bottom excluded
Outline = tuple[tuple[float, float], ...]  # corners (x, y) of a region in the full picture, in order around it


@dataclass(frozen=True, slots=True)
class Settings:
    """What counts as different. Ratios are against the expected brightness, colours in steps of 255."""

    colour: float = 14.0  # a change of colour beyond noise and coloured light
    brighter: float = 0.10
    darkest_shadow: float = 0.42
    edge: float = 0.16  # a step of the ratio between neighbours that no soft shadow makes
    hole: float = 0.04  # mean difference that tells a grey object from free platform
    smallest: float = 0.0006  # share of the picture: 4 cm2 where the picture shows 0.68 x 0.51 m


@dataclass(frozen=True, slots=True)
class Reference:
    """The empty platform at working size (colours x height x width), and how much smaller than the picture that is."""

    pixels: Values
    factor: int
    size: tuple[int, int]  # height and width of the camera's pictures


@dataclass(frozen=True, slots=True)
class Thing:
    """One object: its box, its area, and its mask within the box at working size (`factor` times smaller)."""

    box: Box
    area_px: int
    mask: Mask
    factor: int


def reference(pixels: Pixels) -> Reference:
    """Return the reference for a picture of the empty platform."""
    factor = max(pixels.shape[1] // WORKING_WIDTH_PX, 1)
    return Reference(reduced(pixels, factor), factor, (pixels.shape[0], pixels.shape[1]))


def refreshed(old: Reference, pixels: Pixels, weight: float = 0.2) -> Reference:
    """Return the reference moved toward a newer picture of the empty platform (slow changes: dirt, daylight)."""
    new = reference(pixels)
    if new.size != old.size:
        return new
    return replace(old, pixels=old.pixels + np.float32(weight) * (new.pixels - old.pixels))


def fits(empty: Reference, pixels: Pixels) -> bool:
    """Tell whether a picture has the size of the reference's."""
    return pixels.shape[:2] == empty.size


def find(
    empty: Reference, pixels: Pixels, region: Box | Outline | None = None, settings: Settings | None = None
) -> tuple[Thing, ...]:
    """Return the objects within `region` (the platform; whole picture where None), in reading order.

    Raises `ValueError` when the picture's size is not the reference's.
    """
    if not fits(empty, pixels):
        raise ValueError(
            f"picture is {pixels.shape[1]} x {pixels.shape[0]}, the reference {empty.size[1]} x {empty.size[0]}"
        )
    settings = settings or Settings()
    seen = reduced(pixels, empty.factor)
    mask = foreground(seen, empty.pixels, settings)
    if region is not None:
        mask &= _inside((mask.shape[0], mask.shape[1]), region, empty.factor)
    smallest = max(int(settings.smallest * mask.size), 1)
    return _things(split(mask, smallest), smallest, empty.factor)


def foreground(seen: Values, empty: Values, settings: Settings) -> Mask:
    """Return what is no free platform, at working size."""
    expected = _light(seen, empty) * empty
    ratio = (seen.sum(axis=0) + 3 * DARK) / (expected.sum(axis=0) + 3 * DARK)
    change = np.abs(seen - expected * ratio).max(axis=0)
    mask = (change > settings.colour) | (ratio > 1 + settings.brighter) | (ratio < settings.darkest_shadow)
    mask |= _steps(ratio) > settings.edge
    mask = regions.shrink(regions.grow(mask, 2), 2)
    mask = _filled(mask, ratio, settings)
    return regions.grow(regions.shrink(mask, 2), 2) & mask


def reduced(pixels: Pixels, factor: int) -> Values:
    """Return a picture at working size, colours x height x width."""
    small = np.asarray(Image.fromarray(pixels).reduce(factor)) if factor > 1 else pixels
    return np.ascontiguousarray(small.transpose(2, 0, 1)).astype(np.float32)


def _light(seen: Values, empty: Values) -> Values:
    """Return the light now against the reference's, a plane for each colour (colours x height x width).

    A slope takes far ends out of the range around the most common ratio, so the fit is done again without it.
    """
    _, height, width = seen.shape
    ratios = (seen[:, ::4, ::4] + DARK) / (empty[:, ::4, ::4] + DARK)
    y, x = np.mgrid[-1 : 1 : ratios.shape[1] * 1j, -1 : 1 : ratios.shape[2] * 1j]
    columns = np.stack([np.ones_like(x), x, y])
    level = np.ones((3, 3)) * [[1.0], [0.0], [0.0]]  # plane x colour
    for _ in range(LIGHT_FITS):
        plane = np.tensordot(level.T, columns, axes=1)
        calm = _calm((ratios / np.maximum(plane, DIMMEST)).mean(axis=0))
        known = columns[:, calm]
        level = np.linalg.pinv(known @ known.T) @ (known @ ratios[:, calm].T)
    across = np.linspace(-1, 1, width, dtype=np.float32)
    down = np.linspace(-1, 1, height, dtype=np.float32)
    planes = [one + x * across + y * down[:, np.newaxis] for one, x, y in level.T]
    return np.stack(planes).astype(np.float32)


def _calm(brightness: NDArray[np.float64]) -> Mask:
    """Return where the brightness is about the most common one."""
    count, edges = np.histogram(brightness, 80, (0.6, 1.5))
    common = edges[int(np.convolve(count, np.ones(5), "same").argmax())] + (edges[1] - edges[0]) / 2
    return np.asarray(np.abs(brightness - common) < CALM)


def _steps(ratio: Values) -> Values:
    """Return how much the ratio changes across each pixel."""
    step = np.zeros_like(ratio)
    step[:, 1:-1] = np.abs(ratio[:, 2:] - ratio[:, :-2])
    step[1:-1] = np.maximum(step[1:-1], np.abs(ratio[2:] - ratio[:-2]))
    return step


def _filled(mask: Mask, ratio: Values, settings: Settings) -> Mask:
    """Return the mask with those holes filled that differ from the free platform."""
    if not mask.any():
        return mask
    rows, columns = regions.extent(mask.astype(np.int32), 1)
    part = mask[rows, columns]  # no hole reaches beyond what surrounds it
    labels, count = regions.label(~part)
    area = np.bincount(labels.ravel(), minlength=count + 1)
    off = np.bincount(labels.ravel(), np.abs(ratio[rows, columns] - 1).ravel(), minlength=count + 1)
    hole = off > settings.hole * np.maximum(area, 1)
    for rim in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        hole[rim] = False
    hole[0] = False
    filled = mask.copy()
    filled[rows, columns] |= hole[labels]
    return filled


def _inside(shape: tuple[int, int], region: Box | Outline, factor: int) -> Mask:
    picture = Image.new("1", (shape[1], shape[0]))
    corners = [corner for corner in region if isinstance(corner, tuple)]
    if not corners:
        left, top, right, bottom = (edge // factor for edge in region if isinstance(edge, int))
        ImageDraw.Draw(picture).rectangle((left, top, right - 1, bottom - 1), fill=1)
    else:
        ImageDraw.Draw(picture).polygon([(x / factor, y / factor) for x, y in corners], fill=1)
    return np.array(picture, np.bool_)


def _things(labels: Labels, smallest: int, factor: int) -> tuple[Thing, ...]:
    found = []
    area = np.bincount(labels.ravel())
    for number in range(1, len(area)):
        if area[number] < smallest:
            continue
        rows, columns = regions.extent(labels, number)
        box = (columns.start * factor, rows.start * factor, columns.stop * factor, rows.stop * factor)
        found.append(Thing(box, int(area[number]) * factor**2, labels[rows, columns] == number, factor))
    return tuple(found)
