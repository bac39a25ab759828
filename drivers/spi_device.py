"""A thin layer over `/dev/spidevB.C`: bytes out, as many bytes in, by ioctl; every failure a `SensorError`.

Request codes and the 32 bytes of the transfer are those of linux/spi/spidev.h.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import struct
from collections.abc import Callable

from drivers.base import SensorError

MESSAGE = 0x40206B00  # SPI_IOC_MESSAGE(1)
WR_MODE = 0x40016B01
WR_BITS_PER_WORD = 0x40016B03
WR_MAX_SPEED_HZ = 0x40046B04
TRANSFER = struct.Struct("=QQIIHBBBBBB")  # tx_buf, rx_buf, len, speed_hz, delay, bits, cs_change, 3 widths, pad
_MODE_0, _BITS = 0, 8

Ioctl = Callable[[int, int, bytes], object]


class SpiDevice:
    """One SPI device in mode 0. `ioctl` is the system call."""

    def __init__(self, path: str, speed_hz: int, ioctl: Ioctl = fcntl.ioctl) -> None:
        self._path = path
        self._speed_hz = speed_hz
        self._ioctl = ioctl
        self._fd: int | None = None

    @property
    def name(self) -> str:
        """The device's path."""
        return self._path

    def open(self) -> None:
        """Open the device and set mode, word length and speed."""
        self.close()
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
            self._ioctl(self._fd, WR_MODE, bytes([_MODE_0]))
            self._ioctl(self._fd, WR_BITS_PER_WORD, bytes([_BITS]))
            self._ioctl(self._fd, WR_MAX_SPEED_HZ, struct.pack("=I", self._speed_hz))
        except OSError as error:
            self.close()
            raise _open_error(self._path, error) from error

    def transfer(self, data: bytes) -> bytes:
        """Send `data` and return what came back meanwhile."""
        if self._fd is None:
            raise SensorError(f"{self._path} is not open", "open the scale first")
        sent, answer = ctypes.create_string_buffer(data, len(data)), ctypes.create_string_buffer(len(data))
        message = TRANSFER.pack(
            ctypes.addressof(sent), ctypes.addressof(answer), len(data), self._speed_hz, 0, _BITS, 0, 0, 0, 0, 0
        )
        try:
            self._ioctl(self._fd, MESSAGE, message)
        except OSError as error:
            raise SensorError(
                f"{self._path} was lost: {error.strerror}", "check the SPI bus and its overlay"
            ) from error
        return answer.raw

    def close(self) -> None:
        """Let go of the device; never raises."""
        fd, self._fd = self._fd, None
        if fd is not None:
            with contextlib.suppress(OSError):
                os.close(fd)


def _open_error(path: str, error: OSError) -> SensorError:
    match error.errno:
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return SensorError(f"{path} does not exist", "enable that SPI bus (dtparam=spi=on, or dtoverlay=spi1-1cs)")
        case errno.EACCES | errno.EPERM:
            return SensorError(f"no permission to open {path}", "add the station's user to the group spi")
        case _:
            return SensorError(f"{path} is no usable SPI device: {error.strerror}", "correct `device` of the cell")
