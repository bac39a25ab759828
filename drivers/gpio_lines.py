"""A thin layer over libgpiod 2: the pins of an HX711, or only its data-ready edge; every failure a `SensorError`.

A GPIO chip that gives no interrupts (the kernel says ENXIO when edges are asked for) can still be clocked: its DOUT is
looked at instead. Only to wait for an edge it is useless, and that is told.

The library is loaded when it is first needed: a station without such drivers does not have it.
"""

import contextlib
import errno
import importlib
from pathlib import Path
from typing import Any

from drivers.base import SensorError

_CONSUMER = "validation-station"
_EVENTS_KEPT = 64  # the falls of DOUT while one conversion is clocked out, and more


class GpioLines:
    """DOUT with its falling edges, and PD_SCK where this host drives it; lines by their offset on the chip."""

    def __init__(self, chip: str, dout: int, sck: int | None = None) -> None:
        self._chip = chip
        self._dout, self._sck = dout, sck
        self._request: Any = None
        self._edges = False
        self._high: Any = None
        self._low: Any = None

    @property
    def name(self) -> str:
        """The chip and its lines."""
        return (
            f"{self._chip} line {self._dout}" if self._sck is None else f"{self._chip} lines {self._sck}, {self._dout}"
        )

    def open(self) -> None:
        """Take the lines; PD_SCK is driven low."""
        self.close()
        gpiod, line = _library()
        self._high, self._low = line.Value.ACTIVE, line.Value.INACTIVE
        try:
            path = _find_chip(gpiod, self._chip)
            try:
                self._take(gpiod, line, path, edges=True)
            except OSError as error:
                if error.errno != errno.ENXIO or self._sck is None:
                    raise
                self._take(gpiod, line, path, edges=False)
        except OSError as error:
            raise _open_error(self.name, error) from error

    def _take(self, gpiod: Any, line: Any, path: str, *, edges: bool) -> None:
        edge = line.Edge.FALLING if edges else line.Edge.NONE
        config = {self._dout: gpiod.LineSettings(direction=line.Direction.INPUT, edge_detection=edge)}
        if self._sck is not None:
            config[self._sck] = gpiod.LineSettings(direction=line.Direction.OUTPUT, output_value=line.Value.INACTIVE)
        self._request = gpiod.request_lines(path, consumer=_CONSUMER, config=config, event_buffer_size=_EVENTS_KEPT)
        self._edges = edges

    def fileno(self) -> int | None:
        """Return what can be read when DOUT fell; None where nothing tells that."""
        fd: int | None = self._taken().fd if self._edges else None
        return fd

    def falls_ns(self) -> list[int]:
        """Return when DOUT fell since the last call, on the host's monotonic clock; waits for nothing."""
        request, falls = self._taken(), []
        try:
            while self._edges and request.wait_edge_events(0):
                falls += [event.timestamp_ns for event in request.read_edge_events()]
        except OSError as error:
            raise self._lost(error) from error
        return falls

    def dout(self) -> bool:
        """Return the level of DOUT."""
        try:
            level: bool = self._taken().get_value(self._dout) == self._high
        except OSError as error:
            raise self._lost(error) from error
        return level

    def set_sck(self, *, high: bool) -> None:
        """Drive PD_SCK."""
        try:
            self._taken().set_value(self._sck, self._high if high else self._low)
        except OSError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Give the lines back; never raises."""
        request, self._request = self._request, None
        if request is not None:
            with contextlib.suppress(OSError):
                request.release()

    def _taken(self) -> Any:
        if self._request is None:
            raise SensorError(f"{self.name} is not open", "open the scale first")
        return self._request

    def _lost(self, error: OSError) -> SensorError:
        if isinstance(error, SensorError):
            return error
        return SensorError(f"{self.name} was lost: {error.strerror}", "check that the GPIO chip is still there")


def _library() -> tuple[Any, Any]:
    try:
        gpiod = importlib.import_module("gpiod")
        line = importlib.import_module("gpiod.line")
    except ImportError as error:
        raise SensorError("the Python library gpiod is not installed", "apt install python3-libgpiod") from error
    return gpiod, line


def _find_chip(gpiod: Any, wanted: str) -> str:
    """Return the path of a chip given by its path, or by the beginning of its label: numbers change with kernels."""
    if wanted.startswith("/"):
        return wanted
    for path in sorted(Path("/dev").glob("gpiochip*")):
        with contextlib.suppress(OSError), gpiod.Chip(str(path)) as chip:
            if chip.get_info().label.startswith(wanted):
                return str(path)
    raise SensorError(
        f"there is no GPIO chip whose label begins with {wanted}", "`gpiodetect` lists them; correct `chip`"
    )


def _open_error(name: str, error: OSError) -> SensorError:
    if isinstance(error, SensorError):
        return error
    match error.errno:
        case errno.EBUSY:
            return SensorError(f"{name}: in use", "`gpioinfo` tells by what; end it, or use other lines")
        case errno.EACCES | errno.EPERM:
            return SensorError(f"no permission to use {name}", "add the station's user to the group gpio")
        case errno.ENXIO:
            return SensorError(f"{name}: gives no interrupts", "use a line of the board's own GPIO, or none")
        case _:
            return SensorError(f"{name}: {error.strerror}", "correct the chip and the lines in the configuration")
