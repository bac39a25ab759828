"""Where the basket is as claimed, but a number is wrong: a weight of the catalogue, or the scale.

- stale weight: a claimed product has a new pack, so all units of it weigh a log-normal factor more or less, or what a
  variant of the pack has more ("20 % free"), less its packaging's share. An entry each line; nothing is lost by
  releasing it, which is how it speaks for honest shoppers.
- scale fault: an error of zero or gain that nobody has noticed; Student's t with heavy tails.
"""

import numpy as np

from station.core.cases import Branch, Case, branch_of, log_of, one, parts_of
from station.core.density import Floats, gauss, log_t

FAULT_FREEDOM = 4.0
NODES = np.linspace(-3.0, 3.0, 21)
VARIANTS = np.array([0.10, 0.20, 0.25, 1 / 3, 0.50])  # more content than usual
VARIANT_SHARE = 0.3  # of new packs
CONTENT, CONTENT_SPREAD = 0.94, 0.07  # share of the content in the gross weight, and its spread, of the difference


def stale_densities(case: Case, residual_g: Floats) -> Floats:
    """Return (residuals, lines) the density of the residual when the line's product has another weight."""
    basket, spread = case.basket, case.policy.stale_spread
    known = basket.mean_g * basket.together
    mean_g = known[:, None] * np.expm1(spread * NODES)  # (lines, nodes)
    own = (known[:, None] * spread * (NODES[1] - NODES[0]) * np.exp(spread * NODES)) ** 2
    share = np.exp(-0.5 * NODES**2)
    any_pack = gauss(residual_g[:, None, None] - mean_g, basket.variance_g2 + own)
    more_g = known[:, None] * CONTENT * VARIANTS  # (lines, variants)
    variant = gauss(residual_g[:, None, None] - more_g, basket.variance_g2 + (CONTENT_SPREAD * more_g) ** 2)
    usual = (any_pack * (share / share.sum())).sum(axis=2)
    return np.asarray((1 - VARIANT_SHARE) * usual + VARIANT_SHARE * variant.mean(axis=2), dtype=np.float64)


def stale_density(case: Case, residual_g: Floats) -> Floats:
    """Return the density of the residual when the catalogue is wrong about some line."""
    lines = stale_lines(case)
    return np.asarray((stale_densities(case, residual_g) * lines).sum(axis=1) / max(lines.sum(), 1.0))


def stale_lines(case: Case) -> Floats:
    """Return one for lines that rest on the catalogue's weight, else zero."""
    return np.where((case.basket.place >= 0) & ~case.basket.labelled, 1.0, 0.0)


def stale_weight(case: Case, _highest: float) -> Branch:
    """Return one entry for every line."""
    lines = stale_lines(case)
    density = stale_densities(case, one(case.basket.residual_g))[0] * lines / lines.sum()
    return branch_of("stale_weight", log_of(density), 0.0, 0.0, parts_of(lines.size, np.arange(lines.size)))


def fault_density(case: Case, residual_g: Floats) -> Floats:
    """Return the density of the residual on a faulty scale."""
    policy, basket = case.policy, case.basket
    gross_g = np.maximum(residual_g + basket.expected_g, 0.0)
    variance = basket.variance_g2 + policy.fault_zero_g**2 + (policy.fault_gain * gross_g) ** 2
    return np.asarray(np.exp(log_t(residual_g, variance, np.full(residual_g.shape, FAULT_FREEDOM))), dtype=np.float64)


def scale_fault(case: Case, _highest: float) -> Branch:
    """Return the one entry of a scale that shows something wrong."""
    log_w = log_of(fault_density(case, one(case.basket.residual_g)))
    return branch_of("scale_fault", log_w, case.policy.fault_loss_minor, 0.0)
