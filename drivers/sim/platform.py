"""The physics of a platform on load cells: what each cell's converter counts for loads here and there, over time.

Statics: a load W at (u, v) half sides presses on cell (x, y) with W/4 (1 + u x + v y + kappa u v x y), kappa being the
deck's softness against twist. A cell yields its gain times the force, bent a little (nonlinearity), off by hysteresis,
crept (two relaxations), changed by temperature; its zero drifts with temperature and at random. The deck may lean:
gravity then presses with its cosine, and goods shift.

Faults are of the mechanics or the wiring: dead cell, signal wires exchanged, two cables exchanged, a corner that binds,
a loose foot, something that bears part of the load on one side.
"""

import math
import random
from dataclasses import dataclass, field, replace

CORNERS = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))  # front left, front right, back right, back left
FULL_SCALE_COUNTS = (1 << 23) - 1
RATED_SHARE = 0.512  # of the converter's range, of a 2 mV/V cell at gain 128
TAUS_S = (20.0, 300.0)
CREEP_PARTS = (1 / 3, 2 / 3)
WALK_STEP_S = 1.0


@dataclass(frozen=True, slots=True)
class CellTraits:
    """One load cell: counts a gram, empty counts, noise of a sample, and how it errs (relative, or counts)."""

    counts_per_g: float
    zero_counts: float
    noise_counts: float
    bend: float = 0.0  # four times what it is off by in the middle of its range, relative to its rating
    hysteresis: float = 0.0  # relative to what was taken off
    creep: float = 0.0  # relative, in the end
    span_per_k: float = 0.0
    zero_g_per_k: float = 0.0
    walk_g: float = 0.0  # of its zero, in a square root of a minute
    rated_g: float = 20_000.0


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a platform; cells by number from 0."""

    dead: int | None = None
    reversed_wires: int | None = None
    exchanged: tuple[int, int] | None = None
    bound: int | None = None
    bound_part: float = 0.0  # of that corner's force that bypasses its cell
    bound_keeps: float = 0.0  # of it that stays in friction, either way
    rocks_g: float = 0.0  # that a loose foot moves between the diagonals
    shunt: tuple[float, float] | None = None  # which side touches: a direction in the plane
    shunt_from_g: float = 0.0  # force on that side at which it begins to touch
    shunt_part: float = 0.0  # of the force beyond
    shunt_friction: float = 0.0  # of that, either way


@dataclass(frozen=True, slots=True)
class Traits:
    """A whole platform."""

    cells: tuple[CellTraits, ...]
    kappa: float
    lean_rad: float = 0.0
    lean_towards: float = 0.0
    seat_g: float = 0.1  # placements scatter
    faults: Faults = field(default_factory=Faults)


@dataclass(frozen=True, slots=True)
class Load:
    """Something that stands on the platform, in half sides from its middle."""

    grams: float
    u: float = 0.0
    v: float = 0.0


@dataclass(frozen=True, slots=True)
class Observed:
    """One cell over a capture, as a converter's samples give it."""

    mean: float
    sd: float
    n: int
    low: int
    high: int
    distinct: int


def random_traits(chance: random.Random, capacity_g: float, *, gain_spread: float = 0.05) -> Traits:
    """Draw a sound platform: shop-grade class C3 cells, each good for 1.6 times its share of the capacity."""
    rated_g = 1.6 * capacity_g / 4
    nominal = RATED_SHARE * FULL_SCALE_COUNTS / rated_g
    noise_g = chance.uniform(0.5, 1.5) * 5e-6 * rated_g
    cells = tuple(
        CellTraits(
            counts_per_g=nominal * (1 + chance.uniform(-gain_spread, gain_spread)),
            zero_counts=chance.uniform(-200_000, 200_000),
            noise_counts=noise_g * nominal,
            bend=chance.gauss(0, 3e-4),
            hysteresis=abs(chance.gauss(0, 3e-5)),
            creep=chance.gauss(0, 1e-4),
            span_per_k=chance.gauss(0, 1.2e-5),
            zero_g_per_k=chance.gauss(0, 2.5e-5 * rated_g),
            walk_g=abs(chance.gauss(0, 4e-6)) * rated_g,
            rated_g=rated_g,
        )
        for _ in range(4)
    )
    common_per_k = chance.gauss(0, 1.2e-5)
    return Traits(
        cells=tuple(replace(cell, span_per_k=cell.span_per_k + common_per_k) for cell in cells),
        kappa=chance.random(),
        lean_rad=math.radians(abs(chance.gauss(0, 0.3))),
        lean_towards=chance.uniform(0, 2 * math.pi),
        seat_g=chance.uniform(0.5, 1.5) * 2e-6 * capacity_g,
    )


