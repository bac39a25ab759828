"""Eccentricity: one load at the centre and at the corners, by the four methods of EURAMET cg-18 (5.3, 6.3).

1: zero once, then centre and corners. 2: tare at the centre, then move. 3: zero each time, remove between. 4: back to
the centre each time. 3 and 4 take out a drift of the instrument; 2 and 4 need zero tracking off. A reading of method
3 is less its own zero; one of method 4 less its own centre, the mean of the one before and the one after it.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from calibration.captures import Position
from calibration.results import CornerError, Eccentricity

Method = Literal[1, 2, 3, 4]
CENTRE: Position = "C"


class Placed(NamedTuple):
    """The load read at a position, in the order of taking; `zero_g` is its own no-load reading (method 3)."""

    position: Position
    reading_g: float
    zero_g: float = 0.0


def differences_g(method: Method, rows: Sequence[Placed]) -> list[tuple[Position, float]]:
    """Return what each corner reads beside the centre, in the order of taking; raise `ValueError` without a centre."""
    if not any(row.position == CENTRE for row in rows):
        raise ValueError("eccentricity needs a reading at the centre")
    if method == 4:  # noqa: PLR2004 - the methods' own numbers
        return [
            (row.position, row.reading_g - _own_centre_g(rows, place))
            for place, row in enumerate(rows)
            if row.position != CENTRE
        ]
    values = [row.reading_g - (row.zero_g if method == 3 else 0.0) for row in rows]  # noqa: PLR2004
    centres = [value for row, value in zip(rows, values, strict=True) if row.position == CENTRE]
    centre_g = sum(centres) / len(centres) if method == 3 else centres[0]  # noqa: PLR2004
    return [(row.position, value - centre_g) for row, value in zip(rows, values, strict=True) if row.position != CENTRE]


def _own_centre_g(rows: Sequence[Placed], place: int) -> float:
    """Return the mean of the nearest centre readings before and after a place."""
    before = [row.reading_g for row in rows[:place] if row.position == CENTRE][-1:]
    after = [row.reading_g for row in rows[place + 1 :] if row.position == CENTRE][:1]
    return sum(before + after) / len(before + after)


def evaluate(
    method: Method, load_g: float, rows: Sequence[Placed], mpe_g: float, sd_g: float = 0.0, *, known: bool = True
) -> Eccentricity:
    """Return corner differences, and each corner's own error where the load is a `known` one."""
    centre = [row.reading_g - row.zero_g for row in rows if row.position == CENTRE]
    centre_error_g = sum(centre) / len(centre) - load_g if centre and known and method != 2 else None  # noqa: PLR2004
    found = tuple(
        CornerError(
            position=position,
            difference_g=off_g,
            error_g=None if centre_error_g is None else centre_error_g + off_g,
        )
        for position, off_g in differences_g(method, rows)
    )
    worst_g = max((abs(row.difference_g) for row in found), default=0.0)
    return Eccentricity(load_g=load_g, method=method, rows=found, worst_g=worst_g, mpe_g=mpe_g, sd_g=sd_g)
