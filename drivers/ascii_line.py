"""Bench scales and indicators that write their weight as a line of text, or in Toledo's continuous format.

Makes: A&D, Dini Argeo, Ohaus, Radwag, Sartorius SBI, Kern, Adam; what a line means is a table in `line_profiles`.
Wiring: the scale's RS-232 port to a USB adapter, 3 wires: its TXD to RXD, its RXD to TXD, ground to ground; one that
sends by itself needs only its TXD and ground. Line settings are as set at the scale: A&D often 2400 7E1, Adam 4800
8N1, the others mostly 9600 8N1. Set the scale to show gross weight in kg, without a tare.

    [[scale]]
    driver = "ascii-line"
    profile = "dini-argeo"
    port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"
    continuous = true
    capacity_g = 60000
    division_g = 20
"""

import time
from dataclasses import replace
from typing import Annotated, Literal

from msgspec import Meta

from drivers.conversation import Asking, Codec
from drivers.line_codec import LineCodec
from drivers.line_profiles import PROFILES
from drivers.link import Link
from drivers.serial_scale import Clock, SerialScale, SerialScaleOptions
from drivers.toledo_continuous import ToledoContinuousCodec
from drivers.units import Unit

_TOLEDO = "toledo-continuous"
_PATIENCE_S = 3.0


class Options(SerialScaleOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "ascii-line"`.

    `capacity_g` and `division_g` tell the station how finely the scale reads; the driver itself does not use them.
    """

    profile: Annotated[
        Literal[
            "a-and-d", "dini-argeo", "ohaus", "radwag", "sartorius-sbi", "kern", "adam", "toledo-continuous"
        ],
        Meta(description="how the make writes its lines"),
    ]  # fmt: skip
    continuous: Annotated[
        bool, Meta(description="the scale sends by itself; `toledo-continuous` always does")
    ] = False  # fmt: skip
    unit: Annotated[Literal["kg", "g", "lb"], Meta(description="as set at the scale; others are refused")] = "kg"
    width: Annotated[int, Meta(ge=0, le=16, description="characters of the weight; 0: as usual for the make")] = 0
    checksum: Annotated[bool, Meta(description="`toledo-continuous`: the scale sends its check")] = True


class Driver(SerialScale):
    """Implements `drivers.base.ScaleDriver`; yields `Indication`s."""

    def __init__(self, options: Options, *, link: Link | None = None, clock: Clock = time.monotonic_ns) -> None:
        profile = PROFILES.get(options.profile)
        codec: Codec
        if profile is None:
            unit = Unit.LB if options.unit == "lb" else Unit.KG  # it knows no grams
            question, codec = b"", ToledoContinuousCodec(unit, check=options.checksum)
        else:
            profile = replace(profile, question=b"") if options.continuous else profile
            question, codec = profile.question, LineCodec(profile, options.unit, options.width)
        asked = profile is not None and bool(question)
        super().__init__(
            options,
            Asking(question, codec),
            f"ascii-line {options.profile}",
            silence=profile.silence if profile and asked else "the scale sends nothing",
            patience_s=profile.patience_s if profile and asked else _PATIENCE_S,
            link=link,
            clock=clock,
        )
