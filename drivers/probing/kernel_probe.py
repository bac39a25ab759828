"""What the kernel offers: HX711 behind its own driver (IIO), SPI devices, GPIO chips. Only looked at, never driven.

An HX711 on SPI or GPIO shows itself only when it is clocked, and clocking pins whose wiring is unknown could move
something else. So those are places where one may be, and the technician knows.
"""

import fcntl
import os
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drivers.probing.places import Host

_CHIP_INFO = 0x8044B401  # GPIO_GET_CHIPINFO_IOCTL
_INFO = struct.Struct("=32s32sI")  # name, label, lines
_HEADERS = ("pinctrl-rp1", "pinctrl-bcm")  # the chips that carry the 40-pin header of a Raspberry Pi
_CHANNEL = re.compile(r"in_voltage([01])_raw")

Ioctl = Callable[[int, int, bytes], object]


@dataclass(frozen=True)
class IioFind:
    """One HX711 of the kernel's."""

    folder: str
    channels: tuple[int, ...]
    buffered: bool
    trigger: str
    readable: bool

    @property
    def evidence(self) -> str:
        """What it has, in words."""
        inputs = ", ".join("AB"[channel] for channel in self.channels) or "none"
        buffer = f"buffer, trigger {self.trigger or 'not set'}" if self.buffered else "no buffer"
        return f"inputs {inputs}; {buffer}"


@dataclass(frozen=True)
class SpiFind:
    """One SPI device; `remedy`: what lets this user open it, where it may not."""

    path: str
    usable: bool
    remedy: str = ""


@dataclass(frozen=True)
class GpioFind:
    """One GPIO chip; `lines` None where it could not be asked."""

    path: str
    label: str = ""
    lines: int | None = None
    problem: str = ""

    @property
    def has_header(self) -> bool:
        """Whether the pins that people wire things to are its own."""
        return self.label.startswith(_HEADERS)


def probe_iio(host: Host) -> list[IioFind]:
    """Return the HX711 that the kernel drives."""
    folders = sorted((host.sys / "bus" / "iio" / "devices").glob("iio:device*"))
    return [_iio(host, folder) for folder in folders if host.text(folder / "name") == "hx711"]


def _iio(host: Host, folder: Path) -> IioFind:
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        names = []
    channels = tuple(int(match[1]) for name in names if (match := _CHANNEL.fullmatch(name)))
    trigger = host.text(folder / "trigger" / "current_trigger")
    readable = all(os.access(folder / f"in_voltage{channel}_raw", os.R_OK) for channel in channels)
    return IioFind(str(folder), channels, "buffer" in names, trigger, readable and bool(channels))


def probe_spi(host: Host) -> list[SpiFind]:
    """Return the SPI devices."""
    return [_spi(host, path) for path in sorted(host.dev.glob("spidev*.*"))]


def _spi(host: Host, path: Path) -> SpiFind:
    usable = host.may_open(path)
    return SpiFind(str(path), usable, "" if usable else host.admission(path, "spi"))


def probe_gpio(host: Host, ioctl: Ioctl = fcntl.ioctl) -> list[GpioFind]:
    """Return the GPIO chips with their labels, asked without taking any line."""
    paths = [path for path in sorted(host.dev.glob("gpiochip*")) if not path.is_symlink()]
    return [_gpio(path, ioctl) for path in paths]


def _gpio(path: Path, ioctl: Ioctl) -> GpioFind:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return GpioFind(str(path), problem=f"cannot be opened: {error.strerror}")
    try:
        answer = ioctl(fd, _CHIP_INFO, bytes(_INFO.size))
    except OSError as error:
        return GpioFind(str(path), problem=f"is no GPIO chip: {error.strerror}")
    finally:
        os.close(fd)
    if not isinstance(answer, bytes) or len(answer) != _INFO.size:
        return GpioFind(str(path), problem="gives no information")
    _, label, lines = _INFO.unpack(answer)
    return GpioFind(str(path), label.partition(b"\0")[0].decode("ascii", "replace"), lines)
