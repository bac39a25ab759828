"""What contradicts the rest of a session: one test weight, a side that something bears up, a cell loaded too heavily.

A wrong weight is off by the same grams wherever it serves, whatever else lies there: the loads' errors are fitted by a
common span, a bend, and one weight at a time, and a weight is named when it alone explains what is left. A force shunt
(a wall, a cart's bumper, a cable) takes up part of the load: it reads low, more at one side, more the heavier.
"""

import math
from collections.abc import Sequence

import numpy as np

from calibration import factory, friction, gains, weights
from calibration.adjusting import platform_of
from calibration.captures import Position, Session
from calibration.fit import Matrix
from calibration.mechanics import where
from calibration.placements import Placement, Sorted
from calibration.platform import CORNERS, Platform, place_name
from calibration.proving import Instrument
from calibration.results import Evaluation, Finding

SIDES: dict[str, tuple[Position, Position]] = {
    "left": ("FL", "BL"), "right": ("FR", "BR"), "front": ("FL", "FR"), "back": ("BL", "BR"),
}  # fmt: skip
STEPS = ("corners", "span", "linearity", "eccentricity", "repeatability", "verify")
EXPLAINED = 0.2  # of what was left: with one weight free no more than so much may be
CELL_SHARES = 2.0  # of its even share of the capacity: more than any cell chosen for the platform is rated for
DRY_REL = 0.5  # of the limit


def of_weights(now: Instrument, sorted_: Sorted) -> list[Finding]:
    """Return the test weight that contradicts the others, if there is one."""
    session, limits = now.session, now.limits
    known = {weight.weight_id: weight for weight in session.weights}
    rows = [row for row in sorted_.of(*STEPS) if row.capture.weights and set(row.capture.weights) <= known.keys()]
    names = sorted({name for row in rows for name in row.capture.weights})
    errors = np.array([_plain_g(now, row) - row.load_g for row in rows])
    loads = np.array([row.load_g for row in rows])
    if len(names) < 2 or len(rows) < 5 or len(set(loads.tolist())) < 3:  # noqa: PLR2004 - nothing to compare with
        return []
    base = np.stack([loads / session.capacity_g, (loads / session.capacity_g) ** 2], axis=1)
    left = _left(base, errors)
    suspects = [
        (*_off(base, np.array([float(row.capture.weights.count(name)) for row in rows]), errors), name)
        for name in names
    ]  # fmt: skip
    after, off_g, sd_g, name = min(suspects)
    least_g = max(
        3 * (weights.tolerance_g(known[name]) or 0.0), session.verification_interval_g / 4, limits.weight_t * sd_g
    )
    if after > EXPLAINED * left or abs(off_g) < least_g:
        return []
    return [Finding(
        code="weight-inconsistent", severity="fail", where=name, blocks="accept", value=abs(off_g), limit=least_g,
        unit="g", text=f"test weight {name} contradicts the others: it weighs {off_g:+.1f} g beside its value",
        remedy="see that it is the weight it is taken for, clean and undamaged; leave it out or use another",
    )]  # fmt: skip


def _plain_g(now: Instrument, row: Placement) -> float:
    """Return the reading without any linearity correction, which would hide a weight that is off."""
    if now.calibration is None:
        return row.net[0]
    return row.grams([1 / cell.counts_per_g for cell in now.calibration.cells])


def _left(design: Matrix, values: Matrix) -> float:
    found, *_ = np.linalg.lstsq(design, values, rcond=None)
    return float(np.sum((values - design @ found) ** 2))


def _off(base: Matrix, uses: Matrix, errors: Matrix) -> tuple[float, float, float]:
    """Return what is left with this weight free, by how much it is off, and how sure that is."""
    design = np.column_stack([base, uses])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return math.inf, 0.0, math.inf
    found, *_ = np.linalg.lstsq(design, errors, rcond=None)
    left = float(np.sum((errors - design @ found) ** 2))
    freedom = max(len(errors) - design.shape[1], 1)
    sd = math.sqrt(left / freedom * float(np.linalg.inv(design.T @ design)[-1, -1]))
    return left, float(found[-1]), sd


def of_friction(now: Instrument, sorted_: Sorted, spare_g: float) -> list[Finding]:
    """Return the corner or side where something bears part of the load, by how the errors of all loads scatter."""
    rows = [row for row in sorted_.of(*STEPS) if row.capture.step != "verify"]
    if now.calibration is None or len(now.calibration.cells) != CORNERS or len(rows) < CORNERS:
        return []
    counts, loads = np.array([row.net for row in rows]), np.array([row.load_g for row in rows])
    forces = counts * gains.common(counts, loads)
    platform = platform_of(now.session, CORNERS)
    names: dict[str, tuple[int, ...]] = {where(now.session, CORNERS, cell): (cell,) for cell in range(CORNERS)}
    if platform is not None:
        names |= {side: _cells_at(platform, side) for side in SIDES}
    sds = np.full(len(rows), spare_g)
    found = friction.locate(forces, loads, sds, list(names.items()))
    if found is None:
        return [_touching("platform", float(np.abs(loads - forces.sum(axis=1)).max()), spare_g)]
    return [_touching(found.place, found.phi * float(loads.max()), spare_g)]


