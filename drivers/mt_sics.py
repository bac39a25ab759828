"""A balance or scale with MT-SICS (Mettler-Toledo, newer Kern and others).

Wiring: the balance's RS-232 port to a USB adapter, 3 wires: its TXD to RXD, its RXD to TXD, ground to ground; or its
own USB port where it appears as a serial device. Usual are 9600 8N1.

    [[scale]]
    driver = "mt-sics"
    port = "/dev/serial/by-id/usb-Mettler-Toledo_Scale-if00"
    unit = "kg"
    capacity_g = 32000
    division_g = 1
"""

import time
from typing import Annotated, Literal

from msgspec import Meta

from drivers.link import Link
from drivers.mt_sics_codec import SicsConversation, SicsZero
from drivers.serial_scale import Clock, SerialScaleOptions
from drivers.serial_zero import ZeroableScale


class Options(SerialScaleOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "mt-sics"`.

    `capacity_g` and `division_g` tell the station how finely the scale reads; the driver itself does not use them.
    """

    unit: Annotated[
        Literal["", "kg", "g", "lb"],
        Meta(description="as set at the scale; others are refused; empty: what two answers running say"),
    ] = ""


class Driver(ZeroableScale):
    """Implements `drivers.base.ScaleDriver` and `Zeroable`; yields `Indication`s."""

    def __init__(self, options: Options, *, link: Link | None = None, clock: Clock = time.monotonic_ns) -> None:
        super().__init__(options, SicsConversation(options.unit), "mt-sics", SicsZero(), link=link, clock=clock)
