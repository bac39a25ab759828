"""Weighted least squares: lines through zero, general curves with correlated uncertainties, and whether they fit.

Sources: EURAMET cg-18 appendix C: a = (X'PX)^-1 X'P e with P = V^-1, covariance (X'PX)^-1; a fit is accepted when
chi-square is within its 95 % quantile, or every residual within two standard uncertainties.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.results import Curve
from calibration.student import chi2_quantile

Matrix = npt.NDArray[np.float64]
ACCEPT = 0.95
RESIDUAL_SDS = 2.0


class Fit(NamedTuple):
    """Parameters, their covariance, residuals, and the weighted sum of squares with its degrees of freedom."""

    parameters: Matrix
    covariance: Matrix
    residuals: Matrix
    chi2: float
    dof: int


def general(design: Matrix, values: Matrix, covariance: Matrix) -> Fit:
    """Fit `values` by the columns of `design` with their full covariance; `ValueError` for too few values."""
    count, parameters = design.shape
    if count < parameters:
        raise ValueError(f"{count} values do not determine {parameters} parameters")
    root = np.linalg.cholesky(covariance)
    white, seen = np.linalg.solve(root, design), np.linalg.solve(root, values)
    found, *_ = np.linalg.lstsq(white, seen, rcond=None)
    residuals = values - design @ found
    chi2 = float(np.sum((seen - white @ found) ** 2))
    return Fit(found, np.linalg.inv(white.T @ white), residuals, chi2, count - parameters)


def weighted(design: Matrix, values: Matrix, sds: Matrix) -> Fit:
    """Fit independent values with these standard uncertainties."""
    return general(design, values, np.diag(sds**2))


def through_zero(indicated_g: Sequence[float], errors_g: Sequence[float], sds_g: Sequence[float]) -> Curve:
    """Return the line E = a I through zero; the zero point itself is none of the values."""
    shape = np.asarray(indicated_g, dtype=float)[:, None]
    sds = np.asarray(sds_g, dtype=float)
    fit = weighted(shape, np.asarray(errors_g, dtype=float), sds)
    limit = chi2_quantile(ACCEPT, fit.dof) if fit.dof else math.inf
    near = bool(np.all(np.abs(fit.residuals) <= RESIDUAL_SDS * sds))
    return Curve(
        slope=float(fit.parameters[0]),
        slope_sd=float(math.sqrt(fit.covariance[0, 0])),
        chi2=fit.chi2,
        dof=fit.dof,
        chi2_limit=limit,
        residuals_g=tuple(float(value) for value in fit.residuals),
        accepted=fit.chi2 <= limit or near,
    )


def on_curve(curve: Curve, reading_g: float, reading_sd_g: float = 0.0) -> tuple[float, float]:
    """Return the error at a reading by the curve and its standard uncertainty."""
    return curve.slope * reading_g, math.hypot(curve.slope * reading_sd_g, curve.slope_sd * reading_g)
