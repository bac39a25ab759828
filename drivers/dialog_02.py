"""A retail scale with the protocol Checkout-Dialog 02, or 04: Dialog 06 without checksums, and slower.

Wiring: the scale's RS-232 port to a USB adapter, 3 wires: its TXD to RXD, its RXD to TXD, ground to ground. Dialog 02
runs at 2400 7O1, Dialog 04 at 4800 7O1.

    [[scale]]
    driver = "dialog-02"
    port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"
    baud = 4800
    capacity_g = 15000
    division_g = 5
"""

import time
from typing import Annotated, Literal

from msgspec import Meta

from drivers.dialog_talk import DialogConversation
from drivers.link import Link
from drivers.serial_scale import ByteSize, Clock, Parity, SerialScale, SerialScaleOptions


class Options(SerialScaleOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "dialog-02"`.

    `capacity_g` and `division_g` tell the station how finely the scale reads; the driver itself does not use them.
    """

    baud: Annotated[Literal[1200, 2400, 4800, 9600], Meta(description="2400: Dialog 02, 4800: Dialog 04")] = 2400
    bytesize: ByteSize = 7
    parity: Parity = "O"
    price: Annotated[int, Meta(ge=0, le=999_999, description="minor units a kilogram, told to the scale")] = 0


class Driver(SerialScale):
    """Implements `drivers.base.ScaleDriver`; yields `Indication`s."""

    def __init__(self, options: Options, *, link: Link | None = None, clock: Clock = time.monotonic_ns) -> None:
        super().__init__(options, DialogConversation(options.price, None), "dialog 02", link=link, clock=clock)
