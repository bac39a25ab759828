"""What every scale driver promises, tried on each over a real wire with the emulated electronics at its other end."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from drivers import hx711_bridge
from drivers.base import Indication, Reading, Sample, SampleFlag, ScaleDriver, ScaleState, SensorError
from drivers.sim import scale as sim_scale
from drivers.sim.bridge_emulator import pty_bridge
from drivers.sim.faults import FaultRates, FaultyLine
from drivers.sim.live import LiveWorld
from drivers.sim.scale_emulator import pty_scale
from drivers.sim.server import WorldServer
from drivers.sim.world import PlacedObject, PlatformSpec, World
from tests.drivers.scales import CASES, STIFF
from tests.drivers.wire import read_to_error, read_until

LOAD = PlacedObject("04006381333931", "a crate", 5_000.0, 0.05, -0.02)


@dataclass
class Rig:
    """A driver and its device, with the faults that can be done to it."""

    live: LiveWorld
    driver: ScaleDriver
    unplug: Callable[[], None]
    replug: Callable[[], None]
    spoil: Callable[[FaultyLine], None]


def _bridge(live: LiveWorld, folder: Path) -> Iterator[Rig]:
    emulator = pty_bridge(live, folder / "port")
    emulator.start()
    driver = hx711_bridge.Driver(hx711_bridge.Options(port=str(folder / "port")))
    yield Rig(live, driver, emulator.unplug, emulator.replug, lambda line: setattr(emulator, "line", line))
    emulator.stop()


def _serial(name: str, live: LiveWorld, folder: Path) -> Iterator[Rig]:
    case = next(case for case in CASES if case.name == name)
    emulator = pty_scale(live, folder / "port", case.device())
    emulator.start()
    driver = case.driver(str(folder / "port"), None, time.monotonic_ns)
    yield Rig(live, driver, emulator.unplug, emulator.replug, lambda line: setattr(emulator, "line", line))
    emulator.stop()


def _no_bad_line(line: FaultyLine) -> None:
    raise AssertionError(f"a socket cannot be spoiled: {line}")


def _sim(live: LiveWorld, folder: Path) -> Iterator[Rig]:
    servers: list[WorldServer] = []

    def replug() -> None:
        servers.append(WorldServer(live, folder / "w", lambda _, *, rng_seed: np.full((4, 4, 3), rng_seed, np.uint8)))
        servers[-1].start()

    def unplug() -> None:
        servers[-1].stop()

    replug()
    driver = sim_scale.Driver(sim_scale.Options(world=str(folder / "w")))
    yield Rig(live, driver, unplug, replug, _no_bad_line)
    servers[-1].stop()


# one of each serial driver that shows zero; all of them, under every fault: test_drivers_scale_faults
SERIAL = ("toledo-8217", "nci-ecr", "cas", "magellan", "mt-sics", "ascii-line a-and-d", "ascii-line toledo-continuous")
MakeRig = Callable[[LiveWorld, Path], Iterator[Rig]]
SCALES: dict[str, MakeRig] = {"hx711-bridge": _bridge, "sim": _sim}
SCALES |= {name: partial(_serial, name) for name in SERIAL}


@pytest.fixture(params=list(SCALES.values()), ids=list(SCALES))
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    for rig in request.param(LiveWorld(World(STIFF, seed=4)), tmp_path):
        yield rig
        rig.driver.close()


def grams(value: Sample | Indication) -> float | None:
    """Return the weight that a value supports, None where it supports none."""
    if isinstance(value, Indication):
        assert (value.weight_g is not None) == (value.state is ScaleState.STABLE)
        return value.weight_g
    spec = PlatformSpec()
    cells = zip(value.counts, spec.zero_counts, spec.counts_per_g, strict=True)
    return None if value.flags else sum((count - zero) / gain for count, zero, gain in cells)


def weighs(true_g: float) -> Callable[[Sample | Indication], bool]:
    def good(value: Sample | Indication) -> bool:
        weight_g = grams(value)
        return weight_g is not None and abs(weight_g - true_g) < 10

    return good


def in_a_row(times: int, good: Callable[[Sample | Indication], bool]) -> Callable[[Sample | Indication], bool]:
    row = 0

    def enough(value: Sample | Indication) -> bool:
        nonlocal row
        row = row + 1 if good(value) else 0
        return row >= times

    return enough


def test_an_absent_device_is_an_error_with_a_remedy(rig: Rig) -> None:
    rig.unplug()
    with pytest.raises(SensorError) as caught:
        rig.driver.open()
    assert caught.value.remedy
    rig.replug()
    rig.driver.open()


def test_a_load_is_weighed_and_its_removal_seen(rig: Rig) -> None:
    rig.driver.open()
    read_until(rig.driver, weighs(0.0))
    with rig.live.now() as world:
        handle = world.place(LOAD)
    read_until(rig.driver, weighs(5_000.0))
    with rig.live.now() as world:
        world.remove(handle)
    read_until(rig.driver, weighs(0.0))


def test_times_go_forward(rig: Rig) -> None:
    rig.driver.open()
    values: list[Reading] = []
    while len(values) < 8:
        values += rig.driver.read(1.0)
    assert all(later.t_ns > earlier.t_ns for earlier, later in pairwise(values))


def test_a_lost_device_is_an_error_and_it_serves_again_once_back(rig: Rig) -> None:
    rig.driver.open()
    read_until(rig.driver, weighs(0.0))
    rig.unplug()
    with pytest.raises(SensorError) as caught:
        read_to_error(rig.driver)
    assert caught.value.remedy
    rig.driver.close()
    with pytest.raises(SensorError):
        rig.driver.open()
    rig.replug()
    rig.driver.open()
    read_until(rig.driver, weighs(0.0))


def test_closing_never_raises_and_a_closed_driver_says_so(rig: Rig) -> None:
    rig.driver.close()
    rig.driver.open()
    rig.driver.close()
    rig.driver.close()
    with pytest.raises(SensorError, match="not open"):
        rig.driver.read(0.0)


BAD_LINES = ("hx711-bridge", "toledo-8217")


@pytest.mark.parametrize("rig", [SCALES[name] for name in BAD_LINES], indirect=True, ids=BAD_LINES)
def test_a_bad_line_yields_no_wrong_weight(rig: Rig) -> None:
    rig.driver.open()
    with rig.live.now() as world:
        world.place(LOAD)
    read_until(rig.driver, in_a_row(20, weighs(5_000.0)))
    rig.spoil(FaultyLine(FaultRates(drop_byte=0.1, garbage=0.1, truncate=0.1, duplicate=0.1), seed=5))
    seen = [read_until(rig.driver, weighs(5_000.0)) for _ in range(15)]
    weights = [grams(value) for values in seen for value in values]
    assert all(weight == pytest.approx(5_000.0, abs=10) for weight in weights if weight is not None)


def test_an_unplugged_load_cell_is_no_weight(tmp_path: Path) -> None:
    live = LiveWorld(World(seed=4))
    for rig in _bridge(live, tmp_path):
        rig.driver.open()
        read_until(rig.driver, weighs(0.0))
        with live.now() as world:
            world.unplug(2)
        read_until(rig.driver, lambda value: isinstance(value, Sample) and SampleFlag.SATURATED in value.flags)
        assert all(value.flags for value in rig.driver.read(5.0) if isinstance(value, Sample))
        with live.now() as world:
            world.plug(2)
        read_until(rig.driver, weighs(0.0))
        rig.driver.close()


def test_a_bridge_that_reboots_settles_and_goes_on(tmp_path: Path) -> None:
    live = LiveWorld(World(seed=4))
    emulator = pty_bridge(live, tmp_path / "port")
    emulator.start()
    driver = hx711_bridge.Driver(hx711_bridge.Options(port=str(tmp_path / "port")))
    driver.open()
    before = read_until(driver, weighs(0.0))
    emulator.reboot()
    after = read_until(driver, lambda value: isinstance(value, Sample) and SampleFlag.SETTLING in value.flags)
    after += read_until(driver, weighs(0.0))
    assert all(later.t_ns > earlier.t_ns for earlier, later in pairwise(before + after))
    driver.close()
    emulator.stop()
