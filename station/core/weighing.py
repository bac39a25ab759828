"""The platform: from the levels of its scales to what matters to a visit (loaded, settled, moved, unloaded).

The scales' levels add up. The platform is in one of four phases. `UNKNOWN` at start and after trouble: the first
still level decides what lies there. `EMPTY`: within the load threshold of zero. `MOVING`: something happens.
`SETTLED`: a reading was given, and stands until the short mean leaves it.

Zero (converters only; an instrument keeps its own). At start the kept zero is restored; it is set anew only within
2 % of capacity of the calibrated zero, and not when a kept zero says that goods lie there. While the station is idle,
unloaded and still, the zero follows drift by at most a twentieth of a division a second (OIML R 76 allows half; drift
needs far less, and goods that are poured must not be followed) and never further than 2 % of capacity from the
calibrated zero. What the empty platform showed last besides is part of the uncertainty of the next load. A platform
that stays below zero for 5 s is set to zero (R 76 likewise).
"""

import enum
import math
from typing import Annotated

import msgspec
from msgspec import Meta

from calibration.model import Calibration
from station.core.evidence import Reading
from station.core.tracks import NS, CountsTrack, IndicationTrack, Level, ScaleSpec, Track

ZERO_RANGE = 0.02  # of capacity
BELOW_ZERO_S = 5.0
TRACK_D_PER_S = 0.05
SUSTAIN = 3  # evaluations in a row before a departure is believed
MOTION_LOAD_S = 1.0  # motion without a value for this long means that something lies there
SILENT_S = 2.0
FRESH_S = {True: 0.5, False: 1.5}  # a level older than this is not still: of a converter, of an instrument
OVER_DIVISIONS = 9  # OIML R 76: no indication above Max + 9 e


class WeighingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Window of the mean, and the least weight that is a load (None: four divisions)."""

    window_s: Annotated[float, Meta(ge=0.2, le=5)] = 0.4
    load_threshold_g: Annotated[float, Meta(gt=0, le=10_000)] | None = None


class PlatformPhase(enum.Enum):
    """What the platform is doing."""

    UNKNOWN = enum.auto()
    EMPTY = enum.auto()
    MOVING = enum.auto()
    SETTLED = enum.auto()


class Loaded(msgspec.Struct, frozen=True):
    """Something was put on the empty platform; its weight, if one can be told yet."""

    gross_g: float | None
    sd_g: float | None


class Settled(msgspec.Struct, frozen=True):
    """The load lies still."""

    reading: Reading


class Calmed(msgspec.Struct, frozen=True):
    """The load has nearly settled since its last step: cameras may look while the rest of the settling goes on."""


class Moved(msgspec.Struct, frozen=True):
    """The load is not what the last reading said."""


class Unloaded(msgspec.Struct, frozen=True):
    """The platform is empty and still."""


Change = Loaded | Calmed | Settled | Moved | Unloaded


class Weighing:
    """The whole platform. Feed it events' contents; it returns what changed."""

    def __init__(self, specs: tuple[ScaleSpec, ...], settings: WeighingSettings) -> None:
        self.specs = specs
        self.capacity_g = sum(spec.capacity_g for spec in specs)
        self.division_g = math.sqrt(sum(spec.division_g**2 for spec in specs))
        self.threshold_g = settings.load_threshold_g or 4 * self.division_g
        self.phase = PlatformPhase.UNKNOWN
        self.reading: Reading | None = None
        self.zero_g = 0.0
        self.idle = True  # told by the owner: no visit is open
        self._kept_zero_g: float | None = None
        self.zero_known = not any(spec.counts for spec in specs)
        self._converters = {n: CountsTrack(s, settings.window_s) for n, s in enumerate(specs) if s.counts}
        self._instruments = {n: IndicationTrack(s) for n, s in enumerate(specs) if not s.counts}
        self._tracks: dict[int, Track] = {**self._converters, **self._instruments}
        self._last_ns: list[int | None] = [None] * len(specs)
        self._off = 0
        self._since_ns: int | None = None  # when the present motion or under-zero began
        self._tracked_ns = 0
        self._now_ns = 0
        self._calm_since: int | None = None
        self._seen_empty = False
        self.was_loaded = False
        self._rest = (0.0, 0.0)  # what the empty platform showed last, and its standard deviation

    # what comes in

    def calibrate(self, scale: int, calibration: Calibration | None) -> None:
        """Use this calibration from now on; the zero of another calibration says nothing any more."""
        before = self._converters[scale].calibration
        if before is not None and before != calibration:
            self.zero_g, self._kept_zero_g, self.zero_known = 0.0, None, False
        self._converters[scale].calibration = calibration
        self.forget(scale)

    def restore_zero(self, zero_g: float) -> None:
        """Take the zero kept from the last run; only before the first reading."""
        self.zero_g = self._kept_zero_g = zero_g

    def forget(self, scale: int) -> None:
        """A scale was lost or changed: nothing measured so far holds."""
        self._tracks[scale].clear()
        self.distrust()

    def distrust(self) -> None:
        """Something is wrong: the next still level decides anew what lies there."""
        self.phase, self.reading = PlatformPhase.UNKNOWN, None
        self._off, self._since_ns = 0, None

    def connected(self, scale: int, t_ns: int) -> None:
        """A scale was found: from now on its silence is a fault."""
        self._last_ns[scale] = t_ns
        self.forget(scale)

    def sampled(self, scale: int, t_ns: int, counts: tuple[int, ...], *, usable: bool, settling: bool) -> list[Change]:
        """Take one sample of a converter."""
        self._converters[scale].feed(t_ns, counts, usable=usable, settling=settling)
        return self._evaluate(scale, t_ns)

    def indicated(self, scale: int, t_ns: int, state: str, weight_g: float | None, reason: str = "") -> list[Change]:
        """Take one report of an instrument."""
        self._instruments[scale].feed(state, weight_g, reason)
        return self._evaluate(scale, t_ns)

    # what can be asked

    def fault(self, scale: int, t_ns: int) -> str | None:
        """Return what is wrong with a scale at `t_ns`, None if nothing."""
        track, last_ns, spec = self._tracks[scale], self._last_ns[scale], self.specs[scale]
        if scale in self._converters and self._converters[scale].calibration is None:
            return "not calibrated"
        if track.fault is not None:
            return track.fault
        if last_ns is not None and t_ns - last_ns > SILENT_S * NS:
            return "silent"
        level = track.level()
        if level is not None and level.mean_g > spec.capacity_g + OVER_DIVISIONS * spec.division_g:
            return "overloaded"
        return None

    def level(self) -> Level | None:
        """Return the level of the whole platform from the present zero, None while any scale has none."""
        levels = [track.level() for track in self._tracks.values()]
        known = [level for level in levels if level is not None]
        if len(known) < len(levels):
            return None
        now = [level.now_g for level in known if level.now_g is not None]
        return Level(
            now_g=sum(now) - self.zero_g if len(now) == len(known) else None,
            now_sd_g=math.sqrt(sum(level.now_sd_g**2 for level in known)),
            mean_g=sum(level.mean_g for level in known) - self.zero_g,
            sd_g=math.sqrt(sum(level.sd_g**2 for level in known)),
            still=all(level.still for level in known) and all(self._fresh(scale) for scale in self._tracks),
            calm_since=_calm([level.calm_since for level in known]),
        )

    @property
    def may_be_empty(self) -> bool:
        """Whether it is empty, or has never been seen empty since the start: its zero may have drifted meanwhile."""
        return self.phase is PlatformPhase.EMPTY or not self._seen_empty

    def same_load(self, one: Reading, other: Reading) -> bool:
        """Return whether two readings can be of one load: within a division, or five times their noise."""
        noise_g = math.hypot(one.noise_sd_g, other.noise_sd_g)
        return abs(one.gross_g - other.gross_g) <= max(self.division_g, 5 * noise_g)

    def _fresh(self, scale: int) -> bool:
        last_ns = self._last_ns[scale]
        return last_ns is not None and self._now_ns - last_ns <= FRESH_S[self.specs[scale].counts] * NS

    def set_zero(self) -> str | None:
        """Make the present weight zero; return None, or why that is refused."""
        level = self.level()
        if all(not spec.counts for spec in self.specs):
            return "the scale keeps its own zero: use its zero key"
        if level is None or not level.still or not self.may_be_empty:
            return "the platform is not empty and still"
        if not self._within_zero_range(self.zero_g + level.mean_g):
            return f"more than {ZERO_RANGE:.0%} of capacity from the calibrated zero"
        self.zero_g += level.mean_g
        self.distrust()
        return None

    # phases

    def _evaluate(self, scale: int, t_ns: int) -> list[Change]:
        self._last_ns[scale] = t_ns
        self._now_ns = max(self._now_ns, t_ns)
        level = self.level()
        if level is None:
            return []
        return {
            PlatformPhase.UNKNOWN: self._unknown,
            PlatformPhase.EMPTY: self._empty,
            PlatformPhase.MOVING: self._moving,
            PlatformPhase.SETTLED: self._settled,
        }[self.phase](level, t_ns)

    def _unknown(self, level: Level, t_ns: int) -> list[Change]:
        if not level.still:
            return []
        if not self.zero_known:
            self._decide_zero(level.mean_g + self.zero_g)
            self.zero_known = True
            level = self.level() or level
        return self._moving(level, t_ns)

    def _decide_zero(self, calibrated_g: float) -> None:
        """Set the zero at the first still level, unless goods may lie there."""
        goods = self._kept_zero_g is not None and calibrated_g - self._kept_zero_g > self.threshold_g
        if self._within_zero_range(calibrated_g) and not goods:
            self.zero_g = calibrated_g

    def _moving(self, level: Level, t_ns: int) -> list[Change]:
        if not level.still:
            return self._calm(level)
        self._off, self._since_ns = 0, None
        if level.mean_g <= self.threshold_g:
            self.phase, self.reading = PlatformPhase.EMPTY, None
            self._seen_empty = True
            self._tracked_ns, self._rest = t_ns, (level.mean_g, level.sd_g)
            return [Unloaded()]
        self.phase, self.was_loaded = PlatformPhase.SETTLED, True
        rest_g, rest_sd_g = self._rest
        sd_g = math.hypot(level.sd_g, rest_sd_g, rest_g / math.sqrt(3))
        self.reading = Reading(t_ns=t_ns, gross_g=level.mean_g, sd_g=sd_g, noise_sd_g=level.now_sd_g)
        return [Settled(self.reading)]

    def _calm(self, level: Level) -> list[Change]:
        """Tell once after each step that the load has nearly settled."""
        told, self._calm_since = self._calm_since, level.calm_since
        news = level.calm_since is not None and level.calm_since != told and level.mean_g > self.threshold_g
        if level.calm_since is None:
            self._calm_since = told
        return [Calmed()] if news else []

    def _empty(self, level: Level, t_ns: int) -> list[Change]:
        if level.now_g is None:
            self._since_ns = self._since_ns or t_ns
            lies_there = t_ns - self._since_ns >= MOTION_LOAD_S * NS
            return self._load(None) if lies_there else []
        if level.now_g > self.threshold_g:
            self._since_ns = None
            self._off += 1
            if level.still:
                return self._load(level) + self._moving(level, t_ns)
            return self._load(level) if self._off >= SUSTAIN else []
        self._off = 0
        self._keep_zero(level, t_ns)
        return []

    def _load(self, level: Level | None) -> list[Change]:
        self.phase, self._off = PlatformPhase.MOVING, 0
        return [Loaded(None, None) if level is None else Loaded(level.now_g, max(level.now_sd_g, level.sd_g))]

    def _settled(self, level: Level, _t_ns: int) -> list[Change]:
        if level.now_g is not None and self.reading is not None:
            tolerance_g = max(self.division_g, 5 * level.now_sd_g)
            self._off = self._off + 1 if abs(level.now_g - self.reading.gross_g) > tolerance_g else 0
            if self._off < SUSTAIN and not (self._off and level.still):
                return []
        self.phase, self._off, self.reading = PlatformPhase.MOVING, 0, None
        return [Moved()]

    # zero

    def _keep_zero(self, level: Level, t_ns: int) -> None:
        if level.still:
            self._rest = (level.mean_g, level.sd_g)
        elapsed_s, self._tracked_ns = (t_ns - self._tracked_ns) / NS, t_ns
        if not (level.still and self.idle and any(spec.counts for spec in self.specs)):
            self._since_ns = None
            return
        if level.mean_g < -self.threshold_g:
            self._since_ns = self._since_ns or t_ns
            if t_ns - self._since_ns >= BELOW_ZERO_S * NS:
                self._shift_zero(level.mean_g)
            return
        self._since_ns = None
        if abs(level.mean_g) <= self.division_g:
            most_g = TRACK_D_PER_S * self.division_g * min(elapsed_s, 1.0)
            self._shift_zero(min(max(level.mean_g, -most_g), most_g))

    def _shift_zero(self, by_g: float) -> None:
        if self._within_zero_range(self.zero_g + by_g):
            self.zero_g += by_g

    def _within_zero_range(self, zero_g: float) -> bool:
        return abs(zero_g) <= ZERO_RANGE * self.capacity_g


def _calm(steps: list[int | None]) -> int | None:
    """Return which step of all scales together the load is calm after, None while any of them is not."""
    known = [step for step in steps if step is not None]
    return sum(known) if len(known) == len(steps) else None
