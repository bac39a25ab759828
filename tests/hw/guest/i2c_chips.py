"""An NAU7802 and a DFRobot board on the kernel's `i2c-stub`, whose registers only hold what was written.

What the chips do by themselves another process does, over SMBus as they cannot: it raises power-up-ready, ends
calibrations and writes results, whose values prove themselves. That a result was read only the reader can know, so the
reader's own bus (`ReadClears`) takes back the ready bit, as the chip does in that moment.
"""

import subprocess
import sys
import time
from contextlib import AbstractContextManager
from typing import ClassVar

from smbus2 import SMBus

from drivers import nau7802_registers as reg
from tests.hw.guest.report import companion
from tests.hw.guest.words import now_ns, word_at

BUS = 0
BOARD, ANSWER, VALID = 0x64, 0x66, 0x12
MULTIPLEXER = 0x70
OFFSET, SPAN = 0x000123, 0x00800000
_STEP_S = 0.001
_PERIOD_NS = 12_500_000
_BOARD_PERIOD_NS = 95_000_000
_CALIBRATION_S = 0.05


class ReadClears(SMBus):
    """A bus on which reading the result takes back the ready bit, as long as the chip does."""

    works: ClassVar[bool] = True

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int, force: bool | None = None) -> list[int]:
        """Return consecutive registers."""
        found: list[int] = super().read_i2c_block_data(i2c_addr, register, length, force)
        if self.works and (i2c_addr, register) == (reg.ADDRESS, reg.ADC_RESULT):
            control = self.read_byte_data(reg.ADDRESS, reg.PU_CTRL)
            self.write_byte_data(reg.ADDRESS, reg.PU_CTRL, control & ~reg.CYCLE_READY)
        return found


def living() -> AbstractContextManager["subprocess.Popen[str]"]:
    """Let both chips work, in another process."""
    return companion("tests.hw.guest.i2c_chips")


def stop(process: subprocess.Popen[str]) -> None:
    """Let the chips hang: nothing changes any more."""
    process.kill()
    process.wait()


def _converter(bus: SMBus, due_ns: int) -> int:
    """Do what the NAU7802 does by itself; return when the next conversion ends."""
    control = bus.read_byte_data(reg.ADDRESS, reg.PU_CTRL)
    if control & reg.DIGITAL_ON and not control & reg.POWER_READY:
        bus.write_byte_data(reg.ADDRESS, reg.REVISION, 0x0F)
        bus.write_byte_data(reg.ADDRESS, reg.PU_CTRL, control | reg.POWER_READY)
    settings = bus.read_byte_data(reg.ADDRESS, reg.CTRL2)
    if settings & reg.CALIBRATE:
        time.sleep(_CALIBRATION_S)  # the chip takes so long
        bus.write_i2c_block_data(reg.ADDRESS, reg.OCAL1, list(OFFSET.to_bytes(3, "big")))
        bus.write_i2c_block_data(reg.ADDRESS, reg.GCAL1, list(SPAN.to_bytes(4, "big")))
        bus.write_byte_data(reg.ADDRESS, reg.CTRL2, settings & ~reg.CALIBRATE)
    elif control & reg.CYCLE_START and control & reg.POWER_READY and now_ns() >= due_ns:
        bus.write_i2c_block_data(reg.ADDRESS, reg.ADC_RESULT, list(word_at(now_ns()).to_bytes(3, "big")))
        bus.write_byte_data(reg.ADDRESS, reg.PU_CTRL, control | reg.CYCLE_READY)
        return max(due_ns + _PERIOD_NS, now_ns())
    return due_ns


def main() -> None:
    """Be both chips, for ever."""
    bus, due_ns, board_due_ns = SMBus(BUS), now_ns(), now_ns()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        due_ns = _converter(bus, due_ns)
        if now_ns() >= board_due_ns:
            bus.write_i2c_block_data(BOARD, ANSWER, [VALID, *word_at(now_ns()).to_bytes(3, "big")])
            board_due_ns += _BOARD_PERIOD_NS
        time.sleep(_STEP_S)  # the chips live in real time, beside a real kernel driver


if __name__ == "__main__":
    main()
