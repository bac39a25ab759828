"""Faults of platforms, told from the cells of each capture: which one, where, and where to look.

No response, wrong sign, cables exchanged: from how the cells answer to loads at the corners. A loose foot moves force
between the diagonals, so the twist jumps while the sum stays. A corner that binds keeps part of its load: its own zero
does not come back, its neighbours' do. (Method as in the daemon's watch over the cells, here with known places.)
"""

import statistics
from collections.abc import Sequence
from itertools import pairwise

from calibration.adjusting import platform_of
from calibration.captures import Position, Session
from calibration.model import Calibration
from calibration.placements import Placement, Sorted, reach_all, readings
from calibration.platform import CORNERS, Platform, place_name
from calibration.results import Finding, Limits

SIDES: dict[Position, tuple[int, int]] = {"FL": (-1, -1), "FR": (1, -1), "BR": (1, 1), "BL": (-1, 1)}
ALONE = 3.0  # times the median of the other cells: one cell's zero wanders alone
TOGETHER = 0.35  # of the twist: what a foot's moving leaves in the sum, or in one cell beside the others
ANSWER_LEAST = 0.02  # of the largest answer: less has no sign


def cell_faults(session: Session, placements: Sequence[Placement], prior: Calibration | None, limits: Limits) -> list[
    Finding
]:  # fmt: skip
    """Return cells that do not answer, answer the wrong way, or answer for another corner."""
    rows = [row for row in placements if len(row.net) > 1]
    if not rows or not reach_all(rows):
        return []
    found = _no_response(session, rows, limits) + _wrong_sign(session, rows, prior)
    return found or _exchanged(session, rows)


def where(session: Session, cells: int, cell: int) -> str:
    """Return a cell's number and place in words."""
    platform = platform_of(session, cells)
    return f"cell {cell + 1}" + (f", {place_name(platform, cell)}" if platform else "")


def _no_response(session: Session, rows: Sequence[Placement], limits: Limits) -> list[Finding]:
    """Compare each cell's largest answer to the median of all cells'."""
    answers = [max(abs(row.net[cell]) / _all(row) for row in rows) for cell in range(len(rows[0].net))]
    usual = statistics.median(answers)
    return [
        Finding(
            code="no-response", severity="fail", where=where(session, len(answers), cell), blocks="accept",
            text=f"{where(session, len(answers), cell)}: answers to no load ({answer / usual:.0%} of the others)",
            remedy="check its plug, cable and converter; see that the platform rests on it at all",
            value=answer / usual, limit=limits.no_response,
        )
        for cell, answer in enumerate(answers)
        if usual > 0 and answer < limits.no_response * usual
    ]  # fmt: skip


def _all(row: Placement) -> float:
    return sum(abs(count) for count in row.net) or 1.0


def _wrong_sign(session: Session, rows: Sequence[Placement], prior: Calibration | None) -> list[Finding]:
    """Compare each cell's sign to that of the calibration before, else to that of most cells."""
    cells = len(rows[0].net)
    sums = [sum(row.net[cell] for row in rows) for cell in range(cells)]
    most = max(abs(value) for value in sums)
    signs = [(value > 0) - (value < 0) if abs(value) > ANSWER_LEAST * most else 0 for value in sums]
    usual = [1 if sum(signs) >= 0 else -1] * cells
    if prior is not None and len(prior.cells) == cells:
        usual = [1 if cell.counts_per_g > 0 else -1 for cell in prior.cells]
    return [
        Finding(
            code="wrong-sign", severity="fail", where=where(session, cells, cell), blocks="accept",
            text=f"{where(session, cells, cell)}: reads less under load",
            remedy="its signal wires are exchanged (white and green, as a rule), or it is mounted upside down",
        )
        for cell, (sign, other) in enumerate(zip(signs, usual, strict=True))
        if sign and sign != other
    ]  # fmt: skip


def _exchanged(session: Session, rows: Sequence[Placement]) -> list[Finding]:
    """See which cell answers most to each corner, beside the one that stands there."""
    platform = platform_of(session, len(rows[0].net))
    if platform is None or len(platform.positions) != CORNERS:
        return []
    swapped = {}
    for row in rows:
        position = row.capture.position
        if position in SIDES and row.capture.step != "verify":
            expected = _nearest(platform, SIDES[position])
            most = max(range(CORNERS), key=lambda cell: abs(row.net[cell]))
            if most != expected:
                swapped[expected] = most
    stated = session.positions_mm is not None
    return [
        Finding(
            code="cells-exchanged", severity="fail" if stated else "warn", where=where(session, CORNERS, expected),
            blocks="accept" if stated else "nothing",
            text=f"a load {place_name(platform, expected)} is answered by {where(session, CORNERS, most)}",
            remedy=f"exchange the plugs of cells {expected + 1} and {most + 1}, unless the weight stood elsewhere"
            if stated else "tell the cells' places in the order of the channels (positions_mm)",
        )
        for expected, most in swapped.items()
    ]  # fmt: skip


