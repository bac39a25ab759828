"""Where something bears part of the load: which corner, or which side, explains what the cells' sum lacks.

Hypotheses: a place (one cell, or the two of a side) loses a part of the force that presses there, from some force on,
and friction makes that part differ from load to load by phi of the force. Its constant part shows where it is more than
gains differ anyway, else as a step (the force at which it begins to touch) and a scatter that grows with the force
there. Each
hypothesis is a Gaussian model of all loads' errors with gains, the part lost and the step free within their priors; the
evidence of each is its marginal likelihood at the best phi, beside a scatter that grows with the whole load wherever it
stands.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from calibration.fit import Matrix
from calibration.gains import PRIOR_REL_SD

PHIS = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
STEP_SD = 0.02  # of the heaviest load: how much a place may lack by beginning to touch only from some force on
TOUCHES = 0.02  # of the heaviest load: a force that is surely beyond that
LOST_SD = 0.1  # of the force at the place, that it loses
ALONE = 2.0  # of log evidence, against a corner alone: one that binds shows at zero, too
CLEAR = 0.0  # of log evidence: the best place is named where it beats the whole platform


class Named(NamedTuple):
    """A place, its cells, how much surer it is than the next best one, and phi."""

    place: str
    evidence: float
    phi: float


def locate(
    forces_g: Matrix, loads_g: Matrix, sds_g: Matrix, places: Sequence[tuple[str, tuple[int, ...]]]
) -> Named | None:
    """Return the place that explains the errors of these loads, None where none stands out.

    `forces_g` has a row a load and a column a cell, by nominal gains; `sds_g` is each load's own uncertainty.
    """
    errors = loads_g - forces_g.sum(axis=1)
    everywhere, _ = _best(forces_g, errors, sds_g, loads_g, None)
    found = []
    for name, cells in places:
        pressed = np.clip(forces_g[:, list(cells)].sum(axis=1), 0.0, None)
        touching = np.where(pressed > TOUCHES * loads_g.max(), 1.0, pressed / (TOUCHES * loads_g.max()))
        evidence, phi = _best(forces_g, errors, sds_g, pressed, touching)
        found.append((evidence - (ALONE if len(cells) == 1 else 0.0), name, phi))
    found.sort(reverse=True)
    (evidence, name, phi), rival = found[0], max(found[1][0] if len(found) > 1 else -math.inf, everywhere)
    return Named(name, evidence - rival, phi) if evidence - rival > CLEAR else None


def _best(
    forces_g: Matrix, errors: Matrix, sds_g: Matrix, pressed: Matrix, touching: Matrix | None
) -> tuple[float, float]:
    """Return the greatest log marginal likelihood over phi, and that phi."""
    common = forces_g * PRIOR_REL_SD
    shared = common @ common.T
    if touching is not None:
        step = touching * STEP_SD * float(pressed.max())
        shared = shared + np.outer(step, step) + np.outer(pressed, pressed) * LOST_SD**2
    tried = [(_evidence(errors, shared + np.diag(sds_g**2 + (phi * pressed) ** 2)), phi) for phi in PHIS]
    return max(tried)


def _evidence(errors: Matrix, covariance: Matrix) -> float:
    root = np.linalg.cholesky(covariance)
    white = np.linalg.solve(root, errors)
    return -float(white @ white) / 2 - float(np.log(np.diag(root)).sum())
