"""A camera driver that does what camera stacks do: hang, crash, print, and fail in words."""

import os
import signal
import sys
import time

import msgspec
import numpy as np

from drivers.base import Frame, SensorError


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`mark` is a file whose existence makes it misbehave in the given manner."""

    manner: str = ""
    mark: str = ""
    width_px: int = 64


class Driver:
    """Implements `drivers.base.CameraDriver`."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def open(self) -> None:
        sys.stdout.write("a library that prints where it should not\n")
        sys.stdout.flush()
        if self._now("absent"):
            raise SensorError("no camera here", "plug it in")
        if self._now("crash at open"):
            os.kill(os.getpid(), signal.SIGSEGV)

    def capture(self, timeout_s: float) -> Frame:
        if self._now("hang"):
            signal.pause()
        if self._now("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if self._now("late"):
            raise SensorError(f"no picture within {timeout_s:g} s", "reseat its cable")
        pixels = np.full((48, self._options.width_px, 3), 7, np.uint8)
        pixels[0, 0] = (1, 2, 3)
        return Frame(time.monotonic_ns(), pixels)

    def close(self) -> None:
        if self._now("hang at close"):
            signal.pause()

    def _now(self, manner: str) -> bool:
        return self._options.manner == manner and os.path.exists(self._options.mark)  # noqa: PTH110
