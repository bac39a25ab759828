"""Statics of a platform on load cells: centre of mass, shares, parity, and what of the forces a rigid body leaves over.

Theory. A load W at (x, y) on N cells balances two moments and one force, so the forces of a body at rest lie in the
span of {1, x_i, y_i} but for N - 3 redundancies. With four cells one is left: the twist, measured by the parity, the
combination of the forces that no point load on a rigid, evenly seated deck excites. A real deck passes a share kappa
of the bilinear term on, f_i = W/4 (1 + u x_i/a + v y_i/b + kappa u v x_i y_i/ab), so that the parity is kappa W u v,
u and v being the centre of mass in half sides; several goods add their covariance, kappa W E[uv]. kappa is 0 for a
deck that is rigid against its cells, 1 where every corner stands alone.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

Point = tuple[float, float]

CORNERS = 4  # cells whose parity is a single equation
LEGS = 3  # fewer balance no load
# Cells in their usual order round the platform, seen from above: front left, front right, back right, back left.
UNIT_SQUARE: tuple[Point, ...] = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
NO_PLATFORM = "a platform stands on three cells or more that are not in one line"
MEANINGFUL_INTERVALS = 50  # a lighter load's centre of mass is mostly noise


class CentreOfMass(NamedTuple):
    """Where the load's weight acts, in the unit of the cells' positions, with standard uncertainties."""

    x: float
    y: float
    sd_x: float
    sd_y: float


class Platform:
    """Where the cells are: millimetres, x to the right and y to the back, or a square of half side 1 if unknown."""

    def __init__(self, positions: Sequence[Point]) -> None:
        """Raise `ValueError` for fewer than three cells, or cells in one line: they balance no load."""
        if len(positions) < LEGS:
            raise ValueError(NO_PLATFORM)
        middle_x, middle_y = (sum(axis) / len(positions) for axis in zip(*positions, strict=True))
        self.positions = tuple((x - middle_x, y - middle_y) for x, y in positions)
        self.half_x, self.half_y = (max(abs(value) for value in axis) for axis in zip(*self.positions, strict=True))
        if not _spread(self.positions) > 1e-6 * (self.half_x + self.half_y) ** 2:
            raise ValueError(NO_PLATFORM)
        self.parity_weights = _twist(self.positions) if len(positions) == CORNERS else None

    def offset(self, forces_g: Sequence[float]) -> Point:
        """Return the centre of mass in half sides from the middle; the forces must not sum to 0."""
        total_g = sum(forces_g)
        u = sum(force * x for force, (x, _) in zip(forces_g, self.positions, strict=True)) / (total_g * self.half_x)
        v = sum(force * y for force, (_, y) in zip(forces_g, self.positions, strict=True)) / (total_g * self.half_y)
        return u, v

    def centre_of_mass(
        self, forces_g: Sequence[float], sds_g: Sequence[float], interval_g: float
    ) -> CentreOfMass | None:
        """Return where the load acts, from the middle of the platform; None below 50 intervals."""
        total_g = sum(forces_g)
        if total_g < MEANINGFUL_INTERVALS * interval_g:
            return None
        u, v = self.offset(forces_g)
        x, y = u * self.half_x, v * self.half_y
        levers = list(zip(self.positions, sds_g, strict=True))
        sd_x = math.sqrt(sum(((at - x) * sd) ** 2 for (at, _), sd in levers)) / total_g
        sd_y = math.sqrt(sum(((at - y) * sd) ** 2 for (_, at), sd in levers)) / total_g
        return CentreOfMass(x, y, sd_x, sd_y)

    def parity_g(self, forces_g: Sequence[float]) -> float:
        """Return the twist of four cells: front left - front right + back right - back left on a rectangle."""
        if self.parity_weights is None:
            raise ValueError("parity is defined for four cells")
        return sum(weight * force for weight, force in zip(self.parity_weights, forces_g, strict=True))

    def residual_g(self, forces_g: Sequence[float]) -> tuple[float, ...]:
        """Return what of the forces no point load on a rigid deck explains, cell by cell: off span{1, x, y}."""
        left = list(forces_g)
        for axis in _orthonormal(self.positions):
            along = sum(a * force for a, force in zip(axis, forces_g, strict=True))
            left = [force - along * a for force, a in zip(left, axis, strict=True)]
        return tuple(left)


def usual_platform(cells: int) -> Platform | None:
    """Return the platform of `cells` whose places nobody stated: four are taken as a square, other numbers unknown."""
    return Platform(UNIT_SQUARE) if cells == CORNERS else None


def shares(forces_g: Sequence[float]) -> tuple[float, ...]:
    """Return each cell's part of the load; the forces must not sum to 0."""
    total_g = sum(forces_g)
    return tuple(force / total_g for force in forces_g)


def expected_parity_g(weight_g: float, u: float, v: float, kappa: float, offset_g: float = 0.0) -> float:
    """Return the parity of a point load at (u, v) half sides: pi0 + kappa W u v."""
    return offset_g + kappa * weight_g * u * v


def place_name(platform: Platform, cell: int) -> str:
    """Return where a cell is in words, seen from the front: "front left"; sides in the middle have one word."""
    x, y = platform.positions[cell]
    depth = "" if abs(y) < platform.half_y / 4 else "front" if y < 0 else "back"
    side = "" if abs(x) < platform.half_x / 4 else "left" if x < 0 else "right"
    return " ".join(word for word in (depth, side) if word) or "middle"


def _spread(positions: Sequence[Point]) -> float:
    """Return the area that centred positions span, 0 for a line."""
    xx, yy = sum(x * x for x, _ in positions), sum(y * y for _, y in positions)
    xy = sum(x * y for x, y in positions)
    return math.sqrt(max(xx * yy - xy * xy, 0.0))


def _twist(positions: Sequence[Point]) -> tuple[float, ...] | None:
    """Return the one combination of four forces that is 0 in span{1, x, y}, its largest part 1; None for odd shapes."""
    raw = [(-1) ** cell * _area([p for n, p in enumerate(positions) if n != cell]) for cell in range(CORNERS)]
    sign = sum(weight * x * y for weight, (x, y) in zip(raw, positions, strict=True))
    most = max(abs(weight) for weight in raw)
    if sign == 0.0 or min(abs(weight) for weight in raw) < most / 10:
        return None  # a diamond's twist has no bilinear term, and three cells in a line hold none of the fourth
    return tuple(math.copysign(weight / most, weight * sign) for weight in raw)


def _area(corners: Sequence[Point]) -> float:
    (ax, ay), (bx, by), (cx, cy) = corners
    return (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)


def _orthonormal(positions: Sequence[Point]) -> list[list[float]]:
    """Return an orthonormal basis of span{1, x, y} over the cells (Gram and Schmidt)."""
    basis: list[list[float]] = []
    for column in ([1.0] * len(positions), [x for x, _ in positions], [y for _, y in positions]):
        rest = list(column)
        for axis in basis:
            along = sum(a * value for a, value in zip(axis, column, strict=True))
            rest = [value - along * a for value, a in zip(rest, axis, strict=True)]
        length = math.sqrt(sum(value * value for value in rest))
        basis.append([value / length for value in rest])
    return basis
