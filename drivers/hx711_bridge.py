"""Several HX711 behind a microcontroller on USB serial: counts of all load cells, COBS-framed.

The wire format is in `bridge_frames`, the rules of trust in `bridge_stream`.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from drivers.bridge_session import BridgeSession
from drivers.serial_port import LineSettings, SerialPort


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "hx711-bridge"`."""

    port: Annotated[str, Meta(min_length=1, description="serial device; prefer /dev/serial/by-id/...")]
    baud: Annotated[int, Meta(ge=9600, le=3_000_000, description="USB boards take any")] = 115_200
    dtr: Annotated[bool, Meta(description="raise DTR: boards of the RP2040 kind send only while it is up")] = True
    channels: Annotated[int, Meta(ge=1, le=8, description="load cells; if absent, the first sample decides")] | None = (
        None
    )
    startup_s: Annotated[float, Meta(ge=0.5, le=10.0, description="how long a board may boot before it is lost")] = 3.0
    capacity_g: Annotated[float, Meta(ge=100.0, le=1_000_000.0, description="Max of the platform")] = 50_000.0
    division_g: Annotated[float, Meta(ge=0.01, le=1_000.0, description="d of the platform")] = 5.0


class Driver(BridgeSession):
    """Implements `drivers.base.ScaleDriver`; yields `Sample`s."""

    def __init__(self, options: Options) -> None:
        port = SerialPort(options.port, LineSettings(baud=options.baud, dtr=options.dtr))
        super().__init__(port, channels=options.channels, startup_s=options.startup_s)
