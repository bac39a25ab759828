"""A camera that is a folder: pictures that something else puts there, or one picture that is overwritten.

For a network camera that drops its pictures over FTP, and for trying a station on recorded pictures. With
`order = "newest"` the youngest file is shown; `fresh = true` waits for one younger than the call, as a live camera's
picture would be. With `order = "loop"` the files are shown one after the other, by name.
"""

import time
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from drivers.base import Frame, SensorError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".ppm")
POLL_S = 0.02  # how often a folder is looked at while waiting; a file system has no portable way to tell
PIXELS_MAX = 40_000_000


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "files"`."""

    path: Annotated[str, Meta(min_length=1, description="a folder of pictures, or one picture")]
    order: Literal["newest", "loop"] = "newest"
    fresh: Annotated[bool, Meta(description="newest: wait for a picture written after the call")] = False


class Driver:
    """Implements `drivers.base.CameraDriver`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._path = Path(options.path)
        self._shown = -1

    def open(self) -> None:
        """Raise `SensorError` when there is no such folder or picture."""
        if not self._path.exists():
            raise SensorError(f"no folder or picture at {self._path}", "correct `path` of the camera, or create it")

    def capture(self, timeout_s: float) -> Frame:
        """Return the next picture; its time is that of the call, for a file's time is not on the monotonic clock."""
        asked_ns, asked_wall_ns = time.monotonic_ns(), time.time_ns()
        deadline_ns = asked_ns + int(timeout_s * 1e9)
        while True:
            chosen = self._next(asked_wall_ns)
            if chosen is not None:
                return Frame(asked_ns, _pixels(chosen))
            if time.monotonic_ns() >= deadline_ns:
                raise SensorError(f"no picture in {self._path} within {timeout_s:g} s", "see what writes the pictures")
            time.sleep(POLL_S)

    def close(self) -> None:
        """Nothing is held open."""

    def _next(self, asked_wall_ns: int) -> Path | None:
        try:
            files = self._files()
            if not files:
                return None
            if self._options.order == "loop":
                self._shown = (self._shown + 1) % len(files)
                return files[self._shown]
            age = {file: file.stat().st_mtime_ns for file in files}
        except OSError as error:
            raise SensorError(
                f"{self._path} cannot be read: {error.strerror}", "check the folder and its rights"
            ) from error
        newest = max(files, key=lambda file: (age[file], file.name))
        return newest if age[newest] >= asked_wall_ns or not self._options.fresh else None

    def _files(self) -> list[Path]:
        if self._path.is_file():
            return [self._path]
        return sorted(file for file in self._path.iterdir() if file.suffix.lower() in SUFFIXES)


def _pixels(file: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(file) as picture:
            _bounded(picture, file)
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except SensorError:
        raise
    except (UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise SensorError(
            f"picture {file} is no JPEG, PNG, BMP or PPM picture", "see what writes the pictures"
        ) from error
    except OSError as error:
        raise SensorError(f"picture {file} cannot be read: {error}", "have it written aside and renamed") from error


def _bounded(picture: Image.Image, file: Path) -> None:
    if picture.width * picture.height > PIXELS_MAX:
        raise SensorError(f"picture {file} is larger than {PIXELS_MAX // 1_000_000} megapixels", "make it smaller")
