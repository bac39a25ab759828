"""A tree of files like the kernel's for an HX711: attributes, the buffer's settings and a character device.

The values come from an emulated chip, clocked as the kernel's driver does it: it looks for data-ready every 10 ms for
up to a second, and its pulses cannot be held up. A buffer puts a record into the device (a named pipe) at each tick of
the trigger; a failed read leaves its error number in it.
"""

import contextlib
import errno
import os
import stat
import struct
from pathlib import Path

from drivers.sim.hx711_wires import WiredChip
from drivers.sim.virtual_pace import VirtualPace

_LOOK_NS, _LOOKS = 10_000_000, 100
_PULSE_NS = 2_500
_PULSES = 25
_ATTRIBUTES = {
    "name": "hx711\n",
    "in_voltage0_raw": "",
    "in_voltage_scale": "0.000002327\n",
    "current_timestamp_clock": "realtime\n",
    "buffer/enable": "0\n",
    "buffer/length": "2\n",
    "trigger/current_trigger": "\n",
    "scan_elements/in_voltage0_en": "0\n",
    "scan_elements/in_voltage0_type": "le:u24/32>>0\n",
    "scan_elements/in_timestamp_en": "0\n",
}


class IioTree:
    """One device under `root`, its trigger ticking `rate_hz` times a second. Implements `drivers.hx711_iio.Files`."""

    def __init__(self, pace: VirtualPace, root: Path, wires: WiredChip, *, rate_hz: float = 10.0) -> None:
        self._pace = pace
        self._wires = wires
        self._period_ns = round(1e9 / rate_hz)
        self._next_ns = 0
        self._pipe: int | None = None
        self.folder = root / "iio:device0"
        self.node = root / "node"
        self.gone = False
        self.garbage = False  # the kernel would never: raw attributes that are no numbers
        for name, text in _ATTRIBUTES.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        os.mkfifo(self.node, stat.S_IRUSR | stat.S_IWUSR)
        pace.devices.append(self._tick)

    def read_text(self, path: Path) -> str:
        """Return an attribute; a raw one is converted now."""
        self._present()
        if path.name != "in_voltage0_raw":
            return path.read_text()
        if self.garbage:
            return "\x00?!\n"
        if not self._await_ready():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return f"{self._convert() ^ 0x800000}\n"

    def write_text(self, path: Path, text: str) -> None:
        """Set an attribute."""
        self._present()
        if not path.exists():
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        path.write_text(text)
        if path.name == "enable":
            self._enable(on=text == "1")

    def _present(self) -> None:
        if self.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    def _enable(self, *, on: bool) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
        if on:
            self._pipe = os.open(self.node, os.O_RDWR | os.O_NONBLOCK)
            self._next_ns = self._pace.t_ns + self._period_ns

    def _tick(self, t_ns: int) -> None:
        """Do what the trigger did until now."""
        while self._pipe is not None and not self.gone and self._next_ns <= t_ns:
            at_ns, self._next_ns = self._next_ns, self._next_ns + self._period_ns
            failed = self._wires.dout(at_ns)
            word = -errno.EIO & 0xFFFFFFFF if failed else self._convert(at_ns) ^ 0x800000
            with contextlib.suppress(BlockingIOError):  # nobody reads: the buffer is full
                os.write(self._pipe, struct.pack("<I4xq", word, at_ns))

    def _await_ready(self) -> bool:
        for _ in range(_LOOKS):
            if not self._wires.dout(self._pace.t_ns):
                return True
            self._pace.t_ns += _LOOK_NS
        return False

    def _convert(self, at_ns: int | None = None) -> int:
        """Clock one conversion out."""
        t_ns, word = at_ns or self._pace.t_ns, 0
        for pulse in range(_PULSES):
            self._wires.set_sck(t_ns, high=True)
            self._wires.set_sck(t_ns + _PULSE_NS, high=False)
            if pulse < _PULSES - 1:
                word = word << 1 | self._wires.dout(t_ns + _PULSE_NS)
            t_ns += 2 * _PULSE_NS
        if at_ns is None:
            self._pace.t_ns = t_ns
        return word
