"""A tree of files like the kernel's for an HX711: attributes, the buffer's settings and a character device.

The values come from an emulated chip, clocked as the kernel's driver does it: it looks for data-ready every 10 ms for
up to a second, resets the chip where that was in vain and looks for another second; its pulses cannot be held up. A
buffer puts a record into the device (a named pipe) once the conversion that followed the trigger is read, with the
trigger's time; a failed read leaves its error number in it. Ticks that come meanwhile are lost. All of this is as seen
on a kernel 6.12 with `hx711` on a simulated chip (tests/hw).
"""

import contextlib
import errno
import os
import stat
import struct
from collections.abc import Generator
from pathlib import Path

from drivers.sim.hx711_wires import WiredChip
from drivers.sim.virtual_pace import VirtualPace

_LOOK_NS, _LOOKS = 10_000_000, 100
_RESET_NS = 10_000_000
_ZERO = 0x800000  # what an input without load gives; nothing is connected to the other one
_TRIGGER = "scale"
_PULSE_NS = 2_500
_PULSES = 25
_ATTRIBUTES = {
    "name": "hx711\n",
    "in_voltage0_raw": "",
    "in_voltage_scale": "0.000002327\n",
    "current_timestamp_clock": "realtime\n",
    "buffer/enable": "0\n",
    "buffer/length": "2\n",
    "trigger/current_trigger": f"{_TRIGGER}\n",
    "scan_elements/in_voltage0_en": "0\n",
    "scan_elements/in_voltage1_en": "0\n",
    "scan_elements/in_voltage0_type": "le:u24/32>>0\n",
    "scan_elements/in_timestamp_en": "0\n",
}

_Reading = Generator[int, None, int]


class IioTree:
    """One device under `root`, its trigger ticking `rate_hz` times a second. Implements `drivers.hx711_iio.Files`."""

    def __init__(self, pace: VirtualPace, root: Path, wires: WiredChip, *, rate_hz: float = 100.0) -> None:
        self._pace = pace
        self._wires = wires
        self._period_ns = round(1e9 / rate_hz)
        self._trigger_ns = self._wake_ns = 0
        self._reading: _Reading | None = None
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
        word = self._read_now()
        if word < 0:
            raise OSError(-word, os.strerror(-word))
        return f"{word}\n"

    def write_text(self, path: Path, text: str) -> None:
        """Set an attribute."""
        self._present()
        if not path.exists():
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        if path.name == "current_trigger" and text.strip() != _TRIGGER:
            text = "\n"  # a name that it does not know: no trigger, and no complaint
        path.write_text(text)
        if path.parent.name == "buffer" and path.name == "enable":
            self._enable(on=text == "1")

    def _present(self) -> None:
        if self.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    def _is_on(self, element: str) -> bool:
        return (self.folder / "scan_elements" / f"{element}_en").read_text().strip() == "1"

    def _enable(self, *, on: bool) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
        if on:
            self._pipe = os.open(self.node, os.O_RDWR | os.O_NONBLOCK)
            self._wake_ns, self._reading = self._pace.t_ns + self._period_ns, None

    def _tick(self, t_ns: int) -> None:
        """Do what the trigger and the kernel's thread did until now."""
        while self._pipe is not None and not self.gone and self._wake_ns <= t_ns:
            if self._reading is None:
                self._trigger_ns, self._reading = self._wake_ns, self._read(self._wake_ns)
            try:
                self._wake_ns = next(self._reading)
            except StopIteration as end:
                self._push(self._pipe, end.value)
                ticks = (self._wake_ns - self._trigger_ns) // self._period_ns + 1
                self._wake_ns, self._reading = self._trigger_ns + ticks * self._period_ns, None

    def _push(self, pipe: int, word: int) -> None:
        words = [word & 0xFFFFFFFF] * self._is_on("in_voltage0") + [_ZERO] * self._is_on("in_voltage1")
        with contextlib.suppress(BlockingIOError):  # nobody reads: the buffer is full
            os.write(pipe, struct.pack(f"<{len(words)}I{'' if len(words) > 1 else '4x'}q", *words, self._trigger_ns))

    def _read_now(self) -> int:
        reading = self._read(self._pace.t_ns)
        while True:
            try:
                self._pace.t_ns = next(reading)
            except StopIteration as end:
                self._pace.t_ns += 2 * _PULSES * _PULSE_NS
                return int(end.value)

    def _read(self, t_ns: int) -> _Reading:
        """Read as the kernel's driver does: yield the times until which it sleeps, return what it gives."""
        for try_ in range(2):
            for _ in range(_LOOKS):
                if not self._wires.dout(t_ns):
                    return self._convert(t_ns) ^ _ZERO
                t_ns += _LOOK_NS
                yield t_ns
            if try_ == 0:
                self._wires.set_sck(t_ns, high=True)
                t_ns += _RESET_NS
                yield t_ns
                self._wires.set_sck(t_ns, high=False)
        return -errno.EIO

    def _convert(self, t_ns: int) -> int:
        """Clock one conversion out."""
        word = 0
        for pulse in range(_PULSES):
            self._wires.set_sck(t_ns, high=True)
            self._wires.set_sck(t_ns + _PULSE_NS, high=False)
            if pulse < _PULSES - 1:
                word = word << 1 | self._wires.dout(t_ns + _PULSE_NS)
            t_ns += 2 * _PULSE_NS
        return word
