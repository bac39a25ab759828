"""Can this picture be believed? Darkness, glare, blur, a moved camera and a view that changed, told from pixels alone.

Theory of operation. The picture is compared with the empty platform's at working size. Light: the most common ratio
of brightness is the lamp's; far off, colours mean little, further off nothing. Glare: pixels at the end of the range
that the empty platform had not. Blur: on the steepest edges of a sharp picture most of the difference over five
pixels falls on one; a blurred one spreads it evenly (1/5 at worst). That does not depend on what is seen, only on
there being an edge at all. Moved: the edges of the empty platform (its rim, screws, mesh) are still in the picture,
but elsewhere: their cross-correlation peaks beside the middle. Goods hide edges and add others, which correlate with
nothing. A platform without a single edge cannot tell, and then nothing is said.

Measured on 30 drawn scenes of none to eight goods: no doubt about any; each move of 6 to 60 pixels found to the pixel;
11 ms a picture. Sharpness there 0.43 to 0.70, of 44 real photographs 0.31 and more; after a blur of 2 pixels 0.24 to
0.26.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from station.vision.detect import Reference, Values, reduced

DARK_LEVEL = 14.0  # mean of 255 below which a picture holds noise and little else
LIGHT_USED, LIGHT_LOST = (0.55, 1.7), (0.3, 2.6)  # lamp against the empty platform's: lowered outside, lost outside
GLARE_USED, GLARE_LOST = 0.08, 0.35  # share of pixels burnt out that were not before
BURNT = 252.0
SHARP_USED, SHARP_LOST = 0.30, 0.25  # share of a steep edge on one pixel; sharp photographs have 0.31 and more
CONTRAST_LEAST = 25.0  # below this there is no edge to judge sharpness by
MOVED_PX, MOVED_CLEARLY = 2, 1.25  # working pixels; and how much better they agree there than unmoved
EDGES_LEAST = 0.004  # share of strong edges in the empty platform below which nothing is said of movement
EDGE_STEPS = 18.0
SEARCH_PX = 40  # a camera moved further than this shows another view altogether
AGREE_LEAST = 0.25  # of the platform's edges that must be found at the new place

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Health:
    """How far a picture can be believed: `trust` scales visibility; 0 with a `fault` in words, and what to do."""

    trust: float = 1.0
    fault: str = ""
    remedy: str = ""


WELL = Health()
_DARK = Health(0.0, "the picture is dark", "see that the lamp is on and nothing covers the lens")


def examine(empty: Reference, pixels: Pixels) -> Health:
    """Return the health of a picture of the reference's size; the first fault found, else the product of all doubts."""
    seen = reduced(pixels, empty.factor)
    checks = (_light(empty, seen), _glare(empty, seen), _blur(pixels), _moved(empty, seen))
    lost = next((health for health in checks if health.fault), None)
    if lost is not None:
        return lost
    return Health(float(np.prod([health.trust for health in checks])))


def alone(pixels: Pixels) -> Health:
    """Return the health of a picture with nothing to compare it with."""
    level = float(pixels.mean())
    if level < DARK_LEVEL:
        return _DARK
    return _blur(pixels)


def shift(empty: Reference, pixels: Pixels) -> tuple[int, int] | None:
    """Return by how many pixels the view moved (right, down); None where it did not, or nobody can tell."""
    found = _shift(empty, reduced(pixels, empty.factor))
    return None if found is None else (found[0] * empty.factor, found[1] * empty.factor)


def _light(empty: Reference, seen: Values) -> Health:
    level = float(seen.mean())
    if level < DARK_LEVEL:
        return _DARK
    ratio = (seen.mean(axis=0) + 4) / (empty.pixels.mean(axis=0) + 4)
    count, edges = np.histogram(ratio, 90, (0.05, 4.55))
    lamp = float(edges[int(count.argmax())] + (edges[1] - edges[0]) / 2)
    what = f"the light is {lamp:.1f} times that of the empty platform"
    return _graded(lamp, LIGHT_USED, LIGHT_LOST, what, "see to the lamp, or to daylight on the platform")


