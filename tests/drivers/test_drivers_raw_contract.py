"""Every driver of raw converters under every fault: no false count is believed, faults show, and it recovers.

`beyond` is the chance that a false count passes for each harm done, where the interface itself lets some through: an
extra bit cannot tell a lost pulse before a one from a sound read, and a line without a checksum shows no changed digit.
"""

import inspect
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from drivers import dfrobot_i2c, hx711_bridge, hx711_gpio, hx711_iio, hx711_spi, hx711_text, nau7802
from drivers.base import Rejecting, Sample, ScaleDriver, SensorError
from drivers.sim.dfrobot_board import DfrobotBoard
from drivers.sim.faults import FaultRates
from drivers.sim.gpio_bench import GpioBench
from drivers.sim.host_port import PtyPort
from drivers.sim.i2c_bench import I2cBench
from drivers.sim.iio_tree import IioTree
from drivers.sim.nau7802_chip import Nau7802Chip
from drivers.sim.spi_bench import SpiBench
from drivers.sim.text_board import TextBoard
from drivers.sim.virtual_pace import VirtualPace
from station import wiring
from tests.drivers.raw_bench import Truth, believed, chip


@dataclass
class Fault:
    """How to begin it and end it; `beyond`: false counts that may pass for each harm done; `harm` tells how many."""

    begin: Callable[[], object]
    end: Callable[[], object]
    beyond: float = 0.0
    harm: Callable[[], int] = lambda: 0
    silent: bool = False  # it does no harm that shows


@dataclass
class Rig:
    pace: VirtualPace
    truth: Truth
    driver: ScaleDriver
    faults: dict[str, Fault] = field(default_factory=dict)
    slack: int = 0  # conversions by which a sample's time may lie beside its conversion

    def read(self, seconds: float) -> list[Sample]:
        """Read for that long as the station does: what raises is closed and opened again."""
        found: list[Sample] = []
        until_ns = self.pace.t_ns + round(seconds * 1e9)
        while self.pace.t_ns < until_ns:
            try:
                found += [value for value in self.driver.read(0.25) if isinstance(value, Sample)]
            except SensorError as error:
                self.errors.append(error.message)
                self.driver.close()
                self.pace.advance(200_000_000)
                self.reopen()
        return found

    errors: list[str] = field(default_factory=list)

    def reopen(self) -> None:
        try:
            self.driver.open()
        except SensorError as error:
            self.errors.append(error.message)

    def false(self, samples: list[Sample]) -> int:
        times, counts = self.truth.times_ns, self.truth.counts
        wrong = 0
        for sample in filter(believed, samples):
            near = [count for t_ns, count in zip(times, counts, strict=True) if abs(t_ns - sample.t_ns) < 120_000_000]
            wrong += sample.counts[0] not in near
        return wrong


def _attributes(target: object, **values: object) -> Callable[[], None]:
    def put() -> None:
        for name, value in values.items():
            setattr(target, name, value)

    return put


def _wire_faults(wires: Any) -> dict[str, Fault]:
    def fault(name: str, value: object, beyond: float = 0.0) -> Fault:
        calm = None if name == "stuck_dout" else 0.0
        begin, end = _attributes(wires.faults, **{name: value}), _attributes(wires.faults, **{name: calm})
        return Fault(begin, end, beyond, lambda: int(wires.harmed))

    return {
        "reset in mid-frame": fault("brown_out", 0.003),
        "missing pulses": fault("missing_pulse", 0.002, beyond=0.5),
        "noise on the data line": fault("flipped_bit", 0.002),
        "stuck low": fault("stuck_dout", value=False),
        "stuck high": fault("stuck_dout", value=True),
    }


def _spi(folder: Path, _: Any) -> Rig:
    pace, truth = VirtualPace(), Truth()
    bench, wires = SpiBench(pace, folder), chip(truth)
    path = bench.add("spidev0.0", wires)
    options = msgspec.convert({"rate_hz": 80, "cells": [{"device": path}]}, hx711_spi.Options)
    rig = Rig(pace, truth, hx711_spi.Driver(options, pace, bench.ioctl), _wire_faults(wires))
    rig.faults["unplug"] = Fault(lambda: bench.unplug("spidev0.0"), lambda: bench.add("spidev0.0", wires))
    rig.faults["mosi rests high"] = Fault(
        _attributes(bench, mosi_rests_high=True), _attributes(bench, mosi_rests_high=False)
    )
    rig.faults["slow"] = Fault(_attributes(bench, stall_ns=40_000_000), _attributes(bench, stall_ns=0), silent=True)
    return rig


