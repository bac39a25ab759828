"""What happens on a platform while it should settle: the scenes of `settling`, on the simulated world.

Taken from the world: ringing, the noise of a real HX711, random drift. Drawn for each trial: masses, places, phases,
and the size of creep, as `station.core.creep` states it. The calibration is exact, since an error of its gain would
hide what is measured here.

The hands. One swells and goes within two seconds. One holds still for eight as well as a person can: its force has
the deviation that Sutton and Sykes measured (Journal of Physiology 191, 1967: it grows in proportion to the force of
450 to 2 700 g, from a positive value at no force, and peaks at 8 to 10 Hz) with the size that Baweja and others found
without looking at a gauge (Experimental Brain Research 197, 2009: 4 % of the force). Assumed: two grams at no force,
an eighth of the deviation in a tremor at 8 to 10 Hz whose strength changes within 0.3 s, the rest a wander with a time
constant of 0.4 s, and a loss of 2 % of the force a second.

A bag that hangs and swings pulls with twice its pendulum's frequency, around its weight. Two bags are two such swings,
which the estimator does not know as a shape.
"""

import dataclasses
import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from calibration.model import Cell
from drivers.sim.world import PlacedObject, PlatformSpec, World
from station.core.creep import CREEP_REL_SD, SHARES

RATE_HZ = 82.0
SPEC = PlatformSpec()
EMPTY_S, LONGEST_S = 6.0, 22.0
CELLS = tuple(Cell(zero_counts=z, counts_per_g=g) for z, g in zip(SPEC.zero_counts, SPEC.counts_per_g, strict=True))
NOTICED_S = 0.15  # what was put down so lately has not arrived yet
SPIKE_CHANCE = 0.02  # of a sample

Shake = Callable[[float], float]


class Plan(NamedTuple):
    """What is done when (seconds after the empty ones), and when the last disturbance is over."""

    deeds: tuple[tuple[float, Callable[[World], object]], ...]
    over_s: float


class Scene(NamedTuple):
    """What happens: how it is put up, what shakes besides (told the time since the load), and whether cells spike."""

    name: str
    stage: Callable[[random.Random], Plan]
    shake: Callable[[random.Random], Shake]
    spikes: bool = False
    share: float = 1.0  # of the trials: long scenes have fewer
    empty_s: float = EMPTY_S


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


def swinging(rng: random.Random) -> Shake:
    """A bag that swings: 0.5 to 1.5 Hz, dying away within seconds."""
    phase, amplitude_g, omega = rng.uniform(0, 6.28), rng.uniform(40, 120), 2 * math.pi * rng.uniform(0.5, 1.5)
    fade_s = rng.uniform(1.0, 2.5)

    def shake(t_s: float) -> float:
        return amplitude_g * math.exp(-t_s / fade_s) * math.sin(omega * t_s + phase) if t_s > 0 else 0.0

    return shake


def two_swings(rng: random.Random) -> Shake:
    """Two bags that swing."""
    one, other = swinging(rng), swinging(rng)
    return lambda t_s: 0.6 * one(t_s) + 0.4 * other(t_s)


def steady_hand(rng: random.Random) -> Shake:
    """A hand that comes to rest on the platform a second after the load and tries to keep still for eight."""
    force_g = 10 ** rng.uniform(2, 3.3)
    deviation_g = 2.0 + 0.04 * force_g
    hertz, step_s = rng.uniform(8, 10), 1 / RATE_HZ
    wander, strength = _Wander(rng, 0.4, deviation_g), _Wander(rng, 0.3, deviation_g / 8 * math.sqrt(2))

    def shake(t_s: float) -> float:
        trembling = strength.step(step_s) * math.sin(2 * math.pi * hertz * t_s)
        moving_g = force_g * (1 - 0.02 * t_s) + wander.step(step_s) + trembling
        presence = min(max((t_s - 1) / 0.3, 0.0), 1.0) * min(max((9 - t_s) / 0.3, 0.0), 1.0)
        return presence * max(moving_g, 0.0)

    return shake


class _Wander:
    """A random number that changes within a time constant."""

    def __init__(self, rng: random.Random, tau_s: float, sd: float) -> None:
        self._rng, self._tau_s, self._sd = rng, tau_s, sd
        self._state = rng.gauss(0.0, sd)

    def step(self, step_s: float) -> float:
        """Let some time pass."""
        kept = math.exp(-step_s / self._tau_s)
        self._state = kept * self._state + self._rng.gauss(0.0, self._sd * math.sqrt(1 - kept * kept))
        return self._state