def _glare(empty: Reference, seen: Values) -> Health:
    burnt = float(((seen.min(axis=0) >= BURNT) & (empty.pixels.min(axis=0) < BURNT)).mean())
    what = f"{burnt:.0%} of the picture is burnt out"
    return _graded(burnt, (-1.0, GLARE_USED), (-2.0, GLARE_LOST), what, "keep lamps and sun out of the view")


def _blur(pixels: Pixels) -> Health:
    sharp = sharpness(pixels)
    if sharp is None:
        return WELL
    remedy = "clean the lens and its cover, and focus the camera"
    return _graded(sharp, (SHARP_USED, 2.0), (SHARP_LOST, 3.0), "the picture is blurred", remedy)


def sharpness(pixels: Pixels) -> float | None:
    """Return which share of its steepest edges falls on one pixel, at most about 1; None without a clear edge."""
    grey = pixels[::2].mean(axis=2, dtype=np.float32)
    wide = np.abs(grey[:, 5:] - grey[:, :-5])
    contrast = float(np.quantile(wide, 0.995))
    if contrast < CONTRAST_LEAST:
        return None
    steps = np.abs(np.diff(grey, axis=1))
    steepest = np.maximum.reduce([steps[:, place : place + wide.shape[1]] for place in range(5)])
    clear = wide >= contrast
    return float(np.median(steepest[clear] / wide[clear]))


def _moved(empty: Reference, seen: Values) -> Health:
    found = _shift(empty, seen)
    if found is None:
        return WELL
    right, down = (steps * empty.factor for steps in found)
    return Health(
        0.0, f"the camera has moved: the view is off by {right} pixels across and {down} down",
        "put it back and fasten it, then take everything off the platform once",
    )  # fmt: skip


def _shift(empty: Reference, seen: Values) -> tuple[int, int] | None:
    """Return the move in working pixels that brings the platform's edges back to where they were seen empty."""
    platform, now = _edges(empty.pixels), _edges(seen)
    total = float(platform.sum())
    if total < EDGES_LEAST * platform.size:
        return None
    agreement = np.fft.irfft2(np.fft.rfft2(now) * np.conj(np.fft.rfft2(platform)), now.shape)
    agreement -= total * float(now.mean())  # what two unrelated pictures would agree on
    around = np.roll(agreement, (SEARCH_PX, SEARCH_PX), (0, 1))[: 2 * SEARCH_PX + 1, : 2 * SEARCH_PX + 1]
    down, right = (int(place) - SEARCH_PX for place in np.unravel_index(int(around.argmax()), around.shape))
    here = float(around[SEARCH_PX - 1 : SEARCH_PX + 2, SEARCH_PX - 1 : SEARCH_PX + 2].max())
    there = float(around.max())
    clearly = there > MOVED_CLEARLY * max(here, 0.0) and there > AGREE_LEAST * total
    return (right, down) if clearly and max(abs(right), abs(down)) >= MOVED_PX else None


def _edges(values: Values) -> Values:
    """Return 1 where brightness steps strongly, against the local light."""
    grey = values.mean(axis=0)
    across, down = np.zeros_like(grey), np.zeros_like(grey)
    across[:, 1:-1] = np.abs(grey[:, 2:] - grey[:, :-2])
    down[1:-1] = np.abs(grey[2:] - grey[:-2])
    scale = max(float(grey.mean()) / 128, 0.1)
    return cast("Values", (np.maximum(across, down) > EDGE_STEPS * scale).astype(np.float32))


def _graded(value: float, used: tuple[float, float], lost: tuple[float, float], what: str, remedy: str) -> Health:
    """Return full trust within `used`, a fault outside `lost`, and what lies between in proportion (at least 0.2)."""
    if used[0] <= value <= used[1]:
        return WELL
    inner, outer = (used[0], lost[0]) if value < used[0] else (used[1], lost[1])
    share = (value - outer) / (inner - outer)
    return Health(0.0, what, remedy) if share <= 0 else Health(max(share, 0.2))
