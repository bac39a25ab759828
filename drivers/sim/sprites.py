"""The products of the simulated store, drawn one by one as they look from above.

A sprite is a picture with transparency at `SPRITE_PX_PER_M`, drawn once for each product and kept: the print, then
the shape of the package, then light and shade on its surface.
"""
# ruff: noqa: PLR2004 - the numbers are proportions of drawings

import zlib
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from drivers.sim import printing
from drivers.sim.assortment import BY_GTIN, Article, Colour

SPRITE_PX_PER_M = 1880.0  # twice the camera's resolution, so that a turned sprite stays sharp

Shade = NDArray[np.float32]


@cache
def sprite(gtin: str, width_m: float, height_m: float) -> Image.Image:
    """Return how a product looks (RGBA); what the store does not sell is a cloth bag of that size."""
    article = BY_GTIN.get(gtin)
    size = max(int(width_m * SPRITE_PX_PER_M), 16), max(int(height_m * SPRITE_PX_PER_M), 16)
    if article is None:
        return _cloth_bag(size, _random(gtin))
    seed = f"{article.brand or article.name}{article.drawing}{article.colours}"
    return _DRAWINGS[article.drawing](article, size, _random(seed))


def _random(seed: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(seed.encode()))


def _finish(print_: Image.Image, mask: Image.Image, shade: Shade) -> Image.Image:
    """Return the print, lit by `shade` (1 leaves it; above 1 tends to white), cut out by the mask."""
    pixels = np.asarray(print_, np.float32)
    light = np.clip(shade, 0, 1)[..., np.newaxis]
    glint = np.clip(shade - 1, 0, 1)[..., np.newaxis]
    lit = pixels * light * (1 - glint) + 255 * glint
    result = Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))
    result.putalpha(mask.filter(ImageFilter.GaussianBlur(1.0)))
    return result


def _mottle(size: tuple[int, int], random: np.random.Generator, cells: int, depth: float) -> Shade:
    """Return smooth random brightness around 1."""
    width, height = size
    coarse = random.uniform(
        1 - depth, 1 + depth, (max(height * cells // max(size), 2), max(width * cells // max(size), 2))
    )
    picture = Image.fromarray(coarse.astype(np.float32))
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC), np.float32)


def _grid(size: tuple[int, int]) -> tuple[Shade, Shade]:
    """Return x and y from -1 to 1 over the sprite."""
    width, height = size
    x = np.linspace(-1, 1, width, dtype=np.float32)[np.newaxis, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, np.newaxis]
    return np.broadcast_to(x, (height, width)), np.broadcast_to(y, (height, width))


def _cylinder(size: tuple[int, int], shine: float) -> Shade:
    """Return the light on something round lying along its height: dark flanks, one bright line."""
    x, _ = _grid(size)
    body = 0.55 + 0.45 * np.sqrt(np.clip(1 - x**2, 0, 1))
    return np.asarray(body + shine * np.exp(-(((x + 0.35) / 0.09) ** 2)), np.float32)


def _rounded(size: tuple[int, int], radius: float) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((1, 1, size[0] - 2, size[1] - 2), radius * min(size), fill=255)
    return mask


