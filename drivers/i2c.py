"""A thin layer over smbus2: one device on a bus, behind a multiplexer or not, and what its failures mean.

A converter that does not acknowledge once (a busy firmware, a spike on the wire) is asked again at its next turn and
the failure counted; one that fails five times in a row is lost. While a device is set up, every failure counts.
"""

import contextlib
import errno
from collections.abc import Callable, Mapping
from typing import Annotated, Protocol, TypeVar

import msgspec
import smbus2
from msgspec import Meta

from drivers.base import SensorError
from drivers.integrity import Cause, Rejects
from drivers.pace import Pace

_FAILURES_MOST = 5
_NOBODY = {errno.EREMOTEIO, errno.ENXIO, errno.ENODEV}  # adapters differ
_TRANSIENT = {errno.EREMOTEIO, errno.ENXIO, errno.EIO, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY}

T = TypeVar("T")


class Bus(Protocol):
    """What is used of `smbus2.SMBus`."""

    def write_byte(self, i2c_addr: int, value: int) -> None:
        """Send one byte."""

    def read_byte(self, i2c_addr: int) -> int:
        """Fetch one byte."""

    def write_byte_data(self, i2c_addr: int, register: int, value: int) -> None:
        """Set a register."""

    def read_byte_data(self, i2c_addr: int, register: int) -> int:
        """Return a register."""

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]:
        """Return consecutive registers, in one transaction."""

    def write_i2c_block_data(self, i2c_addr: int, register: int, data: list[int]) -> None:
        """Set consecutive registers, in one transaction."""

    def i2c_rdwr(self, *i2c_msgs: smbus2.i2c_msg) -> None:
        """Do a plain transaction."""

    def close(self) -> None:
        """Let go of the bus."""


OpenBus = Callable[[int], Bus]


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a device is: its bus and, behind a TCA9548A, the multiplexer's address and channel."""

    bus: Annotated[int, Meta(ge=0, le=255)] = 1
    mux: Annotated[int, Meta(ge=0x70, le=0x77)] | None = None
    channel: Annotated[int, Meta(ge=0, le=7)] = 0

    @property
    def where(self) -> tuple[int, int | None, int]:
        """The branch of the bus; without a multiplexer there is one only."""
        return self.bus, self.mux, 0 if self.mux is None else self.channel


class I2cDevice:
    """One device. Calls given to `must` and `may` are done on its bus, with its multiplexer set."""

    def __init__(self, place: Place, address: int, open_bus: OpenBus = smbus2.SMBus) -> None:
        self._place = place
        self._open_bus = open_bus
        self._bus: Bus | None = None
        self._failures = 0
        self._rejects = Rejects()
        self.address = address

    @property
    def name(self) -> str:
        """Address, bus and multiplexer channel."""
        place = self._place
        behind = "" if place.mux is None else f", channel {place.channel} of the multiplexer at 0x{place.mux:02x}"
        return f"0x{self.address:02x} on i2c-{place.bus}{behind}"

    @property
    def rejects(self) -> Mapping[str, int]:
        """Failed transactions."""
        return self._rejects.snapshot

    def refuse(self, cause: Cause) -> None:
        """Count an answer that is no value."""
        self._rejects.count(cause)

    def open(self) -> None:
        """Open the bus; the device itself is first heard by a call."""
        self.close()
        self._failures = 0
        try:
            self._bus = self._open_bus(self._place.bus)
        except OSError as error:
            raise SensorError(
                f"i2c-{self._place.bus} cannot be opened: {error.strerror}",
                "enable the bus (dtparam=i2c_arm=on) and add the station's user to the group i2c",
            ) from error

    def must(self, call: Callable[[Bus], T]) -> T:
        """Return what `call` returns; any failure is a `SensorError`."""
        try:
            return call(self._selected())
        except OSError as error:
            raise self._lost(error) from error

    def may(self, call: Callable[[Bus], T]) -> T | None:
        """Return what `call` returns; None for a failure that may pass; `SensorError` where it does not."""
        try:
            answer = call(self._selected())
        except OSError as error:
            self._rejects.count(Cause.ERROR_WORD)
            self._failures += 1
            if isinstance(error, SensorError) or error.errno not in _TRANSIENT or self._failures >= _FAILURES_MOST:
                raise self._lost(error) from error
            return None
        self._failures = 0
        return answer

    def close(self) -> None:
        """Let go of the bus; never raises."""
        bus, self._bus = self._bus, None
        if bus is not None:
            with contextlib.suppress(OSError):
                bus.close()

    def _selected(self) -> Bus:
        """Return the bus, with the multiplexer set: others may have used it since."""
        if self._bus is None:
            raise SensorError(f"{self.name} is not open", "open the scale first")
        if self._place.mux is not None:
            self._bus.write_byte(self._place.mux, 1 << self._place.channel)
        return self._bus

    def _lost(self, error: OSError) -> SensorError:
        if isinstance(error, SensorError):
            return error
        why = "does not acknowledge" if error.errno in _NOBODY else f"fails: {error.strerror}"
        return SensorError(
            f"{self.name} {why}", "check its wiring, supply and address; `i2cdetect -y` lists who answers"
        )


class I2cConverter:
    """What all converters on I2C have in common: the whole of `drivers.bank.Converter` but `open` and `poll`."""

    kind = "the device"

    def __init__(self, device: I2cDevice, pace: Pace) -> None:
        self._device = device
        self._pace = pace

    @property
    def name(self) -> str:
        """What it is, its address, bus and multiplexer channel."""
        return f"{self.kind} at {self._device.name}"

    @property
    def rejects(self) -> Mapping[str, int]:
        """Failed transactions and answers that were no values."""
        return self._device.rejects

    def fileno(self) -> int | None:
        """Return None: no pin tells that a result is ready."""
        return None

    def close(self) -> None:
        """Let go of the bus."""
        self._device.close()
