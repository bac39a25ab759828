"""Every serial scale once on a real pseudo-terminal with the byte-level device at its other end, at the real pace."""

import time
from pathlib import Path

import pytest

from drivers.base import Indication, Sample
from drivers.sim.live import LiveWorld
from drivers.sim.scale_emulator import pty_scale
from drivers.sim.world import World
from tests.drivers.scales import CASES, CRATE, STIFF, Case
from tests.drivers.wire import read_until


def weighs_the_crate(value: Sample | Indication) -> bool:
    return isinstance(value, Indication) and value.weight_g is not None and abs(value.weight_g - 5_000.0) <= 5.0


def no_longer(value: Sample | Indication) -> bool:
    return isinstance(value, Indication) and not weighs_the_crate(value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_crate_is_weighed_and_its_removal_seen(case: Case, tmp_path: Path) -> None:
    live = LiveWorld(World(STIFF, seed=4))
    with live.now() as world:
        handle = world.place(CRATE)
    emulator = pty_scale(live, tmp_path / "port", case.device())
    emulator.start()
    driver = case.driver(str(tmp_path / "port"), None, time.monotonic_ns)
    driver.open()
    read_until(driver, weighs_the_crate)
    with live.now() as world:
        world.remove(handle)
    read_until(driver, no_longer)
    driver.close()
    emulator.stop()
