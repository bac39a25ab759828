"""The zero of the platform: where it is, how it follows drift, and how well it is known.

At start the kept zero is restored; it is set anew only within 2 % of capacity of the calibrated zero, and not when a
kept zero says that goods lie there. On an idle, empty and still platform it follows drift by at most a twentieth of a
division a second (OIML R 76 allows half; drift needs far less, and goods that are poured must not be followed).

What is known of it: at the instant the platform was last seen empty and still, it was off by what was not followed, and
uncertain by the noise of that look. Since then it has drifted at the rate lately observed on the empty platform: from
one look to the next, `LOOK_S` apart, less their noise. Both a steady drift (warming up) and a random one are kept.
Until something has been observed a random drift of a tenth of a division in four minutes is assumed, and while the
electronics warm up after they were connected, a steady one of a division in ten minutes besides.
"""

import math

NS = 1_000_000_000
ZERO_RANGE = 0.02  # of capacity
TRACK_D_PER_S = 0.05
LOOK_S = 4.0
MEMORY, PRIOR = 30.0, 4.0  # looks
RANDOM_D_PER_SQRT_S = 0.1 / math.sqrt(240)
WARMING_D_PER_S = 1 / 600


class Zero:
    """Grams of the calibrated platform at which nothing lies there."""

    def __init__(self, capacity_g: float, division_g: float, warm_up_s: float) -> None:
        self.grams = 0.0
        self.kept_g: float | None = None
        self.seen_ns: int | None = None  # when the platform was last empty and still; None: never since the start
        self._range_g, self._division_g = ZERO_RANGE * capacity_g, division_g
        self._warm_up_s, self._connected_ns = warm_up_s, 0
        self._off_g = self._noise_g = self._creep_g = 0.0
        self._look: tuple[int, float] | None = None
        self._looks = 0.0
        self._rate_g_s, self._random = 0.0, (RANDOM_D_PER_SQRT_S * division_g) ** 2

    def restore(self, grams: float) -> None:
        """Take the zero kept from the last run."""
        self.grams = self.kept_g = grams

    def reset(self) -> None:
        """Another calibration: nothing that was known holds."""
        self.grams, self.kept_g, self.seen_ns, self._look = 0.0, None, None, None

    def power_up(self, t_ns: int) -> None:
        """Take note that electronics were connected and begin to warm up."""
        self._connected_ns, self._look = t_ns, None

    def within_range(self, grams: float) -> bool:
        """Tell whether this is near enough to the calibrated zero to be one."""
        return abs(grams) <= self._range_g

    def decide(self, grams: float, threshold_g: float) -> None:
        """Set the zero at the first still level, unless goods may lie there."""
        goods = self.kept_g is not None and grams - self.kept_g > threshold_g
        if self.within_range(grams) and not goods:
            self.grams = grams

    def shift(self, by_g: float) -> None:
        """Move the zero, within its range."""
        if self.within_range(self.grams + by_g):
            self.grams += by_g

    def follow(self, off_g: float, elapsed_s: float) -> None:
        """Follow drift slowly."""
        most_g = TRACK_D_PER_S * self._division_g * min(elapsed_s, 1.0)
        self.shift(min(max(off_g, -most_g), most_g))

    def see(self, t_ns: int, off_g: float, noise_sd_g: float, creep_g: float) -> None:
        """Take note of the empty, still platform: how far it is from zero, and the noise of that."""
        self.seen_ns = t_ns
        self._off_g, self._noise_g, self._creep_g = off_g, noise_sd_g, creep_g
        if self._look is None:
            self._look = (t_ns, self.grams + off_g)
        elif t_ns - self._look[0] >= LOOK_S * NS:
            self._learn(t_ns, self.grams + off_g, noise_sd_g)

    def _learn(self, t_ns: int, grams: float, noise_sd_g: float) -> None:
        elapsed_s, drifted_g = self._since_look(t_ns, grams)
        self._look = (t_ns, grams)
        if elapsed_s > 2 * LOOK_S or abs(drifted_g) > self._division_g:
            return  # something lay there meanwhile, or still does
        self._looks = min(self._looks + 1, MEMORY)
        gain = 1 / (self._looks + PRIOR)
        self._rate_g_s += gain * (drifted_g / elapsed_s - self._rate_g_s)
        beyond_g2 = (drifted_g - self._rate_g_s * elapsed_s) ** 2 - 2 * noise_sd_g**2
        self._random += gain * (beyond_g2 / elapsed_s - self._random)

    def _since_look(self, t_ns: int, grams: float) -> tuple[float, float]:
        then_ns, then_g = self._look or (t_ns, grams)
        return (t_ns - then_ns) / NS, grams - then_g

    def sd_g(self, t_ns: int, creep_g: float) -> float:
        """Return how uncertain the zero is at `t_ns`, creep since it was seen included; call it once it was seen."""
        since_s = max(t_ns - (self.seen_ns or t_ns), 0) / NS
        warming = (t_ns - self._connected_ns) / NS < self._warm_up_s
        steady_g_s = math.hypot(self._rate_g_s, WARMING_D_PER_S * self._division_g if warming else 0.0)
        random_g = math.sqrt(max(self._random, 0.0) * since_s)
        unfollowed_g = self._off_g / math.sqrt(3)
        return math.hypot(unfollowed_g, self._noise_g, random_g, steady_g_s * since_s, creep_g - self._creep_g)
