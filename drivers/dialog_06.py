"""A retail scale with the protocol Checkout-Dialog 06 (Mettler-Toledo, Bizerba, Ohaus, Dibal and others).

Wiring: the scale's RS-232 port to a USB adapter, 3 wires: its TXD to RXD, its RXD to TXD, ground to ground. 9600 7O1.
Such scales want checksums now and then, made with a polynomial that the maker of the scale tells to makers of tills;
none comes with this driver. With a `price` of 1000 (10.00 a kilogram) the amount repeats the digits of the weight: a
check beyond parity, at the price of an amount on the customer's display.

    [[scale]]
    driver = "dialog-06"
    port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"
    polynomial = "1...."
    capacity_g = 15000
    division_g = 5
"""

import time
from typing import Annotated

from msgspec import Meta

from drivers.dialog_talk import DialogConversation
from drivers.link import Link
from drivers.serial_scale import ByteSize, Clock, Parity, SerialScale, SerialScaleOptions


class Options(SerialScaleOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "dialog-06"`.

    `capacity_g` and `division_g` tell the station how finely the scale reads; the driver itself does not use them.
    """

    bytesize: ByteSize = 7
    parity: Parity = "O"
    price: Annotated[int, Meta(ge=0, le=999_999, description="minor units a kilogram, told to the scale")] = 0
    polynomial: Annotated[
        str,
        Meta(
            pattern=r"^(1[0-9A-Fa-f]{4})?$",
            description="of the checksums, from the scale's maker; empty: none",
            extra={"must": "17 bits as hexadecimal digits, 1 and four more, or empty"},
        ),
    ] = ""


class Driver(SerialScale):
    """Implements `drivers.base.ScaleDriver`; yields `Indication`s."""

    def __init__(self, options: Options, *, link: Link | None = None, clock: Clock = time.monotonic_ns) -> None:
        polynomial = int(options.polynomial, 16) if options.polynomial else None
        talk = DialogConversation(options.price, polynomial)
        super().__init__(options, talk, "dialog 06", link=link, clock=clock)