class Platform:
    """A platform in time: put loads on it, let time pass, look at its cells."""

    def __init__(self, traits: Traits, chance: random.Random) -> None:
        self.traits = traits
        self.t_s = 0.0
        self.away_k = 0.0  # from the temperature of reference
        self.span_drift = 0.0  # relative, since then
        self._chance = chance
        self._walks = [0.0] * len(traits.cells)
        self._crept = [[0.0] * len(TAUS_S) for _ in traits.cells]
        self._peaks = [0.0] * len(traits.cells)
        self._forces = [0.0] * len(traits.cells)

    def put(self, *loads: Load) -> None:
        """Let these loads, and no others, stand on the platform from now on."""
        traits, faults = self.traits, self.traits.faults
        forces = [0.0] * len(traits.cells)
        for load in loads:
            for cell, force in enumerate(self._statics(load)):
                forces[cell] += force
        if loads:
            seat_g = self._chance.gauss(0, traits.seat_g)
            forces = [force + seat_g / len(forces) for force in forces]
        if faults.rocks_g:
            moved_g = self._chance.choice((-1, 1)) * faults.rocks_g
            forces = [f + moved_g * x * y for f, (x, y) in zip(forces, CORNERS, strict=True)]
        if faults.shunt is not None:
            forces = self._shunted(forces, faults.shunt)
        if faults.bound is not None:
            most_g = max(forces[faults.bound], self._peaks[faults.bound])
            kept_g = faults.bound_keeps * self._chance.uniform(-1, 1) * most_g
            forces[faults.bound] = forces[faults.bound] * (1 - faults.bound_part) + kept_g
        self._peaks = [max(peak, force) if loads else 0.0 for peak, force in zip(self._peaks, forces, strict=True)]
        self._forces = forces

    def _statics(self, load: Load) -> list[float]:
        traits = self.traits
        u = load.u + 0.5 * traits.lean_rad * math.cos(traits.lean_towards)
        v = load.v + 0.5 * traits.lean_rad * math.sin(traits.lean_towards)
        weight = load.grams * math.cos(traits.lean_rad) / len(CORNERS)
        return [weight * (1 + u * x + v * y + traits.kappa * u * v * x * y) for x, y in CORNERS]

    def _shunted(self, forces: list[float], side: tuple[float, float]) -> list[float]:
        """Take from the cells of one side what the wall bears."""
        faults = self.traits.faults
        near = [max(side[0] * x + side[1] * y, 0.0) for x, y in CORNERS]
        on_side_g = sum(force for force, weight in zip(forces, near, strict=True) if weight)
        borne_g = faults.shunt_part * max(on_side_g - faults.shunt_from_g, 0.0)
        borne_g *= 1 + faults.shunt_friction * self._chance.uniform(-1, 1)
        return [force - borne_g * weight / sum(near) for force, weight in zip(forces, near, strict=True)]

    def wait(self, seconds: float) -> None:
        """Let time pass: cells creep under what lies there, zeros walk."""
        self.t_s += seconds
        for cell, traits in enumerate(self.traits.cells):
            self._walks[cell] += self._chance.gauss(0, traits.walk_g) * math.sqrt(seconds / 60)
            for which, (part, tau_s) in enumerate(zip(CREEP_PARTS, TAUS_S, strict=True)):
                goal = part * traits.creep * self._forces[cell]
                self._crept[cell][which] += (goal - self._crept[cell][which]) * -math.expm1(-seconds / tau_s)

    @property
    def borne_g(self) -> tuple[float, ...]:
        """Return what truly presses on each cell."""
        return tuple(self._forces)

    def forces_g(self) -> list[float]:
        """Return what each cell would read in grams with its own gain, all errors included, without noise."""
        return [self._force_g(cell) for cell in range(len(self.traits.cells))]

    def _force_g(self, cell: int) -> float:
        traits, force = self.traits.cells[cell], self._forces[cell]
        part = force / traits.rated_g
        bent = force + traits.bend * (part * part - part) * traits.rated_g
        behind = traits.hysteresis * max(self._peaks[cell] - force, 0.0)
        span = (1 + traits.span_per_k * self.away_k) * (1 + self.span_drift)
        zero_g = traits.zero_g_per_k * self.away_k + self._walks[cell]
        return (bent + behind + sum(self._crept[cell])) * span + zero_g

    def look(self, seconds: float, rate_hz: float = 80.0) -> list[Observed]:
        """Return what every cell's converter gives over so many seconds from now."""
        before = self._true_counts()
        self.wait(seconds)
        middle = [(a + b) / 2 for a, b in zip(before, self._true_counts(), strict=True)]
        return [self._observed(cell, mean, int(seconds * rate_hz)) for cell, mean in enumerate(middle)]

    def _true_counts(self) -> list[float]:
        faults = self.traits.faults
        counts = []
        for cell, (traits, force) in enumerate(zip(self.traits.cells, self.forces_g(), strict=True)):
            seen = 0.0 if cell == faults.dead else -force if cell == faults.reversed_wires else force
            counts.append(traits.zero_counts + traits.counts_per_g * seen)
        if faults.exchanged is not None:
            one, other = faults.exchanged
            counts[one], counts[other] = counts[other], counts[one]
        return counts

    def _observed(self, cell: int, mean: float, n: int) -> Observed:
        noise = self.traits.cells[cell].noise_counts
        mean += self._chance.gauss(0, noise / math.sqrt(n))
        sd = noise * max(self._chance.gauss(1, 1 / math.sqrt(2 * n)), 0.1)
        reach = noise * self._chance.uniform(2.3, 3.2)
        low, high = round(mean - reach), round(mean + reach)
        return Observed(mean, sd, n, low, high, min(n, high - low + 1))
