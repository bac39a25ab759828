"""What the simulated camera sees: the platform from above with the products on it.

The camera hangs over the middle of the platform (0.6 x 0.4 m, origin in its centre, x to the right, y away from the
shopper). Products are laid down in order, later ones over earlier ones, each with a contact shadow and a soft cast
shadow; then the lamp's drift, the lens and the sensor's noise. One seed, one picture.
"""

from collections.abc import Sequence
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from drivers.sim.assortment import BY_GTIN
from drivers.sim.sprites import SPRITE_PX_PER_M, sprite

WIDTH_PX, HEIGHT_PX = 640, 480
VIEW_WIDTH_M = 0.68  # what the picture's width shows
PLATFORM_M = (0.6, 0.4)
FLOOR, STEEL = (92, 90, 88), (168, 170, 172)
CONTACT, CAST = 0.5, 0.3  # how dark shadows are
NOISE_SD = 2.2  # of 255, a small sensor indoors
NOISE_SEED = 4  # noise is drawn once and laid over frames at random places

Pixels = NDArray[np.uint8]


class Placed(Protocol):
    """Something on the platform; `hidden` things lie under others and are not drawn."""

    @property
    def gtin(self) -> str:
        """The product's number; any other text is something that is no product."""

    @property
    def x_m(self) -> float:
        """Of its centre, from the platform's."""

    @property
    def y_m(self) -> float:
        """Of its centre, from the platform's."""

    @property
    def angle_rad(self) -> float:
        """Counter-clockwise."""

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height of its outline at angle 0."""

    @property
    def hidden(self) -> bool:
        """Whether the camera cannot see it."""


def render(
    objects: Sequence[Placed],
    *,
    rng_seed: int,
    width_px: int = WIDTH_PX,
    height_px: int = HEIGHT_PX,
    ground: Image.Image | None = None,
) -> Pixels:
    """Return the frame, height x width x 3 RGB uint8; the same objects and seed give the same frame.

    `ground` is what they lie on, instead of the usual platform.
    """
    random = np.random.default_rng(rng_seed)
    canvas = (ground or platform(width_px, height_px)).copy()
    for placed in objects:
        if not placed.hidden:
            _lay(canvas, placed)
    canvas = canvas.filter(ImageFilter.GaussianBlur(0.6 * width_px / WIDTH_PX))
    return _expose(np.asarray(canvas), random)


@cache
def platform(width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> Image.Image:
    """Return the empty platform under even light: brushed steel in a dark frame on a stone floor."""
    random = np.random.default_rng(4)
    scale = width_px / VIEW_WIDTH_M
    stone = random.normal(0, 7, (height_px, width_px)).astype(np.float32)
    brushed = np.repeat(random.normal(0, 2.5, (height_px, 1)), width_px, axis=1) + random.normal(0, 1.2, stone.shape)
    picture = Image.fromarray(_tinted(FLOOR, stone))
    half_x, half_y = PLATFORM_M[0] * scale / 2, PLATFORM_M[1] * scale / 2
    box = [
        int(v) for v in (width_px / 2 - half_x, height_px / 2 - half_y, width_px / 2 + half_x, height_px / 2 + half_y)
    ]
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle(box, 10, fill=255)
    picture.paste(Image.fromarray(_tinted(STEEL, brushed)), (0, 0), mask)
    ImageDraw.Draw(picture).rounded_rectangle(box, 10, outline=(48, 50, 54), width=max(int(scale * 0.006), 1))
    return Image.fromarray((np.asarray(picture) * _vignette(height_px, width_px)).astype(np.uint8))


def outline_px(placed: Placed, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> NDArray[np.float64]:
    """Return the four corners of an object's outline in the picture (x, y), in order around it."""
    scale = width_px / VIEW_WIDTH_M
    half_w, half_h = placed.size_m[0] * scale / 2, placed.size_m[1] * scale / 2
    corners = np.array([(-half_w, -half_h), (half_w, -half_h), (half_w, half_h), (-half_w, half_h)])
    cos, sin = np.cos(placed.angle_rad), np.sin(placed.angle_rad)
    turned = corners @ np.array([(cos, -sin), (sin, cos)])  # rows run downward: counter-clockwise on the platform
    centre = np.array((width_px / 2 + placed.x_m * scale, height_px / 2 - placed.y_m * scale))
    return np.asarray(turned + centre, np.float64)


