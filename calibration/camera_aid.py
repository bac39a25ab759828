"""Focus and exposure, live in the terminal while somebody turns the lens: a bar against the best that was seen."""

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from calibration import camera_light
from calibration.camera_light import LIMITS, Light
from calibration.faces import console
from calibration.keyboard import Keyboard
from calibration.texts import Language, say
from drivers.base import CameraDriver

CAPTURE_S = 2.0
PICTURES = 15  # where nobody watches
BAR = 40


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What the live picture showed: now, and the greatest sharpness so far."""

    light: Light
    best_laplacian: float
    best_tenengrad: float

    @property
    def sharpness(self) -> float:
        """Return how sharp it is against the best, the worse of the two measures, 0 to 1."""
        return min(
            self.light.laplacian / max(self.best_laplacian, 1e-12),
            self.light.tenengrad / max(self.best_tenengrad, 1e-12),
        )


def seen(pixels: camera_light.Pixels, before: Sight | None) -> Sight:
    """Return what a picture shows after those before it."""
    light = camera_light.measure(pixels)
    if before is None:
        return Sight(light=light, best_laplacian=light.laplacian, best_tenengrad=light.tenengrad)
    return Sight(
        light=light,
        best_laplacian=max(before.best_laplacian, light.laplacian),
        best_tenengrad=max(before.best_tenengrad, light.tenengrad),
    )


def draw(sight: Sight, camera: str, language: Language, *, ascii_only: bool = False) -> Group:
    """Return the screen; 80 by 24 will do."""
    full, bare = ("#", ".") if ascii_only else ("█", "░")
    light, share = sight.light, sight.sharpness
    filled = round(BAR * min(max(share, 0.0), 1.0))
    grade = "green" if share > 0.9 else "yellow" if share > LIMITS.soft else "red"  # noqa: PLR2004 - close to the best
    low, high = LIMITS.mean
    lines = [
        Text(say(language, "camera.title", camera=camera), style="dim"),
        Text(""),
        Text(say(language, "camera.focus"), style="bold cyan"),
        Text(f"{full * filled}{bare * (BAR - filled)}  {share:4.0%}", style=grade),
        Text(say(language, "camera.sharp", laplacian=light.laplacian * 1e4, tenengrad=light.tenengrad * 1e4)),
        Text(""),
        Text(say(language, "camera.exposure"), style="bold cyan"),
        Text(say(language, "camera.mean", mean=light.mean, low=low, high=high)),
        Text(say(language, "camera.clipped", clipped=light.clipped, black=light.black)),
        Text(say(language, "camera.colour", red=light.red, blue=light.blue)),
        Text(""),
    ]
    told = camera_light.complaints(light)
    lines += [Text(f"! {text}", style="yellow") for text in told]
    return Group(*lines, Text(""), Text(say(language, "camera.keys"), style="reverse"))


def watch(camera: CameraDriver, name: str, language: Language, where: Console | None = None) -> Sight | None:
    """Show the live picture's figures until Enter; None where somebody gave up with q."""
    where = where or console()
    ascii_only = "utf" not in where.encoding.lower()
    sight: Sight | None = None
    with Keyboard() as keyboard, Live(console=where, screen=True, auto_refresh=False, transient=True) as live:
        while True:
            sight = seen(camera.capture(CAPTURE_S).pixels, sight)
            live.update(draw(sight, name, language, ascii_only=ascii_only), refresh=True)
            keys = keyboard.pressed()
            if "q" in keys or "escape" in keys:
                return None
            if "enter" in keys:
                return sight


def glance(camera: CameraDriver) -> Sight:
    """Look at some pictures where nobody watches."""
    sight = seen(camera.capture(CAPTURE_S).pixels, None)
    for _ in range(PICTURES - 1):
        sight = seen(camera.capture(CAPTURE_S).pixels, sight)
    return sight
