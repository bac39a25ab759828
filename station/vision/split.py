"""Objects that touch or overlap: regions cut between the notches of their outline.

Theory of operation. Most goods are convex seen from above, a heap of them is not: where one outline crosses another
there is a notch. A region that fills its convex hull badly is cut along the straight line, from notch to notch or
from a notch to the rim, that makes the parts fill their own hulls best, and the parts are treated the same way. A
bottle fills its hull well enough to stay whole. An object on top of another may leave two parts of the lower one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from station.vision import regions
from station.vision.regions import Labels, Mask

SOLID = 0.92  # a region that fills so much of its hull is one object
NOTCH_RADIUS, NOTCH = 5, 0.64  # a rim pixel whose window is filled more than this lies in a notch (straight rim: 0.55)
NOTCHES_MAX, CUTS_MAX, CUTS_TRIED = 8, 24, 4  # bounds on the work a wild outline can cause
GAIN = 0.08  # share of the empty hull a cut must do away with
DIRECTIONS = np.arange(0, 2 * np.pi, np.pi / 12)
NORMALS = np.stack([f(np.arange(0, 2 * np.pi, np.pi / 24)) for f in (np.cos, np.sin)])
CUT_PX = 0.75  # half the width of a cut: no diagonal step gets across

Point = NDArray[np.float64]


class Cut(NamedTuple):
    """A straight cut, and its length in coarse pixels."""

    start: Point
    end: Point
    length: float


def split(mask: Mask, smallest: int) -> Labels:
    """Return labels 1 to n of the objects in the mask; regions below `smallest` pixels are gone."""
    labels, count = regions.label(mask)
    area = np.bincount(labels.ravel(), minlength=count + 1)
    result = np.zeros_like(labels)
    given = 0
    for number in np.flatnonzero(area >= smallest):
        if number == 0:
            continue
        rows, columns = regions.extent(labels, int(number))
        here = labels[rows, columns] == number
        parts = _parts(regions.halved(here), max(smallest // 4, 4))
        result[rows, columns] += np.where(here, _enlarged(parts, here.shape) + given * here, 0).astype(np.int32)
        given += int(parts.max())
    return result


def _enlarged(parts: Labels, shape: tuple[int, ...]) -> Labels:
    return np.repeat(np.repeat(parts, 2, axis=0), 2, axis=1)[: shape[0], : shape[1]]


def _parts(region: Mask, smallest: int) -> Labels:
    """Return a coarse region's objects as labels 1 to n, every pixel of it labelled."""
    todo, done = [region], []
    while todo:
        piece = todo.pop()
        halves = _halves(piece, smallest)
        if halves:
            todo.extend(halves)
        else:
            done.append(piece)
    labels = np.zeros(region.shape, np.int32)
    for number, piece in enumerate(done, start=1):
        labels[piece] = number
    if len(done) > 1:
        labels = regions.spread(labels, region, 2 * max(region.shape))
    return np.where(region & (labels == 0), 1, labels).astype(np.int32)


def _halves(piece: Mask, smallest: int) -> list[Mask]:
    """Return the parts of a region after its best cut; nothing where it is best left whole."""
    rim = _rim(piece)
    area = _inner_area(piece, rim)
    gap = float(_ring_area(rim[(rim @ NORMALS).argmax(axis=0)])) - area
    if area < 2 * smallest or area >= SOLID * (area + gap):
        return []
    cuts = _cuts(piece)
    if not cuts:
        return []
    left = _left(piece, cuts)
    for place in np.argsort(left, kind="stable")[:CUTS_TRIED]:
        if left[place] > (1 - GAIN) * gap:
            break
        parts = _apart(piece, cuts[place], smallest)
        if len(parts) > 1:
            return parts
    return []


def _left(piece: Mask, cuts: list[Cut]) -> NDArray[np.float64]:
    """Return, for each cut, how much of their hulls its two sides leave empty plus its length, in coarse pixels.

    Only rim pixels count for a hull, so all cuts are weighed at once (cuts x rim pixels x directions).
    """
    rim = _rim(piece)
    starts, ends = np.array([cut.start for cut in cuts]), np.array([cut.end for cut in cuts])
    along = ends - starts
    away = rim[np.newaxis] - starts[:, np.newaxis]
    side = away[..., 0] * along[:, np.newaxis, 1] - away[..., 1] * along[:, np.newaxis, 0] > 0
    reach = (rim @ NORMALS).astype(np.float32)
    hulls = np.zeros(len(cuts))
    for one in (side, ~side):
        farthest = np.where(one[..., np.newaxis], reach, np.float32(-np.inf)).argmax(axis=1)
        hulls += _ring_area(rim[farthest])
    return np.asarray(hulls + np.array([cut.length for cut in cuts]) - _inner_area(piece, rim))


