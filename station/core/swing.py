"""A load that swings slowly and dies away, such as a bag that hangs on a cart: its weight before it hangs still.

Theory: a swing of half a hertz to two is too slow to average out in the time in which a load should settle, but it is
simple: a level, plus one sine that decays exponentially. These five numbers are fitted to the means of short blocks of
the last one to two seconds by least squares (a coarse search over frequency and decay, then Gauss-Newton steps). The
level's uncertainty follows from the fit itself: it is wide while less than a period was seen, and that is what must be
waited for.

The fit counts only where it leaves nothing but the platform's noise, where most of a period was seen, where the swing
does not grow, and after one has foreseen everything that came for `PROVEN_S`: a fit of five numbers to a second of data
can be had of two swings or of a slow hand too, but it foresees nothing.
"""

import math
from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NS = 1_000_000_000
BLOCK_S = 0.05
SPANS_S = (2.0, 1.4, 1.0)  # tried in this order: a longer one is surer, a shorter one is sooner free of what was before
PERIODS = 0.8  # how much of a swing must be seen
GROWTH_PER_S = 0.2  # a fitted decay may seem this far below none
MISFIT = 1.5  # mean square of what a fit leaves, over that of noise
PROVEN_S = 0.6  # so long a fit must foresee what comes
FORESEEN_SDS = 3.0
PARAMETERS = 5
STEPS = 6
DECAY_MOST, OMEGA_MOST = 10.0, 20.0  # beyond these a fit has run away
_OMEGAS = 2 * math.pi * np.geomspace(0.4, 2.0, 12)
_DECAYS = np.array([0.0, 0.8, 2.5])

Floats = NDArray[np.float64]


class Fit(NamedTuple):
    """A level and its uncertainty, and the swing around it; `decay` per second, `omega` in radians per second."""

    end_ns: int
    level_g: float
    sd_g: float
    cosine_g: float
    sine_g: float
    decay: float
    omega: float

    def swing_g(self, t_ns: int) -> float:
        """Return how far the swing is from the level at a time near the fit's end."""
        since_s = (t_ns - self.end_ns) / NS
        angle = self.omega * since_s
        return math.exp(-self.decay * since_s) * (self.cosine_g * math.cos(angle) + self.sine_g * math.sin(angle))