def place(rng: random.Random, mass_g: float, *, ramp_s: float = 0.25) -> Callable[[World], int]:
    """Put something down somewhere."""
    x_m, y_m = rng.uniform(-0.2, 0.2), rng.uniform(-0.12, 0.12)
    thing = PlacedObject(gtin="", name="", mass_g=mass_g, x_m=x_m, y_m=y_m)
    return lambda world: world.place(thing, ramp_s=ramp_s)


def basket(rng: random.Random) -> Plan:
    """A basket at once."""
    mass_g = rng.uniform(300, 9_000)
    return Plan(((0.0, place(rng, mass_g)),), 0.25)


def held_basket(rng: random.Random) -> Plan:
    """A basket on which a hand rests until nine seconds later."""
    return basket(rng)._replace(over_s=9.0)


def one_by_one(rng: random.Random) -> Plan:
    """Five things, half a second apart."""
    masses_g = [rng.uniform(60, 1_200) for _ in range(5)]
    deeds = tuple((0.5 * number, place(rng, mass_g, ramp_s=0.15)) for number, mass_g in enumerate(masses_g))
    return Plan(deeds, 2.15)


def crept(rng: random.Random) -> Plan:
    """Twenty to forty kilograms for twelve seconds, then something more."""
    heavy_g, more_g = rng.uniform(20_000, 40_000), rng.uniform(100, 1_000)
    deeds = ((0.0, place(rng, heavy_g)), (12.0, place(rng, more_g, ramp_s=0.15)))
    return Plan(deeds, 12.15)


def cart(rng: random.Random) -> Plan:
    """A cart of thirty kilograms that rolls for a second and a half."""
    mass_g = rng.uniform(24_000, 40_000)

    def roll(world: World) -> None:
        handle = world.place(PlacedObject(gtin="", name="", mass_g=mass_g, x_m=-0.15), ramp_s=0.6)
        world.move(handle, 0.1, 0.0, duration_s=1.5, rumble_g=250.0)

    return Plan(((0.0, roll),), 1.5)


def leaning(rng: random.Random) -> Plan:
    """A basket, and a hand that leans on the platform for two seconds."""
    there = basket(rng)
    peak_g = rng.uniform(300, 2_000)
    push = (0.0, lambda world: world.push(peak_g, duration_s=2.0, x_m=0.2))
    return Plan((*there.deeds, push), 2.0)


SCENES = (
    Scene("basket", basket, quiet),
    Scene("spiking cells", basket, quiet, spikes=True),
    Scene("things one by one", one_by_one, quiet),
    Scene("cart", cart, quiet),
    Scene("creep", crept, quiet, share=0.5),
    Scene("swinging bag", basket, swinging),
    Scene("two bags swing", basket, two_swings),
    Scene("vibration 12 Hz", basket, sine(4.0, 12.0)),
    Scene("fan", basket, fan),
    Scene("leaning hand", leaning, quiet),
    Scene("steady hand", held_basket, steady_hand, share=0.5),
)


def samples(scene: Scene, seed: int) -> Iterator[tuple[float, tuple[int, ...], float, float]]:
    """Yield (time, counts, grams that lie there, end of the last disturbance)."""
    rng = random.Random(seed)
    creep = rng.gauss(0.0, CREEP_REL_SD)
    world = World(dataclasses.replace(SPEC, creep=tuple((creep * share, tau_s) for share, tau_s in SHARES)), seed=seed)
    shake, plan = scene.shake(rng), scene.stage(rng)
    deeds = deque(plan.deeds)
    lies_there_g: deque[float] = deque(maxlen=int(NOTICED_S * RATE_HZ))
    for number in range(int((scene.empty_s + LONGEST_S) * RATE_HZ)):
        t_s = number / RATE_HZ
        while deeds and scene.empty_s + deeds[0][0] <= t_s:
            deeds.popleft()[1](world)
        world.advance_to(t_s)
        extra_g = shake(t_s - scene.empty_s) / 4
        pairs = zip(world.counts(), SPEC.counts_per_g, strict=True)
        counts = [round(count + extra_g * gain) for count, gain in pairs]
        if scene.spikes and rng.random() < SPIKE_CHANCE:
            counts[rng.randrange(len(counts))] += int(rng.choice((-1, 1)) * 10 ** rng.uniform(3.5, 6.5))
        lies_there_g.append(sum(thing.mass_g for thing in world.objects))
        yield t_s, tuple(counts), lies_there_g[0], scene.empty_s + plan.over_s
