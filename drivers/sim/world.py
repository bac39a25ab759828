"""The one simulated world: a platform on four load cells, what lies on it, and how its electronics would read it.

Theory: objects press on a rigid platform at their positions; the share of each corner is bilinear in the position,
with a twist term that a real frame passes on in part. The platform on its cells is a damped oscillator whose
frequency falls with the load, so every placement rings. A cell adds creep (two relaxations), a slow random walk, and
the converter's noise; an unplugged cell reads full scale. Time is given, never taken; the same seed and the same
calls give the same counts.
"""

import math
import random
from dataclasses import dataclass, field, replace

from drivers.sim.cell_faults import SOUND, CellFault, held_g

CELLS = ((-1, 1), (1, 1), (1, -1), (-1, -1))  # channel order: back left, back right, front right, front left
FULL_SCALE_COUNTS = 0x7FFFFF
_STEP_S = 0.005  # how finely a changing force is followed; the platform rings at 20 Hz at most


@dataclass(frozen=True, slots=True)
class PlacedObject:
    """One thing on the platform. Metres from its centre, x to the right, y to the back; size as seen from above."""

    gtin: str
    name: str
    mass_g: float
    x_m: float = 0.0
    y_m: float = 0.0
    angle_rad: float = 0.0
    size_m: tuple[float, float] = (0.10, 0.10)
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class PlatformSpec:
    """The platform's mechanics and electronics. Defaults: 20 kg cells at 2 mV/V, HX711 at 80 SPS and 5 V."""

    half_length_m: float = 0.30
    half_width_m: float = 0.20
    zero_counts: tuple[int, ...] = (84_210, -12_055, 40_310, 151_200)
    counts_per_g: tuple[float, ...] = (215.0, 219.4, 209.8, 216.1)
    noise_counts: float = 38.7
    drift_g_per_sqrt_s: float = 0.01
    creep: tuple[tuple[float, float], ...] = ((1e-4, 20.0), (2e-4, 300.0))  # (share of the load, time constant in s)
    twist: float = 0.3
    frame_g: float = 8_000.0
    empty_hz: float = 18.0
    damping: float = 0.12


@dataclass(slots=True)
class _Cell:
    """The state of one load cell, in grams."""

    force_g: float = 0.0
    rate_g_s: float = 0.0
    drift_g: float = 0.0
    creep_g: list[float] = field(default_factory=list)
    plugged: bool = True
    fault: CellFault = SOUND
    wandered_g: float = 0.0
    held_g: float = 0.0


@dataclass(slots=True)
class _Load:
    """An object with its way onto the platform and off it, and its way across it."""

    thing: PlacedObject
    on_s: float
    ramp_s: float
    off_s: float = math.inf
    path: "_Path | None" = None

    def share(self, t_s: float) -> float:
        """Return how much of the weight rests on the platform, 0 to 1."""
        return _smooth((t_s - self.on_s) / self.ramp_s) * (1.0 - _smooth((t_s - self.off_s) / self.ramp_s))

    def changing(self, t_s: float) -> bool:
        """Tell whether the force still changes at `t_s`."""
        moving = self.path is not None and t_s < self.path.end_s
        return moving or t_s < self.on_s + self.ramp_s or self.off_s < math.inf


@dataclass(frozen=True, slots=True)
class _Path:
    """A straight roll across the platform."""

    start_s: float
    end_s: float
    start_m: tuple[float, float]
    target_m: tuple[float, float]
    rumble_g: float


@dataclass(frozen=True, slots=True)
class _Push:
    """A hand on the platform for a while."""

    start_s: float
    end_s: float
    peak_g: float
    at_m: tuple[float, float]


def _smooth(part: float) -> float:
    """Return a soft step from 0 to 1 while `part` goes from 0 to 1."""
    part = min(max(part, 0.0), 1.0)
    return part * part * (3.0 - 2.0 * part)


