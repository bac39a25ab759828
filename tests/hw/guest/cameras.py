"""`picamera2` on libcamera's vimc pipeline and `v4l2` on vivid, each in its child process, as the station runs them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from drivers import picamera2, v4l2
from drivers.base import SensorError
from drivers.camera_child import Caged
from tests.hw.guest import report
from tests.hw.guest.report import Facts, command

CAPTURE_S = 20.0  # vimc makes its pictures in software, and the machine is shared
PLATFORM = Path("/sys/bus/platform/drivers")

Make = Callable[..., Caged]


def pi(**keys: object) -> Caged:
    """Return a camera of the Pi's driver; the simulated sensor has no exposure of its own to fix."""
    plain = {"exposure_us": 0, "red_gain": 0.0}
    return Caged("drivers.picamera2", msgspec.convert({**plain, **keys}, picamera2.Options))


def usb(**keys: object) -> Caged:
    """Return a camera of Video4Linux2; vivid gives YUYV, and has a gain but no exposure."""
    plain = {"device": str(node()), "format": "YUYV", "exposure_us": 0, "white_balance_k": 0}
    return Caged("drivers.v4l2", msgspec.convert({**plain, **keys}, v4l2.Options))


def node() -> Path:
    """Return the first device that vivid made for capture."""
    names = sorted(Path("/sys/class/video4linux").glob("video*/name"))
    found = [name.parent.name for name in names if "vivid" in name.read_text() and "cap" in name.read_text()]
    return Path("/dev", found[0] if found else "video-none")


def pictures(make: Make, **keys: object) -> Facts:
    """Take some pictures; say what they are and whether each was taken after it was asked for."""
    with closing(make(**keys)) as camera:
        began_s = time.monotonic()
        camera.open()
        opened_s = time.monotonic() - began_s
        asked, frames = [], []
        for _ in range(4):
            asked.append(time.monotonic_ns())
            frames.append(camera.capture(CAPTURE_S))
        return {
            "opened_s": round(opened_s, 2),
            "shapes": sorted({frame.pixels.shape for frame in frames}),
            "spread": min(round(float(frame.pixels.std()), 1) for frame in frames),
            "fresh": all(frame.t_ns >= at_ns for at_ns, frame in zip(asked, frames, strict=True)),
            "ages_ms": [round((time.monotonic_ns() - frame.t_ns) / 1e6) for frame in frames[-1:]],
        }


def refused(make: Make, **keys: object) -> Facts:
    """Open with something that cannot be had; return what is said."""
    with closing(make(**keys)) as camera:
        return {"error": open_error(camera)}


def open_error(camera: Caged) -> str:
    try:
        camera.open()
    except SensorError as error:
        return error.message
    return ""


def capture_error(camera: Caged) -> str:
    try:
        for _ in range(20):
            camera.capture(1.0)
    except SensorError as error:
        return error.message
    return ""


def hangs(make: Make) -> Facts:
    """Stop the child as a hung kernel would; it must be killed in time, and the next one must work."""
    with closing(make()) as camera:
        camera.open()
        camera.capture(CAPTURE_S)
        pid = camera.pid or 0
        os.kill(pid, signal.SIGSTOP)
        began_s = time.monotonic()
        error = capture_error(camera)
        waited_s = time.monotonic() - began_s
        camera.open()
        frame = camera.capture(CAPTURE_S)
        return {"error": error, "waited_s": round(waited_s, 2), "gone": not Path(f"/proc/{pid}").exists(),
                "again": list(frame.pixels.shape)}  # fmt: skip


def vanishes(make: Make, driver: str) -> Facts:
    """Take the device from its driver while pictures are taken, and give it back."""
    home = PLATFORM / driver
    device = next(path.name for path in home.iterdir() if path.name.startswith(f"{driver}."))
    with closing(make()) as camera:
        camera.open()
        camera.capture(CAPTURE_S)
        (home / "unbind").write_text(device)
        lost = capture_error(camera)
        camera.close()
        absent = open_error(camera)
        (home / "bind").write_text(device)
        command("udevadm", "settle")
        with closing(make()) as again:
            again.open()
            frame = again.capture(CAPTURE_S)
        return {"lost": lost, "absent": absent, "again": list(frame.pixels.shape)}


def vimc() -> Facts:
    """Load the simulated sensor; return the cameras' names.

    Asked for in another process: libcamera aborts the one it is in when a camera goes and comes back.
    """
    command("modprobe", "vimc")
    ask = "from picamera2 import Picamera2; print(*(each['Id'] for each in Picamera2.global_camera_info()), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return {"ids": done.stdout.splitlines()}


def vivid() -> Facts:
    command("modprobe", "vivid", "n_devs=1")
    command("udevadm", "settle")
    return {"node": str(node())}


def main() -> None:
    first = vimc()
    name = first["ids"][0] if first["ids"] else "none"
    report.run([
        ("vimc", lambda: first),
        ("pi pictures", lambda: pictures(pi, id=name)),
        ("pi another size", lambda: pictures(pi, id=name, width_px=320, height_px=240)),
        ("pi no such camera", lambda: refused(pi, id="imx708")),
        ("pi exposure", lambda: refused(pi, id=name, exposure_us=8000)),
        ("pi odd size", lambda: pictures(pi, id=name, width_px=650, height_px=490)),
        ("pi hangs", lambda: hangs(lambda: pi(id=name))),
        ("pi vanishes", lambda: vanishes(lambda: pi(id=name), "vimc")),
        ("vivid", vivid),
        ("usb pictures", lambda: pictures(usb)),
        ("usb format", lambda: refused(usb, format="MJPG")),
        ("usb exposure", lambda: refused(usb, exposure_us=10_000)),
        ("usb nothing there", lambda: refused(usb, device="/dev/video99")),
        ("usb hangs", lambda: hangs(usb)),
        ("usb vanishes", lambda: vanishes(usb, "vivid")),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
