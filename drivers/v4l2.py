"""A USB camera (UVC) or any other of the kernel's Video4Linux2, through OpenCV.

OpenCV is used because it is kept well, permissively licensed, in Raspberry Pi OS and Debian (python3-opencv) and as a
wheel without a desktop (opencv-python-headless), and reads and sets the controls; linuxpy is smaller, but under the
GPL. Of OpenCV only the capture is used. MJPEG comes raw and is decoded by Pillow, which refuses what is cut short,
where OpenCV would paint grey.

The kernel queues a few old pictures; they are thrown away by their time stamps. Exposure, gain, white balance and
focus are fixed and read back: automatic ones answer to what lies on the platform. The library can hang inside the
kernel; who calls this needs a deadline of its own (`drivers.camera_child`).
"""

import os
import time
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from drivers.base import Frame, SensorError

MANUAL = 1  # V4L2_EXPOSURE_MANUAL
OLD_PICTURES = 5  # thrown away where the driver stamps no time: more than any queue holds
FIRST_PICTURES, FIRST_S = 3, 5.0  # controls take effect some frames after the start
STAMP_NS = 3_600_000_000_000  # a time stamp further from now is of another clock
CLOSE_TO = 0.25
EXPOSURE_UNIT_US = 100
_RESEAT = "reseat its cable; see that nothing else uses it"