class World:
    """Everything that can be weighed or seen. Not thread-safe: `drivers.sim.live.LiveWorld` shares it."""

    def __init__(self, spec: PlatformSpec | None = None, *, seed: int = 0) -> None:
        self.spec = spec or PlatformSpec()
        self._random = random.Random(seed)
        self._cells = [_Cell(creep_g=[0.0] * len(self.spec.creep)) for _ in CELLS]
        self._loads: dict[int, _Load] = {}
        self._pushes: list[_Push] = []
        self._next_handle = 1
        self._t_s = 0.0
        self._twist_g, self._rocks = 0.0, False

    @property
    def t_s(self) -> float:
        """The time up to which the world has gone."""
        return self._t_s

    @property
    def objects(self) -> tuple[PlacedObject, ...]:
        """What lies on the platform now, in order of placement, where it is now."""
        return tuple(self._where(load) for load in self._loads.values() if load.off_s > self._t_s)

    def place(self, thing: PlacedObject, *, ramp_s: float = 0.25) -> int:
        """Put `thing` down, its weight arriving over `ramp_s`; return a handle for `move` and `remove`."""
        self._tip()
        handle, self._next_handle = self._next_handle, self._next_handle + 1
        self._loads[handle] = _Load(thing, self._t_s, ramp_s)
        return handle

    def remove(self, handle: int) -> None:
        """Lift the object off."""
        self._tip()
        self._loads[handle].off_s = self._t_s

    def clear(self) -> None:
        """Lift everything off."""
        self._tip()
        for load in self._loads.values():
            load.off_s = min(load.off_s, self._t_s)

    def move(self, handle: int, x_m: float, y_m: float, *, duration_s: float, rumble_g: float = 0.0) -> None:
        """Roll or push the object to another place; `rumble_g` is the standard deviation of the force while it goes."""
        load = self._loads[handle]
        thing = self._where(load)
        load.path = _Path(self._t_s, self._t_s + duration_s, (thing.x_m, thing.y_m), (x_m, y_m), rumble_g)

    def push(self, peak_g: float, *, duration_s: float, x_m: float = 0.0, y_m: float = 0.0) -> None:
        """Lean a hand on the platform: a force that swells, trembles and goes; negative lifts."""
        self._pushes.append(_Push(self._t_s, self._t_s + duration_s, peak_g, (x_m, y_m)))

    def unplug(self, cell: int) -> None:
        """Pull a load cell's plug: its converter saturates."""
        self._cells[cell].plugged = False

    def plug(self, cell: int) -> None:
        """Put the plug back."""
        self._cells[cell].plugged = True

    def fail(self, cell: int, fault: CellFault) -> None:
        """Break a load cell, or mend it with `SOUND`; what its zero has wandered stays."""
        self._cells[cell].fault = fault

    def freeze(self, cell: int) -> None:
        """Let a cell's converter repeat what it says now, for ever."""
        self.fail(cell, CellFault(stuck_counts=self._convert(cell, self._cells[cell])))

    def seat(self, twist_g: float, *, rocks: bool = False) -> None:
        """Shift so much force across the diagonals, as a foot does that stands otherwise.

        `rocks`: to and fro at random whenever something is put down or lifted.
        """
        self._twist_g, self._rocks = twist_g, rocks

    def _tip(self) -> None:
        if self._rocks:
            self._twist_g = self._random.choice((-1, 1)) * self._twist_g

    def advance_to(self, t_s: float) -> None:
        """Let time pass until `t_s`; an earlier time changes nothing."""
        while self._t_s < t_s:
            step_s = t_s - self._t_s
            if self._restless():
                step_s = min(step_s, _STEP_S)
            self._step(step_s)

    def counts(self) -> tuple[int, ...]:
        """Return one conversion of all cells, now."""
        return tuple(self._convert(number, cell) for number, cell in enumerate(self._cells))

    def load_g(self) -> float:
        """Return what an ideal summing instrument would feel now: ringing, creep and drift included, noise not."""
        return sum(cell.force_g + cell.drift_g + sum(cell.creep_g) for cell in self._cells)

    def _restless(self) -> bool:
        return bool(self._pushes) or any(load.changing(self._t_s) for load in self._loads.values())

    def _step(self, step_s: float) -> None:
        middle_s = self._t_s + step_s / 2
        forces_g = self._forces(middle_s)
        resting_g = sum(max(force, 0.0) for force in forces_g)
        ring = _Ring.of(self.spec, resting_g, step_s)
        for cell, force_g in zip(self._cells, forces_g, strict=True):
            ring.advance(cell, force_g)
            cell.wandered_g += cell.fault.drift_g_per_s * step_s
            cell.drift_g += self._random.gauss(0.0, self.spec.drift_g_per_sqrt_s) * math.sqrt(step_s)
            for number, (share, tau_s) in enumerate(self.spec.creep):
                cell.creep_g[number] += (share * force_g - cell.creep_g[number]) * -math.expm1(-step_s / tau_s)
        self._t_s += step_s
        self._pushes = [push for push in self._pushes if push.end_s > self._t_s]
        self._loads = {handle: load for handle, load in self._loads.items() if load.off_s + load.ramp_s > self._t_s}

    def _forces(self, t_s: float) -> list[float]:
        """Return the static force on each cell from everything that presses at `t_s`."""
        forces_g = [self._twist_g * right * back for right, back in CELLS]
        for load in self._loads.values():
            thing = self._where(load, t_s)
            weight_g = thing.mass_g * load.share(t_s) + self._rumble(load, t_s)
            self._spread(forces_g, weight_g, thing.x_m, thing.y_m)
        for push in self._pushes:
            swell = math.sin(math.pi * (t_s - push.start_s) / (push.end_s - push.start_s))
            tremble = 1.0 + self._random.gauss(0.0, 0.05)
            self._spread(forces_g, push.peak_g * max(swell, 0.0) * tremble, *push.at_m)
        return forces_g

    def _rumble(self, load: _Load, t_s: float) -> float:
        path = load.path
        return self._random.gauss(0.0, path.rumble_g) if path is not None and t_s < path.end_s else 0.0

    def _spread(self, forces_g: list[float], weight_g: float, x_m: float, y_m: float) -> None:
        """Share a weight out over the corners."""
        along, across = x_m / self.spec.half_length_m, y_m / self.spec.half_width_m
        for number, (right, back) in enumerate(CELLS):
            twist = self.spec.twist * right * back * along * across
            forces_g[number] += weight_g / 4 * (1 + right * along + back * across + twist)

    def _where(self, load: _Load, t_s: float | None = None) -> PlacedObject:
        """Return the object at its place on its way."""
        path = load.path
        if path is None:
            return load.thing
        now_s = self._t_s if t_s is None else t_s
        part = _smooth((now_s - path.start_s) / (path.end_s - path.start_s))
        x_m, y_m = (a + part * (b - a) for a, b in zip(path.start_m, path.target_m, strict=True))
        return replace(load.thing, x_m=x_m, y_m=y_m)

    def _convert(self, number: int, cell: _Cell) -> int:
        if not cell.plugged:
            return FULL_SCALE_COUNTS
        fault = cell.fault
        if fault.stuck_counts is not None:
            return fault.stuck_counts
        cell.held_g = held_g(cell.held_g, cell.force_g, fault.friction_g)
        grams = fault.response * cell.held_g + cell.wandered_g + cell.drift_g + sum(cell.creep_g)
        exact = self.spec.zero_counts[number] + self.spec.counts_per_g[number] * grams
        noisy = round(exact + self._random.gauss(0.0, fault.noise * self.spec.noise_counts))
        return min(max(noisy, -FULL_SCALE_COUNTS - 1), FULL_SCALE_COUNTS)


