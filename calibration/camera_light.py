"""Focus, exposure, white balance and dirt of a picture, in numpy alone.

Theory. Sharpness is the variance of the Laplacian and the mean squared gradient (Tenengrad); both depend on the scene,
so they say something only as ratios: against the best seen while the lens is turned, and tile by tile against the
same view at commissioning. Both are divided by the squared mean brightness, so that a brighter lamp is no better
focus. What noise adds to them does not fall with blur; on a tile without edges the ratio says nothing, and it is left
out. Limits are those usual for stations under fixed light; see `Limits`.
"""

from typing import cast

import msgspec
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Grid = NDArray[np.float64]

ROWS, COLUMNS = 6, 8
QUIET = 0.2  # of the usual change: less is something that does not move
BURNT, BLACK = 252, 2  # of 255
EDGE_CONTRAST = 4.0  # standard deviation of a tile's light, of 255, below which it holds noise and no edge


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What is accepted: the mean of 255, shares, ratios."""

    mean: tuple[float, float] = (110.0, 180.0)
    clipped: float = 0.005
    colour: float = 0.03  # |R/G - 1| and |B/G - 1|
    flicker: float = 0.01  # standard deviation of the mean from picture to picture
    soft: float = 0.6  # sharpness against the best, or against commissioning: warned below, failed below `blurred`
    blurred: float = 0.4
    dirt: float = 0.04  # brightness below the surroundings', against commissioning


LIMITS = Limits()


class Light(msgspec.Struct, frozen=True, kw_only=True):
    """One picture, or its part, in figures: sharpness (relative), brightness of 255, shares and colour ratios."""

    laplacian: float
    tenengrad: float
    mean: float
    clipped: float
    black: float
    red: float  # R/G
    blue: float  # B/G
    flicker: float = 0.0


class Tiles(msgspec.Struct, frozen=True, kw_only=True):
    """Sharpness, brightness and contrast, tile by tile (rows from the top), at commissioning."""

    sharpness: tuple[tuple[float, ...], ...]
    brightness: tuple[tuple[float, ...], ...]
    contrast: tuple[tuple[float, ...], ...]


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """A tile (row and column from the top left, 0 first) that is not as it was: `soft`, `blurred`, `dark`, `still`."""

    row: int
    column: int
    kind: str
    ratio: float


def measure(pixels: Pixels, mask: NDArray[np.bool_] | None = None) -> Light:
    """Return the figures of a picture; where given, brightness and colour are those within the mask."""
    grey = luminance(pixels)
    inner = pixels.reshape(-1, 3) if mask is None else pixels[mask]
    red, green, blue = inner.mean(axis=0, dtype=np.float64)
    level = max(float(grey.mean()), 1.0)
    return Light(
        laplacian=float(laplacian(grey).var()) / level**2,
        tenengrad=float(gradient_energy(grey).mean()) / level**2,
        mean=float((red + green + blue) / 3),
        clipped=float((inner >= BURNT).any(axis=1).mean()),
        black=float((inner <= BLACK).all(axis=1).mean()),
        red=float(red / max(green, 1.0)),
        blue=float(blue / max(green, 1.0)),
    )


def complaints(light: Light, limits: Limits = LIMITS) -> list[str]:
    """Return in words what of exposure and white balance is outside the limits."""
    low, high = limits.mean
    found = []
    if light.mean < low:
        found.append(f"too dark: mean {light.mean:.0f}, wanted {low:.0f} to {high:.0f}")
    if light.mean > high:
        found.append(f"too bright: mean {light.mean:.0f}, wanted {low:.0f} to {high:.0f}")
    if light.clipped > limits.clipped:
        found.append(f"{light.clipped:.1%} of the picture is burnt out, at most {limits.clipped:.1%} may be")
    for name, ratio in (("red", light.red), ("blue", light.blue)):
        if abs(ratio - 1) > limits.colour:
            found.append(f"{name} is {ratio - 1:+.0%} against green, at most {limits.colour:.0%} is usual on grey")
    if light.flicker > limits.flicker:
        found.append(
            f"the light flickers by {light.flicker:.1%}: expose a multiple of 10 ms (50 Hz) or 8.33 ms (60 Hz)"
        )
    return found


def flicker(means: list[float]) -> float:
    """Return the relative scatter of brightness from picture to picture."""
    return float(np.std(means, ddof=1)) / max(float(np.mean(means)), 1.0) if len(means) > 1 else 0.0


def luminance(pixels: Pixels) -> NDArray[np.float32]:
    """Return brightness, 0 to 255."""
    return pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def laplacian(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the five-point Laplacian of the inner pixels."""
    inner = grey[1:-1, 1:-1]
    return grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner


