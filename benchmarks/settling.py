"""How soon and how truly a load is weighed: ours beside a fixed one-second average with a range test.

All in virtual time on the simulated platform (ringing, noise of a real HX711, drift, creep), with disturbances added:
goods put in a basket one by one, a cart rolled on, a bag that swings, vibration at 12 Hz, a fan, a hand that leans.
Settle: from the end of the last disturbance to the first reading. Early: readings given before it ended that were
off by more than 10 g (between things put down one by one a pause is a reading of what lies there so far; a hand that
leans perfectly still could not be told from goods). Coverage: readings within two of
their stated standard deviations of the truth. Ratio: mean stated standard deviation over the root mean square error.
"""

import argparse
import dataclasses
import json
import math
import random
import statistics
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from calibration.model import Calibration, Cell
from drivers.sim.world import PlacedObject, PlatformSpec, World
from station.core.creep import CREEP_REL_SD, SHARES
from station.core.tracks import ScaleSpec
from station.core.weighing import Settled, Weighing, WeighingSettings

RATE_HZ = 82.0
SPEC = PlatformSpec()
DIVISION_G = 5.0
EMPTY_S, LONGEST_S = 6.0, 20.0
FALSE_G = 10.0
CELLS = tuple(Cell(zero_counts=z, counts_per_g=g) for z, g in zip(SPEC.zero_counts, SPEC.counts_per_g, strict=True))

Shake = Callable[[float], float]


class Plan(NamedTuple):
    """What is done when (seconds after the empty ones), what lies there in the end, and when all is over."""

    deeds: tuple[tuple[float, Callable[[World], object]], ...]
    true_g: float
    over_s: float


class Scene(NamedTuple):
    """What happens: how it is put up on the world, what shakes besides, and when the last disturbance has ended."""

    name: str
    stage: Callable[[random.Random], Plan]
    shake: Callable[[random.Random], Shake]


class Reading(NamedTuple):
    """A settled weight at a time after the load began."""

    t_s: float
    grams: float
    sd_g: float | None


class Result(NamedTuple):
    """One trial of one method."""

    early: int
    settle_s: float | None
    error_g: float | None
    sd_g: float | None


def quiet(_random: random.Random) -> Shake:
    """Nothing shakes."""
    return lambda _t_s: 0.0


def sine(amplitude_g: float, frequency_hz: float) -> Callable[[random.Random], Shake]:
    """Shake for ever with this amplitude."""

    def made(rng: random.Random) -> Shake:
        phase = rng.uniform(0, 2 * math.pi)
        return lambda t_s: amplitude_g * math.sin(2 * math.pi * frequency_hz * t_s + phase)

    return made


def fan(rng: random.Random) -> Shake:
    """Broad noise of some hertz, as from moving air."""
    state = 0.0

    def shake(_t_s: float) -> float:
        nonlocal state
        state = 0.8 * state + rng.gauss(0.0, 0.9)
        return state

    return shake


def place(rng: random.Random, mass_g: float, *, ramp_s: float = 0.25) -> Callable[[World], int]:
    """Put something down somewhere."""
    x_m, y_m = rng.uniform(-0.2, 0.2), rng.uniform(-0.12, 0.12)
    thing = PlacedObject(gtin="", name="", mass_g=mass_g, x_m=x_m, y_m=y_m)
    return lambda world: world.place(thing, ramp_s=ramp_s)


def basket(rng: random.Random) -> Plan:
    """A basket at once."""
    mass_g = rng.uniform(300, 9_000)
    return Plan(((0.0, place(rng, mass_g)),), mass_g, 0.25)


def one_by_one(rng: random.Random) -> Plan:
    """Five things, half a second apart."""
    masses_g = [rng.uniform(60, 1_200) for _ in range(5)]
    deeds = tuple((0.5 * number, place(rng, mass_g, ramp_s=0.15)) for number, mass_g in enumerate(masses_g))
    return Plan(deeds, sum(masses_g), 2.15)


def cart(rng: random.Random) -> Plan:
    """A cart of thirty kilograms that rolls for a second and a half."""
    mass_g = rng.uniform(24_000, 40_000)

    def roll(world: World) -> None:
        handle = world.place(PlacedObject(gtin="", name="", mass_g=mass_g, x_m=-0.15), ramp_s=0.6)
        world.move(handle, 0.1, 0.0, duration_s=1.5, rumble_g=250.0)

    return Plan(((0.0, roll),), mass_g, 1.5)


def leaning(rng: random.Random) -> Plan:
    """A basket, and a hand that leans on the platform for two seconds."""
    there = basket(rng)
    peak_g = rng.uniform(300, 2_000)
    push = (0.0, lambda world: world.push(peak_g, duration_s=2.0, x_m=0.2))
    return Plan((*there.deeds, push), there.true_g, 2.0)


def swinging(rng: random.Random) -> Shake:
    """A bag that swings: 0.5 to 1.5 Hz, dying away within seconds."""
    phase, amplitude_g, omega = rng.uniform(0, 6.28), rng.uniform(40, 120), 2 * math.pi * rng.uniform(0.5, 1.5)

    def shake(t_s: float) -> float:
        since_s = t_s - EMPTY_S
        return amplitude_g * math.exp(-since_s / 1.2) * math.sin(omega * since_s + phase) if since_s > 0 else 0.0

    return shake


