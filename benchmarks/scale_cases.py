"""Every scale on a serial wire with its emulated device, its own check, and what that check lets through by chance."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from operator import xor
from types import ModuleType

from drivers import ascii_line, cas, dialog_02, dialog_06, hx711_text, magellan, mt_sics, nci, toledo_8217
from drivers.base import ScaleDriver
from drivers.link import Link
from drivers.nci_codec import Dialect as Nci
from drivers.serial_scale import Clock
from drivers.sim.cas_device import CasDevice
from drivers.sim.dialog_device import DialogDevice, DialogSpec
from drivers.sim.line_device import LineDevice, ToledoContinuousDevice
from drivers.sim.magellan_device import MagellanDevice
from drivers.sim.nci_device import NciDevice, NciSpec
from drivers.sim.scale_emulator import Device
from drivers.sim.toledo_device import ToledoDevice, ToledoSpec
from drivers.toledo_codec import Dialect as Toledo

POLL_S = 0.05
EVERY_S = 0.1
Valid = Callable[[bytes], bool]


@dataclass(frozen=True)
class ScaleCase:
    """One protocol.

    `parity` is the line's. `field` finds the weight's characters in an answer, `moving` what tells that it is not
    stable; `valid` tells whether an answer's own check, where it has one, holds, `shape` what such an answer is.
    """

    name: str
    module: ModuleType
    keys: dict[str, object]
    device: Callable[[], Device]
    parity: str
    check: str
    field: re.Pattern[bytes]
    valid: Valid = lambda _: True
    moving: re.Pattern[bytes] | None = None
    shape: re.Pattern[bytes] | None = None
    asked: bool = True

    @property
    def lines(self) -> bool:
        """Whether its answers are lines of text."""
        return self.module in {mt_sics, magellan, hx711_text} or (self.module is ascii_line and not self.masked)

    @property
    def masked(self) -> bool:
        """Whether the driver drops bit 7, which may be a parity."""
        return self.keys.get("profile") == "toledo-continuous"

    def normal(self, answer: bytes) -> bytes:
        """Return an answer without what its drivers do not look at: a parity, which line ends there are, blanks."""
        if self.module is hx711_text:
            return answer.strip(b" \t")
        if self.module is nci:
            return re.sub(rb"[\r\n]+", b"\n", answer)
        return bytes(byte & 0x7F for byte in answer) if self.masked else answer

    def weighs(self, answer: bytes) -> bool:
        """Tell whether an answer is a stable weight."""
        moving = self.moving is not None and self.moving.search(answer) is not None
        return self.field.search(answer) is not None and not moving

    def driver(self, port: str, link: Link | None, clock: Clock) -> ScaleDriver:
        """Return a driver of this protocol on a port, or on a link and clock of one's own."""
        options = self.module.Options(port=port, poll_s=POLL_S, **self.keys)
        made: ScaleDriver = self.module.Driver(options, link=link, clock=clock)
        return made


def _bcc(answer: bytes) -> bool:
    """Tell whether a CAS frame's exclusive or holds; an ACK has none."""
    return len(answer) != 15 or reduce(xor, answer[2:12]) == answer[12]


def _sum(answer: bytes) -> bool:
    return sum(byte & 0x7F for byte in answer) & 0x7F == 0


def _amount(answer: bytes) -> bool:
    """Tell whether a Dialog weight record's amount is weight times price, within its rounding."""
    match = re.search(rb"02\x1b3\x1b(\d{5})\x1b(\d{6})\x1b(\d{6})", answer)
    return match is None or abs(int(match[3]) - int(match[1]) * int(match[2]) / 1000) <= 0.5


_POINTED = re.compile(rb"[ 0-9]*[0-9]\.[0-9]+")
_RECORD = re.compile(rb"(?<=\x1b3\x1b)\d{5}")
_PRICED = re.compile(rb"(?<=\x1b3\x1b)\d{5}\x1b\d{6}\x1b\d{6}")
_MAGELLAN = re.compile(rb"(?<=S144)\d{5}")
_CONTINUOUS = re.compile(rb"(?<=\x02...)[0-9]{6}")
_CHECKED = re.compile(rb"(?<=\x02...)[0-9]{6}.*", re.DOTALL)
_CAS = re.compile(rb"[ 0-9]+\.[0-9]+kg.", re.DOTALL)
_SHAPE_CAS = re.compile(rb"\x01\x02S [ 0-9.]{6}kg.\x03\x04", re.DOTALL)
_SHAPE_TOLEDO = re.compile(rb"\x02[ -?].[ -\x3f`-\x7f][ 0-9]{12}\r.", re.DOTALL)
_SHAPE_UNCHECKED = re.compile(rb"\x02[ -?].[ -\x3f`-\x7f] *[0-9]+\r", re.DOTALL)
_MOVING_TOLEDO = re.compile(rb"^\x02.[8-?46]")
_SHAPE_MAGELLAN = re.compile(rb"S143|S144\d{5}")
_COUNTS = re.compile(rb"-?\d{1,7}")
_MOVING = {
    "a-and-d": rb"US|OL",
    "dini-argeo": rb"US|OL|UL",
    "ohaus": rb"\?",
    "radwag": rb"SI [?^v]|-",
    "sartorius-sbi": rb"    \r|-",
}
_LAYOUT, _PARITY = "fixed layout", "parity, fixed layout"


