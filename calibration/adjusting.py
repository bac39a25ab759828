"""From captures of known loads to a platform's calibration: gains, zero, what the deck twists, and how sure all is.

Adjusting uses the corner and span captures (where there are none: those of linearity), proving uses the others. Each
row's uncertainty is its noise, half the zero's step around it, and what placements scatter; test weights that serve in
several rows make these correlated. In the end the weights' arithmetic sum counts (they may all be off the same way).

Without loads at the corners the gains' ratios cannot be told: those of the calibration before are kept, its covariance
widened by what the span may have changed. Without that, all cells get one gain, as unsure as the prior.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from calibration import gains
from calibration.captures import Session, TestWeight
from calibration.model import Calibration
from calibration.placements import Placement, Sorted, reach_all
from calibration.platform import CORNERS, UNIT_SQUARE, Platform, usual_platform
from calibration.repeatability import standard_deviation
from calibration.results import Gains
from calibration.weights import reference

Matrix = gains.Matrix
PLACING_E, PLACING_DOF = 0.02, 3  # what placements are thought to scatter, in intervals, and how sure that is
CORNERS_LEAST = 3
SPAN_CHANGE_SD = 0.02  # prior of a change common to all cells
CELL_CHANGE_SD = 1e-3  # of one cell's gain beside the others', where corners were not loaded again
CORNER_NAMES = ("FL", "FR", "BR", "BL")
PLACES = (-0.8, -0.25, 0.25, 0.8)  # of the way to the corners' loads: where goods stand, for the average


class Adjusted(NamedTuple):
    """New gains in grams a count, and how they came about."""

    g_per_count: tuple[float, ...]
    report: Gains
    placing_sd_g: float
    anywhere_rel_sd: float


def platform_of(session: Session, cells: int) -> Platform | None:
    """Return where the cells are: as configured, else as usual."""
    if session.positions_mm is not None and len(session.positions_mm) == cells:
        return Platform(session.positions_mm)
    return usual_platform(cells)


def adjusting_rows(sorted_: Sorted) -> tuple[Placement, ...]:
    """Return the loads that adjusting uses."""
    return sorted_.of("corners", "span") or sorted_.of("linearity") or ()


def adjust(session: Session, sorted_: Sorted, prior: Calibration | None) -> Adjusted | None:
    """Return the gains that the captures speak for; None where no load reached all cells, or none answers."""
    rows = adjusting_rows(sorted_)
    if not reach_all(rows) or not any(count for row in rows for count in row.net):
        return None
    straightened = keeps_linearity(sorted_, prior)
    first = _solve(session, rows, prior, PLACING_E * session.verification_interval_g, straightened=straightened)
    placing_g = placing_sd_g(sorted_, first.g_per_count.tolist(), session.verification_interval_g)
    solved = _solve(session, rows, prior, placing_g, straightened=straightened)
    report = _report(session, rows, solved)
    return Adjusted(tuple(map(float, solved.g_per_count)), report, placing_g, averaged_gain_sd(report, rows))


def placing_sd_g(sorted_: Sorted, g_per_count: Sequence[float], interval_g: float) -> float:
    """Return what placements of one load at one place scatter, noise included: the session's, blended with usual."""
    groups: dict[tuple[str, float, str | None, str | None], list[float]] = {}
    for row in sorted_.of("corners", "span", "repeatability"):
        key = (row.capture.step, row.load_g, row.capture.position or "C", row.capture.direction)
        groups.setdefault(key, []).append(row.grams(g_per_count))
    scattered = [(standard_deviation(group) ** 2, len(group) - 1) for group in groups.values() if len(group) > 1]
    usual = (PLACING_E * interval_g) ** 2 * PLACING_DOF
    freedom = sum(dof for _, dof in scattered) + PLACING_DOF
    return math.sqrt((sum(variance * dof for variance, dof in scattered) + usual) / freedom)


def keeps_linearity(sorted_: Sorted, prior: Calibration | None) -> bool:
    """Tell whether the correction of before stays: there is one, and the session has not looked at the line anew."""
    return prior is not None and bool(prior.linearity) and not sorted_.of("linearity")


def _solve(
    session: Session, rows: Sequence[Placement], prior: Calibration | None, placing_g: float, *, straightened: bool
) -> gains.Solved:
    counts = np.array([row.net for row in rows])
    loads = [row.load_g - (prior.correction_g(row.load_g) if prior and straightened else 0.0) for row in rows]
    kept, covariance = _prior(rows, prior)
    guess = gains.common(counts, np.asarray(loads)) if kept is None else np.asarray(kept)
    noise = np.array([math.hypot(row.sd_g(guess.tolist()), _zero_step_g(row, guess) / 2, placing_g) for row in rows])
    weights = {weight.weight_id: weight for weight in session.weights}
    variance = np.diag(noise**2) + weights_covariance(rows, weights)
    solved = gains.solve(counts, loads, variance, guess, covariance)
    return solved._replace(covariance=solved.covariance + _arithmetic(rows, weights))


