"""A retail scale on a live world: a pseudo-terminal that answers `W` as the real one does."""

from pathlib import Path

from drivers.sim.host_port import PtyPort
from drivers.sim.live import LiveWorld
from drivers.sim.scale_emulator import ScaleEmulator
from drivers.sim.toledo_device import ToledoDevice, ToledoSpec


class ToledoEmulator(ScaleEmulator):
    """Serves one scale at `link`."""

    def __init__(self, live: LiveWorld, link: Path, spec: ToledoSpec | None = None) -> None:
        super().__init__(live, PtyPort(link), ToledoDevice(spec))
