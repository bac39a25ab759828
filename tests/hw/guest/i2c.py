"""`nau7802` and `dfrobot-i2c` over the kernel's i2c-dev, SMBus calls and smbus2, on `i2c-stub`."""

import functools
from collections.abc import Callable

import msgspec
from smbus2 import SMBus

from drivers import dfrobot_i2c, nau7802
from drivers import nau7802_registers as reg
from drivers.bank import Bank
from tests.hw.guest import i2c_chips as chips
from tests.hw.guest import report
from tests.hw.guest.report import Facts, command
from tests.hw.guest.watch import Watch, lost, open_error, opened, recovered, until_believed

ADDRESSES = f"{reg.ADDRESS:#x},{chips.BOARD:#x},{chips.MULTIPLEXER:#x}"


def nau(**place: int) -> Bank:
    keys = {"cells": [{"bus": chips.BUS, **place}], "rate_hz": 80}
    return nau7802.Driver(msgspec.convert(keys, nau7802.Options), open_bus=chips.ReadClears)


def board(address: int = chips.BOARD) -> Bank:
    keys = {"cells": [{"bus": chips.BUS, "address": address}]}
    return dfrobot_i2c.Driver(msgspec.convert(keys, dfrobot_i2c.Options))


def load() -> bool:
    """Put an adapter with the chips' addresses in; all its registers are zero."""
    return command("modprobe", "i2c-stub", f"chip_addr={ADDRESSES}")


def start() -> Facts:
    return {"loaded": load(), "plain_reads": _plain_reads()}


def _plain_reads() -> bool:
    with SMBus(chips.BUS) as bus:
        return bool(bus.funcs & 1)  # I2C_FUNC_I2C


def truth(driver: Bank, seconds: float) -> Facts:
    """Read values that prove themselves."""
    with chips.living(), opened(driver):
        return Watch(driver).read_for(seconds).facts()


def settings() -> Facts:
    """Open the converter; return what it was set to, and the calibration it kept."""
    registers = (reg.CTRL1, reg.CTRL2, reg.ADC_CONTROL, reg.PGA, reg.PGA_POWER)
    with chips.living(), opened(nau()), SMBus(chips.BUS) as bus:
        return {f"{register:#04x}": bus.read_byte_data(reg.ADDRESS, register) for register in registers}


def never_ready() -> Facts:
    """Open a converter whose power never comes up."""
    return {"error": open_error(nau())}


def hangs(make: Callable[[], Bank], *, ready: bool = False) -> Facts:
    """Let the chip stop while it is read; `ready`: it goes on to say that there is a result."""
    driver = make()
    with chips.living() as process, opened(driver):
        until_believed(driver)
        chips.stop(process)
        if ready:
            chips.ReadClears.works = False
            with SMBus(chips.BUS) as bus:
                control = bus.read_byte_data(reg.ADDRESS, reg.PU_CTRL)
                bus.write_byte_data(reg.ADDRESS, reg.PU_CTRL, control | reg.CYCLE_READY)
        facts = lost(driver)
    chips.ReadClears.works = True
    with chips.living(), opened(driver):
        return {**facts, **recovered(driver), "rejects": dict(driver.rejects)}


def restarts() -> Facts:
    """Let the converter lose its supply for a moment while it is read."""
    driver = nau()
    with chips.living() as process, opened(driver):
        until_believed(driver)
        chips.stop(process)
        with SMBus(chips.BUS) as bus:
            bus.write_byte_data(reg.ADDRESS, reg.PU_CTRL, 0)
        facts = lost(driver)
    with chips.living():
        facts |= recovered(driver)
        driver.close()
    return facts


def invalid() -> Facts:
    """Let the board say that its answers are no values."""
    driver = board()
    with chips.living() as process, opened(driver):
        until_believed(driver)
        chips.stop(process)
        with SMBus(chips.BUS) as bus:
            bus.write_i2c_block_data(chips.BOARD, chips.ANSWER, [0, 0, 0, 0])
        return {**lost(driver), "rejects": dict(driver.rejects)}


def nobody() -> Facts:
    """Open addresses that nobody answers to."""
    return {"board": open_error(board(0x65)), "multiplexer": open_error(nau(mux=0x71))}


def removed(make: Callable[[], Bank]) -> Facts:
    """Take the adapter away between two openings; while it is used the kernel does not let it go."""
    driver = make()
    with chips.living():
        driver.open()
        until_believed(driver)
    while_open = command("rmmod", "i2c-stub")
    driver.close()
    gone = command("rmmod", "i2c-stub")
    absent = open_error(driver)
    loaded = load()
    with chips.living():
        facts = recovered(driver)
        driver.close()
    return {"while_open": while_open, "gone": gone, "absent": absent, "loaded": loaded, **facts}


def main() -> None:
    report.run([
        ("start", start),
        ("never ready", never_ready),
        ("settings", settings),
        ("truth nau7802", lambda: truth(nau(), 5.0)),
        ("truth behind a multiplexer", lambda: truth(nau(mux=chips.MULTIPLEXER, channel=3), 2.0)),
        ("truth dfrobot", lambda: truth(board(), 6.0)),
        ("hangs nau7802", functools.partial(hangs, nau)),
        ("hangs ready nau7802", functools.partial(hangs, nau, ready=True)),
        ("hangs dfrobot", functools.partial(hangs, board)),
        ("restarts", restarts),
        ("invalid", invalid),
        ("nobody", nobody),
        ("removed nau7802", functools.partial(removed, nau)),
        ("removed dfrobot", functools.partial(removed, board)),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
