"""HX711 read by the kernel's own driver: industrial I/O, by its attributes or by its triggered buffer.

Wiring and kernel: two GPIOs and a supply in an overlay with compatible = "avia,hx711"; Raspberry Pi OS does not ship
the module, it must be built. The kernel keeps interrupts off while PD_SCK is high, so chips are not reset by a busy
host. It says -EIO for a data line stuck high, but for one stuck low a clean 8388608, zero load and no error: that code
is never believed. In `sysfs` mode each read waits for the next conversion, one cell after the other; in `buffer` mode
a trigger reads all cells. It must tick faster than the chips convert, so that the kernel waits for each conversion: a
chip that was reset by a dip of its supply shows by the longer wait alone.

    modprobe iio-trig-hrtimer
    mkdir /sys/kernel/config/iio/triggers/hrtimer/scale
    echo 100 > /sys/bus/iio/devices/trigger0/sampling_frequency

    [[scale]]
    driver = "hx711-iio"
    cells = [{ device = "/sys/bus/iio/devices/iio:device0" }, { device = "/sys/bus/iio/devices/iio:device1" }]
    mode = "buffer"
    trigger = "scale"
    capacity_g = 50000
    division_g = 5

Chips run freely; their samples are aligned in time (see `aligning`), in the order of `cells`.
"""

import contextlib
import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta

from drivers.bank import Bank, BankSettings, Conversion
from drivers.base import SensorError
from drivers.iio_codec import ReadTimes, RecordDecoder, parse_raw, parse_type
from drivers.integrity import STUCK_COUNTS, Cause, Rejects, Rules
from drivers.pace import HostPace, Pace
from drivers.raw_keys import RawKeys, refuse_twins

_POLL_S = 0.005
_SILENCE_S = 2.0  # the kernel waits up to a second for one conversion
_STALE_NS = 1_000_000_000
_FROZEN_AFTER = 16
_RECORDS_KEPT = 256
_CHANNELS = ("in_voltage0", "in_voltage1")
_PASSING = {errno.EIO, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY}


class Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One chip: its folder in sysfs, its input (0: A, 1: B), and its character device where that is elsewhere."""

    device: Annotated[str, Meta(pattern="^/", extra={"must": "a folder, such as /sys/bus/iio/devices/iio:device0"})]
    channel: Annotated[int, Meta(ge=0, le=1)] = 0
    node: str | None = None


class Options(RawKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "hx711-iio"`: HX711 behind the kernel's own driver."""

    cells: Annotated[
        tuple[Cell, ...],
        Meta(
            min_length=1,
            max_length=8,
            description="`{ device = …, channel = 0, node = … }` each; `node` if it is not /dev/iio:deviceN",
        ),
    ]
    mode: Annotated[Literal["sysfs", "buffer"], Meta(description="one read after the other, or on a trigger")] = "sysfs"
    trigger: Annotated[str, Meta(description="name of the trigger; if absent, the one that is set")] | None = None

    def __post_init__(self) -> None:
        refuse_twins("cells", [(cell.device, cell.channel) for cell in self.cells])


class Files(Protocol):
    """How attributes are read and set."""

    def read_text(self, path: Path) -> str:
        """Return an attribute."""

    def write_text(self, path: Path, text: str) -> None:
        """Set an attribute."""


class HostFiles:
    """The host's own file system."""

    def read_text(self, path: Path) -> str:
        """Return an attribute."""
        return path.read_text(encoding="ascii", errors="replace")

    def write_text(self, path: Path, text: str) -> None:
        """Set an attribute."""
        path.write_text(text, encoding="ascii")


class _IioHx711:
    """What both ways of reading have in common; implements half of `drivers.bank.Converter`."""

    def __init__(self, cell: Cell, files: Files, pace: Pace) -> None:
        self._folder = Path(cell.device)
        self._channel = f"in_voltage{cell.channel}"
        self._files = files
        self._pace = pace
        self._rejects = Rejects()

    @property
    def name(self) -> str:
        """The device's folder."""
        return f"the HX711 at {self._folder}"

    @property
    def rejects(self) -> Mapping[str, int]:
        """Reads that gave an error instead of a value."""
        return self._rejects.snapshot

    def open(self) -> None:
        """Make sure that the device is there and is an HX711."""
        kind = self._get("name").strip()
        if kind != "hx711":
            raise SensorError(
                f"{self._folder} is a {kind or 'nameless device'}, no hx711", "correct `device` of the cell"
            )

    def fileno(self) -> int | None:
        """Return None: an attribute cannot be waited for."""
        return None

    def close(self) -> None:
        """Nothing is held."""

    def _get(self, attribute: str) -> str:
        try:
            return self._files.read_text(self._folder / attribute)
        except OSError as error:
            raise self._lost(error) from error

    def _put(self, attribute: str, text: str) -> None:
        try:
            self._files.write_text(self._folder / attribute, text)
        except OSError as error:
            raise SensorError(
                f"{self._folder / attribute} cannot be set to {text}: {error.strerror}",
                "let the station's user write there (a udev rule), and check the trigger's name",
            ) from error

    def _lost(self, error: OSError) -> SensorError:
        if error.errno == errno.EACCES:
            return SensorError(f"no permission to read {self._folder}", "add a udev rule for the station's user")
        return SensorError(
            f"{self._folder} is not there: {error.strerror}",
            "load the hx711 module and its overlay; `dmesg` tells more",
        )


