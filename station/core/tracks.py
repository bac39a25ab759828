"""What one scale says right now: from its samples to grams with a standard uncertainty, and whether it is still.

A converter's stream (`CountsTrack`) is judged here. Its window of the last `window_s` seconds starts anew at a step,
so that averaging never mixes two loads. The load is still when the window is full, its scatter is near the lowest
scatter lately seen (the floor: what this platform in this shop does when nobody touches it), and it has neither a
trend nor a bend (the turning point of a slow swing). The floor follows the shop's noise down at once and up by 4 % a
second, and is bounded: a noisy platform settles with a wider uncertainty, a shaken one never.

A calibrated instrument (`IndicationTrack`) judges stillness itself; two reports in a row must agree.

The uncertainty of a reading is that of the mean of its batches, what a trend or a bend beyond chance implies, that
of the calibration, and creep: within the first second a small part of what a class C3 cell may do in half an hour
(OIML R 60: 0.0245 % of its capacity).
"""

import itertools
import math
from collections import deque
from typing import NamedTuple, Protocol

import msgspec

from calibration.limits import class_iii_mpe_g
from calibration.model import Calibration

NS = 1_000_000_000
CORRELATED = 4  # neighbouring samples that tell no more than one, in the short mean
MIN_SAMPLES = 8  # at 10 samples a second a window is longer than it is asked to be
BATCHES = MIN_SAMPLES  # parts of a window whose means tell how correlated its samples are
SLOPE_NOISE = 3.2  # noise of a difference of two half-window means, in scatter / sqrt(n): 2, and the median's kinship
SWING = 3.0  # how far a slow swing's turning point is off, over the bend it leaves in a window
CREEP_REL_SD = 1e-5
FLOOR_RISE_PER_S = 0.04
SHORT = 8  # samples in the short mean: 0.1 s at 80 samples a second
MEDIAN = 3
CALM_SHARE, CALM_DIVISIONS = 0.3, 2.0  # a load is calm with this much of a window, and this scatter
STEP_SAMPLES = 2  # samples in a row that make a step
MINIMUM_DIVISIONS = 20  # below this an instrument of class III need not weigh: the load is anything from nothing up
BAD_SAMPLES = 8  # unusable samples in a row that make a fault


class ScaleSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of one scale."""

    name: str = "scale-1"
    counts: bool  # gives counts, which calibration turns into grams; otherwise it indicates grams
    capacity_g: float
    division_g: float


class Level(NamedTuple):
    """The load as it stands: the last instant, the mean of the window, its uncertainty, and whether it is still."""

    now_g: float | None  # None: in motion, with no value
    now_sd_g: float
    mean_g: float
    sd_g: float
    still: bool
    calm_since: int | None = None  # which step the load has nearly settled after; None: it has not


class Track(Protocol):
    """One scale's samples become its level; `fault` is None or what is wrong with it."""

    fault: str | None

    def level(self) -> Level | None:
        """Return the present level, None while nothing is known."""

    def clear(self) -> None:
        """Forget everything that was measured."""


