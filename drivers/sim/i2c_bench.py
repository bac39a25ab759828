"""I2C buses with emulated devices, below the interface of smbus2's SMBus: register files, a multiplexer, bad wires."""

import errno
import os
import random
from dataclasses import dataclass, field
from typing import Protocol

import smbus2

from drivers.sim.virtual_pace import VirtualPace

_BYTE_NS = 90_000  # nine bits at 100 kHz


class I2cChip(Protocol):
    """A device on the bus: whole transactions at a time."""

    def write(self, data: bytes, t_ns: int) -> None:
        """Take what the host sends."""

    def read(self, length: int, t_ns: int) -> bytes:
        """Give what the host fetches."""


@dataclass(slots=True)
class I2cBench:
    """Devices by bus, multiplexer (None: on the bus itself), channel and address. `nak`: a chance per transaction."""

    pace: VirtualPace
    chips: dict[tuple[int, int | None, int, int], I2cChip] = field(default_factory=dict)
    nak: float = 0.0
    stall_ns: int = 0  # each transaction is stretched by this
    gone: bool = False
    plain_reads: bool = True  # False: an adapter that only does SMBus
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    naks: int = 0

    def open(self, bus: int) -> "SimulatedSMBus":
        """Stand in for `smbus2.SMBus`."""
        if self.gone or not any(place[0] == bus for place in self.chips):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        return SimulatedSMBus(self, bus)


class SimulatedSMBus:
    """One opened bus, with the multiplexers on it."""

    def __init__(self, bench: I2cBench, bus: int) -> None:
        self._bench = bench
        self._bus = bus
        self._selected: dict[int, int] = {}

    def write_byte(self, i2c_addr: int, value: int) -> None:
        """Send one byte; to a multiplexer it chooses the channels."""
        if any(place[:2] == (self._bus, i2c_addr) for place in self._bench.chips):
            self._pass_time(2)
            self._selected[i2c_addr] = value
            return
        self._send(i2c_addr, bytes([value]))

    def read_byte(self, i2c_addr: int) -> int:
        """Fetch one byte; from a multiplexer, the channels that are chosen."""
        if any(place[:2] == (self._bus, i2c_addr) for place in self._bench.chips):
            self._pass_time(2)
            return self._selected.get(i2c_addr, 0)
        return self._fetch(i2c_addr, 1)[0]

    def write_byte_data(self, i2c_addr: int, register: int, value: int) -> None:
        """Set a register."""
        self._send(i2c_addr, bytes([register, value]))

    def read_byte_data(self, i2c_addr: int, register: int) -> int:
        """Return a register."""
        return self.read_i2c_block_data(i2c_addr, register, 1)[0]

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]:
        """Return consecutive registers."""
        self._send(i2c_addr, bytes([register]))
        return list(self._fetch(i2c_addr, length))

    def write_i2c_block_data(self, i2c_addr: int, register: int, data: list[int]) -> None:
        """Set consecutive registers."""
        self._send(i2c_addr, bytes([register, *data]))

    def i2c_rdwr(self, *i2c_msgs: smbus2.i2c_msg) -> None:
        """Do plain reads."""
        if not self._bench.plain_reads:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        for message in i2c_msgs:
            for at, byte in enumerate(self._fetch(message.addr, message.len)):
                message.buf[at] = bytes([byte])

    def close(self) -> None:
        """Let go."""

    def _send(self, address: int, data: bytes) -> None:
        chip = self._chip(address)
        self._pass_time(1 + len(data))
        chip.write(data, self._bench.pace.t_ns)

    def _fetch(self, address: int, length: int) -> bytes:
        chip = self._chip(address)
        self._pass_time(1 + length)
        return chip.read(length, self._bench.pace.t_ns)

    def _chip(self, address: int) -> I2cChip:
        """Return the one device that hears `address`; none, or a bad wire: no acknowledge."""
        bench = self._bench
        if bench.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        heard = [
            chip
            for (bus, mux, channel, at), chip in bench.chips.items()
            if (bus, at) == (self._bus, address) and (mux is None or self._selected.get(mux, 0) >> channel & 1)
        ]
        unlucky = bench.nak > 0 and bench.chance.random() < bench.nak
        bench.naks += unlucky
        if unlucky or len(heard) != 1:
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))
        return heard[0]

    def _pass_time(self, transferred: int) -> None:
        self._bench.pace.advance(transferred * _BYTE_NS + self._bench.stall_ns)
