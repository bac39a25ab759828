"""DFRobot's HX711 board with I2C (KIT0176): a small controller that reads one HX711 and hands out its last result.

Wiring: SDA, SCL, supply, ground; address 0x64 to 0x67 by its switches. The board takes 30 ms for an answer and has
neither a number nor a mark of freshness: an equal answer is taken for the same conversion and not given out again, and
one that never changes is frozen. The first byte of an answer says whether the rest is a value. A controller that
stretches the clock may need a slower bus (dtparam=i2c_arm_baudrate=50000).
Chips run freely; their samples are aligned in time (see `aligning`), in the order of `cells`.

    [[scale]]
    driver = "dfrobot-i2c"
    cells = [{ bus = 1, address = 0x64 }]
    capacity_g = 1000
    division_g = 1
"""

import errno
from typing import Annotated

import smbus2
from msgspec import Meta

from drivers.bank import Bank, BankSettings, Conversion
from drivers.hx711_pins import signed
from drivers.i2c import Bus, I2cConverter, I2cDevice, OpenBus, Place
from drivers.integrity import STUCK_COUNTS, Cause, Rules
from drivers.pace import HostPace, Pace
from drivers.raw_keys import RawKeys, refuse_twins

_GET_RAW = 0x66
_VALID = 0x12
_ANSWER_BYTES = 4
_ANSWER_NS = 30_000_000  # the board's own time for an answer
_POLL_S = 0.005
_FROZEN_AFTER = 45  # answers: one and a half seconds, fifteen conversions
_STALE_NS = 500_000_000


class Cell(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One board: its place and its address."""

    address: Annotated[int, Meta(ge=0x64, le=0x67)] = 0x64


class Options(RawKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "dfrobot-i2c"`: DFRobot HX711 boards with I2C."""

    cells: Annotated[
        tuple[Cell, ...],
        Meta(
            min_length=1,
            max_length=8,
            description="`{ bus = 1, address = 0x64, mux = 0x70, channel = 0 }` each, in the order of channels",
        ),
    ] = (Cell(),)

    def __post_init__(self) -> None:
        refuse_twins("cells", [(cell.where, cell.address) for cell in self.cells])


def decode(answer: bytes) -> int | None:
    """Return the counts of an answer of four bytes; None where it says that it is no value."""
    return signed(int.from_bytes(answer[1:], "big")) if len(answer) == _ANSWER_BYTES and answer[0] == _VALID else None


class _Board(I2cConverter):
    """Implements `drivers.bank.Converter`."""

    kind = "the HX711 board"

    def __init__(self, device: I2cDevice, pace: Pace) -> None:
        super().__init__(device, pace)
        self._asked_ns: int | None = None

    def open(self) -> None:
        """Open the bus and ask for the first value."""
        self._device.open()
        self._device.must(self._ask)
        self._asked_ns = self._pace.now_ns()

    def poll(self) -> list[Conversion]:
        """Fetch the answer when it is due, and ask for the next."""
        now_ns = self._pace.now_ns()
        if self._asked_ns is not None and now_ns - self._asked_ns < _ANSWER_NS:
            return []
        answer = None if self._asked_ns is None else self._device.may(self._fetch)
        asked = self._device.may(self._ask)
        self._asked_ns = self._pace.now_ns() if asked else None
        if answer is None:
            return []
        counts = decode(answer)
        if counts is None:
            self._device.refuse(Cause.ERROR_WORD)
            return []
        return [Conversion(self._asked_ns or now_ns, (counts,))]

    def _ask(self, bus: Bus) -> bool:
        bus.write_byte(self._device.address, _GET_RAW)
        return True

    def _fetch(self, bus: Bus) -> bytes:
        """Read the answer in one transaction, so that it is of one piece.

        An adapter that only speaks SMBus cannot read without naming a register: it names the request, and gets the
        answer to the one before. Byte by byte would not do: each read may begin the answer anew, and never end it.
        """
        message = smbus2.i2c_msg.read(self._device.address, _ANSWER_BYTES)
        try:
            bus.i2c_rdwr(message)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            return bytes(bus.read_i2c_block_data(self._device.address, _GET_RAW, _ANSWER_BYTES))
        return bytes(message)


class Driver(Bank):
    """Implements `drivers.base.ScaleDriver`; yields `Sample`s."""

    def __init__(self, options: Options, pace: Pace | None = None, open_bus: OpenBus = smbus2.SMBus) -> None:
        pace = pace or HostPace()
        boards = [_Board(I2cDevice(cell, cell.address, open_bus), pace) for cell in options.cells]
        rules = Rules(
            settling=0,
            reset_by_edge=False,
            early_edges=False,
            frozen_after=_FROZEN_AFTER,
            stuck_counts=STUCK_COUNTS,
            repeats=True,
        )
        super().__init__(boards, BankSettings(rules, _POLL_S, silence_s=1.0, stale_ns=_STALE_NS), pace)
