"""A camera above the simulated platform, through the world's socket."""

import time
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from drivers.base import Frame, SensorError
from drivers.sim.protocol import CAMERA, FRAME, MAX_PICTURE_BYTES, PICTURE_HEADER
from drivers.sim.socket_link import SocketLink


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of a camera with `driver = "sim"`."""

    world: Annotated[str, Meta(min_length=1, description="Unix socket of the simulated world")]


class Driver:
    """Implements `drivers.base.CameraDriver`."""

    def __init__(self, options: Options) -> None:
        self._link = SocketLink(options.world, CAMERA)

    def open(self) -> None:
        """Connect; raise `SensorError` when the world is not there."""
        self._link.open()

    def capture(self, timeout_s: float) -> Frame:
        """Return a picture whose exposure began after the call; raise `SensorError` when none comes in time.

        After an error the connection is closed: a picture that comes late is never taken for a later one.
        """
        deadline_s = time.monotonic() + timeout_s
        try:
            return self._receive(deadline_s)
        except SensorError:
            self._link.close()
            raise

    def close(self) -> None:
        """Hang up; never raises."""
        self._link.close()

    def _receive(self, deadline_s: float) -> Frame:
        self._link.write(FRAME)
        received = bytearray()
        self._fill(received, PICTURE_HEADER.size, deadline_s)
        t_ns, height_px, width_px = PICTURE_HEADER.unpack_from(received)
        size = height_px * width_px * 3
        if not 0 < size <= MAX_PICTURE_BYTES:
            raise SensorError(
                f"{self._link.name} sent a picture of {width_px} x {height_px}", "check the simulated world"
            )
        self._fill(received, PICTURE_HEADER.size + size, deadline_s)
        pixels = np.frombuffer(received, np.uint8, size, PICTURE_HEADER.size).reshape(height_px, width_px, 3)
        return Frame(t_ns, pixels)

    def _fill(self, received: bytearray, size: int, deadline_s: float) -> None:
        """Receive until there are `size` bytes."""
        while len(received) < size:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise SensorError(f"no picture from {self._link.name} in time", "check the simulated world's load")
            received += self._link.read(left_s)
