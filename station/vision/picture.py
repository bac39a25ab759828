"""Pictures from files: decoded, turned upright, bounded, and fitted to the square the model looks at."""

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

SIDE_MIN_PX, SIDE_MAX_PX = 32, 8_000
PIXELS_MAX = 40_000_000  # 120 MB decoded; phones take 12 to 48 megapixels, and more is a decompression bomb
PAD_GREY = 127  # the network's zero

Pixels = NDArray[np.uint8]


class PictureError(ValueError):
    """The picture cannot be used; the message names it and says why."""


def read(path: Path) -> Pixels:
    """Return the picture in a file as height x width x 3 RGB uint8, its EXIF orientation applied."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PictureError(f"picture {path} cannot be read: {error.strerror}") from error
    return decode(content, str(path))


def decode(content: bytes, name: str) -> Pixels:
    """Return the pixels in the bytes of a picture file; `name` stands in the errors."""
    try:
        with Image.open(BytesIO(content)) as picture:
            _bounded(picture.size, name)
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except UnidentifiedImageError as error:
        raise PictureError(f"picture {name} is in no known format; use JPEG or PNG") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, PictureError):
            raise
        raise PictureError(f"picture {name} is damaged: {error}") from error


def encode_png(pixels: Pixels) -> bytes:
    """Return the picture as the bytes of a PNG file, without loss."""
    content = BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def fit(pixels: Pixels, side_px: int) -> Pixels:
    """Return the whole picture as a square of `side_px`, its proportions kept, the rest filled with grey."""
    if pixels.shape[:2] == (side_px, side_px):
        return pixels
    padded = ImageOps.pad(Image.fromarray(pixels), (side_px, side_px), Image.Resampling.BILINEAR, color=(PAD_GREY,) * 3)
    return np.asarray(padded)


def _bounded(size: tuple[int, int], name: str) -> None:
    width, height = size
    if min(size) < SIDE_MIN_PX or max(size) > SIDE_MAX_PX or width * height > PIXELS_MAX:
        raise PictureError(
            f"picture {name} is {width} x {height} pixels; sides of {SIDE_MIN_PX} to {SIDE_MAX_PX} and at most "
            f"{PIXELS_MAX // 1_000_000} megapixels are possible"
        )
