"""A machine of a test's own: a tree of /dev and /sys, with emulated devices on pseudo-terminals."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers.probing.matching import Candidate
from drivers.probing.places import Host, SerialPlace, serial_places
from drivers.probing.serial_probe import Limits, SerialFind, probe_ports
from drivers.sim.bridge_device import BridgeDevice
from drivers.sim.bridge_emulator import pty_bridge
from drivers.sim.emulator import Emulator
from drivers.sim.live import LiveWorld
from drivers.sim.scale_emulator import Device, ScaleEmulator, pty_scale
from drivers.sim.world import World
from station import wiring
from station.config import Config, parse
from station.doctor.suggesting import Suggestion
from tests.drivers.scales import CRATE, STIFF

HEAD = '[station]\nstore = "0815"\nid = "vs-03"\n[mqtt]\nhost = "localhost"\n\n'
LIMITS = Limits(listen_s=1.2, answer_s=0.2, all_s=50.0)


class Machine:
    """Its roots are folders; what is plugged in appears there as udev would show it."""

    def __init__(self, root: Path) -> None:
        self.dev, self.sys, self.proc = root / "dev", root / "sys", root / "proc"
        for folder in (self.dev / "serial" / "by-id", self.dev / "serial" / "by-path", self.sys, self.proc):
            folder.mkdir(parents=True)
        self.host = Host(dev=self.dev, sys=self.sys, proc=self.proc)
        self.live = LiveWorld(World(STIFF, seed=4))
        with self.live.now() as world:
            world.place(CRATE)
        self._running: list[Emulator] = []
        self._plugs = 0

    def scale(self, device: Device) -> tuple[str, ScaleEmulator]:
        """Plug a scale in; return the name of its port."""
        node, port = self._plug("ttyUSB")
        emulator = pty_scale(self.live, node, device)
        self._start(emulator)
        return port, emulator

    def bridge(self, device: BridgeDevice) -> str:
        """Plug a load-cell bridge in; return the name of its port."""
        node, port = self._plug("ttyACM")
        self._start(pty_bridge(self.live, node, device))
        return port

    def link(self, target: str) -> str:
        """Plug in what a test holds itself; return the name of its port."""
        node, port = self._plug("ttyUSB")
        node.symlink_to(target)
        return port

    def stop(self) -> None:
        for emulator in self._running:
            emulator.stop()

    def probe(
        self, *, ask: bool = True, limits: Limits = LIMITS, places: list[SerialPlace] | None = None
    ) -> list[SerialFind]:
        """Return what the serial ports show."""
        return probe_ports(
            self.host,
            serial_places(self.host) if places is None else places,
            ask=ask,
            limits=limits,
            tell=lambda _: None,
        )

    def candidate(self, *, ask: bool = True) -> Candidate:
        """Return the only candidate at the only port."""
        [find] = self.probe(ask=ask)
        assert find.problem == ""
        [candidate] = find.candidates
        return candidate

    def _plug(self, kind: str) -> tuple[Path, str]:
        node = self.dev / f"{kind}{self._plugs}"
        link = self.dev / "serial" / "by-id" / f"usb-maker_thing_{self._plugs}-if00-port0"
        link.symlink_to(f"../../{node.name}")
        self._plugs += 1
        return node, str(link)

    def _start(self, emulator: Emulator) -> None:
        emulator.start()
        self._running.append(emulator)


@contextmanager
def machine(root: Path) -> Iterator[Machine]:
    """Yield a machine, its devices stopped at the end."""
    made = Machine(root)
    try:
        yield made
    finally:
        made.stop()


def configured(suggestion: Suggestion) -> Config:
    """Return the configuration that a suggestion makes, checked as `station config check` checks it."""
    return parse((HEAD + suggestion.toml).encode(), Path("/etc/station.toml"), wiring.driver_options())
