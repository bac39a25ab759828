"""A Datalogic Magellan: a scanner with a scale in the counter, both on one cable. Barcodes are passed on.

Wiring: the single cable of the scanner, RS-232 side, to a USB adapter: TXD, RXD and ground crossed. Usual are 9600 7E1
for scales that emulate a Magellan 8500, 9600 8N1 for newer ones: set here what the scanner's label says. Let the
scanner send AIM's identifiers (`]E0`, `]Q1`, ...): they tell a phone's code from a product's. Its own letters for EAN,
UPC and DataBar are understood, too; without either, only check digits tell products from other codes.

    [[scale]]
    driver = "magellan"
    port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"
    capacity_g = 15000
    division_g = 5
"""

import time
from typing import Annotated, Literal

from msgspec import Meta

from drivers.link import Link
from drivers.magellan_codec import MagellanConversation
from drivers.serial_scale import Clock, SerialScale, SerialScaleOptions
from drivers.units import Unit


class Options(SerialScaleOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "magellan"`.

    `capacity_g` and `division_g` tell the station how finely the scale reads; the driver itself does not use them.
    """

    unit: Annotated[Unit, Meta(description="as set at the scale; its weights carry none")] = Unit.KG
    command: Annotated[
        Literal["S14", "S11"], Meta(description="`S14` tells the state, too; `S11` is answered only when stable")
    ] = "S14"


class Driver(SerialScale):
    """Implements `drivers.base.ScaleDriver`; yields `Indication`s and `Barcode`s."""

    def __init__(self, options: Options, *, link: Link | None = None, clock: Clock = time.monotonic_ns) -> None:
        quiet = options.command == "S11"
        super().__init__(
            options,
            MagellanConversation(options.unit, options.command.encode()),
            f"magellan {options.command}",
            silence="the scale is not stable, or did not answer" if quiet else "the scale did not answer",
            patience_s=None if quiet else 3.0,
            link=link,
            clock=clock,
        )
