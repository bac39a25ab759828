"""The simulated platform with four tags stuck to its corners: AprilTags 0 to 3 of the family 36h11, on paper."""

from functools import cache

import numpy as np
from PIL import Image

from drivers.sim.render import HEIGHT_PX, PLATFORM_M, VIEW_WIDTH_M, WIDTH_PX, platform

TAG_M = 0.04  # the black square's side; a module of white around it
CODES = (0x21A146BAB, 0x92D18FE9B, 0x7089014BB, 0x193979E27)  # six by six bits, row by row, 1 is white
INK, PAPER = 30, 215
PLACES = ((-1, -1), (1, -1), (1, 1), (-1, 1))  # of tags 0 to 3: front left, front right, back right, back left
FINE = 8  # times finer, so that edges fall where they are


@cache
def tagged_platform(order: tuple[int, ...] = (0, 1, 2, 3)) -> Image.Image:
    """Return the empty platform; `order` says which tag sticks at each of the places."""
    picture = platform(WIDTH_PX, HEIGHT_PX).copy()
    px_per_m = WIDTH_PX / VIEW_WIDTH_M
    sheet_px = 1.25 * TAG_M * px_per_m
    for tag, (right, back) in zip(order, PLACES, strict=True):
        x = WIDTH_PX / 2 + right * (PLATFORM_M[0] / 2 * px_per_m - sheet_px / 2)
        y = HEIGHT_PX / 2 - back * (PLATFORM_M[1] / 2 * px_per_m - sheet_px / 2)
        _stick(picture, _sheet(CODES[tag]), (x - sheet_px / 2, y - sheet_px / 2), sheet_px)
    return picture


def _sheet(code: int) -> Image.Image:
    """Return a sheet of ten by ten modules: white rim, black border, code."""
    modules = np.full((10, 10), PAPER, np.uint8)
    modules[1:9, 1:9] = INK
    bits = [code >> place & 1 for place in reversed(range(36))]
    modules[2:8, 2:8] = np.where(np.array(bits).reshape(6, 6), PAPER, INK)
    return Image.fromarray(modules)


def _stick(picture: Image.Image, sheet: Image.Image, at: tuple[float, float], side_px: float) -> None:
    """Paste the sheet at a place between pixels."""
    left, top, room = int(at[0]), int(at[1]), int(side_px) + 3
    x, y = round((at[0] - left) * FINE), round((at[1] - top) * FINE)
    fine = sheet.resize((round(side_px * FINE),) * 2, Image.Resampling.NEAREST)
    ground, mask = Image.new("L", (room * FINE,) * 2), Image.new("L", (room * FINE,) * 2)
    ground.paste(fine, (x, y))
    mask.paste(255, (x, y, x + fine.width, y + fine.height))
    small, edge = (image.resize((room, room), Image.Resampling.BOX) for image in (ground, mask))
    light = np.asarray(small, np.float32) * 255 / np.maximum(np.asarray(edge, np.float32), 1)
    tone = Image.fromarray(light.clip(0, 255).astype(np.uint8))
    picture.paste(Image.merge("RGB", (tone,) * 3), (left, top), edge)