class _Attributes(_IioHx711):
    """Reads the raw attribute; each read is a conversion of its own."""

    def poll(self) -> list[Conversion]:
        """Wait for one conversion, a tenth of a second or so."""
        try:
            text = self._files.read_text(self._folder / f"{self._channel}_raw")
        except OSError as error:
            if error.errno not in _PASSING:
                raise self._lost(error) from error
            text = ""
        counts = parse_raw(text)
        if counts is None:
            self._rejects.count(Cause.ERROR_WORD)
            return []
        return [Conversion(self._pace.now_ns(), (counts,))]


class _Buffer(_IioHx711):
    """Reads the records that the trigger makes."""

    def __init__(self, cell: Cell, files: Files, pace: Pace, trigger: str | None) -> None:
        super().__init__(cell, files, pace)
        self._node = cell.node or f"/dev/{self._folder.name}"
        self._trigger = trigger
        self._fd: int | None = None
        self._decoder: RecordDecoder | None = None
        self._times = ReadTimes()

    def open(self) -> None:
        """Set the buffer up and begin."""
        super().open()
        self._put("buffer/enable", "0")
        self._choose_trigger()
        self._put("current_timestamp_clock", "monotonic")
        for channel in _CHANNELS:  # one that was left on would lie in each record
            self._put(f"scan_elements/{channel}_en", "01"[channel == self._channel])
        self._put("scan_elements/in_timestamp_en", "1")
        self._put("buffer/length", str(_RECORDS_KEPT))
        scan = parse_type(self._get(f"scan_elements/{self._channel}_type"))
        if scan is None:
            raise SensorError(f"{self.name} has records of an unknown form", "use mode = sysfs")
        self._decoder, self._times = RecordDecoder(scan), ReadTimes()
        self._put("buffer/enable", "1")
        try:
            self._fd = os.open(self._node, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise SensorError(
                f"{self._node} cannot be opened: {error.strerror}", "correct `node` of the cell"
            ) from error

    def poll(self) -> list[Conversion]:
        """Read the records there are."""
        if self._fd is None or self._decoder is None:
            raise SensorError(f"{self.name} is not open", "open the scale first")
        try:
            data = os.read(self._fd, _RECORDS_KEPT * RecordDecoder.SIZE)
        except BlockingIOError:
            data = b""
        except OSError as error:
            raise self._lost(error) from error
        found = []
        for record in self._times.feed(self._decoder.feed(data), self._pace.now_ns()):
            if record.counts is None:
                self._rejects.count(Cause.ERROR_WORD)
            else:
                found.append(Conversion(record.t_ns, (record.counts,)))
        return found

    def _choose_trigger(self) -> None:
        """Set the trigger; the kernel does not complain of a name that it does not know."""
        if self._trigger is not None:
            self._put("trigger/current_trigger", self._trigger)
        wanted, chosen = self._trigger, self._get("trigger/current_trigger").strip()
        if not chosen or wanted not in (None, chosen):
            raise SensorError(
                f"{self.name} has no trigger{'' if wanted is None else f' of the name {wanted}'}",
                "make one (mkdir /sys/kernel/config/iio/triggers/hrtimer/NAME), or correct `trigger`",
            )

    def fileno(self) -> int | None:
        """Return the character device, which can be read when records are there."""
        return self._fd

    def close(self) -> None:
        """Stop the buffer and let go."""
        fd, self._fd = self._fd, None
        if fd is not None:
            with contextlib.suppress(OSError):
                os.close(fd)
            with contextlib.suppress(SensorError):  # the device may be gone
                self._put("buffer/enable", "0")


class Driver(Bank):
    """Implements `drivers.base.ScaleDriver`; yields `Sample`s."""

    def __init__(self, options: Options, pace: Pace | None = None, files: Files | None = None) -> None:
        pace, files = pace or HostPace(), files or HostFiles()
        chips = [
            _Attributes(cell, files, pace) if options.mode == "sysfs" else _Buffer(cell, files, pace, options.trigger)
            for cell in options.cells
        ]
        rules = Rules(settling=5, early_edges=False, frozen_after=_FROZEN_AFTER, stuck_counts=STUCK_COUNTS)
        super().__init__(chips, BankSettings(rules, _POLL_S, _SILENCE_S, _STALE_NS), pace)
