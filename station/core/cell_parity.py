"""The one redundant equation of four cells: which cell does not bear what the other three say it should.

Usual. The parity over the load, p, is regressed on (1, u, v, uv), u and v being the centre of mass in half sides: the
last coefficient is the deck's kappa, the others are what unequal gains add. The prior is what can be known of a new
station (kappa anywhere in 0..1, gains within two percent); a recursive Bayesian fit narrows it, weighting each load
by how well it fits (Student's t), within bounds. So a station that knows nothing expects nothing in particular, and
is not surprised. How far honest loads lie off, goods spread over the deck do (kappa times their covariance), is
learned too.

Judging. Each load is weighed under hypotheses: all is usual; cell i does not respond (its reading stays where it was
on the empty platform; told from any parity at all, so that feet that moved leave nobody accused); cell i gives only a
part s of its load (s = -1: wires exchanged), so that its reading over s is usual; the parity has shifted by what it
did in the last loads. The evidence of each against the usual adds up over loads (Page's cumulative sum, bounded for
each load, so that no single load accuses), and falls again with loads that are usual.

A cell that takes up too little and feet that moved look much alike in one equation, and the sum is right in the second
case: both are warnings. What stays so for many loads is the new usual.
"""

import math
from collections import deque
from typing import NamedTuple

from calibration.platform import CORNERS, MEANINGFUL_INTERVALS, Platform, place_name
from station.core.cell_words import Diagnosis, Trouble

Vector = list[float]

FREEDOM = 4.0  # of Student's t
_T_LOG = math.log(0.375)  # its density at 0
PRIOR, PRIOR_SDS = (0.0, 0.0, 0.0, 0.4), (0.02, 0.02, 0.02, 0.5)
KAPPA_SD_LEAST = 0.05  # goods lie otherwise than test weights
BOUNDS = ((-0.05, 0.05), (-0.05, 0.05), (-0.05, 0.05), (-0.1, 1.1))
SCALE_FIRST, SCALE_LEAST, SCALE_MOST = 0.05, 0.002, 0.3  # how far honest loads lie off, relative to the load
TAIL, TAIL_SHARE = 2.78, 0.05  # Student's t: so many loads lie off by more than so many scales
SCALE_STEP_MOST, SCALE_STEP_LEAST = 0.5, 0.1  # how fast the scale follows its tail: the first loads, later ones
OUTLIER = 4.0  # deviations beyond which the expectation does not follow
FORGET = 1.001  # of the doubt about the coefficients, each load
PARTS = (-1.0, 0.3, 0.5, 0.7, 0.85, 0.93)
DEAD_MOST, PART_MOST, HEALTHY_MOST = 9.0, 4.0, 3.0  # the evidence of one load
DEAD_SURE, PART_SURE, SHIFT_SURE, MARGIN = 16.0, 18.0, 20.0, 3.0
CAP = 4.0  # above what is sure, so that usual loads end an alarm
ALLOWANCE = 0.1  # of evidence, each load: what a better fit must exceed
SHIFT_LOADS = 8
USUAL_AGAIN = 60  # loads of one kind of warning make a new usual
NEWTON_STEPS, NEWTON_SHARE, SLOPE_LEAST = 4, 0.01, 0.05
STUCK_G = 0.2  # divisions: what a cell that does not respond may move besides its noise
LEVER_MOST = 1.05  # half sides: a centre of mass beyond the cells is no load that a mended cell could explain
LEAST_SHARE = 0.1  # of the sum of all forces' sizes: cells that contradict each other may cancel out


class Load(NamedTuple):
    """A settled load: what each cell bears beyond the empty platform, and the standard deviations of that."""

    forces_g: tuple[float, ...]
    sds_g: tuple[float, ...]

    @property
    def weight_g(self) -> float:
        """Return the sum, but no less than a tenth of the forces' sizes: cells that contradict may cancel out."""
        return max(sum(self.forces_g), LEAST_SHARE * sum(abs(force) for force in self.forces_g))


class _Fit(NamedTuple):
    """How a load compares with the usual: its parity in grams, what was expected, and the spread of that."""

    parity_g: float
    expected_g: float
    sd_g: float

    @property
    def log_density(self) -> float:
        """Return the logarithm of the usual density of this parity, per gram."""
        return self.log_shape + _T_LOG - math.log(self.sd_g)

    @property
    def log_shape(self) -> float:
        """Return the logarithm of that density over its greatest."""
        z = (self.parity_g - self.expected_g) / self.sd_g
        return -(FREEDOM + 1) / 2 * math.log1p(z * z / FREEDOM)