def gradient_energy(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the squared gradient (Sobel, per pixel) of the inner pixels."""
    down = grey[:-2] + 2 * grey[1:-1] + grey[2:]
    across = grey[:, :-2] + 2 * grey[:, 1:-1] + grey[:, 2:]
    gx = (down[:, 2:] - down[:, :-2]) / 8
    gy = (across[2:] - across[:-2]) / 8
    return cast("NDArray[np.float32]", gx**2 + gy**2)


def tiles(pixels: Pixels) -> Tiles:
    """Return a picture's figures tile by tile."""
    grey = luminance(pixels)
    edges = np.pad(gradient_energy(grey), 1, mode="edge")
    level = np.maximum(_tiled(grey, np.mean), 1.0)
    return Tiles(
        sharpness=_rows(_tiled(edges, np.mean) / level**2),
        brightness=_rows(level),
        contrast=_rows(_tiled(grey, np.std)),
    )


def compare(then: Tiles, now: Tiles, limits: Limits = LIMITS) -> list[Spot]:
    """Return the tiles that are softer or darker than at commissioning; a lamp that changed as a whole is no dirt."""
    sharp = _ratio(now.sharpness, then.sharpness)
    bright = _ratio(now.brightness, then.brightness)
    bright /= np.median(bright)
    edged = np.array(then.contrast) >= EDGE_CONTRAST
    found = []
    for row, column in np.ndindex(sharp.shape):
        softness, darkness = float(sharp[row, column]), float(bright[row, column])
        if edged[row, column] and softness < limits.soft:
            kind = "blurred" if softness < limits.blurred else "soft"
            found.append(Spot(row=row, column=column, kind=kind, ratio=softness))
        elif darkness < 1 - limits.dirt:
            found.append(Spot(row=row, column=column, kind="dark", ratio=darkness))
    return found


def white_card(pixels: Pixels, limits: Limits = LIMITS) -> list[Spot]:
    """Return the dark spots of a picture of an evenly lit white card: tiles below the median of those around them.

    The card is cut finer than commissioning's tiles: dust is small.
    """
    level = _tiled(luminance(pixels), np.mean, 4 * ROWS, 4 * COLUMNS)
    padded = np.pad(level, 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    ratio = level / np.maximum(np.median(windows, axis=(2, 3)), 1.0)
    dark = [
        (int(row) // 4, int(column) // 4, float(ratio[row, column]))
        for row, column in np.argwhere(ratio < 1 - limits.dirt)
    ]
    worst: dict[tuple[int, int], float] = {}
    for row, column, value in dark:
        worst[row, column] = min(worst.get((row, column), 1.0), value)
    return [Spot(row=row, column=column, kind="dark", ratio=value) for (row, column), value in worst.items()]


def smear(pictures: list[Pixels]) -> list[Spot]:
    """Return tiles that hardly change from picture to picture while most others do: something sticks on the lens."""
    greys = np.stack([luminance(pixels) for pixels in pictures])
    change = _tiled(np.abs(np.diff(greys, axis=0)).mean(axis=0), np.mean)
    usual = float(np.median(change))
    quiet = np.argwhere(change < QUIET * usual)  # none where nothing changes at all
    return [
        Spot(row=int(row), column=int(column), kind="still", ratio=float(change[row, column]) / usual)
        for row, column in quiet
    ]


def _tiled(values: NDArray[np.float32], summary: object, rows: int = ROWS, columns: int = COLUMNS) -> Grid:
    height, width = values.shape
    tops, lefts = np.linspace(0, height, rows + 1).astype(int), np.linspace(0, width, columns + 1).astype(int)
    one = cast("np.ufunc", summary)
    return np.array([
        [float(one(values[tops[r] : tops[r + 1], lefts[c] : lefts[c + 1]])) for c in range(columns)]
        for r in range(rows)
    ])  # fmt: skip


def _rows(grid: Grid) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(f"{value:.6g}") for value in row) for row in grid)


def _ratio(now: tuple[tuple[float, ...], ...], then: tuple[tuple[float, ...], ...]) -> Grid:
    return np.asarray(np.array(now) / np.maximum(np.array(then), 1e-9), np.float64)
