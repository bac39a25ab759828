"""`hx711-iio` on the kernel's own HX711 driver, which clocks a simulated chip."""

import functools
import time
from pathlib import Path

import msgspec

from drivers.base import SampleFlag
from drivers.hx711_iio import Driver, Options
from tests.hw.guest import hx711_sim as sim
from tests.hw.guest import report
from tests.hw.guest.report import Facts, command
from tests.hw.guest.watch import Watch, believed, lost, open_error, opened, recovered, through, until_believed

DEVICE = Path("/sys/bus/iio/devices/iio:device0")
PLATFORM = Path("/sys/bus/platform/drivers/hx711-gpio")
TRIGGERS = Path("/sys/kernel/config/iio/triggers/hrtimer")
TRIGGER_HZ = 100
VALUES = (1, 2, 1000, 654321, 8388606, 0, 8388607, 8388608, 8388609, 16777214, 16777215)


def scale(mode: str, channel: int = 0, trigger: str = "scale") -> Driver:
    keys = {"trigger": trigger} if mode == "buffer" else {}
    cells = [{"device": str(DEVICE), "channel": channel}]
    return Driver(msgspec.convert({"cells": cells, "mode": mode, **keys}, Options))


def pace(conversion_us: int) -> None:
    """Make the chip convert in that time; its settling takes four such times."""
    sim.put("conv_us", conversion_us)
    sim.put("settle_us", 4 * conversion_us)


def start() -> Facts:
    """Load what is needed and make a trigger."""
    for module in ("hx711", "hx711_sim", "iio-trig-hrtimer"):
        command("modprobe", module)
    (TRIGGERS / "scale").mkdir()
    found = [path for path in DEVICE.parent.glob("trigger*") if (path / "name").read_text().strip() == "scale"]
    (found[0] / "sampling_frequency").write_text(str(TRIGGER_HZ))
    return {"device": (DEVICE / "name").read_text().strip(), "trigger": found[0].name}


def values(mode: str) -> Facts:
    """Read each value that the chip is set to: the first sample that has settled, as given."""
    driver, seen = scale(mode), []
    for value in VALUES:
        sim.put("value", value)
        with opened(driver):
            sample = next(s for _ in range(200) for s in driver.read(0.1) if not s.flags & SampleFlag.SETTLING)
        seen.append([value, sample.counts[0], believed(sample)])
    return {"values": seen}


def channel_b() -> Facts:
    """Read the other input; the kernel sets its gain."""
    driver = scale("sysfs", channel=1)
    with sim.living(), opened(driver):
        facts = Watch(driver).read_for(2.0).facts()
        return {**facts, "gain": sim.get("gain")}


def truth(mode: str, conversion_us: int, seconds: float) -> Facts:
    """Read values that prove themselves."""
    pace(conversion_us)
    power_downs = sim.get("powerdowns")
    driver = scale(mode)
    with sim.living(), opened(driver):
        facts = Watch(driver).read_for(seconds).facts()
    return {**facts, "power_downs": sim.get("powerdowns") - power_downs}


def fault(mode: str, number: int, conversion_us: int = 12_500) -> Facts:
    """Take the driver through one of the chip's faults."""
    pace(conversion_us)
    with sim.living():
        return through(scale(mode), lambda: sim.put("fault", number), lambda: sim.put("fault", sim.NO_FAULT))


def stuck_from_the_start(mode: str) -> Facts:
    """Open while the data line lies low."""
    sim.put("fault", sim.STUCK_LOW)
    with sim.living(), opened(scale(mode)) as driver:
        raw = (DEVICE / "in_voltage0_raw").read_text().strip() if mode == "sysfs" else None
        facts = lost(driver)
        driver.close()
        sim.put("fault", sim.NO_FAULT)
        return {**facts, **recovered(driver), "raw": raw}


def power_downs(mode: str) -> Facts:
    """Let the chip reset itself in the middle of some reads: it does when the clock is high for longer than it bears.

    How much less it must bear than the 60 us of a real one depends on how fast and how busy this machine is.
    """
    facts: Facts = {}
    for limit_us in (3, 2, 1):
        sim.put("max_high_us", limit_us)
        facts = truth(mode, 12_500, 4.0)
        sim.put("max_high_us", 60)
        if facts["rejected_false"]:
            break
    return facts


def unbound(mode: str) -> Facts:
    """Take the device from its kernel driver while it is read, and give it back."""
    name = next(path.name for path in PLATFORM.glob("hx711-gpio.*"))
    driver = scale(mode)
    with sim.living(), opened(driver):
        until_believed(driver)
        cpu_s = time.process_time()
        (PLATFORM / "unbind").write_text(name)
        facts = lost(driver)
        facts["cpu_s"] = round(time.process_time() - cpu_s, 2)
        driver.close()
        facts["absent"] = open_error(driver)
        (PLATFORM / "bind").write_text(name)
        return {**facts, **recovered(driver)}


def reloaded() -> Facts:
    """Unload the kernel's module between two openings."""
    driver = scale("buffer")
    with sim.living():
        with opened(driver):
            until_believed(driver)
        unloaded = command("rmmod", "hx711")
        absent = open_error(driver)
        loaded = command("modprobe", "hx711")
        with opened(driver):
            return {"unloaded": unloaded, "absent": absent, "loaded": loaded, **recovered(driver)}


def other_channel_on() -> Facts:
    """Open a buffer in which something else had switched the other input on."""
    (DEVICE / "scan_elements/in_voltage1_en").write_text("1")
    driver = scale("buffer")
    with sim.living(), opened(driver):
        return Watch(driver).read_for(2.0).facts()


def wrong_trigger() -> Facts:
    """Ask for a trigger that is not there."""
    return {"error": open_error(scale("buffer", trigger="nothing"))}


def main() -> None:
    both = ("sysfs", "buffer")
    faults = {"unplugged": sim.UNPLUGGED, "stuck-low": sim.STUCK_LOW, "never-ready": sim.NEVER_READY}
    report.run([
        ("start", start),
        *((f"values {mode}", functools.partial(values, mode)) for mode in both),
        *((f"truth {mode}", functools.partial(truth, mode, 12_500, 4.0)) for mode in both),
        *((f"{name} {mode}", functools.partial(fault, mode, code)) for name, code in faults.items() for mode in both),
        *((f"power-downs {mode}", functools.partial(power_downs, mode)) for mode in both),
        *((f"stuck from the start {mode}", functools.partial(stuck_from_the_start, mode)) for mode in both),
        *((f"unbound {mode}", functools.partial(unbound, mode)) for mode in both),
        ("reloaded", reloaded),
        ("other channel on", other_channel_on),
        ("wrong trigger", wrong_trigger),
        ("channel b", channel_b),
        ("truth at 10 a second", functools.partial(truth, "sysfs", 100_000, 3.0)),
        ("stuck-low at 10 a second", functools.partial(fault, "buffer", sim.STUCK_LOW, 100_000)),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
