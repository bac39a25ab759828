"""How far a weight is to be believed as that of the goods it is said to be of.

Once a lesson has been passed, something in it may still be wrong: a unit more than was said, seldom one less. The
difference between the scale and the belief then is a weight drawn from the catalogue, not the small scatter that is
expected. What the two say of a difference is weighed by Bayes' rule; so an old lesson is believed less as soon as
better knowledge shows that it does not fit.
"""

import numpy as np

from station.core.beliefs import Beliefs
from station.core.density import Floats, log_t

MORE = 0.8  # of what is wrong: something more than was said
FREEDOM = 8.0  # honest differences have slightly heavier tails than normal
TRUST_MIN, TRUST_MAX = 0.5, 0.999  # the checker's densities are finer than these: its doubt cannot be told from theirs
STRAY = 1e-7  # per gram: what nothing explains is not honest
HUBER_SD = 3.0  # a difference counts no more than one of so many standard deviations
NO_CATALOGUE = 1e-4  # per gram


def otherwise(residual_g: Floats, variance_g2: Floats, beliefs: Beliefs) -> Floats:
    """Return the density of a difference if something is wrong."""
    if not beliefs.sums:
        return np.full(residual_g.shape, NO_CATALOGUE)
    both = np.concatenate([residual_g, -residual_g])
    more, less = np.split(beliefs.sums[0].smoothed(both, np.tile(variance_g2, 2)), 2)
    return np.asarray(MORE * more + (1 - MORE) * less + STRAY, dtype=np.float64)


def ratio(residual_g: Floats, variance_g2: Floats, beliefs: Beliefs) -> Floats:
    """Return how much likelier a difference is if nothing is wrong."""
    honest = np.exp(log_t(residual_g, variance_g2, np.full(residual_g.shape, FREEDOM)))
    return np.asarray(np.maximum(honest, 1e-30) / otherwise(residual_g, variance_g2, beliefs), dtype=np.float64)


def believed(trust: Floats, ratios: Floats) -> Floats:
    """Return the probability that nothing is wrong, after the weight was looked at."""
    odds = trust / np.maximum(1 - trust, 1e-9) * ratios
    return np.asarray(odds / (1 + odds), dtype=np.float64)


def damped(residual_g: Floats, variance_g2: Floats, open_share: Floats) -> Floats:
    """Return the factor that keeps large differences from counting more than moderate ones (Huber).

    Where the means are hardly known it is one: a large difference then says that they are as wrong as that.
    """
    z = np.abs(residual_g) / np.sqrt(variance_g2)
    factor = np.minimum(1.0, HUBER_SD / np.maximum(z, 1e-9))
    return np.asarray(open_share + (1 - open_share) * factor, dtype=np.float64)


def trust_behind(p: float, at_ratio: float) -> float:
    """Return the trust from which the weight alone would have led to the probability `p` that nothing is wrong."""
    odds = p / max(1 - p, 1e-9) / max(at_ratio, 1e-30)
    return float(np.clip(odds / (1 + odds), TRUST_MIN, TRUST_MAX))
