"""What a platform does when nobody touches it: how much its samples scatter, and how alike neighbours are.

Theory: the uncertainty of a mean cannot be had from its own few samples alone where neighbours are alike (moving air,
a machine's vibration): a handful of batches gives a wide and biased figure. But a platform stands where it stands, so
its noise is learnt. Three things are kept: the lowest scatter lately seen (it follows down at once and up by 4 % a
second, within bounds); the variance of a window's centre, seen from one window to the next; and that of the contrasts
within a window, in which slow motion would show. A single window then only has to say how much louder it is than
usual: its two contrasts are two degrees of freedom beside the floor's `TRUST`.

Before anything is learnt the noise is taken for white. A few windows after power-up what grows is learnt slowly, by 4 %
a second at most, so that a hand that rests on the platform for a while does not become its floor; what shakes for good
becomes it in the end.
"""

import math
from collections import deque

from station.core.window import CONTRASTS, HANN_NOISE, Shape

RISE_PER_S = 0.04
TRUST = 9.0  # degrees of freedom that the floor counts for beside a window's own three
PRIOR = 1.0  # windows that the assumption of white noise counts for
MEMORY = 200  # windows that are remembered
CLIP = 2.5  # a window counts as no louder than this many times the usual: growth of 4 % a second, in deviations
CLIPPED_MEAN = 0.96  # of the square of one normal deviate, clipped at twice that
YOUNG = 10  # windows before that bound holds
APART = 2  # half windows between centres that share no sample
UNSURE = 3.0  # by how much a variance is widened that few windows told, times their number
LEAST_D, MOST_D = 0.01, 2.0  # bounds of the scatter, in divisions


class Floor:
    """The noise of one platform. `scatter_g` is that of a sample."""

    def __init__(self, division_g: float) -> None:
        self._least_g, self._most_g = LEAST_D * division_g, MOST_D * division_g
        self.scatter_g = division_g / 4
        self._centre_g2 = self._slow_g2 = 0.0  # variances: of a centre, of a mean as the contrasts tell
        self._seen = self._n = 0
        self._centres: deque[float] = deque(maxlen=APART)

    def follow(self, shape: Shape, elapsed_s: float) -> None:
        """Let the scatter follow a full window."""
        risen = self.scatter_g * (1 + RISE_PER_S * elapsed_s)
        self.scatter_g = min(max(shape.rest, self._least_g), risen, self._most_g)
        if not self._n:
            self._n, white_g2 = shape.n, max(shape.scatter, self._least_g) ** 2 / shape.n
            self._slow_g2, self._centre_g2 = white_g2, HANN_NOISE * white_g2

    def learn(self, shape: Shape) -> None:
        """Learn from a full window without fast motion; each begins half a window after the one before."""
        self._seen = min(self._seen + 1, MEMORY)
        clip = max(CLIP, 4 * YOUNG / self._seen)
        gain = 2 / (self._seen + 1 + PRIOR)
        self._slow_g2 *= 1 + gain * (min(shape.slow / self._slow_g2, clip) / -math.expm1(-clip) - 1)
        if len(self._centres) == APART:
            apart_g2 = (shape.centre - self._centres[0]) ** 2 / 2
            self._centre_g2 *= 1 + gain * (min(apart_g2 / self._centre_g2, 2 * clip) / CLIPPED_MEAN - 1)
        least_g2 = self._least_g**2 / self._n
        self._slow_g2, self._centre_g2 = max(self._slow_g2, least_g2), max(self._centre_g2, least_g2)
        self._centres.append(shape.centre)

    def interrupt(self) -> None:
        """The next window does not follow the last one."""
        self._centres.clear()

    @property
    def slow_sd_g(self) -> float:
        """Return the standard deviation that noise alone gives each contrast of a window."""
        return 2 * math.sqrt(self._slow_g2)

    @property
    def slow_var_g2(self) -> float:
        """Return the variance that white noise would have with this platform's density at low frequencies."""
        return self._slow_g2 * self._n

    def centre_sd_g(self, shape: Shape) -> float:
        """Return the standard deviation of the centre of a window with this shape."""
        louder = shape.slow / self._slow_g2 if self._slow_g2 else 1.0
        unsure = 1 + UNSURE / (self._seen + 1 + PRIOR)
        return math.sqrt(self._centre_g2 * unsure * (TRUST + CONTRASTS * louder) / (TRUST + CONTRASTS))
