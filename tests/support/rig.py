"""The station as its users see it: the daemon as a process, a real broker, emulated scales, a backend."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from drivers.sim.bridge_emulator import BridgeEmulator
from drivers.sim.host_port import PtyPort
from drivers.sim.live import LiveWorld
from drivers.sim.scale_emulator import Device, ScaleEmulator, pty_scale
from drivers.sim.text_emulator import TextEmulator
from drivers.sim.toledo_device import ToledoSpec
from drivers.sim.toledo_emulator import ToledoEmulator
from drivers.sim.world import PlacedObject, PlatformSpec, World
from tests.support.backend import Backend
from tests.support.mosquitto import Mosquitto

ROOT = "vs/1/0815/vs-03/"
CHEESE, MILK, SWEET = "04006381333931", "04000417025005", "04008400404127"
PRODUCTS = f"""gtin,name,department,unit_price_minor,weight_g,weight_sd_g,weight_n,sales_per_1000
{CHEESE},Cheese,dairy,399,410,3,40,5
{MILK},Milk,dairy,129,1035,4,80,9
{SWEET},Chocolate,sweets,219,106,1,50,4
"""
END_S = 10.0
STATION = str(Path(sys.executable).with_name("station"))
CALIBRATE = str(Path(sys.executable).with_name("calibrate"))


class Station:
    """The daemon as a process of its own; `log` is what it wrote to stderr."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.log: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start `station run`."""
        command = [STATION, "run", "--config", str(self.config)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self._process = process
        self._reader = threading.Thread(target=self._read, args=(process,), daemon=True)
        self._reader.start()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it in an orderly way and return its exit status."""
        return self._end(signal.SIGTERM)

    def wait(self) -> int:
        """Wait until it ends by itself."""
        assert self._process is not None
        assert self._reader is not None
        status = self._process.wait(END_S)
        self._reader.join(END_S)
        self._process = None
        return status

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        return self.wait()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            self.log.extend(lines)


class Rig:
    """Everything around one station; made by `rig`."""

    def __init__(
        self, folder: Path, broker: Mosquitto, world: LiveWorld, station: Station, scale: "Electronics"
    ) -> None:
        self.folder = folder
        self.scale = scale
        self.broker = broker
        self.world = world
        self.station = station
        self.backend: Backend
        self._commands = 0

    def put(self, *grams: float) -> None:
        """Place things on the platform."""
        with self.world.now() as world:
            for mass_g in grams:
                world.place(PlacedObject(gtin="", name="thing", mass_g=mass_g), ramp_s=0.1)

    def clear(self) -> None:
        """Take everything away."""
        with self.world.now() as world:
            world.clear()

    def claim(self, *gtins: str, transaction_id: str = "T-1", revision: int = 1, **more: Any) -> None:
        """Claim one of each GTIN."""
        lines = [{"line": n, "gtin": gtin, "quantity": 1} for n, gtin in enumerate(gtins, 1)]
        self.command("claim", {"transaction_id": transaction_id, "revision": revision, "lines": lines, **more})

    def command(self, name: str, data: dict[str, Any]) -> None:
        """Send a command with an id of its own."""
        self._commands += 1
        self.backend.command(name, data, event_id=f"c-{self._commands}")

    def verdicts(self) -> list[dict[str, Any]]:
        """Return the data of all verdicts so far, each once, by their number."""
        found = {(h.event["epoch"], h.event["seq"]): h.event["data"] for h in self.backend.heard("evt/verdict")}
        return [found[key] for key in sorted(found)]

    def wait_verdicts(self, count: int, deadline_s: float = 20.0) -> list[dict[str, Any]]:
        """Wait for so many verdicts in all."""
        self.wait(lambda: len(self.verdicts()) >= count, deadline_s)
        return self.verdicts()

    def phases(self) -> list[str]:
        """Return the phases of visits so far."""
        return [heard.event["data"]["phase"] for heard in self.backend.heard("evt/transaction")]

    def alarms(self) -> list[tuple[str, str]]:
        """Return the alarms so far, with their state."""
        data = [heard.event["data"] for heard in self.backend.heard("evt/alarm")]
        return [(alarm["code"], alarm["state"]) for alarm in data]

    def answers(self, name: str) -> list[dict[str, Any]]:
        """Return the answers to a command so far."""
        return [heard.event["data"] for heard in self.backend.heard(f"res/{name}")]

    def wait(self, done: Callable[[], bool], deadline_s: float = 20.0) -> None:
        """Wait until something was heard; tell what the daemon said if it never is."""
        try:
            self.backend.wait(done, deadline_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{''.join(self.station.log[-30:])}") from None

    def mute(self, *, silent: bool) -> None:
        """Let the retail scale fall silent, or answer again."""
        assert isinstance(self.scale, ScaleEmulator)
        self.scale.mute = silent

    def wait_idle(self) -> None:
        """Wait until the station is online and has seen the platform empty."""
        self.wait(lambda: self.health().get("state") == "idle")

    def health(self) -> dict[str, Any]:
        """Return the last health that was heard."""
        heard = self.backend.heard("st/health")
        return heard[-1].event["data"] if heard else {}


def configuration(folder: Path, port: int, scale: str, more: str = "", state: Path | None = None) -> Path:
    """Write a configuration and return its path."""
    path = folder / "station.toml"
    path.write_text(
        f"""[station]
store = "0815"
id = "vs-03"
state_dir = "{state or folder / "state"}"
[mqtt]
host = "127.0.0.1"
port = {port}
backoff_min_s = 0.2
backoff_max_s = 1.0
[[scale]]
{scale}
{more}
""",
        encoding="utf-8",
    )
    return path


def run_station(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `station` to its end."""
    command = [STATION, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def import_products(config: Path, products: str = PRODUCTS) -> None:
    """Give the station a catalogue."""
    file = config.parent / "products.csv"
    file.write_text(products, encoding="utf-8")
    done = run_station("catalogue", "import", str(file), "--config", str(config))
    assert done.returncode == 0, done.stderr


Electronics = ScaleEmulator | BridgeEmulator | TextEmulator


@contextlib.contextmanager
def toledo_rig(folder: Path, *, start: bool = True, more: str = "", state: Path | None = None) -> Iterator[Rig]:
    """Yield a station with one retail scale."""
    world = LiveWorld(World(seed=7))
    scale = ToledoEmulator(world, folder / "scale", ToledoSpec(capacity_g=30_000.0, division_g=5.0))
    keys = f'driver = "toledo-8217"\nport = "{folder}/scale"\ncapacity_g = 30000\ndivision_g = 5'
    with _rig(folder, world, scale, keys + "\n" + more, state, start=start) as made:
        yield made


@contextlib.contextmanager
def retail_rig(folder: Path, driver: str, device: Device, *, more: str = "", start: bool = True) -> Iterator[Rig]:
    """Yield a station with one instrument of another make; `more` are further keys of its driver."""
    world = LiveWorld(World(seed=7))
    keys = f'driver = "{driver}"\nport = "{folder}/scale"\ncapacity_g = 30000\ndivision_g = 5\n{more}'
    with _rig(folder, world, pty_scale(world, folder / "scale", device), keys, None, start=start) as made:
        yield made


@contextlib.contextmanager
def text_rig(folder: Path) -> Iterator[Rig]:
    """Yield a station with four load cells on a board that prints lines, calibrated with factory values."""
    world = LiveWorld(World(seed=7))
    columns = "columns = [1, 2, 3, 4]\ntime_column = 0\nwidth = 5"
    keys = f'driver = "hx711-text"\nport = "{folder}/scale"\ncapacity_g = 50000\ndivision_g = 5\n{columns}'
    with _rig(folder, world, TextEmulator(world, folder / "scale"), keys, None, start=False) as made:
        import_calibration(made.station.config)
        made.station.start()
        yield made


@contextlib.contextmanager
def bridge_rig(folder: Path, *, start: bool = True, more: str = "") -> Iterator[Rig]:
    """Yield a station with four load cells on a bridge, calibrated with factory values."""
    world = LiveWorld(World(seed=7))
    bridge = BridgeEmulator(world, PtyPort(folder / "bridge"))
    keys = f'driver = "hx711-bridge"\nport = "{folder}/bridge"\ncapacity_g = 50000\ndivision_g = 5'
    with _rig(folder, world, bridge, keys + "\n" + more, None, start=False) as made:
        import_calibration(made.station.config)
        if start:
            made.station.start()
        yield made


@contextlib.contextmanager
def _rig(
    folder: Path, world: LiveWorld, scale: Electronics, keys: str, state: Path | None, *, start: bool
) -> Iterator[Rig]:
    with Mosquitto(folder) as broker:
        config = configuration(folder, broker.port, keys, state=state)
        import_products(config)
        station = Station(config)
        rig = Rig(folder, broker, world, station, scale)
        scale.start()
        try:
            with Backend(broker.port, ROOT) as rig.backend:
                if start:
                    station.start()
                yield rig
        finally:
            station.kill()
            scale.stop()


def import_calibration(config: Path) -> None:
    """Give the first scale the factory values of the simulated cells."""
    spec = PlatformSpec()
    cells = [
        {"zero_counts": zero, "counts_per_g": gain}
        for zero, gain in zip(spec.zero_counts, spec.counts_per_g, strict=True)
    ]
    file = config.parent / "cells.json"
    file.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    command = [CALIBRATE, "import", str(file), "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def wait_until(done: Callable[[], bool], deadline_s: float = 20.0) -> None:
    """Wait for something that no message tells of."""
    end_s = time.monotonic() + deadline_s
    gate = threading.Event()
    while not done():
        assert time.monotonic() < end_s, "it did not happen in time"
        gate.wait(0.02)


def gone(pid: int) -> bool:
    """Return whether a process has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
