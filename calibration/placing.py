"""At which of the five places a load seems to lie, told from the forces on four cells."""

from collections.abc import Sequence

from calibration.captures import Position
from calibration.platform import Platform, usual_platform

CENTRED, SIDEWAYS = 0.35, 0.25  # half sides: what counts as the middle, what as a corner
FOUR = 4


def where_g(cells_g: Sequence[float], positions_mm: tuple[tuple[float, float], ...] | None) -> Position | None:
    """Return the place; None between places, for other numbers of cells, and where the forces make no sense."""
    if len(cells_g) != FOUR or sum(cells_g) <= 0:
        return None
    platform = Platform(positions_mm) if positions_mm else usual_platform(FOUR)
    if platform is None:
        return None
    u, v = platform.offset(cells_g)
    if abs(u) <= CENTRED and abs(v) <= CENTRED:
        return "C"
    if min(abs(u), abs(v)) < SIDEWAYS or max(abs(u), abs(v)) > 1.5:  # noqa: PLR2004 - off the platform: wiring
        return None
    if v < 0:
        return "FL" if u < 0 else "FR"
    return "BL" if u < 0 else "BR"
