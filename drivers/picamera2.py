"""The Raspberry Pi's camera through the library picamera2 (from apt on Raspberry Pi OS; the extra `pi` elsewhere).

One still configuration for the life of the process, no preview. Exposure, gain and white balance are fixed: automatic
ones answer to what lies on the platform, and the station compares pictures with the empty one. What the camera really
used is read back with the first picture. The library can hang inside the kernel; who calls this needs a deadline of
its own (`drivers.camera_child`).
"""

import time
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from drivers.base import Frame, SensorError

PIXEL_FORMAT = "BGR888"  # as libcamera counts from the highest byte: red comes first in memory
FIRST_PICTURES, FIRST_S = 3, 2.0  # controls take effect some frames after the start
CLOSE_TO = 0.25  # share by which what the camera used may differ from what was asked


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "picamera2"`."""

    id: Annotated[str, Meta(description="libcamera's name of the camera, as `rpicam-hello --list-cameras` says")] = ""
    index: Annotated[int, Meta(ge=0, le=7, description="where `id` is empty; indices change with the wiring")] = 0
    width_px: Annotated[int, Meta(ge=320, le=4608)] = 640
    height_px: Annotated[int, Meta(ge=240, le=3456)] = 480
    exposure_us: Annotated[int, Meta(ge=0, le=200_000, description="0: the camera's own, which is not advised")] = 8_000
    gain: Annotated[float, Meta(ge=1.0, le=16.0, description="where the exposure is fixed")] = 2.0
    red_gain: Annotated[float, Meta(ge=0.0, le=16.0, description="0: the camera's own white balance, likewise")] = 1.8
    blue_gain: Annotated[float, Meta(ge=0.1, le=16.0)] = 1.6


class Driver:
    """Implements `drivers.base.CameraDriver`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._camera: Any = None
        self._held: dict[str, float] = {}

    def open(self) -> None:
        """Connect, configure and start; raise `SensorError` when there is no library, no camera, or it is taken."""
        library = _library()
        number = self._number(library.Picamera2.global_camera_info())
        try:
            self._camera = library.Picamera2(number)
            self._start()
            first = [self._request(FIRST_S).metadata for _ in range(FIRST_PICTURES)]
            self._verify(first[-1])
            self._held = _held(self._options, first[-1])
        except (RuntimeError, OSError, IndexError) as error:
            self.close()
            if isinstance(error, SensorError):
                raise
            raise SensorError(
                f"camera {number} does not start: {error}", "end what else uses it; reseat its cable"
            ) from error

    def capture(self, timeout_s: float) -> Frame:
        """Return a picture whose exposure began after the call; raise `SensorError` when none comes in time."""
        if self._camera is None:
            raise SensorError("the camera is not open", "open it first")
        taken = self._request(timeout_s)
        expected = (self._options.height_px, self._options.width_px, 3)
        if taken.pixels.shape != expected:
            raise SensorError(
                f"the camera sent a picture of the shape {taken.pixels.shape}, not {expected}",
                "choose a size that it supports; address it by `id`",
            )
        return Frame(taken.t_ns, taken.pixels)

    def lock(self) -> Mapping[str, float]:
        """Return what was fixed when it opened, as the camera reported it with the first pictures."""
        return dict(self._held)

    def close(self) -> None:
        """Stop and release the camera; never raises."""
        camera, self._camera = self._camera, None
        if camera is None:
            return
        for let_go in (camera.stop, camera.close):
            try:
                let_go()
            except (RuntimeError, OSError):  # it is lost anyhow; the next `open` will tell
                continue

    def _number(self, cameras: list[dict[str, Any]]) -> int:
        """Return the camera's place in the library's list."""
        options = self._options
        if options.id:
            places = [int(camera["Num"]) for camera in cameras if camera["Id"] == options.id]
            found = places[0] if places else None
        else:
            found = options.index if options.index < len(cameras) else None
        if found is None:
            there = ", ".join(camera["Id"] for camera in cameras) or "none"
            wanted = f"camera {options.id}" if options.id else f"camera number {options.index}"
            raise SensorError(
                f"{wanted} is not there (cameras: {there})", "check the cable and `id` in the configuration"
            )
        return found

    def _start(self) -> None:
        options = self._options
        size = (options.width_px, options.height_px)
        wanted = _controls(options)
        if missing := sorted(wanted.keys() - self._camera.camera_controls.keys()):
            raise SensorError(
                f"the camera has no {', '.join(missing)}", "set exposure_us = 0 or red_gain = 0, or use another camera"
            )
        configuration = self._camera.create_still_configuration(
            main={"size": size, "format": PIXEL_FORMAT}, buffer_count=2, controls=wanted
        )
        self._camera.configure(configuration)
        self._camera.start(show_preview=False)

    def _request(self, timeout_s: float) -> "_Taken":
        """Return a picture from after the call; the library sorts older ones out only where it knows the exposure."""
        if "ExposureTime" in self._camera.camera_controls:
            return self._next(timeout_s, flush=True)
        asked_ns, until_s = time.monotonic_ns(), time.monotonic() + timeout_s
        while (taken := self._next(max(until_s - time.monotonic(), 0.001), flush=None)).t_ns < asked_ns:
            pass
        return taken

    def _next(self, timeout_s: float, *, flush: bool | None) -> "_Taken":
        try:
            request = self._camera.capture_request(wait=timeout_s, flush=flush)
        except TimeoutError as error:
            self._camera.cancel_all_and_flush()
            raise SensorError(
                f"the camera gave no picture within {timeout_s:.1f} s", "reseat its cable; restart the station"
            ) from error
        except RuntimeError as error:
            raise SensorError(f"the camera failed: {error}", "reseat its cable; restart the station") from error
        try:
            return _Taken(request)
        finally:
            request.release()

    def _verify(self, used: dict[str, Any]) -> None:
        """Refuse a camera that does not take the exposure it is given: its pictures would not be comparable."""
        wanted = _controls(self._options)
        pairs: list[tuple[str, float, float]] = [
            (name, used[name], wanted[name])
            for name in ("ExposureTime", "AnalogueGain")
            if name in wanted.keys() & used
        ]
        if "ColourGains" in wanted.keys() & used.keys():
            pairs += zip(("red gain", "blue gain"), used["ColourGains"], wanted["ColourGains"], strict=True)
        for name, value, asked in pairs:
            if abs(value / asked - 1) > CLOSE_TO:
                raise SensorError(
                    f"the camera uses {name} {value:g} instead of {asked:g}", "choose a value it supports"
                )


class _Taken:
    """One request's picture and metadata, copied out so that the request can be released."""

    def __init__(self, request: Any) -> None:
        self.metadata: dict[str, Any] = request.get_metadata()
        self.pixels = np.array(request.make_array("main")[..., :3], np.uint8)
        read_ns = self.metadata.get("SensorTimestamp", time.monotonic_ns())  # when the first row was read out
        self.t_ns = int(read_ns) - 1000 * int(self.metadata.get("ExposureTime", 0))


def _controls(options: Options) -> dict[str, Any]:
    controls: dict[str, Any] = {}
    if options.exposure_us:
        controls |= {"AeEnable": False, "ExposureTime": options.exposure_us, "AnalogueGain": options.gain}
    if options.red_gain:
        controls |= {"AwbEnable": False, "ColourGains": (options.red_gain, options.blue_gain)}
    return controls


def _held(options: Options, used: dict[str, Any]) -> dict[str, float]:
    """Return what the camera reports of that which is fixed, by the configuration's keys."""
    held: dict[str, float] = {}
    if options.exposure_us:
        names = {"exposure_us": "ExposureTime", "gain": "AnalogueGain"}
        held |= {key: float(used[name]) for key, name in names.items() if name in used}
    if options.red_gain and "ColourGains" in used:
        held["red_gain"], held["blue_gain"] = map(float, used["ColourGains"])
    return held


def _library() -> Any:
    try:
        import picamera2
    except ImportError as error:
        raise SensorError(
            "the library picamera2 is not installed",
            "apt install python3-picamera2, and a venv with system site packages",
        ) from error
    return picamera2
