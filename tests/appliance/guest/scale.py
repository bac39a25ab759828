"""A retail scale on a pseudo-terminal, in the machine: `scale.py LINK FOLDER`, run by the package's own interpreter.

A file in FOLDER whose name is a number of grams is a thing on the platform.
"""

import sys
import threading
from pathlib import Path

from drivers.sim.live import LiveWorld
from drivers.sim.toledo_device import ToledoSpec
from drivers.sim.toledo_emulator import ToledoEmulator
from drivers.sim.world import PlacedObject, World

LOOK_S = 0.1


def main() -> None:
    """Serve for ever."""
    link, folder = Path(sys.argv[1]), Path(sys.argv[2])
    live = LiveWorld(World(seed=7))
    ToledoEmulator(live, link, ToledoSpec(capacity_g=30_000.0, division_g=5.0)).start()
    link.resolve().chmod(0o666)
    lying: set[str] = set()
    pause = threading.Event()
    while not pause.wait(LOOK_S):
        names = {path.name for path in folder.iterdir()}
        if names != lying:
            lying = names
            with live.now() as world:
                world.clear()
                for name in sorted(names):
                    world.place(PlacedObject(gtin="", name="thing", mass_g=float(name)), ramp_s=0.1)


if __name__ == "__main__":
    main()