def _prior(rows: Sequence[Placement], prior: Calibration | None) -> tuple[list[float] | None, Matrix]:
    """Return what is known of the gains before, in grams a count, and its relative covariance."""
    cells = len(rows[0].net)
    free = np.eye(cells) * gains.PRIOR_REL_SD**2
    corners = {row.capture.position for row in rows} - {None, "C"}
    if prior is None or len(prior.cells) != cells or len(corners) >= min(CORNERS_LEAST, cells):
        return None, free
    known = np.array(prior.gain_cov) if prior.gain_cov else np.eye(cells) * prior.gain_rel_sd**2
    covariance = known + SPAN_CHANGE_SD**2 * np.ones((cells, cells)) + CELL_CHANGE_SD**2 * np.eye(cells)
    return [1 / cell.counts_per_g for cell in prior.cells], covariance


def weights_covariance(rows: Sequence[Placement], weights: dict[str, TestWeight]) -> Matrix:
    """Return what the weights' own uncertainties, each independent, add to the loads' covariance."""
    names = sorted({name for row in rows for name in row.capture.weights if name in weights})
    used = np.array([[float(row.capture.weights.count(name)) for name in names] for row in rows])
    sds = np.array([reference([weights[name]]).sd_g for name in names])
    scaled: Matrix = used.reshape(len(rows), len(names)) * sds
    return scaled @ scaled.T


def _arithmetic(rows: Sequence[Placement], weights: dict[str, TestWeight]) -> Matrix:
    """Return the common covariance that adding the weights' uncertainties up makes beyond that of adding squares."""
    names = sorted({name for row in rows for name in row.capture.weights})  # one order: sums of floats have theirs
    used = [weights[name] for name in names if name in weights]
    cells = len(rows[0].net)
    if not used:
        return np.zeros((cells, cells))
    sds, total_g = [reference([weight]).sd_g for weight in used], sum(weight.nominal_g for weight in used)
    beyond = max(sum(sds) ** 2 - sum(sd**2 for sd in sds), 0.0) / total_g**2
    return beyond * np.ones((cells, cells))


def _zero_step_g(row: Placement, g_per_count: Matrix) -> float:
    return float(np.dot(row.zero.step_counts, g_per_count))


def _report(session: Session, rows: Sequence[Placement], solved: gains.Solved) -> Gains:
    counts = tuple(float(1 / gain) for gain in solved.g_per_count)
    left = solved.residuals_g
    twist = _twist(session, rows, solved) if len(counts) == CORNERS else None
    short = solved.rank < len(counts)
    return Gains(
        counts_per_g=counts,
        rel_sd=tuple(float(value) for value in np.sqrt(np.diag(solved.covariance))),
        covariance=tuple(tuple(float(value) for value in row) for row in solved.covariance),
        rank=solved.rank,
        singular_g=tuple(float(value) for value in solved.singular_g),
        unidentified=tuple(float(value) for value in solved.directions[-1]) if short else None,
        spread=gains.spread([float(gain) for gain in solved.g_per_count]),
        residuals_g=tuple(float(value) for value in left),
        residual_rms_g=float(np.sqrt(np.mean(left**2))),
        captures=tuple(row.capture.number for row in rows),
        kappa=twist[0] if twist else None,
        kappa_sd=twist[1] if twist else None,
        parity_g=twist[2] if twist else None,
    )


def _twist(session: Session, rows: Sequence[Placement], solved: gains.Solved) -> tuple[float, float, float] | None:
    """Return kappa, its uncertainty, and the parity that loads at the centre leave."""
    platform = platform_of(session, CORNERS)
    if platform is None or platform.parity_weights is None:
        return None
    forces = [[count * gain for count, gain in zip(row.net, solved.g_per_count, strict=True)] for row in rows]
    heavy = [n for n, row in enumerate(rows) if sum(forces[n]) > row.load_g / 2]
    if len({rows[n].capture.position for n in heavy} - {None, "C"}) < CORNERS_LEAST:
        return None
    parities = [platform.parity_g(forces[n]) for n in heavy]
    offsets = [platform.offset(forces[n]) for n in heavy]
    loads = [rows[n].load_g for n in heavy]
    gain_sd_g = float(np.sqrt(np.mean(np.diag(solved.covariance)))) * max(loads)
    kappa, sd = gains.twist(parities, loads, offsets, gain_sd_g)
    centred = [parity for n, parity in zip(heavy, parities, strict=True) if rows[n].centred]
    return kappa, sd, float(sum(centred) / len(centred)) if centred else 0.0


def averaged_gain_sd(report: Gains, rows: Sequence[Placement]) -> float:
    """Return the relative uncertainty of a load anywhere: averaged between the corners as they were measured.

    The shares are those that the new gains give, which on a rigid deck differ from the true ones by an unseen twist.
    """
    forces = [(row, np.array(row.net) / np.array(report.counts_per_g)) for row in rows]
    found = [(row, force / force.sum()) for row, force in forces if force.sum() > 0]
    at = {row.capture.position or "C": share for row, share in found}
    shares = [share for _, share in found]
    corners = [at[name] for name in CORNER_NAMES if name in at]
    if len(corners) == len(CORNER_NAMES):
        shares = [
            sum(share * (1 + u * x) * (1 + v * y) / 4 for share, (x, y) in zip(corners, UNIT_SQUARE, strict=True))
            for u in PLACES for v in PLACES
        ]  # fmt: skip
    return gains.averaged_rel_sd(np.array(report.covariance), [share.tolist() for share in shares])