class CountsTrack:
    """A stream of raw counts."""

    def __init__(self, spec: ScaleSpec, window_s: float) -> None:
        self.fault: str | None = None
        self.calibration: Calibration | None = None
        self._spec = spec
        self._window_ns = int(window_s * NS)
        self._window: deque[tuple[int, float]] = deque()
        self._raw: deque[float] = deque(maxlen=MEDIAN)
        self._floor_g = spec.division_g / 4
        self._off = 0  # samples in a row that do not belong to the window
        self._bad = 0
        self._step_no = 0
        self._swung_ns: int | None = None  # when the load was last seen to move slowly
        self._level: Level | None = None

    def level(self) -> Level | None:
        """Return the present level, None until the window has a few samples."""
        return self._level

    def clear(self) -> None:
        """Forget everything that was measured, but not the floor of the noise."""
        self._window.clear()
        self._raw.clear()
        self._level = self._swung_ns = None

    def feed(self, t_ns: int, counts: tuple[int, ...], *, usable: bool, settling: bool) -> None:
        """Take one sample; one that is not `usable` only counts towards a fault."""
        if settling:
            self._window.clear()
            self._raw.clear()
        if not usable:
            return self._count_bad()
        if self.calibration is None:
            return None
        if len(counts) != len(self.calibration.cells):
            self.fault = f"{len(counts)} channels arrive, {len(self.calibration.cells)} are calibrated"
            return None
        self._bad, self.fault = 0, None
        self._raw.append(self.calibration.gross_g(counts))
        self._insert(t_ns, sorted(self._raw)[len(self._raw) // 2])
        self._level = self._measure()
        return None

    def _count_bad(self) -> None:
        self._bad += 1
        if self._bad >= BAD_SAMPLES:
            self.fault = "unusable samples only (a load cell unplugged, or overloaded)"
            self.clear()

    def _insert(self, t_ns: int, grams: float) -> None:
        window = self._window
        if window and t_ns <= window[-1][0]:
            return  # time that does not move forward would make a false slope
        if window and t_ns - window[-1][0] > 2 * self._window_ns:
            window.clear()  # after a silence nothing old counts
        self._off = self._off + 1 if self._steps(grams) else 0
        if self._off >= STEP_SAMPLES:
            window.clear()
            self._off = 0
            self._step_no += 1
        window.append((t_ns, grams))
        while len(window) > MIN_SAMPLES and t_ns - window[0][0] > self._window_ns:
            window.popleft()

    def _steps(self, grams: float) -> bool:
        if not self._window:
            return False
        recent = list(self._window)[-SHORT:]
        mean_g = sum(value for _, value in recent) / len(recent)
        return abs(grams - mean_g) > max(2 * self._spec.division_g, 6 * self._floor_g)

    def _measure(self) -> Level | None:
        values = [grams for _, grams in self._window]
        n = len(values)
        if n < MIN_SAMPLES:
            return None if self._level is None else self._level._replace(now_g=values[-1], still=False)
        shape = _shape(values)
        full = self._window[-1][0] - self._window[0][0] >= 0.9 * self._window_ns
        still = full and self._is_still(shape, n, self._window[-1][0])
        if full:
            self._follow_floor(shape.scatter, n)
        calm = shape.scatter <= CALM_DIVISIONS * self._spec.division_g and (
            self._window[-1][0] - self._window[0][0] >= CALM_SHARE * self._window_ns
        )
        return self._level_of(values, shape, still=still)._replace(calm_since=self._step_no if calm else None)

    def _is_still(self, shape: "_Shape", n: int, t_ns: int) -> bool:
        """Judge a full window; after a slow motion without much scatter, half a window more must be still."""
        noise = max(self._floor_g, shape.scatter) * SLOPE_NOISE / math.sqrt(n)
        allowed = max(self._spec.division_g / 10, 3 * noise)
        if shape.scatter > max(self._spec.division_g / 4, 3 * self._floor_g):
            return False
        if abs(shape.trend) > allowed or abs(shape.bend) > allowed:
            self._swung_ns = t_ns
            return False
        return self._swung_ns is None or t_ns - self._swung_ns >= self._window_ns // 2

    def _follow_floor(self, scatter: float, n: int) -> None:
        period_s = (self._window[-1][0] - self._window[0][0]) / (n - 1) / NS
        risen = self._floor_g * (1 + FLOOR_RISE_PER_S * period_s)
        self._floor_g = min(max(scatter, 0.01 * self._spec.division_g), risen, 2 * self._spec.division_g)

    def _level_of(self, values: list[float], shape: "_Shape", *, still: bool) -> Level:
        n = len(values)
        noise = shape.scatter / math.sqrt(n)
        drift = max(0.0, abs(shape.trend) - 2 * SLOPE_NOISE * noise) / 2
        swing = SWING * max(0.0, abs(shape.bend) - SLOPE_NOISE * noise)
        calibration_g = self.calibration.sd_g(shape.mean) if self.calibration else 0.0
        sd = math.hypot(shape.spread, drift, swing, calibration_g, CREEP_REL_SD * shape.mean)
        short = values[-SHORT:]
        now_sd = max(shape.scatter, self._floor_g) * math.sqrt(CORRELATED / len(short))
        return Level(sum(short) / len(short), now_sd, shape.mean, sd, still)


class _Shape(NamedTuple):
    """How a window of samples lies around its mean."""

    mean: float
    scatter: float  # standard deviation of one sample
    spread: float  # standard deviation of the mean, from the batches' own: neighbours may be alike
    trend: float  # second half less first half
    bend: float  # outer quarters less the middle: the turning point of a slow swing has no trend, but this


def _shape(values: list[float]) -> _Shape:
    n = len(values)
    mean = sum(values) / n
    scatter = math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1))
    edges = [n * part // BATCHES for part in range(BATCHES + 1)]
    parts = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(edges)]
    half = BATCHES // 2
    quarter = BATCHES // 4
    trend = (sum(parts[half:]) - sum(parts[:half])) / half
    outer = (sum(parts[:quarter]) + sum(parts[-quarter:])) / (2 * quarter)
    inner = sum(parts[quarter:-quarter]) / (BATCHES - 2 * quarter)
    return _Shape(mean, scatter, _spread(parts, scatter**2 / n), trend, outer - inner)