def _ascii(make: str, *, continuous: bool = False, check: str = _LAYOUT) -> ScaleCase:
    keys: dict[str, object] = {"profile": make}
    if continuous:
        keys["continuous"] = True
    device = partial(LineDevice, make, every_s=EVERY_S if continuous else 0.0)
    moving = re.compile(_MOVING[make]) if make in _MOVING else None
    name = f"ascii-line {make}{' continuous' if continuous else ''}"
    return ScaleCase(name, ascii_line, keys, device, "N", check, _POINTED, moving=moving, asked=not continuous)


CASES: tuple[ScaleCase, ...] = (
    ScaleCase("toledo-8217", toledo_8217, {}, ToledoDevice, "E", _PARITY, _POINTED),
    ScaleCase(
        "toledo-8217 sasi", toledo_8217, {"dialect": Toledo.SASI}, lambda: ToledoDevice(ToledoSpec(Toledo.SASI)),
        "E", _PARITY, _POINTED,
    ),
    ScaleCase("nci ecr", nci, {}, NciDevice, "E", _PARITY, _POINTED),
    ScaleCase(
        "nci bench", nci, {"dialect": Nci.BENCH, "status_bytes": 4},
        lambda: NciDevice(NciSpec(Nci.BENCH, status_bytes=4)), "E", _PARITY, _POINTED,
    ),
    ScaleCase("cas", cas, {}, CasDevice, "N", "exclusive or of 8 bits, fixed layout", _CAS, _bcc,
              re.compile(rb"\x02U|\x02S[-F]"), _SHAPE_CAS),
    ScaleCase("dialog-06", dialog_06, {"polynomial": "11021"}, DialogDevice, "O", _PARITY, _RECORD),
    ScaleCase(
        "dialog-06, price 1000", dialog_06, {"polynomial": "11021", "price": 1000}, DialogDevice,
        "O", "parity, amount, fixed layout", _PRICED, _amount,
    ),
    ScaleCase(
        "dialog-02", dialog_02, {}, lambda: DialogDevice(DialogSpec(polynomial=None)), "O", _PARITY, _RECORD
    ),
    ScaleCase("magellan 8N1", magellan, {}, MagellanDevice, "N", _LAYOUT, _MAGELLAN, shape=_SHAPE_MAGELLAN),
    ScaleCase(
        "magellan 7E1", magellan, {"bytesize": 7, "parity": "E"}, MagellanDevice, "E", _PARITY, _MAGELLAN,
        shape=_SHAPE_MAGELLAN,
    ),
    ScaleCase("mt-sics", mt_sics, {"unit": "kg"}, lambda: LineDevice("mt-sics"), "N", _LAYOUT, _POINTED,
              moving=re.compile(rb"S D|-")),
    *(_ascii(make) for make in ("a-and-d", "dini-argeo", "ohaus", "radwag", "sartorius-sbi", "kern", "adam")),
    _ascii("dini-argeo", continuous=True),
    _ascii("adam", continuous=True),
    ScaleCase(
        "ascii-line toledo-continuous", ascii_line, {"profile": "toledo-continuous"}, ToledoContinuousDevice,
        "N", "sum of 7 bits, fixed layout", _CHECKED, _sum, _MOVING_TOLEDO, _SHAPE_TOLEDO, asked=False,
    ),
    ScaleCase(
        "the same without its check", ascii_line, {"profile": "toledo-continuous", "checksum": False},
        lambda: ToledoContinuousDevice(check=False), "N", _LAYOUT, _CONTINUOUS, moving=_MOVING_TOLEDO,
        shape=_SHAPE_UNCHECKED, asked=False,
    ),
)  # fmt: skip

# a board that prints counts: its lines are judged by `hx711_text_codec`, not by a conversation
TEXT = ScaleCase(
    "hx711-text", hx711_text, {}, ToledoDevice, "N", "whole number of 24 bits", _COUNTS, shape=_COUNTS, asked=False
)