class Swing:
    """Keeps the last seconds in blocks, whatever happens, and fits them when asked."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[int, float, int]] = deque(maxlen=int(SPANS_S[0] / BLOCK_S) + 1)
        self._sum_g, self._sum_ns, self._count, self._begun_ns = 0.0, 0, 0, 0
        self._first: Fit | None = None  # the fit that has foreseen all that came since
        self._last: Fit | None = None
        self._fresh = False

    def clear(self) -> None:
        """What comes next does not follow what came before."""
        self._blocks.clear()
        self._first = self._last = None
        self._count = 0

    def add(self, t_ns: int, grams: float) -> None:
        """Take the next sample."""
        if self._count and t_ns - self._begun_ns >= BLOCK_S * NS:
            middle_ns = self._begun_ns + self._sum_ns // self._count
            self._blocks.append((middle_ns, self._sum_g / self._count, self._count))
            self._count, self._fresh = 0, True
        if not self._count:
            self._begun_ns, self._sum_g, self._sum_ns = t_ns, 0.0, 0
        self._count += 1
        self._sum_g += grams
        self._sum_ns += t_ns - self._begun_ns

    def fit(self, sample_var_g2: float, slow_var_g2: float) -> Fit | None:
        """Return the level that the last fits agree on, None where there is none.

        `sample_var_g2` is the variance of a sample, `slow_var_g2` that of a sample of white noise with the density
        that the platform's noise has at low frequencies.
        """
        if self._fresh:
            self._fresh = False
            self._prove(max(sample_var_g2, slow_var_g2) / self._blocks[-1][2])
            found = self._fit_now(sample_var_g2, slow_var_g2)
            self._first = (self._first or found) if found else None
            self._last = found
        proven = self._first and self._last and self._last.end_ns - self._first.end_ns >= PROVEN_S * NS
        return self._last if proven else None

    def _prove(self, noise_g2: float) -> None:
        """Forget the first fit where it has not foreseen the latest block."""
        t_ns, grams, _ = self._blocks[-1]
        first = self._first
        if first is not None:
            off_g = grams - first.level_g - first.swing_g(t_ns)
            foreseen = off_g**2 <= FORESEEN_SDS**2 * (noise_g2 + first.sd_g**2)
            self._first = first if foreseen else None

    def _fit_now(self, sample_var_g2: float, slow_var_g2: float) -> Fit | None:
        end_ns = self._blocks[-1][0]
        times = np.array([(t_ns - end_ns) / NS for t_ns, _, _ in self._blocks])
        values = np.array([grams for _, grams, _ in self._blocks])
        size = self._blocks[-1][2]
        for span_s in SPANS_S:
            if times[0] > -0.95 * span_s:
                continue
            part = times >= -span_s
            found = _fit(times[part], values[part], max(sample_var_g2, slow_var_g2) / size, slow_var_g2 / size)
            if found is not None:
                return found._replace(end_ns=end_ns)
        return None


def _fit(times: Floats, values: Floats, noise_g2: float, slow_g2: float) -> Fit | None:
    mean = values.mean()
    guess = _search(times, values - mean)
    found = None if guess is None else _refine(times, values - mean, guess)
    if found is None:
        return None
    theta, rss, covariance = found
    level, cosine, sine, decay, omega = (float(number) for number in theta)
    freedom = len(times) - PARAMETERS
    sound = rss / freedom <= MISFIT * noise_g2 and decay >= -GROWTH_PER_S
    if not sound or omega * (times[-1] - times[0]) < 2 * math.pi * PERIODS:
        return None
    sd_g = math.sqrt(max(rss / freedom, slow_g2) * covariance)
    return Fit(0, float(mean) + level, sd_g, cosine, sine, decay, omega)


def _search(times: Floats, values: Floats) -> Floats | None:
    """Return the best of a coarse grid: level, cosine, sine, decay, omega."""
    omegas, decays = (grid.ravel() for grid in np.meshgrid(_OMEGAS, _DECAYS))
    waves = np.exp(-decays[:, None] * times) * np.exp(1j * omegas[:, None] * times)
    design = np.stack([np.ones(waves.shape), waves.real, waves.imag], axis=1)
    right = design @ values
    try:
        linear = np.linalg.solve(design @ design.transpose(0, 2, 1), right[..., None])[..., 0]
    except np.linalg.LinAlgError:
        return None
    best = int(np.argmax(np.sum(linear * right, axis=1)))
    return np.array([*linear[best], decays[best], omegas[best]])


def _refine(times: Floats, values: Floats, theta: Floats) -> tuple[Floats, float, float] | None:
    """Return the least squares' parameters, what they leave, and the level's variance for noise of one."""
    for _ in range(STEPS):
        model, jacobian = _model(times, theta)
        left = values - model
        try:
            step = np.linalg.solve(jacobian.T @ jacobian, jacobian.T @ left)
        except np.linalg.LinAlgError:
            return None
        step[3:] = np.clip(step[3:], -1.0, 1.0)
        theta = theta + step
        if not (abs(theta[3]) < DECAY_MOST and 0 < theta[4] < OMEGA_MOST):
            return None
    model, jacobian = _model(times, theta)
    left = values - model
    try:
        variance = float(np.linalg.inv(jacobian.T @ jacobian)[0, 0])
    except np.linalg.LinAlgError:
        return None
    return (theta, float(left @ left), variance) if variance > 0 else None


def _model(times: Floats, theta: Floats) -> tuple[Floats, Floats]:
    level, cosine, sine, decay, omega = theta
    fade, angle = np.exp(-decay * times), omega * times
    cosines, sines = fade * np.cos(angle), fade * np.sin(angle)
    swing = cosine * cosines + sine * sines
    turned = sine * cosines - cosine * sines
    jacobian = np.stack([np.ones(len(times)), cosines, sines, -times * swing, times * turned], axis=1)
    return level + swing, jacobian