class ParityWatch:
    """Four cells' loads, one after the other."""

    def __init__(
        self, platform: Platform, division_g: float, kappa: float | None = None, kappa_sd: float | None = None
    ) -> None:
        """`kappa` is what calibrating found, with its standard deviation; without it, it is learned."""
        self._platform = platform
        self._division_g = division_g
        self._prior, self._prior_sds = PRIOR, PRIOR_SDS
        if kappa is not None and kappa_sd is not None:
            self._prior = (*PRIOR[:3], min(max(kappa, BOUNDS[3][0]), BOUNDS[3][1]))
            self._prior_sds = (*PRIOR_SDS[:3], min(max(kappa_sd, KAPPA_SD_LEAST), PRIOR_SDS[3]))
        self._begin()

    def _begin(self) -> None:
        """Know nothing."""
        self._theta: Vector = list(self._prior)
        sds = self._prior_sds
        self._cov = [[sd * sd if row == column else 0.0 for column in range(4)] for row, sd in enumerate(sds)]
        self._scale = SCALE_FIRST
        self._learned = self._warned = 0
        self._sums: dict[tuple[Trouble, int, float], float] = {}
        self._before: dict[tuple[Trouble, int, float], float] = {}
        self._off: deque[float] = deque(maxlen=SHIFT_LOADS)

    @property
    def kappa(self) -> float:
        """Return the share of the bilinear term that the deck is believed to pass on."""
        return self._theta[3]

    def expected_g(self, forces_g: tuple[float, ...]) -> float:
        """Return the usual parity of a load that presses like this."""
        return _dot(self._theta, self._features(forces_g)) * sum(forces_g)

    def judge(self, load: Load, *, fresh: bool) -> list[Diagnosis]:
        """Weigh one load and return what is sure now. Not `fresh`: more of the visit whose load was judged before."""
        fit = self._fit(load.forces_g, load.sds_g)
        if fit is None:
            return self._sure()
        if fresh:
            self._before = dict(self._sums)
        usual = fit.log_density
        for key, density in self._densities(load, fit):
            most, enough = (DEAD_MOST, DEAD_SURE) if key[0] is Trouble.NO_RESPONSE else (PART_MOST, PART_SURE)
            against = max(usual, -math.log(2 * load.weight_g)) if key[0] is Trouble.NO_RESPONSE else usual
            gain = min(max(density - against, -HEALTHY_MOST), most)
            self._sums[key] = min(max(self._before.get(key, 0.0) + gain, 0.0), enough + CAP)
        self._off.append((fit.parity_g - fit.expected_g) / load.weight_g)
        sure = self._sure()
        if not sure:
            self._learn(load, fit)
        self._warned = self._warned + 1 if sure and not sure[0].grave else 0
        if self._warned >= USUAL_AGAIN:
            self._begin()
        return sure

    def _densities(self, load: Load, fit: _Fit) -> list[tuple[tuple[Trouble, int, float], float]]:
        """Return every hypothesis with the logarithm of its density of what was seen."""
        found = []
        for cell in range(CORNERS):
            sd_g = math.hypot(load.sds_g[cell], STUCK_G * self._division_g)
            still = -math.log(sd_g * math.sqrt(2 * math.pi)) - (load.forces_g[cell] / sd_g) ** 2 / 2
            possible = still if still > fit.log_density and self._could_bear(cell, load.forces_g) else -math.inf
            found.append(((Trouble.NO_RESPONSE, cell, 0.0), possible))
            for part in PARTS:
                trouble = Trouble.WRONG_SIGN if part < 0 else Trouble.SHORT
                mended = tuple(f / part if n == cell else f for n, f in enumerate(load.forces_g))
                found.append(((trouble, cell, part), fit.log_density + self._mended_gain(mended, load, fit)))
        if len(self._off) == SHIFT_LOADS:
            shift_g = sorted(self._off)[SHIFT_LOADS // 2] * load.weight_g
            shifted = fit._replace(expected_g=fit.expected_g + shift_g)
            found.append(((Trouble.UNEVEN, -1, 0.0), shifted.log_density))
        return found

    def _could_bear(self, cell: int, forces_g: tuple[float, ...]) -> bool:
        """Tell whether some force on this cell would make the others' a usual load on the platform (Newton's steps)."""
        weights = self._platform.parity_weights or (0.0,) * CORNERS
        forces = list(forces_g)
        forces[cell] = 0.0
        for _ in range(NEWTON_STEPS):
            now = tuple(forces)
            left = self._platform.parity_g(now) - self.expected_g(now)
            step = NEWTON_SHARE * max(Load(now, ()).weight_g, 1.0)
            forces[cell] += step
            slope = (self._platform.parity_g(forces) - self.expected_g(tuple(forces)) - left) / step
            if slope * weights[cell] < SLOPE_LEAST:
                return False
            forces[cell] += -step - left / slope
        mended = tuple(forces)
        return sum(mended) > 0 and max(abs(lever) for lever in self._platform.offset(mended)) <= LEVER_MOST

    def _mended_gain(self, forces_g: tuple[float, ...], load: Load, as_read: _Fit) -> float:
        """Return how much more usual a load is as one cell's mended reading has it; none if it lies off the platform.

        Only the fit counts, not how narrow a density is, and it must be noticeably better: loads lie off in ways that
        no simple density has, and a small constant gain would accuse in the long run.
        """
        if sum(forces_g) <= 0 or max(abs(lever) for lever in self._platform.offset(forces_g)) > LEVER_MOST:
            return -math.inf
        fit = self._fit(forces_g, load.sds_g)
        if fit is None:
            return -math.inf
        return fit.log_shape - as_read.log_shape - math.log(max(fit.sd_g / as_read.sd_g, 1.0)) - ALLOWANCE

    def _sure(self) -> list[Diagnosis]:
        """Return the trouble whose evidence suffices, a grave one first; of those that explain the same, the best."""
        shift = self._sums.get((Trouble.UNEVEN, -1, 0.0), 0.0)
        for trouble in (Trouble.NO_RESPONSE, Trouble.WRONG_SIGN, Trouble.SHORT):
            sums = {key: value for key, value in self._sums.items() if key[0] is trouble}
            if not sums:
                continue
            (_, cell, part), best = max(sums.items(), key=lambda item: (item[1], item[0][2]))
            if best >= (DEAD_SURE if trouble is Trouble.NO_RESPONSE else max(PART_SURE, shift + MARGIN)):
                return [Diagnosis(trouble=trouble, cell=cell, evidence=self._doubt(sums, trouble, cell, part))]
        return [Diagnosis(trouble=Trouble.UNEVEN)] if shift >= SHIFT_SURE else []

    def _doubt(self, sums: dict[tuple[Trouble, int, float], float], trouble: Trouble, cell: int, part: float) -> str:
        """Return the figures; where corners stand alone, a cell and the one diagonally opposite explain the same."""
        words = [f"gives {part:.0%} of its load"] if trouble is Trouble.SHORT else []
        best = sums[trouble, cell, part]
        others = {other for (kind, other, _), value in sums.items() if kind is trouble and value > best - MARGIN}
        words += [f"or cell {other + 1} does, {place_name(self._platform, other)}" for other in sorted(others - {cell})]
        return "; ".join(words)

    # the usual

    def _features(self, forces_g: tuple[float, ...]) -> Vector:
        u, v = self._platform.offset(forces_g)
        lean = sum(forces_g) / Load(forces_g, ()).weight_g
        return [1.0, u * lean, v * lean, u * v * lean * lean]

    def _fit(self, forces_g: tuple[float, ...], sds_g: tuple[float, ...]) -> _Fit | None:
        """Return how forces compare with the usual; None where too little presses on the platform."""
        if sum(abs(force) for force in forces_g) < MEANINGFUL_INTERVALS * self._division_g:
            return None
        weight_g = Load(forces_g, ()).weight_g
        features = self._features(forces_g)
        known = _dot(features, _times(self._cov, features))
        noise_g = math.hypot(*sds_g, STUCK_G * self._division_g)
        sd_g = math.hypot(noise_g, weight_g * math.sqrt(known + self._scale**2))
        return _Fit(self._platform.parity_g(forces_g), _dot(self._theta, features) * weight_g, sd_g)

    def _learn(self, load: Load, fit: _Fit) -> None:
        """Move the usual towards this load as far as it is believable."""
        off = (fit.parity_g - fit.expected_g) / load.weight_g
        features = self._features(load.forces_g)
        noise = math.hypot(*load.sds_g, STUCK_G * self._division_g) / load.weight_g
        lean = _times(self._cov, features)
        known = _dot(features, lean)
        self._learned += 1
        self._follow_scale(off / math.sqrt(self._scale**2 + noise**2 + known))
        z = off * load.weight_g / fit.sd_g
        if abs(z) > OUTLIER:
            return
        trust = (FREEDOM + 1) / (FREEDOM + z * z)
        total = known + (self._scale**2 + noise**2) / trust
        self._theta = [
            min(max(old + gain * off / total, low), high)
            for old, gain, (low, high) in zip(self._theta, lean, BOUNDS, strict=True)
        ]
        self._cov = [
            [value - a * b / total for value, b in zip(row, lean, strict=True)]
            for row, a in zip(self._cov, lean, strict=True)
        ]
        if all(row[n] * FORGET <= PRIOR_SDS[n] ** 2 for n, row in enumerate(self._cov)):
            self._cov = [[value * FORGET for value in row] for row in self._cov]

    def _follow_scale(self, ratio: float) -> None:
        """Let so many loads lie off by more than the tail as Student's t has them there."""
        step = max(SCALE_STEP_MOST / math.sqrt(self._learned), SCALE_STEP_LEAST)
        self._scale *= math.exp(step * (1 - TAIL_SHARE if abs(ratio) > TAIL else -TAIL_SHARE))
        self._scale = min(max(self._scale, SCALE_LEAST), SCALE_MOST)


def _dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _times(matrix: list[Vector], vector: Vector) -> Vector:
    return [_dot(row, vector) for row in matrix]
