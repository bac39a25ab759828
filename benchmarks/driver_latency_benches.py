"""The converters of `driver_latency` that hang on other wires than a serial line, on emulated benches."""

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from drivers import dfrobot_i2c, hx711_gpio, hx711_iio, hx711_spi, nau7802
from drivers.bank import Bank
from drivers.sim.dfrobot_board import DfrobotBoard
from drivers.sim.gpio_bench import GpioBench
from drivers.sim.hx711_chip import ChipSpec, Hx711Chip
from drivers.sim.hx711_wires import WiredChip
from drivers.sim.i2c_bench import I2cBench
from drivers.sim.iio_tree import IioTree
from drivers.sim.nau7802_chip import Nau7802Chip
from drivers.sim.spi_bench import SpiBench
from drivers.sim.virtual_pace import VirtualPace

PERIOD_NS, SLOW_NS = 12_192_000, 95_000_000
LEVEL, NOISE = 654_321, 38.7
LIBRARY = Path(__file__).resolve().parents[1] / "tests" / "drivers" / "fake_gpiod"


@dataclass
class Source:
    """What a cell delivers, and when."""

    times_ns: list[int] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def convert(self, t_ns: int) -> float:
        """Be the chip's input at the end of a conversion."""
        self.times_ns.append(t_ns)
        return float(round(self.chance.gauss(LEVEL, NOISE)))

    def chip(self, period_ns: int = PERIOD_NS) -> WiredChip:
        """Return an HX711 that converts this."""
        return WiredChip(Hx711Chip(self.convert, ChipSpec(period_ns=period_ns, noise_counts=0.0), seed=1), seed=1)


@dataclass
class Bench:
    """A driver on its bench; `done_ns` fills with the times of the conversions."""

    pace: VirtualPace
    driver: Bank
    done_ns: list[int]
    period_s: float
    held: bool = True  # the driver waits for the next edge before it gives a sample out


def _spi(folder: Path) -> Bench:
    pace, source = VirtualPace(), Source()
    bench = SpiBench(pace, folder)
    path = bench.add("spidev0.0", source.chip())
    options = msgspec.convert({"rate_hz": 80, "cells": [{"device": path}]}, hx711_spi.Options)
    return Bench(pace, hx711_spi.Driver(options, pace, bench.ioctl), source.times_ns, PERIOD_NS / 1e9)


def _gpio(_: Path) -> Bench:
    sys.path.insert(0, str(LIBRARY))  # libgpiod's Python on the emulated lines
    import gpiod

    pace, source = VirtualPace(), Source()
    wires = source.chip()
    gpiod.plugged[:] = [GpioBench(pace, {(27, 17): wires})]
    pace.events.append(lambda: wires.chip.next_ready_ns)
    keys = {"chip": "/dev/gpiochip7", "rate_hz": 80, "cells": [{"sck_line": 27, "dout_line": 17}]}
    driver = hx711_gpio.Driver(msgspec.convert(keys, hx711_gpio.Options), pace)
    return Bench(pace, driver, source.times_ns, PERIOD_NS / 1e9)


def _iio(mode: str) -> Callable[[Path], Bench]:
    def make(folder: Path) -> Bench:
        pace, source = VirtualPace(), Source()
        tree = IioTree(pace, folder, source.chip(SLOW_NS))
        cells = [{"device": str(tree.folder), "node": str(tree.node)}]
        options = msgspec.convert({"cells": cells, "mode": mode}, hx711_iio.Options)
        return Bench(pace, hx711_iio.Driver(options, pace, tree), source.times_ns, SLOW_NS / 1e9)

    return make


def _nau7802(_: Path) -> Bench:
    bench, source = I2cBench(VirtualPace()), Source()
    bench.chips[1, None, 0, 0x2A] = Nau7802Chip(source.convert)
    driver = nau7802.Driver(nau7802.Options(), bench.pace, bench.open)
    return Bench(bench.pace, driver, source.times_ns, 1 / 80, held=False)


def _dfrobot(_: Path) -> Bench:
    bench, source = I2cBench(VirtualPace()), Source()
    bench.chips[1, None, 0, 0x64] = DfrobotBoard(source.convert)
    driver = dfrobot_i2c.Driver(dfrobot_i2c.Options(), bench.pace, bench.open)
    return Bench(bench.pace, driver, source.times_ns, 0.1, held=False)


BENCHES: dict[str, Callable[[Path], Bench]] = {
    "hx711-spi": _spi,
    "hx711-gpio": _gpio,
    "hx711-iio sysfs": _iio("sysfs"),
    "hx711-iio buffer": _iio("buffer"),
    "nau7802": _nau7802,
    "dfrobot-i2c": _dfrobot,
}
