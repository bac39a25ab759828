"""Boards that print counts as lines on a serial port: an Arduino with an HX711, OpenScale with raw values on.

Wiring: USB. Each line is one conversion: plain whole numbers, one for each cell, or with a time before them. `columns`
says where the counts are, `width` how many columns a line has; OpenScale with raw values: columns = [5], width = 7 or
what it prints. A time column lets a reset of the converter be seen on the board's own clock; without one only the
arrival tells, which USB blurs. The lines have no checksum: prefer the protocol of `hx711-bridge`, in which no changed
digit gets through. Several boards are one platform, aligned in time (see `aligning`): `port`, then `more_ports`.

    [[scale]]
    driver = "hx711-text"
    port = "/dev/serial/by-id/usb-board"
    baud = 115200
    columns = [1]
    time_column = 0
    width = 2
    capacity_g = 5000
    division_g = 1
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Protocol

from msgspec import Meta

from drivers.bank import Bank, BankSettings, Conversion
from drivers.device_clock import DeviceClock
from drivers.hx711_text_codec import Layout, Line, LineDecoder
from drivers.integrity import LATE_PERIODS, Cause, Rules
from drivers.link import Link
from drivers.pace import HostPace, Pace
from drivers.raw_keys import RawKeys, refuse_twins
from drivers.serial_port import LineSettings, SerialPort

_POLL_S = 0.05  # bytes wake the driver
_FROZEN_AFTER = 50
_LATE_BY_ARRIVAL = 3.0  # periods: a line that waits in an adapter may seem one late, a reset is 4.4
_STALE_NS = 500_000_000
_MICROSECONDS = {"s": 1e6, "ms": 1e3, "us": 1.0}

Column = Annotated[int, Meta(ge=0, le=31)]


class Options(RawKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "hx711-text"`: boards that print counts as lines."""

    port: Annotated[str, Meta(min_length=1, description="serial device; prefer /dev/serial/by-id/...")]
    more_ports: Annotated[tuple[str, ...], Meta(max_length=7, description="further boards of the same platform")] = ()
    baud: Annotated[int, Meta(ge=1200, le=3_000_000, description="as set in the board")] = 115_200
    dtr: Annotated[bool, Meta(description="raise DTR; many boards restart on that, some send only then")] = False
    columns: Annotated[
        tuple[Column, ...], Meta(min_length=1, max_length=8, description="where the counts of the cells are, from 0")
    ] = (0,)
    time_column: Annotated[Column, Meta(description="where the board's own time is")] | None = None
    time_unit: Annotated[Literal["s", "ms", "us"], Meta(description="of the board's time")] = "ms"
    width: Annotated[int, Meta(ge=1, le=32, description="columns of a line; others are not believed")] = 1
    silence_s: Annotated[float, Meta(ge=0.5, le=10.0, description="without a line for so long the board is lost")] = 2.0

    def __post_init__(self) -> None:
        named = [*self.columns, *(() if self.time_column is None else (self.time_column,))]
        if max(named) >= self.width or len(set(named)) < len(named):
            raise ValueError(f"`columns` and `time_column` must be different and below `width`, {self.width}")
        refuse_twins("more_ports", [self.port, *self.more_ports])


class _Port(Link, Protocol):
    def fileno(self) -> int | None: ...


class _Board:
    """Implements `drivers.bank.Converter`."""

    def __init__(self, port: _Port, options: Options, pace: Pace) -> None:
        self._port = port
        self._layout = Layout(options.columns, options.time_column, options.width)
        self._us_per_unit = _MICROSECONDS[options.time_unit]
        self._pace = pace
        self._bad_before = 0
        self._arrived_ns: int | None = None
        self._decoder, self._clock = LineDecoder(self._layout), DeviceClock()

    @property
    def name(self) -> str:
        """The port."""
        return f"the board on {self._port.name}"

    @property
    def rejects(self) -> Mapping[str, int]:
        """Lines that were not believed."""
        bad_lines = self._bad_before + self._decoder.bad_lines
        return {Cause.BAD_FRAME.value: bad_lines} if bad_lines else {}

    def open(self) -> None:
        """Open the port."""
        self._port.open()
        self._bad_before += self._decoder.bad_lines
        self._arrived_ns = None
        self._decoder, self._clock = LineDecoder(self._layout), DeviceClock()

    def poll(self) -> list[Conversion]:
        """Return the lines that are there."""
        lines = self._decoder.feed(self._port.read(0.0))
        now_ns = self._pace.now_ns()
        since_ns, self._arrived_ns = self._arrived_ns, now_ns if lines else self._arrived_ns
        if self._layout.time_column is not None:
            return [self._stamped(line, now_ns) for line in lines]
        step_ns = 0 if since_ns is None else (now_ns - since_ns) // max(1, len(lines))  # a burst came evenly once
        waiting = range(len(lines) - 1, -1, -1)
        return [Conversion(now_ns - step_ns * back, line.counts) for back, line in zip(waiting, lines, strict=True)]

    def fileno(self) -> int | None:
        """Return the port's descriptor."""
        return self._port.fileno()

    def close(self) -> None:
        """Let go of the port."""
        self._port.close()

    def _stamped(self, line: Line, now_ns: int) -> Conversion:
        stamp_us = round((line.stamp or 0.0) * self._us_per_unit) & 0xFFFFFFFF
        return Conversion(self._clock.host_ns(stamp_us, now_ns), line.counts)


class Driver(Bank):
    """Implements `drivers.base.ScaleDriver`; yields `Sample`s."""

    def __init__(self, options: Options, pace: Pace | None = None) -> None:
        pace = pace or HostPace()
        settings = LineSettings(baud=options.baud, dtr=options.dtr)
        ports = [SerialPort(port, settings) for port in (options.port, *options.more_ports)]
        boards = [_Board(port, options, pace) for port in ports]
        late_periods = LATE_PERIODS if options.time_column is not None else _LATE_BY_ARRIVAL
        rules = Rules(late_periods=late_periods, early_edges=False, frozen_after=_FROZEN_AFTER)
        super().__init__(boards, BankSettings(rules, _POLL_S, options.silence_s, _STALE_NS), pace)