def _rim(piece: Mask) -> Point:
    """Return the centres (x, y) of the pixels on the region's rim."""
    y, x = np.nonzero(regions.rim(piece))
    return np.stack([x, y], axis=1).astype(np.float64)


def _inner_area(piece: Mask, rim: Point) -> float:
    """Return the area within the centres of the rim's pixels, which is what hulls of centres compare with."""
    return float(piece.sum()) - len(rim) / 2


def _ring_area(ring: Point) -> NDArray[np.float64]:
    """Return the area of polygons given as (..., corners, 2), in order around them."""
    following = np.roll(ring, -1, axis=-2)
    return np.asarray((ring[..., 0] * following[..., 1] - ring[..., 1] * following[..., 0]).sum(axis=-1) / 2)


def _apart(piece: Mask, cut: Cut, smallest: int) -> list[Mask]:
    labels, count = regions.label(piece & ~_on(cut, piece.shape))
    area = np.bincount(labels.ravel(), minlength=count + 1)
    return [labels == number for number in range(1, count + 1) if area[number] >= smallest]


def _on(cut: Cut, shape: tuple[int, ...]) -> Mask:
    """Return the pixels on the cut."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    along = (cut.end - cut.start) / cut.length
    across = (x - cut.start[0]) * along[1] - (y - cut.start[1]) * along[0]
    place = (x - cut.start[0]) * along[0] + (y - cut.start[1]) * along[1]
    return np.asarray((np.abs(across) <= CUT_PX) & (place >= -1) & (place <= cut.length + 1))


def _cuts(piece: Mask) -> list[Cut]:
    """Return the cuts worth trying, shortest first."""
    notches = _notches(piece)
    pairs = [
        _cut(one, other) for place, one in enumerate(notches) for other in notches[place + 1 :]
        if _inside(piece, one, other)
    ]  # fmt: skip
    exits = [cut for notch in notches for cut in _exits(piece, notch)]
    return sorted(pairs + exits, key=lambda cut: cut.length)[:CUTS_MAX]


def _cut(start: Point, end: Point) -> Cut:
    return Cut(start, end, float(np.hypot(*(end - start))))


def _notches(piece: Mask) -> list[Point]:
    """Return the places (x, y) where the rim is most concave, apart from one another."""
    rim = regions.rim(piece)
    fill = regions.window_sum(piece.astype(np.float32), NOTCH_RADIUS) / (2 * NOTCH_RADIUS + 1) ** 2
    y, x = np.nonzero(rim & (fill > NOTCH))
    chosen: list[Point] = []
    for place in np.argsort(-fill[y, x], kind="stable"):
        point = np.array([x[place], y[place]], np.float64)
        if all(np.abs(point - other).max() > NOTCH_RADIUS for other in chosen):
            chosen.append(point)
        if len(chosen) == NOTCHES_MAX:
            break
    return chosen


def _inside(piece: Mask, start: Point, end: Point) -> bool:
    """Tell whether the line between two rim pixels runs through the region."""
    steps = np.linspace(0, 1, 24)[:, np.newaxis]
    x, y = np.rint(start + steps * (end - start)).astype(int).T
    return bool(piece[y, x].mean() > 0.9) and float(np.hypot(*(end - start))) > 1  # noqa: PLR2004  rounding at both ends


def _exits(piece: Mask, notch: Point) -> list[Cut]:
    """Return the two shortest straight ways from a notch through the region to its rim, in unlike directions."""
    reach = np.arange(2, max(piece.shape) * 2)
    x = np.rint(notch[0] + np.cos(DIRECTIONS)[:, np.newaxis] * reach).astype(int)
    y = np.rint(notch[1] + np.sin(DIRECTIONS)[:, np.newaxis] * reach).astype(int)
    beyond = (x < 0) | (y < 0) | (x >= piece.shape[1]) | (y >= piece.shape[0])
    free = beyond | ~piece[np.where(beyond, 0, y), np.where(beyond, 0, x)]
    length = free.argmax(axis=1).astype(np.float64)
    length[length < NOTCH_RADIUS] = np.inf  # it runs along the rim or out of the region
    first = int(length.argmin())
    turned = np.abs((np.arange(len(length)) - first + len(length) // 2) % len(length) - len(length) // 2)
    second = int(np.where(turned >= 4, length, np.inf).argmin())  # noqa: PLR2004  a right angle is 6
    ways = [way for way in {first, second} if np.isfinite(length[way])]
    return [
        _cut(notch, notch + (length[way] + 1) * np.array([np.cos(DIRECTIONS[way]), np.sin(DIRECTIONS[way])]))
        for way in ways
    ]