def _nearest(platform: Platform, side: tuple[int, int]) -> int:
    wanted = (side[0] * platform.half_x, side[1] * platform.half_y)
    return min(
        range(len(platform.positions)),
        key=lambda cell: sum((a - b) ** 2 for a, b in zip(platform.positions[cell], wanted, strict=True)),
    )


def seating(
    session: Session, sorted_: Sorted, g_per_count: Sequence[float], kappa: float | None, limits: Limits
) -> list[Finding]:
    """Return a foot that rocks or a corner that binds, from what zeros and repeated loads do to single cells.

    `kappa` is None where the gains are not to be trusted: then only zeros are looked at.
    """
    e_g = session.verification_interval_g
    zeros = [
        [cell.mean * gain for cell, gain in zip(readings(capture), g_per_count, strict=True)]
        for capture in sorted_.zeros
        if capture.step != "creep"
    ]
    steps = [[b - a for a, b in zip(one, two, strict=True)] for one, two in pairwise(zeros)]
    if len(g_per_count) < CORNERS - 1 or not steps:
        return []
    platform = platform_of(session, len(g_per_count))
    if platform is not None and platform.parity_weights is not None:
        rocking = _rocking(platform, sorted_, g_per_count, steps, kappa, e_g, limits)
        if rocking:
            return rocking
    return _binding(session, steps, e_g)


def _rocking(
    platform: Platform,
    sorted_: Sorted,
    g_per_count: Sequence[float],
    steps: Sequence[Sequence[float]],
    kappa: float | None,
    e_g: float,
    limits: Limits,
) -> list[Finding]:
    """Return whether the twist jumps: of the empty platform, or between loads at the same place."""
    jumps = [platform.parity_g(step) for step in steps if abs(sum(step)) < TOGETHER * abs(platform.parity_g(step))]
    most_g = max((abs(jump) for jump in jumps), default=0.0)
    limit_g = limits.seating_e * e_g
    loads: dict[tuple[float, str], list[tuple[float, float]]] = {}
    for row in sorted_.placements if kappa is not None else ():
        forces = [count * gain for count, gain in zip(row.net, g_per_count, strict=True)]
        if sum(forces) > row.load_g / 2:
            u, v = platform.offset(forces)
            left_g = platform.parity_g(forces) - (kappa or 0.0) * sum(forces) * u * v
            loads.setdefault((row.load_g, row.capture.position or "C"), []).append((left_g, sum(forces)))
    apart = [(*(max(column) - min(column) for column in zip(*values, strict=True)), load)
             for (load, _), values in loads.items()]  # fmt: skip
    loose = [
        (gap, load) for gap, sums, load in apart
        if gap > limit_g + limits.seating_rel * load and sums < TOGETHER * gap
    ]  # fmt: skip
    if most_g <= limit_g and not loose:
        return []
    seen_g = max([most_g, *(gap for gap, _ in loose)])
    return [Finding(
        code="loose-foot", severity="fail", where="feet", blocks="accept", value=seen_g, limit=limit_g, unit="g",
        text=f"up to {seen_g:.0f} g move between the diagonals from one capture to the next: the platform rocks",
        remedy="set the feet so that all four bear and lock them; see that the floor is firm; then begin again",
    )]  # fmt: skip


def _binding(session: Session, steps: Sequence[Sequence[float]], e_g: float) -> list[Finding]:
    """Return the one cell whose zero does not come back while the others' do."""
    cells = len(steps[0])
    sizes = [(sum(step[cell] ** 2 for step in steps) / len(steps)) ** 0.5 for cell in range(cells)]
    worst = max(range(cells), key=lambda cell: sizes[cell])
    others = statistics.median(size for cell, size in enumerate(sizes) if cell != worst)
    if sizes[worst] <= max(ALONE * others, e_g / 2):
        return []
    place = where(session, cells, worst)
    return [Finding(
        code="bound-corner", severity="fail", where=place, blocks="accept",
        text=f"{place}: its zero wanders by {sizes[worst]:.1f} g from load to load, the others' by {others:.1f} g",
        remedy="look there for what jams: dirt, a cable, a stop or skirt that touches, a cell mounted skew",
        value=sizes[worst], limit=e_g / 2, unit="g",
    )]  # fmt: skip
