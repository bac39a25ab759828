"""What happens to the world: every strike begins, lasts, and ends. Which, when and whom is drawn from the seed."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from benchmarks.chaos_legs import Weather
from benchmarks.chaos_parts import Part
from benchmarks.chaos_world import Lane, World
from benchmarks.delivering import STORE
from station.wire import Station

LIES = 20
LOSSY = ("tbf", "rate", "1mbit", "burst", "3000", "limit", "9000")
NETEM = ("netem", "delay", "100ms", "20ms", "loss", "10%")

Do = Callable[[], object]


class Strike(NamedTuple):
    """`begin` and `end` enclose so many seconds."""

    name: str
    seconds: float
    begin: Do
    end: Do


def deck(world: World, draw: random.Random) -> list[Strike]:
    """Return one strike of every kind that is possible here, in random order, each with its victim."""
    lane = draw.choice(world.lanes)
    strikes = [*_kills(world, lane, draw), *_network(world, draw), *_backends(world, draw)]
    if lane.clock.library is not None:
        strikes.append(_jump(world, lane, draw))
    if world.kernel.available:
        strikes += _kernel(world, lane, draw)
    draw.shuffle(strikes)
    return strikes


def nothing() -> None:
    """Do nothing."""


def _kills(world: World, lane: Lane, draw: random.Random) -> Iterator[Strike]:
    broker, both = world.broker, [lane.station, lane.plain]
    for _ in range(2):
        yield Strike(f"{lane.id} killed", draw.uniform(0, 0.5), _all(both, Part.kill), _all(both, Part.start))
    yield Strike("broker killed", draw.uniform(0, 2), broker.kill, broker.start)
    yield Strike("broker restarted", draw.uniform(0, 1), broker.stop, broker.start)
    yield Strike("broker restarted without memory", draw.uniform(0, 1), _each(broker.stop, broker.forget), broker.start)
    everything = [part for each in world.lanes for part in (each.station, each.plain)] + list(world.backends)
    yield Strike(
        "everything killed, the broker's memory lost", draw.uniform(0, 1),
        _each(_all(everything, Part.kill), broker.kill, broker.forget),
        _each(broker.start, _all(everything, Part.start)),
    )  # fmt: skip


def _network(world: World, draw: random.Random) -> Iterator[Strike]:
    for name, leg in world.legs.items():
        for words, seconds, weather in (
            ("cut", (0.2, 3.0), Weather("cut")),
            ("stalled", (1.0, 7.0), Weather("stall")),
            ("slow to answer", (3.0, 5.0), Weather("delay", delay_s=draw.uniform(0.1, 0.4))),
            ("throttled", (3.0, 5.0), Weather("throttle", bytes_per_s=draw.uniform(8e3, 40e3))),
            ("torn in packets", (2.0, 4.0), Weather("torn")),
        ):
            good = partial(leg.set, Weather())
            yield Strike(f"network of the {name} {words}", draw.uniform(*seconds), partial(leg.set, weather), good)


def _backends(world: World, draw: random.Random) -> Iterator[Strike]:
    both = list(world.backends)
    yield Strike("backend killed", draw.uniform(0, 0.5), _all(both, Part.kill), _all(both, Part.start))
    away_s = min(20.0, 2.0 * world.plan.queue / world.plan.per_s)
    yield Strike("backend away until the queue is full", away_s, _all(both, Part.stop), _all(both, Part.start))
    freeze, thaw = partial(Part.halt, on=True), partial(Part.halt, on=False)
    yield Strike("backend stands still", draw.uniform(1, 4), _all(both, freeze), _all(both, thaw))
    yield Strike("slow subscriber", draw.uniform(3, 5), world.slow.touch, partial(world.slow.unlink, missing_ok=True))
    yield Strike("wrong acknowledgements", 0.5, partial(_lie, world, draw), nothing)


def _lie(world: World, draw: random.Random) -> None:
    for _ in range(LIES):
        lane = draw.choice(world.lanes)
        world.tap.lie(Station(STORE, lane.id), draw)


def _jump(world: World, lane: Lane, draw: random.Random) -> Strike:
    days, backend_days = draw.choice((-1, 1)), draw.choice((-1, 0, 1))

    def jump() -> None:
        lane.clock.jump(days)
        world.clock.jump(backend_days)

    return Strike(f"clock of {lane.id} {days:+d} day, of the backend {backend_days:+d}", 1.0, jump, nothing)


def _kernel(world: World, lane: Lane, draw: random.Random) -> Iterator[Strike]:
    kernel = world.kernel
    yield Strike("link down", draw.uniform(0.5, 3), partial(kernel.link, up=False), partial(kernel.link, up=True))
    yield Strike("packets lost in a short queue", draw.uniform(3, 5), partial(kernel.shape, *LOSSY), kernel.shape)
    if kernel.has(*NETEM):
        yield Strike("100 ms and 10 % loss", draw.uniform(4, 6), partial(kernel.shape, *NETEM), kernel.shape)
    if lane.disk is not None:
        yield Strike(f"disk of {lane.id} full", draw.uniform(1, 4), lane.disk.fill, lane.disk.free)


def _all(parts: list[Part], do: Callable[[Part], None]) -> Do:
    return _each(*(partial(do, part) for part in parts))


def _each(*steps: Do) -> Do:
    def do() -> None:
        for step in steps:
            step()

    return do
