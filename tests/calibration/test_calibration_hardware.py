"""The guided flow over the real drivers of converters on I2C and over a running station that steps aside."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from benchmarks.calibration_effort import Patient, guide_of, scale_on, start
from calibration import accepting, procedure
from calibration.conduct import Conductor
from calibration.loads import weight_set
from calibration.preparing import platform_of
from calibration.procedure import Options
from drivers import nau7802
from drivers.nau7802 import Cell
from drivers.sim.i2c_bench import I2cBench
from drivers.sim.nau7802_chip import Nau7802Chip
from drivers.sim.virtual_pace import VirtualPace
from drivers.sim.workbench import Workbench
from drivers.sim.world import World
from tests.support.rig import CALIBRATE, Rig, bridge_rig

MUX = 0x70


def chips(world: World) -> tuple[nau7802.Driver, I2cBench]:
    """Four NAU7802 behind a multiplexer, each at a corner of the world's platform."""
    bench = I2cBench(VirtualPace())
    start_ns = bench.pace.t_ns

    def counts(t_ns: int, cell: int) -> float:
        world.advance_to((t_ns - start_ns) / 1e9)
        return float(world.counts()[cell])

    for cell in range(4):
        bench.chips[1, MUX, cell, 0x2A] = Nau7802Chip(lambda t_ns, cell=cell: counts(t_ns, cell))  # type: ignore[misc]
    options = nau7802.Options(cells=tuple(Cell(bus=1, mux=MUX, channel=n) for n in range(4)), rate_hz=10)
    return nau7802.Driver(options, bench.pace, bench.open), bench


@pytest.mark.timeout(120)
def test_four_chips_on_i2c_are_calibrated(tmp_path: Path) -> None:
    hands = Workbench(speed=None)
    driver, _ = chips(hands.world)
    scale = replace(scale_on(hands, tmp_path), driver="nau7802", make=lambda: driver)
    session = start(scale, "routine", "2x20kg M1; 1x10kg M1")
    platform = platform_of(scale, 4)
    loads = procedure.choose_loads(platform, weight_set("2x20kg M1; 1x10kg M1"))
    plan = [
        action
        for step in ("zero", "corners", "span")
        for action in procedure.actions(step, platform, loads, Options(repeats=1))
    ]
    guide = guide_of(scale, replace_plan(session, plan))
    assert Conductor(scale, session, guide, Patient(), lambda _session: []).run() == "finished"
    result = accepting.evaluated(session)
    assert result.gains is not None
    assert result.gains.counts_per_g == pytest.approx(hands.world.spec.counts_per_g, rel=1e-3)


def replace_plan(session: Any, plan: Sequence[procedure.Action]) -> Any:
    session.plan = tuple(plan)
    return session


def connections(rig: Rig) -> list[str]:
    return [heard.event["data"]["state"] for heard in rig.backend.heard("st/conn")]


def test_a_running_station_steps_aside_and_comes_back(tmp_path: Path) -> None:
    with bridge_rig(tmp_path) as rig:
        rig.wait_idle()
        command = [CALIBRATE, "zero", "--yes", "--json", "--operator", "rig", "--seconds", "0.5"]
        command += ["--config", str(rig.station.config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
        assert done.returncode == 0, done.stderr
        assert len(json.loads(done.stdout)["capture"]["cells"]) == 4
        rig.wait(lambda: connections(rig) == ["online", "draining", "online"])
        rig.wait(lambda: rig.health().get("state") == "idle")
