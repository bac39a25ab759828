"""Baskets put together from cut-outs of real product pictures, with the truth about what lies where.

The Grocery Store Dataset has one picture on white for each of 81 products; 66 of them show a single piece and are
taken. The white is cut away, the product gets a plausible size, is lit, shadowed and laid on a platform of steel,
rubber or wood; later things may cover a part of earlier ones. The empty platform is seen under another light.
"""

import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from station.vision import picture, regions

DATA = Path(__file__).parents[2] / "shared" / "data" / "grocery-store"
WIDTH_PX, HEIGHT_PX = 640, 480
PX_PER_M = WIDTH_PX / 0.68
AREA_PX = (40, 52, 600, 428)  # left, top, right, bottom of where things are laid
WHITE = 250
COVERED_MAX = 0.3  # of a thing's area, by what was laid later
TRIES = 80
HEAPS = {7, 9, 17, 18, 24, 27, 62, 67, 68, 73, 74, 76, 77, 78, 79}  # several pieces in one picture: no truth to count
PRODUCTS = tuple(number for number in range(81) if number not in HEAPS)
SURFACES = {"steel": (168, 170, 172), "rubber": (52, 53, 56), "wood": (178, 146, 108)}

Pixels = NDArray[np.uint8]


class Laid(NamedTuple):
    """A product on the platform: its number, and its mask in the picture."""

    product: int
    mask: NDArray[np.bool_]


class Scene(NamedTuple):
    """A picture and what lies in it, in the order it was laid down."""

    pixels: Pixels
    things: tuple[Laid, ...]


@cache
def products() -> tuple[Path, ...]:
    """Return the iconic pictures of the 81 products, in the order of their class numbers."""
    rows = (DATA / "classes.csv").read_text().split("\n")[1:]
    return tuple(DATA / row.split(",")[4].lstrip("/") for row in rows if row)


@cache
def cut_out(product: int) -> Image.Image:
    """Return the product with the white around it transparent, at the size it has on the platform."""
    pixels = picture.read(products()[product])
    labels, _ = regions.label(pixels.min(axis=2) > WHITE)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    solid = ~np.isin(labels, np.unique(rim[rim > 0]))
    parts, _ = regions.label(solid)
    area = np.bincount(parts.ravel())
    area[0] = 0
    solid = regions.shrink(parts == int(area.argmax()), 1)
    rows, columns = regions.extent(solid.astype(np.int32), 1)
    cut = Image.fromarray(np.dstack([pixels, solid.astype(np.uint8) * 255])[rows, columns])
    side_m = np.random.default_rng(zlib.crc32(products()[product].name.encode())).uniform(0.07, 0.16)
    ratio = side_m * PX_PER_M / max(cut.size)
    return cut.resize((max(round(cut.width * ratio), 8), max(round(cut.height * ratio), 8)), Image.Resampling.BOX)


@cache
def surface(name: str) -> Image.Image:
    """Return an empty platform."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    grain = random.normal(0, 5, (HEIGHT_PX, WIDTH_PX)).astype(np.float32)
    if name != "rubber":
        grain = 0.4 * grain + np.repeat(random.normal(0, 3, (HEIGHT_PX, 1)), WIDTH_PX, axis=1)
    coloured = np.array(SURFACES[name], np.float32) + grain[..., np.newaxis]
    return Image.fromarray(np.clip(coloured, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))


def scene(chosen: Sequence[int], ground: str, random: np.random.Generator) -> Scene:
    """Return a picture of these products on a platform; what finds no place is left away."""
    canvas, things = surface(ground).copy(), list[Laid]()
    for product in chosen:
        for _ in range(TRIES):
            turned = cut_out(product).rotate(random.uniform(0, 360), Image.Resampling.BICUBIC, expand=True)
            at = _place(turned.size, random)
            mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.bool_)
            mask[at[1] : at[1] + turned.height, at[0] : at[0] + turned.width] = np.asarray(turned.getchannel("A")) > 127
            if not any((mask & other.mask).sum() > COVERED_MAX * other.mask.sum() for other in things):
                _lay(canvas, turned, at)
                things = [Laid(other.product, other.mask & ~mask) for other in things] + [Laid(product, mask)]
                break
    return Scene(_lit(canvas, random), tuple(things))


def _place(size: tuple[int, int], random: np.random.Generator) -> tuple[int, int]:
    left, top, right, bottom = AREA_PX
    across = random.integers(left, max(right - size[0], left + 1))
    return int(across), int(random.integers(top, max(bottom - size[1], top + 1)))


def _lay(canvas: Image.Image, turned: Image.Image, at: tuple[int, int]) -> None:
    for blur_px, shift_px, depth in ((9.0, 7, 0.3), (2.0, 1, 0.45)):
        margin = round(3 * blur_px)
        room = Image.new("L", (turned.width + 2 * margin, turned.height + 2 * margin), 0)
        room.paste(turned.getchannel("A"), (margin, margin))
        soft = room.filter(ImageFilter.GaussianBlur(blur_px)).point([int(value * depth) for value in range(256)])
        canvas.paste((8, 8, 10), (at[0] - margin + shift_px, at[1] - margin + shift_px), soft)
    canvas.paste(turned, at, turned)


def _lit(canvas: Image.Image, random: np.random.Generator) -> Pixels:
    """Return the picture under a lamp of a little other strength, colour and direction, with a lens and noise."""
    pixels = np.asarray(canvas.filter(ImageFilter.GaussianBlur(0.6)), np.float32)
    slope = random.uniform(-0.06, 0.06) * np.linspace(-1, 1, WIDTH_PX)[np.newaxis, :, np.newaxis]
    tilt = random.uniform(-0.06, 0.06) * np.linspace(-1, 1, HEIGHT_PX)[:, np.newaxis, np.newaxis]
    light = random.uniform(0.9, 1.1) * random.uniform(0.97, 1.03, 3) * (1 + slope + tilt)
    noisy = pixels * light + random.normal(0, 2.2, pixels.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)
