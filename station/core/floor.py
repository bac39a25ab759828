"""What a platform does when nobody touches it: how much its samples scatter, and how alike neighbours are.

Theory: the uncertainty of a mean cannot be had from its own few samples alone where neighbours are alike (moving air, a
machine's vibration): a handful of batches gives a wide and biased figure. But a platform stands where it stands, so
its noise is learnt while it is still. Three things are kept: the lowest scatter lately seen (it follows down at once
and up by 4 % a second, within bounds); and, as shares of its square, the variance of a window's centre, seen from one
window to the next, and of the contrasts within a window that slow motion would show in. A single window then only has
to say how much it differs from the usual: its three contrasts weigh as much as three of the `TRUST` that the floor has.

Before anything is learnt the noise is taken for white. What grows is learnt slowly too, so that a hand that rests on
the platform does not become its floor.
"""

import math
from collections import deque

from station.core.window import CONTRASTS, HANN_NOISE, Shape

RISE_PER_S = 0.04
TRUST = 9.0  # degrees of freedom that the floor counts for beside a window's own three
PRIOR = 1.0  # windows that the assumption of white noise counts for
MEMORY = 100  # windows that are remembered
CLIP = 2.5  # a window counts as no louder than this many times the usual: growth of 4 % a second, in deviations
CLIPPED_MEAN = 0.96  # of the square of one normal deviate, clipped at twice that
MOTION = 12.0  # so much louder than usual is motion and no noise
YOUNG = 10  # windows before these two bounds hold
APART = 2  # half windows between centres that share no sample
LEAST_D, MOST_D = 0.01, 2.0  # bounds of the scatter, in divisions


class Floor:
    """The noise of one platform. `scatter_g` is that of a sample."""

    def __init__(self, division_g: float) -> None:
        self._least_g, self._most_g = LEAST_D * division_g, MOST_D * division_g
        self.scatter_g = division_g / 4
        self._centre = self._slow = 0.0  # shares of the scatter's square; 0: nothing is known
        self._seen = 0
        self._centres: deque[float] = deque(maxlen=APART)

    def follow(self, shape: Shape, elapsed_s: float) -> None:
        """Let the scatter follow a full window."""
        risen = self.scatter_g * (1 + RISE_PER_S * elapsed_s)
        self.scatter_g = min(max(shape.rest, self._least_g), risen, self._most_g)
        if not self._slow:
            self._centre, self._slow = HANN_NOISE / shape.n, 1 / shape.n

    def learn(self, shape: Shape) -> None:
        """Learn from a full window without fast motion; each begins half a window after the one before."""
        square = self.scatter_g**2
        louder = shape.slow / (square * self._slow)
        if self._seen < YOUNG or louder <= MOTION:
            self._seen = min(self._seen + 1, MEMORY)
            clip = max(CLIP, 4 * YOUNG / self._seen)
            gain = 1 / (self._seen + PRIOR)
            self._slow *= 1 + gain * (min(louder, clip) / -math.expm1(-clip) - 1)
            if len(self._centres) == APART:
                apart = (shape.centre - self._centres[0]) ** 2 / 2 / (square * self._centre)
                self._centre *= 1 + gain * (min(apart, 2 * clip) / CLIPPED_MEAN - 1)
        self._centres.append(shape.centre)

    def interrupt(self) -> None:
        """The next window does not follow the last one."""
        self._centres.clear()

    @property
    def slow_sd_g(self) -> float:
        """Return the standard deviation that noise alone gives each contrast of a window."""
        return 2 * self.scatter_g * math.sqrt(self._slow)

    def centre_sd_g(self, shape: Shape) -> float:
        """Return the standard deviation of the centre of a window with this shape."""
        usual = self.scatter_g**2 * self._slow
        louder = (TRUST + CONTRASTS * shape.slow / usual) / (TRUST + CONTRASTS) if usual else 1.0
        return self.scatter_g * math.sqrt(self._centre * louder)
