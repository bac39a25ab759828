"""`/dev/spidevB.C` with emulated HX711 behind it: the ioctl of linux/spi/spidev.h, every bit clocked into the chip."""

import ctypes
import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path

from drivers.sim.hx711_wires import WiredChip
from drivers.sim.virtual_pace import VirtualPace
from drivers.spi_device import MESSAGE, TRANSFER, WR_BITS_PER_WORD, WR_MAX_SPEED_HZ, WR_MODE

_CALL_NS = 15_000
_SETTINGS = {WR_MODE: "=B", WR_BITS_PER_WORD: "=B", WR_MAX_SPEED_HZ: "=I"}


class SpiBench:
    """Device files in `folder`, each with a chip on MOSI and MISO. `stall_ns` holds up the next transfer."""

    def __init__(self, pace: VirtualPace, folder: Path) -> None:
        self._pace = pace
        self._folder = folder
        self._wires: dict[str, WiredChip] = {}
        self.mosi_rests_high = False  # some controllers do
        self.stall_ns = 0
        self.settings: dict[int, int] = {}
        self.look: Callable[[], None] = lambda: None  # called after each edge of a clock, for those who watch DOUT

    def add(self, name: str, wires: WiredChip) -> str:
        """Plug a chip in; return its device's path."""
        self._wires[name] = wires
        (self._folder / name).touch()
        return str(self._folder / name)

    def unplug(self, name: str) -> None:
        """Remove the device; whoever has it open gets ENODEV."""
        (self._folder / name).unlink()
        del self._wires[name]

    def ioctl(self, fd: int, request: int, argument: bytes) -> int:
        """Stand in for the system call."""
        wires = self._wires.get(Path(f"/proc/self/fd/{fd}").readlink().name)
        if wires is None:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        if request in _SETTINGS:
            [self.settings[request]] = struct.unpack(_SETTINGS[request], argument)
            return 0
        if request != MESSAGE:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        sent_at, answer_at, length, speed_hz, _, bits, *_ = TRANSFER.unpack(argument)
        assert bits == self.settings[WR_BITS_PER_WORD]  # noqa: S101 - the emulated controller knows no other
        self._pace.advance(_CALL_NS + self.stall_ns)
        self.stall_ns = 0
        answer = self._clock(wires, ctypes.string_at(sent_at, length), 1_000_000_000 // speed_hz)
        ctypes.memmove(answer_at, answer, length)
        return len(answer)

    def _clock(self, wires: WiredChip, sent: bytes, bit_ns: int) -> bytes:
        """Shift the bytes out on MOSI, sampling MISO in the middle of each bit."""
        answer = 0
        for byte in sent:
            for place in range(7, -1, -1):
                wires.set_sck(self._pace.t_ns, high=bool(byte >> place & 1))
                answer = answer << 1 | wires.dout(self._pace.t_ns + bit_ns // 2)
                self._pace.t_ns += bit_ns
                self.look()
        wires.set_sck(self._pace.t_ns, high=self.mosi_rests_high)
        return answer.to_bytes(len(sent), "big")
