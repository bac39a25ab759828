"""A camera above the workbench: its platform carries tags; somebody turns its lens until it is sharp."""

import time
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageFilter

from drivers.base import Frame
from drivers.sim.render import PLATFORM_M, Pixels, render
from drivers.sim.tagged import TAG_M, tagged_platform
from drivers.sim.world import World

PLATFORM_MM = (1000 * PLATFORM_M[0], 1000 * PLATFORM_M[1])
TAG_MM = 1000 * TAG_M
TURNED_AFTER = 12  # pictures that it takes to turn the lens from the worst to the best place
WORST_PX = 3.0
SMEAR = (400, 90, 460, 150)  # left, top, right, bottom of what sticks on a dirty lens


class BenchCamera:
    """Implements `drivers.base.CameraDriver` and `Lockable`; `fault`: blurred, dark, dirty, mislaid or untagged."""

    def __init__(self, world: World, *, fault: str | None = None, seed: int = 1, lens_turns: bool = True) -> None:
        self._world, self._fault = world, fault
        self._seed = seed
        self._taken = 0 if lens_turns else TURNED_AFTER
        order = {"mislaid": (2, 3, 0, 1)}.get(fault or "", (0, 1, 2, 3))
        self._ground = None if fault == "untagged" else tagged_platform(order)

    def open(self) -> None:
        """Nothing is to be taken."""

    def capture(self, timeout_s: float) -> Frame:  # noqa: ARG002 - it is drawn at once
        """Return a picture of what lies there."""
        t_ns = time.monotonic_ns()
        self._taken += 1
        pixels = render(self._world.objects, rng_seed=1000 * self._seed + self._taken, ground=self._ground)
        blur_px = WORST_PX * max(1 - self._taken / TURNED_AFTER, 0)
        if self._fault == "blurred":
            blur_px = WORST_PX
        if blur_px:
            pixels = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(blur_px)))
        if self._fault == "dark":
            pixels = (pixels * 0.4).astype(np.uint8)
        return Frame(t_ns, _smeared(pixels) if self._fault == "dirty" else pixels)

    def close(self) -> None:
        """Nothing is held."""

    def lock(self) -> Mapping[str, float]:
        """Hold what it never changes."""
        return {"exposure_us": 10_000.0, "gain": 2.0, "red_gain": 1.8, "blue_gain": 1.6}


def _smeared(pixels: Pixels) -> Pixels:
    left, top, right, bottom = SMEAR
    smeared = pixels.copy()
    part = Image.fromarray(pixels[top:bottom, left:right]).filter(ImageFilter.GaussianBlur(6))
    smeared[top:bottom, left:right] = np.asarray(part) * 0.88
    return smeared