SCENES = (
    Scene("basket", basket, quiet),
    Scene("things one by one", one_by_one, quiet),
    Scene("cart", cart, quiet),
    Scene("swinging bag", basket, swinging),
    Scene("vibration 12 Hz", basket, sine(4.0, 12.0)),
    Scene("fan", basket, fan),
    Scene("leaning hand", leaning, quiet),
)


def samples(scene: Scene, seed: int) -> Iterator[tuple[float, tuple[int, ...], float, float]]:
    """Yield (time, counts, true grams, end of the last disturbance), the load put up after the empty seconds."""
    rng = random.Random(seed)
    crept = rng.gauss(0.0, CREEP_REL_SD)
    world = World(dataclasses.replace(SPEC, creep=tuple((crept * share, tau_s) for share, tau_s in SHARES)), seed=seed)
    shake, plan = scene.shake(rng), scene.stage(rng)
    deeds = deque(plan.deeds)
    for number in range(int((EMPTY_S + LONGEST_S) * RATE_HZ)):
        t_s = number / RATE_HZ
        while deeds and EMPTY_S + deeds[0][0] <= t_s:
            deeds.popleft()[1](world)
        world.advance_to(t_s)
        extra_g = shake(t_s) / 4
        pairs = zip(world.counts(), SPEC.counts_per_g, strict=True)
        yield t_s, tuple(round(count + extra_g * gain) for count, gain in pairs), plan.true_g, EMPTY_S + plan.over_s


def ours(scene: Scene, seed: int) -> Iterator[tuple[Reading, float, float]]:
    """Yield every reading of the product's weighing."""
    weighing = Weighing((ScaleSpec(counts=True, capacity_g=50_000, division_g=DIVISION_G),), WeighingSettings())
    weighing.calibrate(0, Calibration(cells=CELLS, certified=True))
    for t_s, counts, true_g, over_s in samples(scene, seed):
        for change in weighing.sampled(0, int(t_s * 1e9), counts, usable=True, settling=False):
            weighing.idle = t_s < EMPTY_S
            if isinstance(change, Settled):
                yield Reading(t_s, change.reading.gross_g, change.reading.sd_g), true_g, over_s


def fixed(scene: Scene, seed: int) -> Iterator[tuple[Reading, float, float]]:
    """Yield the readings of a one-second average that is stable when its samples lie within a division."""
    window: deque[float] = deque(maxlen=int(RATE_HZ))
    zero_g, was_stable = 0.0, False
    calibration = Calibration(cells=CELLS)
    for t_s, counts, true_g, over_s in samples(scene, seed):
        window.append(calibration.gross_g(counts))
        mean_g = statistics.fmean(window)
        if t_s < EMPTY_S:
            zero_g = mean_g
            continue
        stable = len(window) == window.maxlen and max(window) - min(window) <= DIVISION_G
        if stable and not was_stable and mean_g - zero_g > 4 * DIVISION_G:
            yield Reading(t_s, mean_g - zero_g, None), true_g, over_s
        was_stable = stable


def trial(method: Callable[[Scene, int], Iterator[tuple[Reading, float, float]]], scene: Scene, seed: int) -> Result:
    """Run one trial to its first reading after the last disturbance."""
    early = 0
    for reading, true_g, over_s in method(scene, seed):
        if reading.t_s < over_s:
            early += abs(reading.grams - true_g) > FALSE_G
            continue
        return Result(early, reading.t_s - over_s, reading.grams - true_g, reading.sd_g)
    return Result(early, None, None, None)


def figures(results: list[Result]) -> dict[str, float | int | None]:
    """Return what the table shows of one scene and method."""
    settled = sorted(r.settle_s for r in results if r.settle_s is not None)
    errors = [r.error_g for r in results if r.error_g is not None]
    pairs = [(r.error_g, r.sd_g) for r in results if r.error_g is not None and r.sd_g is not None]
    rms = math.sqrt(statistics.fmean(e * e for e in errors)) if errors else None
    return {
        "settle_p50_s": settled[len(settled) // 2] if settled else None,
        "settle_p95_s": settled[int(0.95 * (len(settled) - 1))] if settled else None,
        "never": len(results) - len(settled),
        "early": sum(r.early for r in results),
        "rms_error_g": rms,
        "coverage": statistics.fmean(abs(e) <= 2 * s for e, s in pairs) if pairs else None,
        "sd_ratio": statistics.fmean(s for _, s in pairs) / rms if pairs and rms else None,
    }


def main() -> None:
    """Run the trials and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40, help="of each scene and method")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = {
        (scene.name, name): figures([trial(method, scene, given.seed + n) for n in range(given.trials)])
        for scene in SCENES
        for name, method in (("ours", ours), ("1 s average", fixed))
    }
    if given.json:
        print(json.dumps({f"{scene}/{name}": row for (scene, name), row in rows.items()}))
        return
    table = Table(title=f"Settling, {given.trials} trials each (aims: coverage >= 0.94, ratio <= 1.3)")
    for heading in ("scene", "method", "settle p50 s", "p95 s", "never", "early", "rms error g", "coverage", "ratio"):
        table.add_column(heading, justify="left" if heading in {"scene", "method"} else "right")
    for (scene, name), row in rows.items():
        table.add_row(scene, name, *(_shown(value) for value in row.values()))
    Console(width=120).print(table)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value}" if isinstance(value, int) else f"{value:.2f}"


if __name__ == "__main__":
    main()
