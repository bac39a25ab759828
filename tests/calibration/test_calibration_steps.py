"""Single steps as benches script them, over real drivers on emulated electronics; nothing is applied before accept."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calibration import sessions, store
from drivers.sim.bridge_emulator import BridgeEmulator
from drivers.sim.host_port import PtyPort
from drivers.sim.live import LiveWorld
from drivers.sim.scale_emulator import ScaleEmulator
from drivers.sim.toledo_device import ToledoSpec
from drivers.sim.toledo_emulator import ToledoEmulator
from drivers.sim.world import PlacedObject, PlatformSpec, World
from station.calibrating import main

QUIET = PlatformSpec(drift_g_per_sqrt_s=0.0, creep=((0.0, 20.0), (0.0, 300.0)))
PLACES = {"C": (0.0, 0.0), "FL": (-0.24, -0.16), "FR": (0.24, -0.16), "BR": (0.24, 0.16), "BL": (-0.24, 0.16)}
BRIDGE = """[[scale]]
driver = "hx711-bridge"
port = "{port}"
capacity_g = 50000
division_g = 10
positions_mm = [[-300, 200], [300, 200], [300, -200], [-300, -200]]
"""
TOLEDO = """[[scale]]
driver = "toledo-8217"
port = "{port}"
capacity_g = 30000
division_g = 5
"""


class Bench:
    """An emulated scale, its configuration, and `calibrate` called as a program would be."""

    def __init__(self, folder: Path, world: LiveWorld, scale: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.state = folder / "state"
        self.config = folder / "station.toml"
        head = f'[station]\nstore = "1"\nid = "vs-1"\nstate_dir = "{self.state}"\n[mqtt]\nhost = "localhost"\n'
        self.config.write_text(head + scale.format(port=folder / "scale"), encoding="utf-8")
        self.world, self._capsys = world, capsys

    def put(self, grams: float, place: str = "C") -> None:
        x, y = PLACES[place]
        with self.world.now() as world:
            world.clear()
            if grams:
                world.place(PlacedObject(gtin="", name="weight", mass_g=grams, x_m=x, y_m=y), ramp_s=0.05)

    def run(self, *arguments: str, status: int = 0) -> tuple[Any, str]:
        """Run one command; return its JSON, or what it printed, and what it said to stderr."""
        assert main([*arguments, "--config", str(self.config)]) == status
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.err
        return (json.loads(captured.out) if "--json" in arguments else captured.out), captured.err

    def step(self, step: str, *arguments: str, status: int = 0) -> Any:
        given = ("--yes", "--json", "--operator", "rig", "--seconds", "0.6", *arguments)
        return self.run(step, *given, status=status)[0]


@pytest.fixture
def bridge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Bench]:
    world = LiveWorld(World(QUIET, seed=7))
    emulator = BridgeEmulator(world, PtyPort(tmp_path / "scale"))
    emulator.start()
    try:
        yield Bench(tmp_path, world, BRIDGE, capsys)
    finally:
        emulator.stop()


@pytest.fixture
def toledo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Bench]:
    world = LiveWorld(World(QUIET, seed=7))
    emulator: ScaleEmulator = ToledoEmulator(world, tmp_path / "scale", ToledoSpec(capacity_g=30_000.0, division_g=5.0))
    emulator.start()
    try:
        yield Bench(tmp_path, world, TOLEDO, capsys)
    finally:
        emulator.stop()


@pytest.mark.timeout(180)
def test_a_bench_calibrates_four_cells_and_accepts(bridge: Bench) -> None:
    kit = ("--weights", "2x20kg M1; 1x10kg M1")
    zero = bridge.step("zero", *kit)
    assert zero["next"] == "calibrate corners"
    for place in ("C", "FL", "FR", "BR", "BL"):
        bridge.put(10_000.0, place)
        told = bridge.step("corners", "--load", "10kg-1", "--position", place)
        assert told["capture"]["position"] == place
        assert told["findings"] == []
        assert told["gross_g"] == pytest.approx(10_000.0, rel=0.05)
    bridge.put(0.0)
    bridge.step("corners")
    bridge.put(40_000.0)
    bridge.step("span", "--load", "20kg-1 + 20kg-2")
    bridge.put(0.0)
    told = bridge.step("span")
    assert told["next"] == "calibrate accept"
    assert store.load(bridge.state, 1) is None
    done, _ = bridge.run("accept", "--yes", "--json")
    assert done["accepted"]
    record = store.load(bridge.state, 1)
    assert record is not None
    gains = [cell.counts_per_g for cell in record.calibration.cells]
    assert gains == pytest.approx(QUIET.counts_per_g, rel=2e-3)
    assert record.hardware is not None
    assert record.hardware.serial == b"SIMULATD".hex()
    assert sessions.find_open(bridge.state, 1) is None


@pytest.mark.timeout(120)
def test_a_load_that_was_typed_wrong_is_refused(bridge: Bench) -> None:
    bridge.step("zero")
    bridge.put(10_000.0)
    bridge.step("corners", "--load", "10kg")
    _, told = bridge.run(
        "corners", "--load", "10 g", "--yes", "--json", "--seconds", "0.6", "--position", "C", status=1
    )
    assert "the scale shows 10" in told
    assert "10 g was typed" in told
    _, told = bridge.run("corners", "--load", "10", "--yes", status=2)
    assert "has no unit" in told
    _, told = bridge.run("span", "--load", "60kg", "--yes", status=1)
    assert "more than Max" in told


def test_accepting_too_early_says_what_is_missing(bridge: Bench) -> None:
    _, told = bridge.run("accept", "--yes", status=1)
    assert "no open session" in told
    bridge.step("zero")
    _, told = bridge.run("accept", "--yes", status=1)
    assert len(told.splitlines()) == 1
    assert "cannot be accepted" in told
    bridge.run("abort")
    assert sessions.find_open(bridge.state, 1) is None


def test_what_nobody_was_asked_is_told_as_json(bridge: Bench) -> None:
    bridge.step("zero")
    refused, told = bridge.run("accept", "--json", status=2)
    assert "--yes" in refused["error"]
    assert len(told.splitlines()) == 1
    early, _ = bridge.run("accept", "--yes", "--json", status=1)
    assert "cannot be accepted" in early["error"]
    session = sessions.find_open(bridge.state, 1)
    assert session is not None
    assert bridge.run("abort", "--json")[0] == {"session": session.session.session_id, "ended": "aborted"}


def test_a_scale_that_moves_is_not_measured(bridge: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calibration.measuring.REST_S", 2.0)
    with bridge.world.now() as world:
        world.push(2_000.0, duration_s=30.0)
    _, told = bridge.run("zero", "--yes", "--operator", "rig", status=1)
    assert "does not come to rest" in told


def test_an_unplugged_cell_is_refused_by_its_number(bridge: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calibration.measuring.REST_S", 1.0)
    with bridge.world.now() as world:
        world.unplug(1)
    _, told = bridge.run("zero", "--yes", "--operator", "rig", status=1)
    assert "saturated" in told
    assert "cell 2" in told


def test_no_scale_is_one_clear_line(bridge: Bench, tmp_path: Path) -> None:
    (tmp_path / "scale").unlink()
    _, told = bridge.run("zero", "--yes", "--operator", "rig", status=1)
    assert len(told.splitlines()) == 1


@pytest.mark.timeout(120)
def test_an_instrument_that_gives_grams_is_verified(toledo: Bench) -> None:
    toledo.step("verify", "--weights", "2x10kg M1")
    toledo.put(10_000.0)
    told = toledo.step("verify", "--load", "10kg-1")
    assert told["capture"]["indicated_g"]["mean"] == pytest.approx(10_000.0, abs=5.0)
    assert told["capture"]["cells"] == []
    toledo.put(0.0)
    toledo.step("verify")
    report, _ = toledo.run("report", "--json")
    [point] = [point for point in report["evaluation"]["as_left"] if point["load_g"] > 0]
    assert abs(point["error_g"]) <= 5.0
    done, _ = toledo.run("accept", "--yes", "--json")
    assert done["record"] is None
    assert store.load(toledo.state, 1) is None


def test_overdue_weights_need_a_reason_that_is_recorded(bridge: Bench, tmp_path: Path) -> None:
    kit = tmp_path / "kit.json"
    kit.write_text('[{"weight_id": "W-1", "nominal_g": 20000, "weight_class": "M1", "due": "2020-01-31"}]')
    _, told = bridge.run("zero", "--yes", "--operator", "rig", "--weights", str(kit), status=1)
    assert "W-1 was due on 2020-01-31" in told
    bridge.step("zero", "--weights", str(kit), "--override", "weight-overdue the new ones come on Monday")
    session = sessions.find_open(bridge.state, 1)
    assert session is not None
    assert session.session.overrides == ("weight-overdue the new ones come on Monday",)


def test_rollback_and_certificates(bridge: Bench, tmp_path: Path) -> None:
    factory = tmp_path / "cells.json"
    cells = [{"zero_counts": z, "counts_per_g": g} for z, g in zip(QUIET.zero_counts, QUIET.counts_per_g, strict=True)]
    for scale in (1.0, 1.01):
        shifted = [{**cell, "counts_per_g": scale * cell["counts_per_g"]} for cell in cells]
        factory.write_text(json.dumps({"cells": shifted}))
        bridge.run("import", str(factory))
    back, _ = bridge.run("rollback", "--json")
    record = store.load(bridge.state, 1)
    assert record is not None
    assert record.version == back["version"]
    assert record.calibration.cells[0].counts_per_g == pytest.approx(QUIET.counts_per_g[0])
    bridge.step("zero")
    bridge.run("report", "--format", "json", "--format", "html", "--output", str(tmp_path / "out"), status=1)
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".json", ".html"}
