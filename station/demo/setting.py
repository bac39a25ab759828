"""The demo's stage: folder, broker, simulated electronics and camera of one world, and the station itself.

Start is an ordered list, the end its mirror: whatever was started is stopped, also when a later part fails.
"""

import contextlib
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from calibration import factory
from calibration import store as calibration_store
from calibration.model import Cell
from drivers.sim.bridge_emulator import BridgeEmulator, pty_bridge
from drivers.sim.live import LiveWorld
from drivers.sim.render import platform, render
from drivers.sim.server import WorldServer
from drivers.sim.world import PlatformSpec, World
from station.demo import goods, processes
from station.demo.errors import DemoError
from station.demo.goods import Progress
from station.demo.processes import Child

STORE, STATION = "demo", "station-1"
CAPACITY_G, DIVISION_G = 50_000.0, 5.0
FACTORY_OFF = (1.0004, 0.9995, 1.0002, 0.9998)  # what the makers say of the cells' gains is true to so much
VISIBILITY, CLUTTER = 0.78, 0.02  # 608 sightings in 160 pictures of 790 things; one in a hundred names another product
CONFIGURATION = """\
[station]
store = "{store}"
id = "{station}"
state_dir = {state}

[mqtt]
host = "127.0.0.1"
port = {port}

[[scale]]
driver = "hx711-bridge"
port = {bridge}
capacity_g = {capacity_g:.0f}
division_g = {division_g:.0f}

[[camera]]
name = "top"
driver = "sim"
world = {world}

[policy.sights]                 # measured on pictures of this camera
visibility = {visibility}
clutter_per_camera = {clutter}
{more}"""


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything there is while the demo runs."""

    folder: Path
    config: Path
    world: LiveWorld
    bridge: BridgeEmulator
    broker: Child
    port: int
    station: Child
    started_s: float  # monotonic, when the station's process was begun

    @property
    def state_dir(self) -> Path:
        """Where the station keeps its state."""
        return self.folder / "state"

    def require(self) -> None:
        """Raise `DemoError` when the broker or the station has ended."""
        self.broker.require()
        self.station.require()


@contextlib.contextmanager
def setting(
    folder: Path, seed: int, progress: Progress, spec: PlatformSpec | None = None, more: str = ""
) -> Iterator[Setting]:
    """Prepare everything in `folder`, start it, and end it afterwards; `more` is appended to the configuration."""
    program = processes.find_broker()
    folder = folder.resolve()
    world = World(spec, seed=seed)
    with contextlib.ExitStack() as ends:
        devices = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="station-demo-")))  # short, for sockets
        _prepare(folder / "state", world.spec, progress)
        broker, port = processes.start_broker(program, folder)
        ends.callback(broker.stop)
        config = _write_configuration(folder, devices, port, more)
        live = LiveWorld(world)
        bridge = pty_bridge(live, devices / "bridge")
        bridge.start()
        ends.callback(bridge.stop)
        _warm_up()
        server = WorldServer(live, devices / "world", render)
        server.start()
        ends.callback(server.stop)
        started_s = time.monotonic()
        station = processes.start_station(config, folder)
        ends.callback(station.stop)
        yield Setting(folder, config, live, bridge, broker, port, station, started_s)


def _prepare(state_dir: Path, spec: PlatformSpec, progress: Progress) -> None:
    state_dir.mkdir(parents=True, exist_ok=True)
    goods.import_catalogue(state_dir)
    goods.enrol(state_dir / "gallery", progress)
    _calibrate(state_dir, spec)


def _calibrate(state_dir: Path, spec: PlatformSpec) -> None:
    """Store factory values of the simulated cells, as `calibrate import` does."""
    cells = tuple(
        Cell(zero_counts=zero, counts_per_g=gain * off)
        for zero, gain, off in zip(spec.zero_counts, spec.counts_per_g, FACTORY_OFF, strict=True)
    )
    if problems := factory.faults(cells, CAPACITY_G):
        raise DemoError(f"the simulated cells are implausible: {'; '.join(problems)}")
    calibration = factory.factory_calibration(cells, DIVISION_G)
    calibration_store.save(state_dir, 1, calibration_store.new_record(calibration, "factory", datetime.now(UTC)))


def _write_configuration(folder: Path, devices: Path, port: int, more: str) -> Path:
    path = folder / "station.toml"
    text = CONFIGURATION.format(
        store=STORE, station=STATION, state=_quoted(folder / "state"), port=port, bridge=_quoted(devices / "bridge"),
        world=_quoted(devices / "world"), capacity_g=CAPACITY_G, division_g=DIVISION_G,
        visibility=VISIBILITY, clutter=CLUTTER, more=more,
    )  # fmt: skip
    path.write_text(text, encoding="utf-8")
    return path


def _quoted(path: Path) -> str:
    return json.dumps(str(path))  # a JSON string is a TOML string


def _warm_up() -> None:
    """Draw the empty platform and the noise once: a real camera has no first picture that takes long."""
    platform()
    render([], rng_seed=0)