def _gpio(_: Path, library: Any) -> Rig:
    pace, truth = VirtualPace(), Truth()
    wires = chip(truth)
    bench = GpioBench(pace, {(27, 17): wires})
    library.plugged[:] = [bench]
    pace.events.append(lambda: wires.chip.next_ready_ns)
    keys = {"chip": "/dev/gpiochip7", "rate_hz": 80, "cells": [{"sck_line": 27, "dout_line": 17}]}
    rig = Rig(pace, truth, hx711_gpio.Driver(msgspec.convert(keys, hx711_gpio.Options), pace), _wire_faults(wires))
    for name, held_ns in {"pulses held 55 us": 55_000, "pulses preempted": 80_000, "slow": 40_000_000}.items():
        rig.faults[name] = Fault(_attributes(bench, held=0.003, held_ns=held_ns), _attributes(bench, held=0.0))
    rig.faults["unplug"] = Fault(_attributes(bench, gone=True), _attributes(bench, gone=False))
    return rig


def _iio(mode: str) -> Callable[[Path, Any], Rig]:
    def make(folder: Path, _: Any) -> Rig:
        pace, truth = VirtualPace(), Truth(noise=21.5)
        wires = chip(truth, period_ns=95_000_000)
        tree = IioTree(pace, folder, wires)
        cells = [{"device": str(tree.folder), "node": str(tree.node)}]
        options = msgspec.convert({"cells": cells, "mode": mode}, hx711_iio.Options)
        faults = _wire_faults(wires)
        del faults["missing pulses"], faults["noise on the data line"]  # the kernel's reads have no redundancy at all
        faults["unplug"] = Fault(_attributes(tree, gone=True), _attributes(tree, gone=False))
        if mode == "sysfs":
            faults["garbage"] = Fault(_attributes(tree, garbage=True), _attributes(tree, garbage=False))
        return Rig(pace, truth, hx711_iio.Driver(options, pace, tree), faults)

    return make


def _i2c_faults(bench: I2cBench) -> dict[str, Fault]:
    return {
        "nak": Fault(_attributes(bench, nak=0.05), _attributes(bench, nak=0.0)),
        "always nak": Fault(_attributes(bench, nak=1.0), _attributes(bench, nak=0.0)),
        "slow": Fault(_attributes(bench, stall_ns=3_000_000), _attributes(bench, stall_ns=0), silent=True),
        "unplug": Fault(_attributes(bench, gone=True), _attributes(bench, gone=False)),
    }


def _nau7802(_: Path, __: Any) -> Rig:
    bench, truth = I2cBench(VirtualPace()), Truth()
    device = Nau7802Chip(truth.convert)
    bench.chips[1, None, 0, 0x2A] = device
    rig = Rig(bench.pace, truth, nau7802.Driver(nau7802.Options(), bench.pace, bench.open), _i2c_faults(bench))
    rig.faults["power lost"] = Fault(device.power_cycle, lambda: None)
    rig.faults["stops"] = Fault(_attributes(device, stops=True), _attributes(device, stops=False))
    return rig


def _dfrobot(_: Path, __: Any) -> Rig:
    bench, truth = I2cBench(VirtualPace()), Truth()
    device = DfrobotBoard(truth.convert)
    bench.chips[1, None, 0, 0x64] = device
    driver = dfrobot_i2c.Driver(dfrobot_i2c.Options(), bench.pace, bench.open)
    rig = Rig(bench.pace, truth, driver, _i2c_faults(bench))
    rig.faults["answers that are no values"] = Fault(
        _attributes(device, invalid=True), _attributes(device, invalid=False)
    )
    rig.faults["slow"].silent = False
    return rig