class _Single:
    """One product alone, for a portrait."""

    hidden = False

    def __init__(self, gtin: str, x_m: float, y_m: float, angle_rad: float) -> None:
        self.gtin, self.x_m, self.y_m, self.angle_rad = gtin, x_m, y_m, angle_rad
        self.size_m = BY_GTIN[gtin].size_m


def portraits(gtin: str, n: int, seed: int) -> list[Pixels]:
    """Return `n` frames of one product alone on the platform, at different places and angles, for enrolment."""
    random = np.random.default_rng(seed)
    placed = (
        _Single(gtin, random.uniform(-0.1, 0.1), random.uniform(-0.03, 0.03), random.uniform(0, 2 * np.pi))
        for _ in range(n)
    )
    return [render([single], rng_seed=int(random.integers(2**31))) for single in placed]


def _lay(canvas: Image.Image, placed: Placed) -> None:
    scale = canvas.width / VIEW_WIDTH_M
    drawn = sprite(placed.gtin, *placed.size_m)
    turned = drawn.rotate(np.degrees(placed.angle_rad), Image.Resampling.BILINEAR, expand=True)
    ratio = scale / SPRITE_PX_PER_M
    size = max(round(turned.width * ratio), 1), max(round(turned.height * ratio), 1)
    small = turned.resize(size, Image.Resampling.BOX if ratio < 1 else Image.Resampling.BILINEAR)
    left = round(canvas.width / 2 + placed.x_m * scale - size[0] / 2)
    top = round(canvas.height / 2 - placed.y_m * scale - size[1] / 2)
    lift = max(min(placed.size_m) * 0.12, 0.004) * scale  # high things throw wide shadows
    _shade(canvas, small.getchannel("A"), (left + lift, top + lift), lift, CAST)
    _shade(canvas, small.getchannel("A"), (left + 1, top + 1), 2.0, CONTACT)
    canvas.paste(small, (left, top), small)


def _shade(canvas: Image.Image, shape: Image.Image, at: tuple[float, float], blur_px: float, depth: float) -> None:
    margin = int(blur_px * 3) + 2
    room = Image.new("L", (shape.width + 2 * margin, shape.height + 2 * margin), 0)
    room.paste(shape, (margin, margin))
    soft = room.filter(ImageFilter.BoxBlur(blur_px)).point([int(value * depth) for value in range(256)])
    canvas.paste((8, 8, 12), (round(at[0]) - margin, round(at[1]) - margin), soft)


def _expose(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """Return the picture under a lamp that drifts a little in strength, colour and direction, with noise."""
    height, width, _ = pixels.shape
    gain = random.uniform(0.95, 1.05) * random.uniform(0.99, 1.01, 3)
    slope = 1 + random.uniform(-0.02, 0.02) * np.linspace(-1, 1, width)
    light = (slope[:, np.newaxis] * gain).astype(np.float32)
    bank = _noise_bank(height, width)
    down, across = random.integers(height), random.integers(width)
    noise = bank[down : down + height, across : across + width]
    lit = pixels * light
    lit += noise
    lit += np.float32(0.5)
    return np.clip(lit, 0, 255, out=lit).astype(np.uint8)


@cache
def _noise_bank(height: int, width: int) -> NDArray[np.float32]:
    random = np.random.default_rng(NOISE_SEED)
    return random.standard_normal((2 * height, 2 * width, 3), np.float32) * np.float32(NOISE_SD)


def _tinted(colour: tuple[int, int, int], texture: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.clip(np.array(colour) + texture[..., np.newaxis], 0, 255), np.uint8)


def _vignette(height: int, width: int) -> NDArray[np.float32]:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.asarray((1 - 0.14 * (x**2 + y**2) / 2)[..., np.newaxis], np.float32)
