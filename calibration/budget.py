"""Uncertainty budgets: parts in quadrature, effective degrees of freedom, coverage factor.

Source: JCGM 100 (GUM) clause 5 and annex G; EURAMET cg-18 clause 7.1 for the parts of an error of indication.
What is fully correlated (several test weights of one calibration) is added up before it becomes a part here.
"""

import math
from collections.abc import Sequence

from calibration.results import Budget, Contribution
from calibration.student import COVERAGE, coverage_factor


def rectangular_sd(half_width: float) -> float:
    """Return the standard uncertainty of a value known to lie within plus or minus `half_width`."""
    return abs(half_width) / math.sqrt(3)


def rounding_sd(interval: float) -> float:
    """Return the standard uncertainty of rounding to whole intervals."""
    return interval / (2 * math.sqrt(3))


def eccentric_sd_g(load_g: float, worst_g: float, test_load_g: float, *, anywhere: bool = False) -> float:
    """Return what the load's place leaves, from the worst corner difference at `test_load_g`.

    Goods that may lie `anywhere` can be off by all of it, centred test weights by half (cg-18 7.1.1).
    """
    return abs(load_g * worst_g / test_load_g) / ((1 if anywhere else 2) * math.sqrt(3))


def effective_dof(parts: Sequence[Contribution]) -> float | None:
    """Return the effective degrees of freedom (Welch and Satterthwaite); None when they are infinite."""
    total = sum(part.sd_g**2 for part in parts)
    spread = sum(part.sd_g**4 / part.dof for part in parts if part.dof is not None)
    return total**2 / spread if spread > 0 else None


def combine(parts: Sequence[Contribution], probability: float = COVERAGE) -> Budget:
    """Return the budget of independent parts; k is Student's quantile for the broken degrees of freedom."""
    sd_g = math.sqrt(sum(part.sd_g**2 for part in parts))
    nu_eff = effective_dof(parts)
    k = coverage_factor(math.inf if nu_eff is None else max(nu_eff, 1.0), probability)
    return Budget(parts=tuple(parts), sd_g=sd_g, nu_eff=nu_eff, k=k, expanded_g=k * sd_g)


def quick_expanded(scatter: float, interval: float, weights: float, place: float, part: float = 1.0) -> float:
    """Return Lammi's expanded uncertainty: 2 r sqrt(s^2 + (0.3 d / r)^2 + u^2 + z^2), r scaling with the limit.

    `interval` is 0 where rounding was eliminated. Source: T. Lammi, OIML Bulletin (2001).
    """
    return 2 * part * math.hypot(scatter, 0.3 * interval / part, weights, place)
