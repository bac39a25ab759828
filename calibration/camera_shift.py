"""Has the camera moved? Patches of the empty platform found again in a later picture, in numpy alone.

Theory. A patch (a tag, or a place with edges in two directions) is looked for around its old place by normalised
cross-correlation: for every displacement the correlation coefficient between patch and picture, which neither lamp nor
gain change. Its numerator is one product of Fourier transforms, its denominator comes from sums over windows. A patch
counts as visible where the best coefficient is high; the peak is refined by a parabola to a tenth of a pixel. The
camera's move is the median over the visible patches, across and down, and its size the median of their displacements'
lengths, so that a turn about the middle shows, too, and one tag that came off does not.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, top, right, bottom

SEARCH_PX = 24
FOUND = 0.6  # correlation from which a patch counts as seen again
WARN_PX, FAULT_PX = 3.0, 8.0
PATCHES_LEAST = 3  # of an empty platform; fewer cannot tell
PATCHES_LOADED = 2  # that agree, while goods hide others
PATCH_PX, PATCHES_MOST = 40, 9
CORNERED = 40.0  # least mean squared gradient (of 255) in a patch's weaker direction


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """How far the view is from where it was calibrated: pixels right and down, and the size; patches seen, of how many.

    `verdict`: `fault` means that the calibration no longer holds; `unknown` that too little was seen to tell.
    """

    right_px: float = 0.0
    down_px: float = 0.0
    size_px: float = 0.0
    seen: int = 0
    patches: int = 0
    verdict: Literal["held", "warn", "fault", "unknown"] = "unknown"


def moved(then: Grey, now: Grey, patches: Sequence[Box], *, empty: bool) -> Moved:
    """Return how the view moved between two pictures (brightness) of one size; `empty`: nothing hides a patch."""
    found = [step for box in patches if (step := _displacement(then, now, box)) is not None]
    least = min(PATCHES_LEAST if empty else PATCHES_LOADED, len(patches))
    if not patches or (len(found) < least and not empty):
        return Moved(seen=len(found), patches=len(patches))
    if len(found) < least:
        return Moved(seen=len(found), patches=len(patches), verdict="fault")
    right, down = (float(np.median([step[axis] for step in found])) for axis in (0, 1))
    size = float(np.median([np.hypot(*step) for step in found]))
    verdict: Literal["held", "warn", "fault"] = "fault" if size > FAULT_PX else "warn" if size > WARN_PX else "held"
    return Moved(
        right_px=right, down_px=down, size_px=size, seen=len(found), patches=len(patches), verdict=verdict
    )  # fmt: skip


def _displacement(then: Grey, now: Grey, box: Box) -> tuple[float, float] | None:
    """Return where the patch went (right, down); None where it is not seen."""
    left, top, right, bottom = box
    patch = then[top:bottom, left:right]
    first_x, first_y = max(left - SEARCH_PX, 0), max(top - SEARCH_PX, 0)
    around = now[first_y : bottom + SEARCH_PX, first_x : right + SEARCH_PX]
    score = correlation(patch, around)
    row, column = (int(place) for place in np.unravel_index(int(score.argmax()), score.shape))
    if score[row, column] < FOUND:
        return None
    return (
        column + _between(score[row], column) - (left - first_x),
        row + _between(score[:, column], row) - (top - first_y),
    )


def correlation(patch: Grey, around: Grey) -> NDArray[np.float64]:
    """Return the correlation coefficient of the patch at each place where it fits, 0 where there is nothing to see."""
    height, width = patch.shape
    rows, columns = around.shape[0] - height + 1, around.shape[1] - width + 1
    off = patch - patch.mean()
    spectrum = np.fft.rfft2(around - around.mean()) * np.conj(np.fft.rfft2(off, around.shape))
    product = np.fft.irfft2(spectrum, around.shape)[:rows, :columns]
    centred = (around - around.mean()).astype(np.float64)
    total, squares = _windows(centred, height, width), _windows(centred**2, height, width)
    variance = np.maximum(squares - total**2 / patch.size, 0.0)
    scale = np.sqrt(variance * float((off.astype(np.float64) ** 2).sum()))
    return np.asarray(np.where(scale > patch.size, product / np.maximum(scale, 1e-9), 0.0), np.float64)


def _windows(values: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    total = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    return np.asarray(sums, np.float64)


def _between(line: NDArray[np.float64], peak: int) -> float:
    """Return where between the samples the peak is, -0.5 to 0.5."""
    if not 0 < peak < len(line) - 1:
        return 0.0
    before, at, after = line[peak - 1 : peak + 2]
    bend = before - 2 * at + after
    return float(0.5 * (before - after) / bend) if bend < 0 else 0.0


def around_points(points: Sequence[Sequence[float]], size: tuple[int, int], margin_px: float = 6.0) -> Box:
    """Return the box around points (x, y), within a picture of this width and height."""
    across, down = [point[0] for point in points], [point[1] for point in points]
    return (
        max(int(min(across) - margin_px), 0),
        max(int(min(down) - margin_px), 0),
        min(int(max(across) + margin_px) + 1, size[0]),
        min(int(max(down) + margin_px) + 1, size[1]),
    )


def landmarks(grey: Grey) -> tuple[Box, ...]:
    """Return places with edges in two directions, the best of each ninth of the picture: for views without tags."""
    weaker = _weaker_direction(grey)
    found = []
    for rows in np.array_split(np.arange(weaker.shape[0]), 3):
        for columns in np.array_split(np.arange(weaker.shape[1]), 3):
            part = weaker[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            row, column = np.unravel_index(int(part.argmax()), part.shape)
            if part[row, column] >= CORNERED:
                found.append((int(columns[0] + column), int(rows[0] + row)))
    return tuple((left, top, left + PATCH_PX, top + PATCH_PX) for left, top in found)[:PATCHES_MOST]


def _weaker_direction(grey: Grey) -> NDArray[np.float64]:
    """Return, for each place of a patch, the mean squared gradient in its weaker direction (least eigenvalue)."""
    gy, gx = (np.asarray(axis, np.float64) for axis in np.gradient(grey.astype(np.float64)))
    xx, yy, xy = (_windows(one, PATCH_PX, PATCH_PX) / PATCH_PX**2 for one in (gx * gx, gy * gy, gx * gy))
    return np.asarray((xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy**2), np.float64)
