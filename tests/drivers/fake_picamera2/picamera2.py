"""The part of the library picamera2 that the driver uses, with cameras made of numbers.

It answers as the library does: a request is held until it is released, a picture needs `start`, a hung camera raises
`TimeoutError` from the wait, wrong controls are refused.
"""

import time
from typing import Any, ClassVar

import numpy as np

CONTROLS = {"AeEnable", "AwbEnable", "ExposureTime", "AnalogueGain", "ColourGains"}


class Request:
    def __init__(self, owner: "Picamera2") -> None:
        self._owner = owner

    def get_metadata(self) -> dict[str, Any]:
        controls = self._owner.configuration["controls"]
        if not self._owner.exposed:
            return {"SensorTimestamp": time.monotonic_ns() - self._owner.stale_ns.pop()}
        exposure = min(controls["ExposureTime"], self._owner.longest_us)
        white = self._owner.white or controls["ColourGains"]
        return {"SensorTimestamp": time.monotonic_ns() + 1000 * exposure, "ExposureTime": exposure,
                "AnalogueGain": controls["AnalogueGain"], "ColourGains": white}  # fmt: skip

    def make_array(self, name: str) -> np.ndarray[Any, Any]:
        stream = self._owner.configuration[name]
        assert stream["format"] == "BGR888"
        width, height = stream["size"]
        pixels = np.zeros((height, width + Picamera2.pixels_off, 3), np.uint8)
        pixels[..., 0] = 200  # red first
        return pixels

    def release(self) -> None:
        self._owner.held -= 1


class Picamera2:
    cameras: ClassVar[list[dict[str, Any]]] = []
    taken: ClassVar[bool] = False
    hung: ClassVar[bool] = False
    longest_us: ClassVar[int] = 100_000
    white: ClassVar[tuple[float, float] | None] = None
    pixels_off: ClassVar[int] = 0
    opened: ClassVar[list["Picamera2"]] = []

    @staticmethod
    def global_camera_info() -> list[dict[str, Any]]:
        return Picamera2.cameras

    def __init__(self, camera_num: int = 0) -> None:
        if Picamera2.taken:
            raise RuntimeError("Camera __init__ sequence did not complete.")
        self.number = camera_num
        self.configuration: dict[str, Any] = {}
        self.camera_controls = dict.fromkeys(CONTROLS, (0, 1, 0))
        self.running = self.closed = False
        self.held = self.cancelled = 0
        self.exposed: bool | None = True
        self.stale_ns = [-1, 10**9, 10**9] * 9  # ages of the pictures, last first
        Picamera2.opened.append(self)

    def create_still_configuration(
        self, main: dict[str, Any], buffer_count: int, controls: dict[str, Any]
    ) -> dict[str, Any]:
        if unknown := set(controls) - CONTROLS:
            raise RuntimeError(f"Control {min(unknown)} is not advertised by libcamera")
        return {"main": main, "buffer_count": buffer_count, "controls": controls}

    def configure(self, configuration: dict[str, Any]) -> None:
        self.configuration = configuration

    def start(self, *, show_preview: bool) -> None:
        assert not show_preview
        self.running = True

    def capture_request(self, *, wait: float, flush: bool | None) -> Request:
        assert self.running
        assert 0 < wait < 60
        self.exposed = flush and "ExposureTime" in self.camera_controls  # without it the library cannot flush
        assert self.exposed or flush is None
        if Picamera2.hung:
            raise TimeoutError
        self.held += 1
        assert self.held <= self.configuration["buffer_count"], "requests are not given back"
        return Request(self)

    def cancel_all_and_flush(self) -> None:
        self.cancelled += 1

    def stop(self) -> None:
        self.running = False

    def close(self) -> None:
        self.closed = True
