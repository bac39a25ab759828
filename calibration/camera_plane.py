"""The plane of the platform in the picture: a homography between pixels and millimetres, and what follows from it.

Millimetres count from the middle of the platform, x to the right and y to the back, as seen from the front: the frame
of the load cells' positions. A homography is a 3 x 3 matrix H with H (x_px, y_px, 1) = w (x_mm, y_mm, 1).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
Points = Sequence[Point]

POINTS_LEAST = 4


class PlaneError(ValueError):
    """The points fix no plane."""


def homography(pixels: Points, places_mm: Points) -> Matrix:
    """Return the least-squares homography from pixels to millimetres (normalised direct linear transformation)."""
    if len(pixels) < POINTS_LEAST or len(pixels) != len(places_mm):
        raise PlaneError(f"{POINTS_LEAST} points or more are needed, there are {len(pixels)}")
    scale_a, scale_b = _normaliser(pixels), _normaliser(places_mm)
    rows = []
    for (x, y), (u, v) in zip(_moved(scale_a, pixels), _moved(scale_b, places_mm), strict=True):
        rows += [[-x, -y, -1, 0, 0, 0, u * x, u * y, u], [0, 0, 0, -x, -y, -1, v * x, v * y, v]]
    _, singular, rows_v = np.linalg.svd(np.array(rows))
    if singular[7] < 1e-6 * singular[0]:
        raise PlaneError("the points lie in one line")
    found = np.linalg.inv(scale_b) @ rows_v[8].reshape(3, 3) @ scale_a
    return _matrix(found / found[2, 2])


def apply(matrix: Matrix, points: Points) -> tuple[Point, ...]:
    """Return the points after the homography."""
    return tuple((float(x), float(y)) for x, y in _moved(np.array(matrix), points))


def inverse(matrix: Matrix) -> Matrix:
    """Return the homography from millimetres to pixels."""
    found = np.linalg.inv(np.array(matrix))
    return _matrix(found / found[2, 2])


def residual_px(matrix: Matrix, pixels: Points, places_mm: Points) -> float:
    """Return how far places fall from where they were seen: root mean square, pixels."""
    back = np.array(apply(inverse(matrix), places_mm))
    return float(np.sqrt(((back - np.array(pixels)) ** 2).sum(axis=1).mean()))


def outline_px(matrix: Matrix, size_mm: Point, margin_mm: float = 0.0) -> tuple[Point, ...]:
    """Return the platform's corners in the picture: front left, front right, back right, back left."""
    x, y = size_mm[0] / 2 + margin_mm, size_mm[1] / 2 + margin_mm
    return apply(inverse(matrix), ((-x, -y), (x, -y), (x, y), (-x, y)))


def px_per_mm(matrix: Matrix) -> float:
    """Return how many pixels a millimetre has in the middle of the platform."""
    (x, y), (u, v) = apply(inverse(matrix), ((-0.5, 0.0), (0.5, 0.0)))
    return float(np.hypot(u - x, v - y))


def shifted(points: Points, right_px: float, down_px: float) -> tuple[Point, ...]:
    """Return points of a picture that moved."""
    return tuple((x + right_px, y + down_px) for x, y in points)


def _moved(matrix: NDArray[np.float64], points: Points) -> NDArray[np.float64]:
    there = np.hstack([np.array(points, np.float64).reshape(-1, 2), np.ones((len(points), 1))]) @ matrix.T
    return np.asarray(there[:, :2] / there[:, 2:])


def _normaliser(points: Points) -> NDArray[np.float64]:
    """Return the similarity that centres points and gives them unit size, for well-conditioned equations."""
    given = np.array(points, np.float64)
    middle = given.mean(axis=0)
    size = max(float(np.sqrt(((given - middle) ** 2).sum(axis=1).mean() / 2)), 1e-12)
    return np.array([[1 / size, 0, -middle[0] / size], [0, 1 / size, -middle[1] / size], [0, 0, 1]])


def _matrix(values: NDArray[np.float64]) -> Matrix:
    a, b, c = (tuple(float(value) for value in row) for row in values)
    return (a, b, c)  # type: ignore[return-value]