def _cells_at(platform: Platform, side: str) -> tuple[int, ...]:
    return tuple(cell for cell in range(len(platform.positions)) if side in place_name(platform, cell).split())


def _touching(side: str, low_g: float, limit_g: float) -> Finding:
    at = "" if side == "platform" else f", most likely at the {side}"
    return Finding(
        code="force-shunt", severity="fail", where=side, blocks="accept", value=low_g, limit=limit_g, unit="g",
        text=f"loads are off by up to {low_g:.1f} g: something bears part of them{at}",
        remedy=f"look at the {side}: a wall, a cart's bumper, a cable, a skirt, dirt; leave a finger's breadth",
    )  # fmt: skip


def of_side(now: Instrument, sorted_: Sorted) -> list[Finding]:
    """Return the side at which loads that prove read low, while those opposite do not."""
    found = _side(now, _corner_errors(now, sorted_))
    return [] if found is None else [_touching(*found)]


def of_low(now: Instrument, result: Evaluation) -> list[Finding]:
    """Return whether a load reads low beyond its limit, wherever that comes from."""
    found = _low(now, result)
    return [] if found is None else [_touching(*found)]


def _corner_errors(now: Instrument, sorted_: Sorted) -> dict[Position, float]:
    """Return the mean error at each corner in the tests that prove, relative to the centre's."""
    groups: dict[Position, list[float]] = {}
    for row in sorted_.of("eccentricity", "verify"):
        groups.setdefault(row.capture.position or "C", []).append(now.reading_g(row) - row.load_g)
    means = {position: sum(values) / len(values) for position, values in groups.items()}
    return means if len(means) > 4 else {}  # noqa: PLR2004 - the centre and all four


def _side(now: Instrument, corners: dict[Position, float]) -> tuple[str, float, float] | None:
    """Return the side whose corners both read low while those opposite do not."""
    if not corners:
        return None
    limit_g = DRY_REL * now.session.verification_interval_g
    best: tuple[str, float, float] | None = None
    for side, pair in SIDES.items():
        others = [position for position in corners if position not in {*pair, "C"}]
        low_g = -max(corners[position] for position in pair)
        sound_g = max(abs(corners[position]) for position in others)
        if low_g > max(2 * limit_g, 2 * sound_g) and (best is None or low_g > best[1]):
            best = (side, -min(corners[position] for position in pair), limit_g)
    return best


def _low(now: Instrument, result: Evaluation) -> tuple[str, float, float] | None:
    """Return whether the heaviest loads read low beyond their limit."""
    rows = [point for point in result.as_left if point.load_g > 0]
    worst = min(rows, key=lambda point: point.error_g + point.mpe_g, default=None)
    if worst is None or worst.error_g > -worst.mpe_g - worst.budget.expanded_g:
        return None
    return "platform", -worst.error_g, now.mpe_g(worst.load_g)


def of_overload(session: Session, sorted_: Sorted, counts_per_g: Sequence[float]) -> list[Finding]:
    """Return cells that bore more than they are rated for: by their sensitivity, or twice their share of capacity."""
    found: dict[int, tuple[float, float]] = {}
    share_g = session.capacity_g / len(counts_per_g)
    if any(row.capture.indicated_g is not None for row in sorted_.placements):
        return []
    for row in sorted_.placements:
        for cell, (count, gain) in enumerate(zip(row.net, counts_per_g, strict=True)):
            rated_g = min(factory.rated_g(gain), CELL_SHARES * share_g if len(counts_per_g) > 1 else math.inf)
            force_g = abs(count / gain)
            if force_g > rated_g and force_g > found.get(cell, (0.0, 0.0))[0]:
                found[cell] = (force_g, rated_g)
    return [
        Finding(
            code="cell-overload", severity="fail", where=f"cell {cell + 1}", blocks="accept", value=force_g,
            limit=rated_g, unit="g",
            text=f"cell {cell + 1} bore {force_g / 1000:.3g} kg, rated {rated_g / 1000:.3g} kg",
            remedy="put less on one corner: no more than one cell's rating; see that the cell is not damaged",
        )
        for cell, (force_g, rated_g) in found.items()
    ]  # fmt: skip
