"""A retail scale with the Toledo "W" protocol on a serial port: grams, calibrated by the scale itself.

Wiring: the scale's RS-232 port to a USB adapter, 3 wires: its TXD to RXD, its RXD to TXD, ground to ground; scales
that send only while DTR is up get it from the adapter. From the factory such scales are set to 9600 7E1.

    [[scale]]
    driver = "toledo-8217"
    port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"
    capacity_g = 15000
    division_g = 5
"""

import time
from typing import Annotated

from msgspec import Meta

from drivers.conversation import Asking
from drivers.link import Link
from drivers.serial_scale import ByteSize, Clock, Parity, SerialScaleOptions
from drivers.serial_zero import ZeroableScale
from drivers.toledo_codec import REQUEST_WEIGHT, Dialect, ToledoCodec, ToledoZero
from drivers.units import Unit


class Options(SerialScaleOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "toledo-8217"`; the defaults are those of the scale as it leaves the factory.

    `capacity_g` and `division_g` tell the station how finely the scale reads; the driver itself does not use them.
    """

    bytesize: ByteSize = 7
    parity: Parity = "E"
    dialect: Annotated[
        Dialect, Meta(description="what the status letters mean; `ohaus` also for Rice Lake, `sasi` for Datalogic")
    ] = Dialect.TOLEDO_8217
    unit: Annotated[Unit, Meta(description="as set at the scale")] = Unit.KG


class Driver(ZeroableScale):
    """Implements `drivers.base.ScaleDriver` and `Zeroable`; yields `Indication`s."""

    def __init__(self, options: Options, *, link: Link | None = None, clock: Clock = time.monotonic_ns) -> None:
        codec = ToledoCodec(options.dialect, options.unit)
        zero = None if options.dialect is Dialect.SASI else ToledoZero(options.dialect)
        super().__init__(options, Asking(REQUEST_WEIGHT, codec), options.dialect, zero, link=link, clock=clock)