@dataclass(frozen=True, slots=True)
class _Ring:
    """The exact solution of the platform's oscillator over one step of constant force."""

    decay: float
    cosine: float
    sine: float  # sin(w_d t) / w_d
    damp_rate: float  # zeta * w
    stiffness: float  # w^2

    @classmethod
    def of(cls, spec: PlatformSpec, load_g: float, step_s: float) -> "_Ring":
        """Return the step's coefficients; frequency falls with the square root of the moved mass."""
        omega = 2 * math.pi * spec.empty_hz * math.sqrt(spec.frame_g / (spec.frame_g + load_g))
        damped = omega * math.sqrt(1 - spec.damping**2)
        damp_rate = spec.damping * omega
        angle = damped * step_s
        return cls(math.exp(-damp_rate * step_s), math.cos(angle), math.sin(angle) / damped, damp_rate, omega**2)

    def advance(self, cell: _Cell, target_g: float) -> None:
        """Move the cell's force one step towards and around its target."""
        off_g, rate = cell.force_g - target_g, cell.rate_g_s
        cell.force_g = target_g + self.decay * (off_g * self.cosine + (rate + self.damp_rate * off_g) * self.sine)
        cell.rate_g_s = self.decay * (rate * self.cosine - (self.damp_rate * rate + self.stiffness * off_g) * self.sine)
