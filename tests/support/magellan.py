"""A station whose scale has a scanner on the same wire."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from drivers.sim.magellan_device import MagellanDevice
from tests.support.rig import Rig, retail_rig


@contextlib.contextmanager
def scanner_rig(folder: Path) -> Iterator[tuple[Rig, MagellanDevice]]:
    """Yield the station, online and idle, and its instrument."""
    device = MagellanDevice()
    with retail_rig(folder, "magellan", device) as rig:
        rig.wait_idle()
        yield rig, device
