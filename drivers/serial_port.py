"""A serial port that fails clearly: bytes in, bytes out, or a `SensorError` that says what to do.

A thin layer over pyserial. It adds what field use taught: control lines set before the port opens (some boards reset
on DTR), the port closed to other programs, parity checked on input, 7-bit data masked, every failure of an unplugged
adapter as one error, and no wait longer than asked. Pseudo-terminals work like ports; they carry 8 bits, no parity.
"""

import contextlib
import errno
import fcntl
import os
import select
import termios
from dataclasses import dataclass

import serial

from drivers.base import SensorError

_CHUNK_BYTES = 4096  # the kernel's own input buffer; more cannot be waiting
_WRITE_TIMEOUT_S = 1.0  # commands are a few bytes: a device that takes longer has stopped listening
_MASK_7BIT = bytes(byte & 0x7F for byte in range(256))


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How the line is driven. `parity` is N, E or O; `dtr` and `rts` hold from the moment the port opens."""

    baud: int = 9600
    bytesize: int = 8
    parity: str = "N"
    stopbits: int = 1
    dtr: bool = False
    rts: bool = False


class SerialPort:
    """One serial port, opened exclusively. All failures are `SensorError`."""

    def __init__(self, port: str, settings: LineSettings) -> None:
        self._name = port
        self._settings = settings
        self._serial: serial.Serial | None = None
        self._poll = select.poll()

    @property
    def name(self) -> str:
        """The device path, as configured."""
        return self._name

    def open(self) -> None:
        """Open and configure the port, its buffers empty."""
        self.close()
        line = self._settings
        port = serial.Serial(
            port=None,  # pyserial would open at once, and raise DTR and RTS
            baudrate=line.baud,
            bytesize=line.bytesize,
            parity=line.parity,
            stopbits=line.stopbits,
            timeout=0,
            write_timeout=_WRITE_TIMEOUT_S,
            exclusive=True,
        )
        port.dtr, port.rts, port.port = line.dtr, line.rts, self._name
        try:
            port.open()
            _claim(port.fileno(), check_parity=line.parity != "N")
        except (OSError, termios.error, ValueError) as error:  # ValueError: a rate the adapter cannot do
            port.close()
            raise _open_error(self._name, error) from error
        with contextlib.suppress(OSError, ValueError):  # a help only: pseudo-terminals and some adapters refuse
            port.set_low_latency_mode(True)
        self._serial = port
        self._poll = select.poll()
        self._poll.register(port.fileno(), select.POLLIN)

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes there are; wait up to `timeout_s` for the first one; b"" when none came."""
        port = self._require_open()
        try:
            data = self._take(port.fileno()) if self._poll.poll(max(0.0, timeout_s) * 1000) else b""
        except OSError as error:
            raise self._lost(error) from error
        return data.translate(_MASK_7BIT) if self._settings.bytesize == 7 else data  # noqa: PLR2004 - bits in a byte

    def fileno(self) -> int | None:
        """Return what can be read when bytes are there; None while the port is closed."""
        return None if self._serial is None else int(self._serial.fileno())

    def write(self, data: bytes) -> None:
        """Send all of `data`; fail when the device takes none for a second."""
        port = self._require_open()
        try:
            port.write(data)
        except serial.SerialTimeoutException as error:
            raise SensorError(
                f"{self._name} accepts no data", "check that the device runs and that its flow control is off"
            ) from error
        except OSError as error:
            raise self._lost(error) from error

    def discard_input(self) -> None:
        """Forget what has arrived and was not read."""
        try:
            self._require_open().reset_input_buffer()
        except (OSError, termios.error) as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Let go of the port; never raises."""
        port, self._serial = self._serial, None
        if port is None:
            return
        with contextlib.suppress(OSError):  # the device may be gone; a pseudo-terminal would stay shut to others
            fcntl.ioctl(port.fileno(), termios.TIOCNXCL)
        with contextlib.suppress(OSError, termios.error):
            port.close()

    def _require_open(self) -> serial.Serial:
        if self._serial is None:
            raise SensorError(f"{self._name} is not open", "open the port first")
        return self._serial

    def _take(self, fd: int) -> bytes:
        """Take what is there: pyserial's own read would poll twice more, at twice the price of the whole call."""
        try:
            data = os.read(fd, _CHUNK_BYTES)
        except BlockingIOError:  # what woke us is gone again
            return b""
        if not data:  # readable, yet empty: nobody is at the other end
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return data

    def _lost(self, error: Exception) -> SensorError:
        if isinstance(error, SensorError):
            return error
        return SensorError(f"{self._name} was lost", "check its plug and power; no other program may use it")


def _claim(fd: int, *, check_parity: bool) -> None:
    """Shut other programs out, and let the kernel drop bytes of wrong parity (pyserial leaves parity unchecked)."""
    fcntl.ioctl(fd, termios.TIOCEXCL)
    if check_parity:
        attributes = termios.tcgetattr(fd)
        attributes[0] |= termios.INPCK | termios.IGNPAR
        termios.tcsetattr(fd, termios.TCSANOW, attributes)


def _open_error(name: str, error: Exception) -> SensorError:
    """Say why `name` could not be opened, and what helps."""
    match getattr(error, "errno", None):
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return SensorError(f"{name} does not exist", "plug the device in, or correct `port` in the configuration")
        case errno.EACCES | errno.EPERM:
            return SensorError(f"no permission to open {name}", "add the station's user to the group dialout")
        case errno.EBUSY | errno.EAGAIN:
            return SensorError(f"{name} is in use by another program", "stop that program (ModemManager, a terminal)")
        case _:
            return SensorError(f"{name} is not a usable serial port: {error}", "correct `port` in the configuration")
