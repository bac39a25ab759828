"""A retail scale with the CAS protocol (CAS PD-II, ER, SW-II, AP-1; Elzab; Ohaus set to "CAS").

Wiring: the scale's RS-232 port to a USB adapter, 3 wires: its TXD to RXD, its RXD to TXD, ground to ground. Such scales
leave the factory with 9600 8N1. Every weight carries a check of its own.

    [[scale]]
    driver = "cas"
    port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"
    capacity_g = 15000
    division_g = 5
"""

import time
from typing import Annotated

from msgspec import Meta

from drivers.cas_codec import CasConversation
from drivers.link import Link
from drivers.serial_scale import Clock, SerialScale, SerialScaleOptions
from drivers.units import Unit


class Options(SerialScaleOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "cas"`.

    `capacity_g` and `division_g` tell the station how finely the scale reads; the driver itself does not use them.
    """

    unit: Annotated[Unit, Meta(description="as set at the scale")] = Unit.KG


class Driver(SerialScale):
    """Implements `drivers.base.ScaleDriver`; yields `Indication`s."""

    def __init__(self, options: Options, *, link: Link | None = None, clock: Clock = time.monotonic_ns) -> None:
        super().__init__(options, CasConversation(options.unit), "cas", link=link, clock=clock)
