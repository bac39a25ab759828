"""One camera under watch: its picture must be of now, another than the last, and still of the platform.

Theory of operation. A frame says when its exposure began; one from before it was asked for, or from long ago, shows
another basket. Every sensor has noise, so two frames that agree in every byte are one frame: the camera, its buffer or
what writes its files is stuck. What the pixels themselves tell is `view_check`. An empty platform teaches: where the
view has moved or something covers much of it, that is told, and only an obstinate change is taken for the new normal.
"""

import hashlib
from dataclasses import dataclass

from station.vision import detect, view_check
from station.vision.detect import Reference
from station.vision.view_check import WELL, Health, Pixels

EARLY_NS = 50_000_000  # clocks of driver and host may differ by this
OLD_NS = 5_000_000_000  # a picture that waited so long is of another load
DIRT_SEEN, COVERED = 0.002, 0.2  # share of the picture that differs though the platform is empty
OBSTINATE = 3  # pictures in a row after which a changed view is the new normal


@dataclass(slots=True)
class Watch:
    """What is remembered of one camera."""

    dirt: float = 0.0  # share of the empty platform's last picture that did not look like it
    _last: bytes = b""
    _refused: int = 0

    def fresh(self, pixels: Pixels, taken_ns: int, asked_ns: int, now_ns: int) -> Health:
        """Refuse a picture that is stale, from the future, or the last one again."""
        digest = hashlib.blake2b(pixels.tobytes(), digest_size=16).digest()
        repeated, self._last = digest == self._last, digest
        if not asked_ns - EARLY_NS <= taken_ns <= now_ns + EARLY_NS:
            late_ms = (asked_ns - taken_ns) / 1e6
            when = f"{late_ms:.0f} ms before it was asked for" if late_ms > 0 else "in the future"
            return Health(0.0, f"its picture was taken {when}", "restart the camera; see that nothing else uses it")
        if now_ns - taken_ns > OLD_NS:
            return Health(0.0, f"its picture is {(now_ns - taken_ns) / 1e9:.1f} s old", "see what loads the machine")
        if repeated:
            return Health(0.0, "it gives the same picture again and again", "restart the camera; reseat its cable")
        return WELL

    def look(self, empty: Reference, pixels: Pixels) -> Health:
        """Return the health of a picture of a load."""
        health = view_check.examine(empty, pixels)
        return health if health.fault else Health(health.trust * max(1 - 4 * self.dirt, 0.2))

    def learn(self, empty: Reference | None, pixels: Pixels) -> tuple[Health, bool]:
        """Return the health of a picture of the empty platform, and whether it may be learnt from.

        With a fault that may be learnt from, the view has changed for good: the picture is the new reference.
        """
        if empty is None or not detect.fits(empty, pixels):
            health = view_check.alone(pixels)
            return health, not health.fault
        health = view_check.examine(empty, pixels)
        if not health.fault:
            covered = sum(thing.area_px for thing in detect.find(empty, pixels)) / (pixels.shape[0] * pixels.shape[1])
            self.dirt = covered if covered > DIRT_SEEN else 0.0
            if covered > COVERED:
                health = Health(
                    0.0, f"{covered:.0%} of its view differs though nothing is weighed",
                    "clean platform and lens, and see that nothing hangs into the view",
                )  # fmt: skip
        self._refused = self._refused + 1 if health.fault else 0
        obstinate = self._refused >= OBSTINATE and not view_check.alone(pixels).fault
        if obstinate:
            self._refused, self.dirt = 0, 0.0
        return health, not health.fault or obstinate
