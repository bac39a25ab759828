"""The simulated load-cell platform as a scale: the bridge's own bytes, through the world's socket."""

from typing import Annotated

import msgspec
from msgspec import Meta

from drivers.bridge_session import BridgeSession
from drivers.sim.protocol import BRIDGE
from drivers.sim.socket_link import SocketLink


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of a scale with `driver = "sim"`."""

    world: Annotated[str, Meta(min_length=1, description="Unix socket of the simulated world")]
    capacity_g: Annotated[float, Meta(ge=100.0, le=1_000_000.0, description="Max of the platform")] = 50_000.0
    division_g: Annotated[float, Meta(ge=0.01, le=1_000.0, description="d of the platform")] = 5.0


class Driver(BridgeSession):
    """Implements `drivers.base.ScaleDriver`; yields `Sample`s."""

    def __init__(self, options: Options) -> None:
        super().__init__(SocketLink(options.world, BRIDGE), channels=None, startup_s=3.0)
