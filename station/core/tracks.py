"""What one scale says right now: from its samples to grams with a standard uncertainty, and whether it is still.

A converter's stream (`CountsTrack`) is judged here: without single wild values (`despike`), calibrated and summed, in a
window that starts anew at a step (`window`), so that averaging never mixes two loads. The load is still when the window
is full, its scatter is near the lowest lately seen, and none of its contrasts shows slow motion beyond the noise of
this platform (`floor`): a noisy platform settles with a wider uncertainty, a shaken one never. After slow motion half a
window more must be still.

The weight is the centre of the window. While the load stays still, the centres of windows half a window apart are
averaged, up to `LONGEST` of them, so that a reading made later is surer. Its uncertainty is the noise of that average
and the calibration's gain. How far the zero and creep are off (`zero`, `creep`) is the platform's business.

A calibrated instrument (`IndicationTrack`) judges stillness itself; two reports in a row must agree.
"""

import math
from collections import deque
from typing import NamedTuple, Protocol

import msgspec

from calibration.limits import class_iii_mpe_g
from calibration.model import Calibration
from station.core.creep import Creep
from station.core.despike import Despiker
from station.core.floor import Floor
from station.core.swing import Fit, Swing
from station.core.window import MIN_SAMPLES, Shape, Window

NS = 1_000_000_000
CORRELATED = 4  # neighbouring samples that tell no more than one, in the short mean
SHORT = 8  # samples in the short mean: 0.1 s at 80 samples a second
LONGEST = 16  # windows, half overlapping, in the mean of a load that stays still: 3.4 s of them
SLOW_SDS = 3.2  # a contrast beyond this much of its noise is motion
SWUNG = 2.0  # beyond this many times what is allowed, slow motion may be a swing, whose turning points look still
SWING_HOLD_S = 1.0  # so long it must be quiet then: half the period of the slowest swing
SWING_AFTER_S = 0.95  # a load that moves for so long is asked whether it swings; before, its step is in every fit
SWING_SD_D = 0.1  # how sure its level must be, in divisions
APART_SDS = 4.0  # a window whose centre is this far from the average of those before belongs to another load
CALM_SHARE, CALM_DIVISIONS = 0.3, 2.0  # a load is calm with this much of a window, and this scatter
STEP_SAMPLES = 2  # samples in a row that make a step
MINIMUM_DIVISIONS = 20  # below this an instrument of class III need not weigh: the load is anything from nothing up
SHARED_DIVISIONS = 200  # a load from which on its shares tell where it presses, whatever the cells' zeros did
DAY_NS = 86_400 * NS
BAD_SAMPLES = 8  # unusable samples in a row that make a fault


class ScaleSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of one scale."""

    name: str = "scale-1"
    counts: bool  # gives counts, which calibration turns into grams; otherwise it indicates grams
    capacity_g: float
    division_g: float


class Level(NamedTuple):
    """The load as it stands: the last instant, the mean of the window, its uncertainty, and whether it is still.

    `sd_g` is that of the mean, `mean_sd_g` the part of it that comes from noise and that more time would narrow.
    """

    now_g: float | None  # None: in motion, with no value
    now_sd_g: float
    mean_g: float
    sd_g: float
    still: bool
    calm_since: int | None = None  # which step the load has nearly settled after; None: it has not
    mean_sd_g: float = 0.0
    creep_sd_g: float = 0.0  # how far the cells may have crept, signed: a difference of two of them counts
    zero_sd_g: float = 0.0  # of the calibrated zero, which counts until the platform was seen empty


class Age(NamedTuple):
    """How old a calibration was at `t_ns`, and how far span checks doubt its gain, as a standard uncertainty."""

    t_ns: int
    days: float
    doubt_rel: float


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
        self._aged = Age(0, 0.0, 0.0)
        self._sound: tuple[int, ...] = ()  # the last sample that is believed
        self._spec = spec
        self._window_ns = int(window_s * NS)
        self._window = Window(self._window_ns)
        self._despiker = Despiker()
        self._floor = Floor(spec.division_g)
        self._creep = Creep()
        self._swing = Swing()
        self._off = 0  # samples in a row that do not belong to the window
        self._bad = 0
        self._step_no = 0
        self._hold_ns = 0  # until when the load must stay still, because it was seen to move slowly
        self._swung = False  # whether that may have been a swing
        self._moved_ns: int | None = None  # since when it has not been still
        self._centres: deque[float] = deque(maxlen=LONGEST)
        self._centre_ns = 0  # when the last of them was taken
        self._learnt_ns = 0  # when the floor learnt last
        self._level: Level | None = None

    def level(self) -> Level | None:
        """Return the present level, None until the window has a few samples."""
        return self._level

    def clear(self) -> None:
        """Forget everything that was measured, but not what the platform's noise is like."""
        self._restart()
        self._despiker.clear()
        self._swing.clear()
        self._level, self._moved_ns, self._hold_ns, self._swung = None, None, 0, False

    def age(self, age: Age) -> None:
        """Take note how old the calibration is."""
        self._aged = age

    def feed(self, t_ns: int, counts: tuple[int, ...], *, usable: bool, settling: bool) -> None:
        """Take one sample; one that is not `usable` only counts towards a fault."""
        if settling:
            self._restart()
            self._swing.clear()
            self._despiker.clear()
        if not usable:
            return self._count_bad()
        if self.calibration is None:
            return None
        if len(counts) != len(self.calibration.cells):
            self.fault = f"{len(counts)} channels arrive, {len(self.calibration.cells)} are calibrated"
            return None
        self._bad, self.fault = 0, None
        last_ns = self._window.last_ns
        if last_ns is not None and t_ns - last_ns > 2 * self._window_ns:
            self._restart()  # after a silence nothing old counts
            self._swing.clear()
            self._despiker.clear()
        decided = self._despiker.feed(t_ns, counts)
        for then_ns, sound in decided:
            self._sound = sound
            self._insert(then_ns, self.calibration.gross_g(sound))
        if not decided and self._level is not None:
            self._level = self._level._replace(still=False)  # the next sample tells
        return None

    def _count_bad(self) -> None:
        self._bad += 1
        if self._bad >= BAD_SAMPLES:
            self.fault = "unusable samples only (a load cell unplugged, or overloaded)"
            self.clear()

    def _restart(self) -> None:
        self._window.clear()
        self._centres.clear()
        self._floor.interrupt()

    def _insert(self, t_ns: int, grams: float) -> None:
        last_ns = self._window.last_ns
        if last_ns is not None and t_ns <= last_ns:
            return  # time that does not move forward would make a false slope
        elapsed_s = 0.0 if last_ns is None else (t_ns - last_ns) / NS
        self._creep.advance(grams, elapsed_s)
        self._off = self._off + 1 if self._steps(grams) else 0
        if self._off >= STEP_SAMPLES:
            self._restart()
            self._off = 0
            self._hold_ns, self._swung = 0, False
            self._step_no += 1
        self._window.add(t_ns, grams)
        self._swing.add(t_ns, grams)
        self._level = self._measure(t_ns, elapsed_s)

    def _steps(self, grams: float) -> bool:
        if not len(self._window):
            return False
        mean_g, _ = self._window.recent(SHORT)
        return abs(grams - mean_g) > max(2 * self._spec.division_g, 6 * self._floor.scatter_g)

    def _measure(self, t_ns: int, elapsed_s: float) -> Level | None:
        now_g, count = self._window.recent(SHORT)
        if len(self._window) < MIN_SAMPLES:
            return None if self._level is None else self._level._replace(now_g=now_g, still=False)
        shape, span_ns = self._window.shape(), self._window.span_ns
        full = span_ns >= 0.9 * self._window_ns
        if full:
            self._learn(shape, t_ns, elapsed_s)
        quiet = full and self._is_quiet(shape, t_ns)
        mean_g, mean_sd_g = self._mean(shape, t_ns, quiet=quiet)
        still = quiet and self._is_still(t_ns)
        calm = shape.scatter <= CALM_DIVISIONS * self._spec.division_g and span_ns >= CALM_SHARE * self._window_ns
        now_sd_g = max(shape.scatter, self._floor.scatter_g) * math.sqrt(CORRELATED / count)
        level = Level(now_g, now_sd_g, mean_g, mean_sd_g, still, self._step_no if calm else None, mean_sd_g)
        return self._with_calibration(self._swinging(level, t_ns), t_ns)

    def _learn(self, shape: Shape, t_ns: int, elapsed_s: float) -> None:
        self._floor.follow(shape, elapsed_s)
        if shape.rest <= self._loud_g() and t_ns - self._learnt_ns >= self._window_ns // 2:
            self._learnt_ns = t_ns
            self._floor.learn(shape)

    def _loud_g(self) -> float:
        """Return the scatter from which on the platform is not still."""
        return max(self._spec.division_g / 4, 3 * self._floor.scatter_g)

    def _with_calibration(self, level: Level, t_ns: int) -> Level:
        """Add what the calibration leaves uncertain; where the load presses is asked when it is still."""
        calibration = self.calibration
        if calibration is None:
            return level
        shares = self._shares(calibration) if level.still else None
        age_days = self._aged.days + (t_ns - self._aged.t_ns) / DAY_NS
        span_g = calibration.span_sd_g(level.mean_g, shares, age_days=age_days)
        zero_g = math.hypot(calibration.zero_sd_g, calibration.zero_sd_g_per_k * calibration.swing_k)
        return level._replace(
            sd_g=math.hypot(level.sd_g, span_g, self._aged.doubt_rel * level.mean_g),
            creep_sd_g=self._creep.sd_g,
            zero_sd_g=zero_g,
        )

    def _shares(self, calibration: Calibration) -> tuple[float, ...] | None:
        """Return the cells' parts of the load; None where it is too light to tell, or the gains' kinship unknown."""
        if not calibration.gain_cov:
            return None
        forces_g = calibration.cell_grams(self._sound)
        total_g = sum(forces_g)
        if total_g < SHARED_DIVISIONS * self._spec.division_g:
            return None
        return tuple(force_g / total_g for force_g in forces_g)

    def _is_quiet(self, shape: Shape, t_ns: int) -> bool:
        """Judge one full window; take note of slow motion without much scatter."""
        allowed_g = max(self._spec.division_g / 100, SLOW_SDS * self._floor.slow_sd_g)
        slow_g = max(abs(shape.trend), abs(shape.bend))
        if slow_g <= allowed_g:
            return shape.scatter <= self._loud_g()
        if shape.rest <= self._loud_g():
            self._hold_ns = t_ns + self._window_ns // 2
            self._swung |= slow_g > SWUNG * allowed_g
        return False

    def _is_still(self, t_ns: int) -> bool:
        """Tell whether quiet windows are enough; after slow motion more than one is needed."""
        enough = len(self._centres) * self._window_ns >= 2 * SWING_HOLD_S * NS
        return t_ns >= self._hold_ns and (enough or not self._swung)

    def _swinging(self, level: Level, t_ns: int) -> Level:
        """Weigh a load that does not come to rest by the level it swings around, where that is sure enough."""
        if level.still:
            self._moved_ns = None
            return level
        self._moved_ns = self._moved_ns or t_ns
        if t_ns - self._moved_ns < SWING_AFTER_S * NS:
            return level
        fit = self._swing.fit(self._floor.scatter_g**2, self._floor.slow_var_g2)
        if fit is None or fit.sd_g > SWING_SD_D * self._spec.division_g:
            return level
        now_g = None if level.now_g is None else level.now_g - self._mean_swing_g(fit, t_ns)
        now_sd_g = self._floor.scatter_g * math.sqrt(CORRELATED / SHORT)
        return level._replace(
            now_g=now_g, now_sd_g=now_sd_g, mean_g=fit.level_g, sd_g=fit.sd_g, mean_sd_g=fit.sd_g, still=True
        )

    def _mean_swing_g(self, fit: Fit, t_ns: int) -> float:
        """Return the swing in the middle of the short mean."""
        _, count = self._window.recent(SHORT)
        period_ns = self._window.span_ns / max(len(self._window) - 1, 1)
        return fit.swing_g(t_ns - int(period_ns * (count - 1) / 2))

    def _mean(self, shape: Shape, t_ns: int, *, quiet: bool) -> tuple[float, float]:
        """Return the mean of the load since it is quiet, and its standard deviation."""
        if not quiet:
            self._centres.clear()
            return shape.mean, math.hypot(shape.scatter, shape.trend, shape.bend)
        sd_g = self._floor.centre_sd_g(shape)
        if not self._centres or t_ns - self._centre_ns >= self._window_ns // 2:
            self._take_centre(shape, t_ns, sd_g)
        count = len(self._centres)
        kinship = 1 + (count - 1) / count / 3  # neighbours that overlap by half share a sixth of their noise
        mean_g = sum(self._centres) / count
        swing_g2 = sum((centre_g - mean_g) ** 2 for centre_g in self._centres) / count if self._swung else 0.0
        return mean_g, math.sqrt(sd_g**2 * kinship / count + swing_g2)

    def _take_centre(self, shape: Shape, t_ns: int, sd_g: float) -> None:
        self._centre_ns = t_ns
        if self._centres and abs(shape.centre - sum(self._centres) / len(self._centres)) > APART_SDS * sd_g:
            self._centres.clear()
        self._centres.append(shape.centre)
        self._swung &= len(self._centres) < LONGEST


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
