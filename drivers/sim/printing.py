"""What is printed on the packages of the simulated store: bands, pictures, brand, name, small print, barcode."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from drivers.sim.assortment import Article, Colour

DARK_BELOW = 140  # mean of a colour below which it wants light text
FONT = ImageFont.load_default()
LIGHT, INK = (250, 250, 246), (28, 26, 30)
# Widths of a barcode's bars and gaps, repeated over its length; it is a texture, not a code to be read.
BARS = (1, 1, 2, 1, 3, 2, 1, 2, 1, 1, 3, 1, 2, 2)


def wrapper(article: Article, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """Return the printed front of a package of `size` pixels (width, height)."""
    ground, accent = article.colours
    sheet = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(sheet)
    _LAYOUTS[int(random.integers(len(_LAYOUTS)))](draw, size, accent, random)
    width, height = size
    _food(draw, size, accent, random)
    strip = max(height // 6, 10)
    top = int(height * 0.08)
    draw.rectangle((0, top, width, top + strip), fill=accent)
    words(sheet, article.brand, (width // 2, top + strip // 2), (int(width * 0.86), int(strip * 0.8)), ink_on(accent))
    name = article.name.rsplit(" ", 2)[0] if article.name[-1] in "gl" else article.name
    words(sheet, name, (width // 2, top + int(strip * 1.7)), (int(width * 0.9), int(strip * 0.6)), ink_on(ground))
    _small_print(draw, size, ink_on(ground), random)
    barcode(draw, (int(width * 0.62), int(height * 0.86), int(width * 0.94), int(height * 0.96)))
    return sheet


def ink_on(ground: Colour) -> Colour:
    """Return a text colour that can be read on the ground."""
    return LIGHT if sum(ground) / 3 < DARK_BELOW else INK


def words(sheet: Image.Image, text: str, centre: tuple[int, int], room: tuple[int, int], ink: Colour) -> None:
    """Write one line around `centre`, as large as fits into `room` (width, height)."""
    if not text:
        return
    left, top, right, bottom = FONT.getbbox(text)
    mask = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2), 0)
    ImageDraw.Draw(mask).text((1 - left, 1 - top), text, fill=255, font=FONT)
    scale = min(room[0] / mask.width, room[1] / mask.height)
    mask = mask.resize((max(int(mask.width * scale), 1), max(int(mask.height * scale), 1)), Image.Resampling.BICUBIC)
    sheet.paste(ink, (centre[0] - mask.width // 2, centre[1] - mask.height // 2), mask)


def barcode(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    """Draw bars on white into the box."""
    left, top, right, bottom = box
    draw.rectangle(box, fill=LIGHT)
    x, place = left + 2, 0
    while x < right - 2:
        width = BARS[place % len(BARS)]
        if place % 2 == 0:
            draw.rectangle((x, top + 1, x + width - 1, bottom - 1), fill=INK)
        x, place = x + width, place + 1


def _diagonal(draw: ImageDraw.ImageDraw, size: tuple[int, int], accent: Colour, random: np.random.Generator) -> None:
    width, height = size
    rise = float(random.uniform(0.3, 0.6)) * height
    draw.polygon([(0, height), (0, height - rise), (width, height * 0.55 - rise * 0.3), (width, height)], fill=accent)


def _bands(draw: ImageDraw.ImageDraw, size: tuple[int, int], accent: Colour, random: np.random.Generator) -> None:
    width, height = size
    for place in np.linspace(0.45, 0.8, int(random.integers(2, 4))):
        draw.rectangle((0, int(height * place), width, int(height * (place + 0.07))), fill=accent)


def _disc(draw: ImageDraw.ImageDraw, size: tuple[int, int], accent: Colour, random: np.random.Generator) -> None:
    width, height = size
    radius = float(random.uniform(0.34, 0.44)) * width
    x, y = width / 2, height * 0.62
    draw.ellipse(
        (x - radius, y - radius, x + radius, y + radius), fill=accent, outline=LIGHT, width=max(width // 40, 2)
    )


def _rays(draw: ImageDraw.ImageDraw, size: tuple[int, int], accent: Colour, random: np.random.Generator) -> None:
    width, height = size
    reach = float(np.hypot(width, height))
    turn = float(random.uniform(0, 30))
    for start in range(0, 360, 30):
        box = (width / 2 - reach, height * 0.6 - reach, width / 2 + reach, height * 0.6 + reach)
        draw.pieslice(box, start + turn, start + turn + 13, fill=accent)


_LAYOUTS = (_diagonal, _bands, _disc, _rays)


def _food(draw: ImageDraw.ImageDraw, size: tuple[int, int], accent: Colour, random: np.random.Generator) -> None:
    """Draw what is inside: a heap of rounded pieces, in tones of a colour of its own."""
    width, height = size
    tone = np.array(accent) * 0.4 + random.integers(40, 220, 3) * 0.6
    stretch = float(random.uniform(0.5, 1.8))
    for _ in range(int(random.integers(10, 26))):
        x, y = random.normal(width / 2, width * 0.16), random.normal(height * 0.62, height * 0.07)
        radius = float(random.uniform(0.04, 0.11)) * width
        fill = tuple(int(value) for value in np.clip(tone * random.uniform(0.7, 1.25), 0, 255))
        draw.ellipse((x - radius * stretch, y - radius, x + radius * stretch, y + radius), fill=fill)
        glint = tuple(min(value + 50, 255) for value in fill)
        draw.ellipse((x - radius * 0.5, y - radius * 0.7, x, y - radius * 0.3), fill=glint)


def _small_print(draw: ImageDraw.ImageDraw, size: tuple[int, int], ink: Colour, random: np.random.Generator) -> None:
    width, height = size
    for row in range(4):
        y = int(height * (0.87 + row * 0.025))
        end = int(width * (0.1 + float(random.uniform(0.2, 0.45))))
        draw.line((int(width * 0.08), y, end, y), fill=ink, width=max(height // 160, 1))
