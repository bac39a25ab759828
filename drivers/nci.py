"""A retail scale with the NCI protocol SCP-01 (Weigh-Tronix, Avery Berkel, Brecknell, Mettler-Toledo "NCI").

Wiring: the scale's RS-232 port to a USB adapter, 3 wires: its TXD to RXD, its RXD to TXD, ground to ground. Usual are
9600 7E1; a Brecknell 6712 leaves the factory with 9600 8N1. How many status bytes it sends is set at the scale.

    [[scale]]
    driver = "nci"
    port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"
    dialect = "ecr"
    status_bytes = 2
    capacity_g = 15000
    division_g = 5
"""

import time
from typing import Annotated, Literal

from msgspec import Meta

from drivers.conversation import Asking
from drivers.link import Link
from drivers.nci_codec import REQUEST_WEIGHT, Dialect, NciCodec, NciZero
from drivers.serial_scale import ByteSize, Clock, Parity, SerialScaleOptions
from drivers.serial_zero import ZeroableScale
from drivers.units import Unit


class Options(SerialScaleOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "nci"`.

    `capacity_g` and `division_g` tell the station how finely the scale reads; the driver itself does not use them.
    """

    bytesize: ByteSize = 7
    parity: Parity = "E"
    dialect: Annotated[Dialect, Meta(description="`ecr`: units in capitals, S before the status; `bench`: neither")] = (
        Dialect.ECR
    )
    unit: Annotated[Unit, Meta(description="as set at the scale")] = Unit.KG
    status_bytes: Annotated[Literal[2, 3, 4], Meta(description="as set at the scale")] = 2
    shape: Annotated[
        str,
        Meta(
            pattern=r"^(0{1,6}(\.0{1,4})?)?$",
            description="how it writes a weight, 0 for each digit; empty: 00.000 kg, 000.00 lb",
            extra={"must": "zeros with a point, such as `00.000`, or empty"},
        ),
    ] = ""


class Driver(ZeroableScale):
    """Implements `drivers.base.ScaleDriver` and `Zeroable`; yields `Indication`s."""

    def __init__(self, options: Options, *, link: Link | None = None, clock: Clock = time.monotonic_ns) -> None:
        codec = NciCodec(options.dialect, options.unit, options.status_bytes, options.shape)
        talk, zero = Asking(REQUEST_WEIGHT, codec), NciZero(options.dialect)
        super().__init__(options, talk, f"nci {options.dialect}", zero, link=link, clock=clock)