def _text(folder: Path, _: Any) -> Rig:
    pace, truth, port = VirtualPace(), Truth(), PtyPort(folder / "port")
    board = TextBoard(pace, port, truth.convert)
    driver = hx711_text.Driver(hx711_text.Options(port=str(folder / "port")), pace)
    rig = Rig(pace, truth, driver)
    for name, rates, beyond in [
        ("garbage", FaultRates(garbage=0.1), 0.2),
        ("truncated lines", FaultRates(truncate=0.1), 1.0),
        ("lost bytes", FaultRates(drop_byte=0.1), 1.0),
    ]:
        begin, end = _attributes(board.line, rates=rates), _attributes(board.line, rates=FaultRates())
        rig.faults[name] = Fault(begin, end, beyond, harm=lambda: 100)
    rig.faults["silence"] = Fault(_attributes(board, paused=True), _attributes(board, paused=False))
    rig.faults["unplug"] = Fault(port.close, port.plug)
    return rig


MAKERS = {
    "hx711-spi": _spi,
    "hx711-gpio": _gpio,
    "hx711-iio sysfs": _iio("sysfs"),
    "hx711-iio buffer": _iio("buffer"),
    "nau7802": _nau7802,
    "dfrobot-i2c": _dfrobot,
    "hx711-text": _text,
}
NAMES = {
    "hx711-spi": "reset in mid-frame,missing pulses,noise on the data line,stuck low,stuck high,unplug,slow,"
    "mosi rests high",
    "hx711-gpio": "reset in mid-frame,missing pulses,noise on the data line,stuck low,stuck high,unplug,slow,"
    "pulses held 55 us,pulses preempted",
    "hx711-iio sysfs": "reset in mid-frame,stuck low,stuck high,unplug,garbage",
    "hx711-iio buffer": "reset in mid-frame,stuck low,stuck high,unplug",
    "nau7802": "nak,always nak,slow,unplug,power lost,stops",
    "dfrobot-i2c": "nak,always nak,slow,unplug,answers that are no values",
    "hx711-text": "garbage,truncated lines,lost bytes,silence,unplug",
}
CASES = [(driver, fault) for driver, faults in NAMES.items() for fault in faults.split(",")]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The GPIO library in front of the drivers that need it."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "fake_gpiod")
    for name in ("gpiod", "gpiod.line"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield __import__("gpiod")
    for name in ("gpiod", "gpiod.line"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(("name", "fault"), CASES, ids=[f"{name}-{fault}" for name, fault in CASES])
def test_no_fault_makes_a_false_count_and_all_recover(name: str, fault: str, tmp_path: Path, library: Any) -> None:
    rig = MAKERS[name](tmp_path, library)
    assert isinstance(rig.driver, Rejecting)
    assert set(rig.faults) == set(NAMES[name].split(","))
    done = rig.faults[fault]
    rig.reopen()
    before = rig.read(4.0)
    assert rig.false(before) == 0
    assert sum(map(believed, before)) > 15
    assert rig.errors == []
    rejects, harm = sum(rig.driver.rejects.values()), done.harm()
    done.begin()
    during = rig.read(8.0)
    done.end()
    shown = len(rig.errors) + sum(rig.driver.rejects.values()) - rejects
    assert shown > 0 or done.silent
    assert rig.false(during) <= done.beyond * (done.harm() - harm or 100)
    rig.read(4.0)
    errors = len(rig.errors)
    after = rig.read(4.0)
    assert rig.false(after) == 0
    assert sum(map(believed, after)) > 15
    assert len(rig.errors) == errors
    rig.driver.close()
    rig.driver.close()
    with pytest.raises(SensorError, match="not open"):
        rig.driver.read(0.0)


@pytest.mark.parametrize(
    "module",
    [dfrobot_i2c, hx711_gpio, hx711_iio, hx711_spi, hx711_text, nau7802],
    ids=lambda module: str(module.__name__),
)
def test_the_example_in_a_drivers_documentation_is_valid(module: Any) -> None:
    text = inspect.cleandoc(module.__doc__)
    example = re.search(r"    \[\[scale\]\]\n((?:    .*\n)+)", text + "\n")
    assert example is not None
    keys = tomllib.loads(inspect.cleandoc(example[1]))
    assert wiring.SCALES[keys.pop("driver")].options is module.Options
    msgspec.convert(keys, module.Options)


def test_every_driver_of_counts_is_in_this_suite_or_has_its_own() -> None:
    counted = {name for name, entry in wiring.SCALES.items() if entry.counts}
    assert counted == {name.split(" ")[0] for name in MAKERS} | {"hx711-bridge", "sim"}
    assert isinstance(hx711_bridge.Driver(hx711_bridge.Options(port="/dev/x")), Rejecting)
