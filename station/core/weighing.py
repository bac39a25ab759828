"""The platform: from the levels of its scales to what matters to a visit (loaded, settled, moved, unloaded).

The scales' levels add up. The platform is in one of four phases. `UNKNOWN` at start and after trouble: the first
still level decides what lies there. `EMPTY`: within the load threshold of zero. `MOVING`: something happens.
`SETTLED`: a reading was given, and stands until the short mean leaves it.

Zero (converters only; an instrument keeps its own): `zero` tells how it is set, how it follows drift while the station
is idle, and how well it is known. A platform that stays below zero for 5 s is set to zero (OIML R 76 likewise), but
what reads further below the calibrated zero than a zero may lie is no empty platform: its top is off, or a cell is.

A reading's uncertainty is that of the mean and of the gain, and that of the zero since the platform was last seen
empty: noise and remainder of that look, drift and creep since. Until it was seen empty it is the calibrated zero's, as
the calibration states it, and all creep.
"""

import enum
import math
from typing import Annotated

import msgspec
from msgspec import Meta

from calibration.model import Calibration
from station.core.evidence import Reading
from station.core.tracks import NS, Age, CountsTrack, IndicationTrack, Level, ScaleSpec, Track
from station.core.zero import ZERO_RANGE, Zero

BELOW_ZERO_S = 5.0
SUSTAIN = 3  # evaluations in a row before a departure is believed
MOTION_LOAD_S = 1.0  # motion without a value for this long means that something lies there
SILENT_S = 2.0
SUNK_S = 1.0  # so long it must read what no platform reads: goods that are lifted let it swing
FRESH_S = {True: 0.5, False: 1.5}  # a level older than this is not still: of a converter, of an instrument
OVER_DIVISIONS = 9  # OIML R 76: no indication above Max + 9 e


class WeighingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Window of the first mean, the least weight that is a load (None: four divisions), and how long zero may drift.

    `warm_up_s`: after electronics were connected their zero drifts faster (OIML R 76 tests after half an hour of
    warming up); that long a steady drift is reckoned with beside the one observed.
    """

    window_s: Annotated[float, Meta(ge=0.2, le=5)] = 0.4
    load_threshold_g: Annotated[float, Meta(gt=0, le=10_000)] | None = None
    warm_up_s: Annotated[float, Meta(ge=0, le=86_400)] = 1800.0


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
        self.zero = Zero(self.capacity_g, self.division_g, settings.warm_up_s)
        self.idle = True  # told by the owner: no visit is open
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
        self._sunk_ns: int | None = None  # since when the platform has read less than any zero
        self.was_loaded = False

    # what comes in

    def calibrate(self, scale: int, calibration: Calibration | None) -> None:
        """Use this calibration from now on; the zero of another calibration says nothing any more."""
        before = self._converters[scale].calibration
        if before is not None and before != calibration:
            self.zero.reset()
            self.zero_known = False
        self._converters[scale].calibration = calibration
        self.forget(scale)

    def aged(self, scale: int, age: Age) -> None:
        """Take note how old a scale's calibration is, and how far it is doubted."""
        self._converters[scale].age(age)

    def restore_zero(self, zero_g: float) -> None:
        """Take the zero kept from the last run; only before the first reading."""
        self.zero.restore(zero_g)

    def forget(self, scale: int) -> None:
        """A scale was lost or changed: nothing measured so far holds."""
        self._tracks[scale].clear()
        self._sunk_ns = None
        self.distrust()

    def distrust(self) -> None:
        """Something is wrong: the next still level decides anew what lies there."""
        self.phase, self.reading = PlatformPhase.UNKNOWN, None
        self._off, self._since_ns = 0, None

    def connected(self, scale: int, t_ns: int) -> None:
        """A scale was found: from now on its silence is a fault."""
        self._last_ns[scale] = t_ns
        self.zero.power_up(t_ns)
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

    @property
    def zero_g(self) -> float:
        """Return where the zero is, in grams of the calibrated platform."""
        return self.zero.grams

    def refined(self, reading: Reading) -> Reading:
        """Return the same load's weight as it is known by now: surer, if it has lain still since this reading."""
        level = self.level()
        if level is None or not level.still or self.reading != reading:
            return reading
        later = self._read(level, self._now_ns)
        surer = later.sd_g < reading.sd_g and self.same_load(later, reading)
        return msgspec.structs.replace(later, t_ns=reading.t_ns) if surer else reading

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
        sure = level is not None and (level.still or scale in self._converters)  # one report alone may be damaged
        if sure and level is not None and level.mean_g > spec.capacity_g + OVER_DIVISIONS * spec.division_g:
            return "overloaded"
        sunk = self._sunk_ns is not None and t_ns - self._sunk_ns >= SUNK_S * NS
        if sunk and level is not None and level.mean_g < -ZERO_RANGE * spec.capacity_g:
            return "below zero"
        return None

    def level(self) -> Level | None:
        """Return the level of the whole platform from the present zero, None while any scale has none."""
        levels = [track.level() for track in self._tracks.values()]
        known = [level for level in levels if level is not None]
        if len(known) < len(levels):
            return None
        fresh = all(self._fresh(scale) for scale in self._tracks)
        if len(known) == 1:
            return self._beyond_zero(known[0], fresh=fresh)
        now = [level.now_g for level in known if level.now_g is not None]
        return Level(
            now_g=sum(now) - self.zero_g if len(now) == len(known) else None,
            now_sd_g=math.sqrt(sum(level.now_sd_g**2 for level in known)),
            mean_g=sum(level.mean_g for level in known) - self.zero_g,
            sd_g=math.sqrt(sum(level.sd_g**2 for level in known)),
            still=fresh and all(level.still for level in known),
            calm_since=_calm([level.calm_since for level in known]),
            mean_sd_g=math.sqrt(sum(level.mean_sd_g**2 for level in known)),
            creep_sd_g=sum(level.creep_sd_g for level in known),
            zero_sd_g=math.sqrt(sum(level.zero_sd_g**2 for level in known)),
        )

    def _beyond_zero(self, level: Level, *, fresh: bool) -> Level:
        """Return the level of the only scale from the present zero: the usual case, with every sample."""
        now_g = None if level.now_g is None else level.now_g - self.zero_g
        return level._replace(now_g=now_g, mean_g=level.mean_g - self.zero_g, still=level.still and fresh)

    @property
    def rests(self) -> bool:
        """Whether nothing is awaited from the scales: it is empty, or a reading stands; what comes may come late."""
        return self.phase in {PlatformPhase.EMPTY, PlatformPhase.SETTLED}

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
        if level is None or not level.still or not self.may_be_empty:
            return "the platform is not empty and still"
        if not self.zero.within_range(self.zero.grams + level.mean_g):
            return f"more than {ZERO_RANGE:.0%} of capacity from the calibrated zero"
        self.zero.shift(level.mean_g)
        self.distrust()
        return None

    # phases

    def _evaluate(self, scale: int, t_ns: int) -> list[Change]:
        self._last_ns[scale] = t_ns
        self._now_ns = max(self._now_ns, t_ns)
        level = self.level()
        if level is None:
            return []
        if level.mean_g + self.zero_g < -ZERO_RANGE * self.capacity_g - OVER_DIVISIONS * self.division_g:
            self._sunk_ns = self._sunk_ns or t_ns
            return []
        self._sunk_ns = None
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
            self.zero.decide(level.mean_g + self.zero.grams, self.threshold_g)
            self.zero_known = True
            level = self.level() or level
        return self._moving(level, t_ns)

    def _moving(self, level: Level, t_ns: int) -> list[Change]:
        if not level.still:
            return self._calm(level)
        self._off, self._since_ns = 0, None
        if level.mean_g <= self.threshold_g:
            self.phase, self.reading = PlatformPhase.EMPTY, None
            self._seen_empty, self._tracked_ns = True, t_ns
            self.zero.see(t_ns, level.mean_g, level.mean_sd_g, level.creep_sd_g)
            return [Unloaded()]
        self.phase, self.was_loaded = PlatformPhase.SETTLED, True
        self.reading = self._read(level, t_ns)
        return [Settled(self.reading)]

    def _read(self, level: Level, t_ns: int) -> Reading:
        if not self._converters:
            zero_sd_g = 0.0
        elif self.zero.seen_ns is None:
            zero_sd_g = math.hypot(level.zero_sd_g, level.creep_sd_g)
        else:
            zero_sd_g = self.zero.sd_g(t_ns, level.creep_sd_g)
        sd_g = math.hypot(level.sd_g, zero_sd_g)
        return Reading(t_ns=t_ns, gross_g=level.mean_g, sd_g=sd_g, noise_sd_g=level.now_sd_g)

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
            self.zero.see(t_ns, level.mean_g, level.mean_sd_g, level.creep_sd_g)
        elapsed_s, self._tracked_ns = (t_ns - self._tracked_ns) / NS, t_ns
        if not self.idle or not self._converters or (level.now_g or 0.0) > -self.threshold_g:
            self._since_ns = None
        if not (level.still and self.idle and self._converters):
            return
        if level.mean_g < -self.threshold_g:
            self._since_ns = self._since_ns or t_ns
            if t_ns - self._since_ns >= BELOW_ZERO_S * NS:
                self.zero.shift(level.mean_g)
            return
        if abs(level.mean_g) <= self.division_g:
            self.zero.follow(level.mean_g, elapsed_s)


def _calm(steps: list[int | None]) -> int | None:
    """Return which step of all scales together the load is calm after, None while any of them is not."""
    known = [step for step in steps if step is not None]
    return sum(known) if len(known) == len(steps) else None
