"""`hx711-gpio` on the kernel's GPIO lines: libgpiod clocks a simulated chip that resets itself as a real one does."""

import functools
import subprocess
import sys
import time

import msgspec

from drivers.gpio_lines import GpioLines
from drivers.hx711_gpio import Driver, Options
from drivers.pace import HostPace, Pace
from tests.hw.guest import hx711_sim as sim
from tests.hw.guest import report
from tests.hw.guest.cycle_clock import CyclePace
from tests.hw.guest.report import Facts, command, spread
from tests.hw.guest.watch import Watch, open_error, opened, recovered, through, until_believed

DOUT, SCK = 0, 1
PULSES = 2000
CONVERSION_US = 11_000  # and what this machine takes to read it: about 80 a second
ENOUGH, LONGEST_S = 20, 25.0
BUSY = "while True: pass"


def scale(pace: Pace | None = None) -> Driver:
    keys = {"chip": "hx711-sim", "rate_hz": 80, "cells": [{"sck_line": SCK, "dout_line": DOUT}]}
    return Driver(msgspec.convert(keys, Options), pace)


def start() -> Facts:
    """Load the chip, its lines free."""
    loaded = command("modprobe", "hx711_sim", "bind_iio=0")
    sim.put("conv_us", CONVERSION_US)
    return {"loaded": loaded}


def pulse_widths(pace: Pace) -> Facts:
    """Measure pulses of PD_SCK as the driver does: from before the rise to after the fall."""
    lines, widths_us = GpioLines("hx711-sim", DOUT, SCK), []
    lines.open()
    edges = lines.fileno() is not None
    for _ in range(PULSES):
        before_ns = pace.now_ns()
        lines.set_sck(high=True)
        lines.set_sck(high=False)
        widths_us.append((pace.now_ns() - before_ns) / 1000)
    lines.close()
    return {"edges": edges, "width_us": spread(widths_us), "over_50_us": sum(width > 50 for width in widths_us)}


def truth(pace: Pace, least_s: float, wanted: int = 0) -> Facts:
    """Read values that prove themselves: for that long, and longer until enough of them can be believed."""
    before = sim.get("powerdowns")
    driver, end_s = scale(pace), time.monotonic() + LONGEST_S
    with sim.living(), opened(driver):
        watch = Watch(driver).read_for(least_s)
        while len(watch.believed) < wanted and time.monotonic() < end_s:
            watch.read_for(1.0)
        return {**watch.facts(), "power_downs": sim.get("powerdowns") - before}


def busy(pace: Pace) -> Facts:
    """The same beside another program that takes what it can get."""
    other = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        return truth(pace, 4.0)
    finally:
        other.kill()
        other.wait()


def fault(pace: Pace, number: int) -> Facts:
    """Take the driver through one of the chip's faults."""
    with sim.living():
        return through(scale(pace), lambda: sim.put("fault", number), lambda: sim.put("fault", sim.NO_FAULT))


def unloaded(pace: Pace) -> Facts:
    """Take the GPIO chip away between two openings; while it is used the kernel does not let it go."""
    driver = scale(pace)
    with opened(driver):
        while_open = command("rmmod", "hx711_sim")
    gone = command("rmmod", "hx711_sim")
    absent = open_error(driver)
    start()
    command("udevadm", "settle")
    with sim.living(), opened(driver):
        until_believed(driver)
        return {"while_open": while_open, "gone": gone, "absent": absent, **recovered(driver)}


def taken(pace: Pace) -> Facts:
    """Open lines that another program holds."""
    with opened(scale(pace)):
        return {"error": open_error(scale(pace))}


def main() -> None:
    pace = CyclePace()
    faults = {"unplugged": sim.UNPLUGGED, "stuck-low": sim.STUCK_LOW, "never-ready": sim.NEVER_READY}
    report.run([
        ("start", start),
        ("pulses", functools.partial(pulse_widths, pace)),
        ("pulses timed by system calls", functools.partial(pulse_widths, HostPace())),
        ("truth", functools.partial(truth, pace, 8.0, ENOUGH)),
        ("truth timed by system calls", functools.partial(truth, HostPace(), 3.0)),
        ("busy", functools.partial(busy, pace)),
        *((name, functools.partial(fault, pace, number)) for name, number in faults.items()),
        ("taken", functools.partial(taken, pace)),
        ("unloaded", functools.partial(unloaded, pace)),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