def _spread(parts: list[float], white: float) -> float:
    """Return the standard deviation of the mean of batches that may be alike; `white` is its square if none are."""
    mean = sum(parts) / BATCHES
    variance = sum((part - mean) ** 2 for part in parts) / (BATCHES - 1)
    steps = sum((b - a) ** 2 for a, b in itertools.pairwise(parts)) / (BATCHES - 1)
    alike = 1 - steps / (2 * variance) + 1 / BATCHES if variance else 0.0  # von Neumann's ratio, its bias taken off
    alike = min(max(alike, -0.6), 0.85)
    return math.sqrt(max(variance / BATCHES * (1 + alike) / (1 - alike), white / 4))


class IndicationTrack:
    """The reports of a calibrated instrument."""

    def __init__(self, spec: ScaleSpec) -> None:
        self.fault: str | None = None
        self._spec = spec
        self._last_g: float | None = None
        self._level: Level | None = None
        self._not_ready = 0

    def level(self) -> Level | None:
        """Return the level last reported; None after a clear, until the next weight."""
        return self._level

    def clear(self) -> None:
        """Forget the last report."""
        self._last_g = self._level = None

    def feed(self, state: str, weight_g: float | None, reason: str = "") -> None:
        """Take one report (drivers.base.ScaleState); `reason` says in words why there is no weight."""
        self._not_ready = self._not_ready + 1 if state == "not_ready" else 0
        self.fault = None
        if state == "overload":
            self.fault = "overloaded"
            self.clear()
        elif self._not_ready >= BAD_SAMPLES:
            self.fault = f"not ready: {reason}" if reason else "not ready"
            self.clear()
        elif state == "stable" and weight_g is not None:
            self._take(weight_g)
        elif state == "same" and self._last_g is not None:
            self._take(self._last_g)  # the instrument says that the load has not moved since
        elif state == "below_minimum":
            self._take(0.0, MINIMUM_DIVISIONS * self._spec.division_g / math.sqrt(3))
        elif state == "under_zero":
            self._take(min(weight_g or 0.0, 0.0))
        elif state == "motion":
            self._move()

    def _take(self, grams: float, more_sd_g: float = 0.0) -> None:
        agrees = self._last_g is not None and abs(grams - self._last_g) <= self._spec.division_g / 2
        self._last_g = grams
        sd_g = math.hypot(self.indicated_sd_g(grams), more_sd_g)
        self._level = Level(grams, 0.0, grams, sd_g, agrees)

    def _move(self) -> None:
        self._last_g = None
        mean_g = 0.0 if self._level is None else self._level.mean_g
        self._level = Level(None, 0.0, mean_g, self.indicated_sd_g(mean_g), still=False)

    def indicated_sd_g(self, grams: float) -> float:
        """Return the standard uncertainty: rounding at zero and at the load, and the class III limit as three sigma."""
        rounding = 2 * self._spec.division_g**2 / 12
        return math.sqrt(rounding + (class_iii_mpe_g(grams, self._spec.division_g) / 3) ** 2)
