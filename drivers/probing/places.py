"""Where devices can be: serial ports under names that stay, who may open them, and who holds them.

`Host` is the machine: its /dev, /sys and /proc, and whether this user may open a file. Nothing is opened here.
"""

import contextlib
import grp
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_FALLBACKS = ("ttyUSB*", "ttyACM*", "ttyAMA*", "serial[0-9]")
_HOPS_MOST = 8  # symbolic links from a name to its device
_UPWARDS_MOST = 6  # folders from a terminal up to the USB device it belongs to


def _may_open(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK)


@dataclass(frozen=True)
class Host:
    """The machine that is looked at."""

    dev: Path = Path("/dev")
    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    may_open: Callable[[Path], bool] = _may_open

    def text(self, path: Path) -> str:
        """Return what a small file says, without blanks around it; "" where it cannot be read."""
        try:
            return path.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""

    def group(self, path: Path) -> str:
        """Return the group that a device belongs to, by name where it has one; "" where that cannot be known."""
        try:
            number = path.stat().st_gid
        except OSError:
            return ""
        try:
            return grp.getgrgid(number).gr_name
        except KeyError:
            return str(number)

    def admission(self, path: Path, usual: str) -> str:
        """Return what lets this user open a device; `usual` is the group that such devices have by custom."""
        group = self.group(path) or usual
        if group == "root":  # nobody should join that one
            return f'add a udev rule with GROUP="{usual}" for it, and join that group: usermod -aG {usual} USER'
        return f"join the group {group}: usermod -aG {group} USER, then log in again"

    def holders(self, path: Path) -> list[str]:
        """Return other programs that have a device open, as far as this user may see them: `name (pid N)`."""
        wanted = os.path.realpath(path)
        return [
            f"{self.text(process / 'comm') or 'a program'} (pid {process.name})"
            for process in sorted(self.proc.glob("[0-9]*"))
            if process.name != str(os.getpid()) and wanted in _open_files(process)
        ]


@dataclass(frozen=True, slots=True)
class Usb:
    """The USB device behind a port; fields it does not have are empty."""

    vendor: str
    product: str
    serial: str = ""
    name: str = ""


@dataclass(frozen=True)
class SerialPlace:
    """One serial port: the name to configure, its device, and all its lasting names."""

    port: str
    device: str
    names: tuple[str, ...]
    usb: Usb | None = None
    notes: tuple[str, ...] = field(default=())


def serial_places(host: Host) -> list[SerialPlace]:
    """Return the serial ports, each once, by the name that lasts longest."""
    names: dict[Path, list[Path]] = {}
    for folder in ("by-id", "by-path"):
        for link in _listed(host.dev / "serial" / folder, "*"):
            names.setdefault(_device(link, host.dev), []).append(link)
    for pattern in _FALLBACKS:
        for node in _listed(host.dev, pattern):
            known = names.setdefault(_device(node, host.dev), [])
            known += [node] if node.is_symlink() and node.parent == host.dev and node.name.startswith("serial") else []
    known_usb = {device: _usb(host, device.name) for device in names}
    twins = [usb for usb in known_usb.values() if usb is not None and not _unique(usb, list(known_usb.values()))]
    return [_place(device, links, known_usb[device], twins) for device, links in sorted(names.items())]


def _place(device: Path, links: list[Path], usb: Usb | None, twins: list[Usb]) -> SerialPlace:
    """Return a port; of adapters that cannot be told apart, by the place where they are plugged in."""
    notes: tuple[str, ...] = ()
    ranked = links
    if usb in twins:
        ranked = [link for link in links if link.parent.name != "by-id"]
        notes = ("another adapter has the same USB identity: this name holds for the socket it is plugged into",)
    port = str(ranked[0] if ranked else device)
    if not links and usb is not None:
        notes = (*notes, "no lasting name: udev makes none here, and this one changes when plugs are changed")
    return SerialPlace(port, str(device), tuple(str(link) for link in links), usb, notes)


def _unique(usb: Usb, all_usb: list[Usb | None]) -> bool:
    return all_usb.count(usb) == 1


def _listed(folder: Path, pattern: str) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(folder.glob(pattern))
    return []


def _device(link: Path, dev: Path) -> Path:
    """Follow a name to the device itself: the last name on the way that lies directly in /dev."""
    path, found = link, link
    for _ in range(_HOPS_MOST):
        if path.parent == dev:
            found = path
        if not path.is_symlink():
            break
        path = Path(os.path.normpath(path.parent / path.readlink()))
    return found


def _usb(host: Host, name: str) -> Usb | None:
    """Return the USB device above a terminal in sysfs."""
    folder = Path(os.path.realpath(host.sys / "class" / "tty" / name / "device"))
    for above in (folder, *folder.parents)[:_UPWARDS_MOST]:
        if vendor := host.text(above / "idVendor"):
            maker, product = host.text(above / "manufacturer"), host.text(above / "product")
            serial = host.text(above / "serial")
            return Usb(vendor, host.text(above / "idProduct"), serial, f"{maker} {product}".strip())
    return None


def _open_files(process: Path) -> Iterator[str]:
    """Yield the files that a process has open; none where this user may not know."""
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                yield str(descriptor.readlink())