def _box(article: Article, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    x, y = _grid(size)
    edge = np.maximum(np.abs(x), np.abs(y)) > 1 - 8 / max(size)
    shade = (0.98 - 0.06 * (x + y) / 2) * _mottle(size, random, 6, 0.02) - 0.18 * edge
    return _finish(printing.wrapper(article, size, random), _rounded(size, 0.02), shade)


def _carton(article: Article, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """A drink carton on its side: the gable folds at the top, with a screw cap."""
    sheet = printing.wrapper(article, size, random)
    width, height = size
    draw = ImageDraw.Draw(sheet)
    draw.line((0, int(height * 0.07), width, int(height * 0.07)), fill=printing.INK, width=2)
    cap = width * 0.13
    draw.ellipse(
        (width / 2 - cap, 2, width / 2 + cap, 2 + 2 * cap), fill=article.colours[1], outline=printing.INK, width=2
    )
    x, _ = _grid(size)
    return _finish(sheet, _rounded(size, 0.03), 0.97 - 0.10 * x**4 + 0.05 * (x < -0.9))


def _bag(article: Article, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """A filled foil bag: a pillow with welded ends, creases and glints."""
    x, y = _grid(size)
    creases = _mottle(size, random, 9, 0.16) + 0.5 * (_mottle(size, random, 22, 0.12) - 1)
    pillow = 0.72 + 0.3 * np.sqrt(np.clip(1 - np.abs(x) ** 3, 0, 1)) * np.clip(1.25 - np.abs(y) ** 6, 0, 1)
    weld = (np.abs(y) > 0.93) & (np.sin(y * max(size) * 0.45) > 0)
    glints = 0.55 * np.clip(_mottle(size, random, 14, 0.5) - 1.32, 0, 1)
    shade = np.clip(pillow * creases, 0, 1) - 0.12 * weld + np.where(pillow * creases > 0.9, glints, 0)
    return _finish(printing.wrapper(article, size, random), _rounded(size, 0.09), shade)


def _tray(article: Article, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """A shallow tray of slices or meat under film, with a printed label across."""
    width, height = size
    sheet = Image.new("RGB", size, article.colours[1])
    draw = ImageDraw.Draw(sheet)
    for step in range(4):
        top = int(height * (0.06 + 0.13 * step))
        tone = tuple(int(np.clip(value * random.uniform(0.85, 1.1), 0, 255)) for value in article.colours[0])
        draw.ellipse(
            (int(width * 0.07), top, int(width * 0.93), top + int(height * 0.5)), fill=tone, outline=(70, 40, 40)
        )
        _speckle(draw, (width * 0.5, top + height * 0.25), (width * 0.33, height * 0.18), random)
    label = printing.wrapper(article, (width - 8, int(height * 0.42)), random)
    sheet.paste(label, (4, int(height * 0.54)))
    x, y = _grid(size)
    rim = np.maximum(np.abs(x), np.abs(y)) > 0.94
    film = 0.5 * np.clip(_mottle(size, random, 10, 0.5) - 1.36, 0, 1)
    return _finish(sheet, _rounded(size, 0.08), 0.97 - 0.04 * x + film + 0.15 * rim)


def _speckle(
    draw: ImageDraw.ImageDraw, centre: tuple[float, float], spread: tuple[float, float], random: np.random.Generator
) -> None:
    for x, y in random.uniform(-1, 1, (40, 2)):
        dot = float(random.uniform(1, 4))
        px, py = centre[0] + x * spread[0], centre[1] + y * spread[1]
        draw.ellipse((px - dot, py - dot, px + dot, py + dot), fill=(232, 196, 190))


def _disc_mask(size: tuple[int, int]) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse((1, 1, size[0] - 2, size[1] - 2), fill=255)
    return mask


def _can(article: Article, size: tuple[int, int], _: np.random.Generator) -> Image.Image:
    """A tin on its foot: rim, rings and ring pull of the lid, the printed wall as a narrow band around."""
    width, height = size
    x, y = _grid(size)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    brushed = 0.83 + 0.10 * np.cos(2 * angle + 0.8) + 0.05 * np.cos(7 * angle)
    rings = 0.07 * np.sin(radius * 60) * ((radius > 0.45) & (radius < 0.78))
    shade = (brushed + rings - 0.25 * (np.abs(radius - 0.86) < 0.025)).astype(np.float32)
    sheet = Image.new("RGB", size, (206, 208, 212))
    draw = ImageDraw.Draw(sheet)
    draw.ellipse((0, 0, width, height), fill=article.colours[0])
    draw.ellipse((width * 0.04, height * 0.04, width * 0.96, height * 0.96), fill=(206, 208, 212))
    draw.ellipse((width * 0.25, height * 0.25, width * 0.75, height * 0.75), fill=article.colours[0])
    printing.words(
        sheet, article.brand, (width // 2, int(height * 0.42)), (int(width * 0.4), int(height * 0.1)), printing.LIGHT
    )
    printing.words(
        sheet,
        article.name.split(" ")[0],
        (width // 2, height // 2),
        (int(width * 0.42), int(height * 0.1)),
        printing.LIGHT,
    )
    draw.ellipse((width * 0.44, height * 0.56, width * 0.56, height * 0.72), outline=(120, 122, 126), width=4)
    glint = 0.5 * np.exp(-(((x + 0.45) / 0.12) ** 2) - (((y + 0.5) / 0.12) ** 2))
    return _finish(sheet, _disc_mask(size), np.clip(shade + 0.08, 0, 1) + glint.astype(np.float32))


def _tub(article: Article, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """A pot with a printed foil lid."""
    x, y = _grid(size)
    mask = _disc_mask(size) if abs(size[0] - size[1]) < 4 else _rounded(size, 0.2)
    rim = (np.hypot(x, y) if size[0] == size[1] else np.maximum(np.abs(x), np.abs(y))) > 0.92
    foil = _mottle(size, random, 12, 0.06) + 0.35 * np.clip(_mottle(size, random, 9, 0.5) - 1.38, 0, 1)
    return _finish(printing.wrapper(article, size, random), mask, foil * 0.97 - 0.10 * rim)


def _silhouette(size: tuple[int, int], neck: float, shoulder: float) -> Image.Image:
    """Return a bottle's or jar's outline: `neck` as a share of the width, `shoulder` where the body begins."""
    width, height = size
    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    top = int(height * shoulder)
    draw.rounded_rectangle((1, top, width - 2, height - 2), width * 0.14, fill=255)
    half = width * neck / 2
    draw.rectangle((width / 2 - half, 1, width / 2 + half, top), fill=255)
    reach = int(height * shoulder * 0.9)
    draw.polygon(
        [
            (width / 2 - half, top - reach // 2),
            (width / 2 + half, top - reach // 2),
            (width - 2, top + 12),
            (2, top + 12),
        ],
        fill=255,
    )
    return mask


def _vessel(article: Article, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """A bottle or jar lying on its side: content, label around the body, cap."""
    width, height = size
    jar = article.drawing == "jar"
    ground, accent = article.colours
    sheet = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(sheet)
    for row in range(0, height, 9):  # ripples of the glass or of the content
        tone = tuple(int(np.clip(value * random.uniform(0.88, 1.08), 0, 255)) for value in ground)
        draw.rectangle((0, row, width, row + 9), fill=tone)
    label = Article(article.gtin, article.name, "", 0, 0, 0, article.size_m, "box", (accent, ground), article.brand)
    room = (width, int(height * (0.5 if jar else 0.34)))
    sheet.paste(printing.wrapper(label, room, random), (0, int(height * (0.36 if jar else 0.45))))
    cap = int(height * (0.2 if jar else 0.07))
    draw.rectangle((0, 0, width, cap), fill=accent)
    for rib in range(0, width, 7):
        draw.line((rib, 0, rib, cap), fill=tuple(value * 3 // 4 for value in accent), width=2)
    mask = _silhouette(size, 0.88 if jar else 0.36, 0.2 if jar else 0.24)
    return _finish(sheet, mask, _cylinder(size, 0.55))


def _loaf(article: Article, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """Bread: crust with cuts and flour, in a printed sleeve where the brand packs it."""
    width, height = size
    sheet = Image.new("RGB", size, (188, 124, 62))
    draw = ImageDraw.Draw(sheet)
    for step in range(6):
        y = height * (0.1 + 0.15 * step)
        cut = [(width * 0.15, y + height * 0.05), (width * 0.8, y - height * 0.015), (width * 0.85, y + height * 0.015)]
        draw.polygon(cut, fill=(226, 186, 128))
    if article.size_m[0] > 0.1:
        sheet.paste(printing.wrapper(article, (width, height // 2), random), (0, height // 4))
    x, _ = _grid(size)
    crust = _mottle(size, random, 26, 0.16) * (0.62 + 0.38 * np.sqrt(np.clip(1 - x**2, 0, 1)))
    return _finish(sheet, _rounded(size, 0.42), np.clip(crust, 0, 1.15))


def _ball(article: Article, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """Fruit as a ball: two tones blended, pores, shading toward the edge, a highlight and the stem."""
    x, y = _grid(size)
    radius = np.hypot(x, y)
    first, second = (np.array(colour, np.float32) for colour in article.colours)
    blend = np.clip((_mottle(size, random, 5, 1.0) - 0.75 + 0.35 * y) * 0.8, 0, 1)[..., np.newaxis]
    skin = first * (1 - blend) + second * blend
    skin *= _mottle(size, random, 60, 0.09)[..., np.newaxis]
    sheet = Image.fromarray(np.clip(skin, 0, 255).astype(np.uint8))
    shade = 0.45 + 0.55 * np.sqrt(np.clip(1 - radius**2, 0, 1))
    shade = shade + 0.55 * np.exp(-(((x + 0.3) / 0.16) ** 2) - (((y + 0.35) / 0.13) ** 2))
    stem = np.exp(-((x / 0.07) ** 2) - (((y - 0.1) / 0.07) ** 2))
    return _finish(sheet, _disc_mask(size), (shade * (1 - 0.75 * stem)).astype(np.float32))


def _long(article: Article, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """Long fruit: ridges along it, speckle, darker ends."""
    _, y = _grid(size)
    height = size[1]
    strips = np.repeat(random.uniform(0.82, 1.05, (1, 14)), height, axis=0).astype(np.float32)
    ridges = np.asarray(Image.fromarray(strips).resize(size, Image.Resampling.BICUBIC), np.float32)
    skin = np.asarray(Image.new("RGB", size, article.colours[0]), np.float32)
    ends = np.clip((np.abs(y) - 0.88) * 8, 0, 1)[..., np.newaxis]
    blended = skin * (1 - ends) + np.array(article.colours[1], np.float32) * ends * 0.8
    lit = blended * (ridges * _mottle(size, random, 50, 0.12))[..., np.newaxis]
    sheet = Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))
    return _finish(sheet, _rounded(size, 0.48), _cylinder(size, 0.3))


def _cloth_bag(size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """Something that is no product: a bag of woven cloth with folds and two straps."""
    width, height = size
    red, green, blue = (int(value) for value in random.integers(30, 150, 3))
    colour: Colour = (red, green, blue)
    sheet = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(sheet)
    light = tuple(min(value + 45, 255) for value in colour)
    for place in (0.3, 0.6):
        draw.rectangle((int(width * place), 0, int(width * (place + 0.08)), height), fill=light)
    weave = 1 + 0.07 * np.sin(np.arange(width) * 0.9)[np.newaxis, :] * np.sin(np.arange(height) * 0.9)[:, np.newaxis]
    folds = _mottle(size, random, 7, 0.3)
    return _finish(sheet, _rounded(size, 0.15), (weave * folds * 0.85).astype(np.float32))


_DRAWINGS = {
    "box": _box, "carton": _carton, "bag": _bag, "tray": _tray, "can": _can, "tub": _tub, "bottle": _vessel,
    "jar": _vessel, "loaf": _loaf, "round_fruit": _ball, "long_fruit": _long,
}  # fmt: skip