Pixels = NDArray[np.uint8]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "v4l2"`."""

    device: Annotated[
        str, Meta(pattern="^/dev/", extra={"must": "a path in /dev"}, description="best of `/dev/v4l/by-id/`")
    ]
    width_px: Annotated[int, Meta(ge=160, le=4096)] = 640
    height_px: Annotated[int, Meta(ge=120, le=3072)] = 480
    format: Annotated[Literal["MJPG", "YUYV"], Meta(description="how pictures cross the wire")] = "MJPG"
    exposure_us: Annotated[int, Meta(ge=0, le=500_000, description="0: the camera's own, which is not advised")] = (
        10_000
    )
    white_balance_k: Annotated[int, Meta(ge=0, le=10_000, description="0: the camera's own, likewise")] = 4_500
    gain: Annotated[int, Meta(ge=-1, le=1_000, description="in the camera's units; -1: as it is")] = -1
    focus: Annotated[int, Meta(ge=-1, le=1_000, description="in the camera's units; -1: as it is")] = -1


class Driver:
    """Implements `drivers.base.CameraDriver`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._cv: Any = None
        self._capture: Any = None
        self._held: dict[str, float] = {}

    def open(self) -> None:
        """Connect, set format and controls, and read them back; raise `SensorError` for what the camera refuses."""
        options = self._options
        if not Path(options.device).exists():
            raise SensorError(f"no camera at {options.device}", "plug it in; `ls /dev/v4l/by-id` shows those there are")
        self._cv = _library()
        self._capture = self._cv.VideoCapture(str(Path(options.device).resolve()), self._cv.CAP_V4L2)
        try:
            self._set_format()
            for _ in range(FIRST_PICTURES):
                self._take(time.monotonic() + FIRST_S)
            self._fix()
        except SensorError:
            self.close()
            raise

    def capture(self, timeout_s: float) -> Frame:
        """Return a picture whose exposure began after the call; raise `SensorError` when none comes in time."""
        if self._capture is None:
            raise SensorError("the camera is not open", "open it first")
        asked_ns, until_s = time.monotonic_ns(), time.monotonic() + timeout_s
        for old in range(1000):
            raw, stamp_ns = self._take(until_s)
            if stamp_ns is None and old >= OLD_PICTURES:
                return Frame(asked_ns, self._pixels(raw))
            if stamp_ns is not None and stamp_ns >= asked_ns:
                return Frame(stamp_ns, self._pixels(raw))
        raise SensorError("the camera gives old pictures only", _RESEAT)

    def lock(self) -> Mapping[str, float]:
        """Return what was fixed when it opened, as the camera read it back, in the units of the configuration."""
        return dict(self._held)

    def close(self) -> None:
        """Let go of the camera; never raises."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _set_format(self) -> None:
        cv, options = self._cv, self._options
        if not self._capture.isOpened():
            raise SensorError(f"camera {options.device} cannot be opened", _RESEAT)
        self._capture.set(cv.CAP_PROP_FOURCC, cv.VideoWriter_fourcc(*options.format))
        self._capture.set(cv.CAP_PROP_FRAME_WIDTH, options.width_px)
        self._capture.set(cv.CAP_PROP_FRAME_HEIGHT, options.height_px)
        if options.format == "MJPG":
            self._capture.set(cv.CAP_PROP_CONVERT_RGB, 0)
        code = int(self._capture.get(cv.CAP_PROP_FOURCC))
        used = "".join(chr(code >> 8 * place & 0xFF) for place in range(4))
        size = tuple(int(self._capture.get(side)) for side in (cv.CAP_PROP_FRAME_WIDTH, cv.CAP_PROP_FRAME_HEIGHT))
        if used != options.format or size != (options.width_px, options.height_px):
            raise SensorError(
                f"the camera gives {used} of {size[0]} x {size[1]}, not {options.format} of {options.width_px} x "
                f"{options.height_px}", "choose what `v4l2-ctl --list-formats-ext` shows",
            )  # fmt: skip

    def _fix(self) -> None:
        """Fix what is configured; a control that the camera has not, or does not keep, is an error."""
        cv, options = self._cv, self._options
        if options.exposure_us:
            self._control("manual exposure", cv.CAP_PROP_AUTO_EXPOSURE, MANUAL, "exposure_us = 0")
            units = max(round(options.exposure_us / EXPOSURE_UNIT_US), 1)
            used = self._control("exposure", cv.CAP_PROP_EXPOSURE, units, "exposure_us = 0")
            self._held["exposure_us"] = used * EXPOSURE_UNIT_US
        if options.white_balance_k:
            self._control("manual white balance", cv.CAP_PROP_AUTO_WB, 0, "white_balance_k = 0")
            wanted_k = options.white_balance_k
            used = self._control("white balance", cv.CAP_PROP_WB_TEMPERATURE, wanted_k, "white_balance_k = 0")
            self._held["white_balance_k"] = used
        if options.gain >= 0:
            self._held["gain"] = self._control("gain", cv.CAP_PROP_GAIN, options.gain, "gain = -1")
        if options.focus >= 0:
            self._control("manual focus", cv.CAP_PROP_AUTOFOCUS, 0, "focus = -1")
            self._held["focus"] = self._control("focus", cv.CAP_PROP_FOCUS, options.focus, "focus = -1")

    def _control(self, name: str, control: int, value: int, without: str) -> float:
        """Set a control; return what the camera reads back."""
        taken = self._capture.set(control, value)
        used = float(self._capture.get(control))
        if not taken or abs(used - value) > CLOSE_TO * abs(value):
            problem = f"uses {name} {used:g} instead of {value}" if taken else f"has no {name}"
            raise SensorError(f"the camera {problem}", f"choose a value it supports, or set {without}")
        return used

    def _take(self, until_s: float) -> tuple[Any, int | None]:
        """Return the next picture as it came, and when it was taken, None where the driver does not say."""
        if time.monotonic() > until_s:
            raise SensorError("the camera gave no picture in time", _RESEAT)
        taken, raw = self._capture.read()
        if not taken or raw is None:
            raise SensorError(f"the camera {self._options.device} gives no pictures any more", _RESEAT)
        stamp_ns = int(self._capture.get(self._cv.CAP_PROP_POS_MSEC) * 1e6)
        return raw, stamp_ns if abs(time.monotonic_ns() - stamp_ns) < STAMP_NS and stamp_ns > 0 else None

    def _pixels(self, raw: Any) -> Pixels:
        """Return the picture as RGB, of the configured size."""
        options = self._options
        pixels = _decoded(raw.tobytes()) if options.format == "MJPG" else np.ascontiguousarray(raw[..., ::-1])
        if pixels.shape != (options.height_px, options.width_px, 3):
            raise SensorError(f"the camera sent a picture of the shape {pixels.shape}", _RESEAT)
        return pixels


def _decoded(content: bytes) -> Pixels:
    try:
        with Image.open(BytesIO(content), formats=["JPEG"]) as picture:
            return np.asarray(picture.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise SensorError("the camera sent a damaged picture", "use a shorter or better USB cable") from error


def _library() -> Any:
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")  # seconds it waits for one picture
    try:
        import cv2
    except ImportError as error:
        raise SensorError(
            "the library OpenCV is not installed", "apt install python3-opencv, or pip install opencv-python-headless"
        ) from error
    return cv2
