"""The ready line of an HX711 on SPI: its edge is the time of the result; edges that are missed, or of another chip."""

import bisect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from drivers.base import Sample, SensorError
from drivers.hx711_spi import Driver, Options
from drivers.sim.gpio_bench import GpioBench
from drivers.sim.spi_bench import SpiBench
from drivers.sim.virtual_pace import VirtualPace
from tests.drivers.raw_bench import PERIOD_NS, Truth, believed, chip, false_ones, run

CHIP = "/dev/gpiochip7"
NOBODY = -1  # PD_SCK is on MOSI, not on a GPIO


@dataclass
class Bench:
    """SPI buses and GPIO lines with the same chips on both."""

    pace: VirtualPace
    spi: SpiBench
    gpio: GpioBench

    def add(self, truth: Truth, line: int, *, period_ns: int = PERIOD_NS) -> str:
        """Put a chip on a bus of its own and its DOUT on `line`, too; return the bus."""
        wires = chip(truth, period_ns=period_ns)
        self.gpio.wires[NOBODY, line] = wires
        self.pace.events.append(lambda: wires.chip.next_ready_ns)
        return self.spi.add(f"spidev{line}.0", wires)

    def driver(self, **lines: int) -> Driver:
        """Return a driver of these buses, each with its ready line."""
        cells = [{"device": path, "ready_line": line} for path, line in lines.items()]
        options = msgspec.convert({"rate_hz": 80, "chip": CHIP, "cells": cells}, Options)
        return Driver(options, self.pace, self.spi.ioctl)

    def lose_edges(self) -> None:
        """Let the kernel forget the edges that it has queued."""
        self.gpio.look()
        for watch in self.gpio.watches:
            watch.take()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bench]:
    monkeypatch.syspath_prepend(Path(__file__).parent / "fake_gpiod")
    for name in ("gpiod", "gpiod.line"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    library: Any = __import__("gpiod")
    pace = VirtualPace()
    made = Bench(pace, SpiBench(pace, tmp_path), GpioBench(pace))
    made.spi.look = made.gpio.look
    library.plugged.append(made.gpio)
    yield made
    for name in ("gpiod", "gpiod.line"):
        sys.modules.pop(name, None)


def settled(bench: Bench, truth: Truth, line: int = 22) -> Driver:
    """Return a driver of one chip that has just read a good sample."""
    scale = bench.driver(**{bench.add(truth, line): line})
    scale.open()
    assert any(map(believed, run(scale, bench.pace, 1.0)))
    return scale


def rejected(scale: Driver) -> dict[str, int]:
    return dict(scale.rejects)


def test_the_time_of_a_sample_is_that_of_its_edge(bench: Bench) -> None:
    truth = Truth()
    scale = bench.driver(**{bench.add(truth, 22): 22})
    scale.open()
    samples = run(scale, bench.pace, 3.0)
    good = [sample for sample in samples if believed(sample)]
    assert len(good) > 220
    assert false_ones(samples, [truth]) == []
    assert {sample.t_ns for sample in good} <= set(truth.times_ns)
    assert set(rejected(scale)) == {"settling"}


def test_the_edges_of_the_bits_are_no_results(bench: Bench) -> None:
    truth = Truth(level=0x2AAAAA, noise=3.0)  # DOUT falls a dozen times while it is read
    scale = settled(bench, truth)
    times_ns = [sample.t_ns for sample in run(scale, bench.pace, 1.0)]
    assert len(times_ns) > 75
    assert set(times_ns) <= set(truth.times_ns)


def test_a_missed_edge_costs_that_result_and_no_other(bench: Bench) -> None:
    truth = Truth()
    scale = settled(bench, truth)
    before = rejected(scale)
    for _ in range(20):
        bench.pace.advance(PERIOD_NS)
        bench.lose_edges()
        samples = run(scale, bench.pace, 0.2)
        assert false_ones(samples, [truth]) == []
        assert sum(map(believed, samples)) >= 12
    assert rejected(scale)["late_read"] - before.get("late_read", 0) == 20


def test_a_missed_edge_of_a_result_that_was_seen_to_come_costs_nothing(bench: Bench) -> None:
    truth = Truth()
    scale = settled(bench, truth)
    before = rejected(scale)
    seen: list[Sample] = []
    for _ in range(10):
        ready_ns = bench.gpio.on_line(22).chip.next_ready_ns
        bench.pace.advance(ready_ns - 2_000_000 - bench.pace.t_ns)
        seen += scale.read(0.0)  # still busy
        bench.pace.advance(3_000_000)
        bench.lose_edges()
        seen += scale.read(0.0)
    assert len(seen) >= 9
    assert false_ones(seen, [truth]) == []
    assert all(map(believed, seen))
    late_ns = [sample.t_ns - max(t_ns for t_ns in truth.times_ns if t_ns <= sample.t_ns) for sample in seen]
    assert 0 < max(late_ns) < 3_000_000
    assert rejected(scale) == before


def test_each_chip_has_the_time_of_its_own_edge(bench: Bench) -> None:
    truths = [Truth(seed=1), Truth(seed=2, level=-300_000)]
    first, second = bench.add(truths[0], 22), bench.add(truths[1], 23, period_ns=12_600_000)
    scale = bench.driver(**{first: 22, second: 23})
    scale.open()
    samples = [sample for sample in run(scale, bench.pace, 2.0) if believed(sample)]
    assert len(samples) > 130
    assert false_ones(samples, truths) == []
    assert {sample.t_ns for sample in samples} <= set(truths[0].times_ns)


@pytest.mark.parametrize("period_ns", [PERIOD_NS, 12_600_000, 11_800_000, 96_000_000])
def test_the_edge_of_another_chip_makes_no_false_sample(bench: Bench, period_ns: int) -> None:
    truth, other = Truth(seed=1), Truth(seed=2, level=-300_000)
    mine = bench.add(truth, 22)
    bench.add(other, 23, period_ns=period_ns)
    scale = bench.driver(**{mine: 23})
    scale.open()
    try:
        samples = run(scale, bench.pace, 6.0)
    except SensorError as error:
        assert "rate" in error.message  # noqa: PT017 - giving up in clear words is as good as going on
        return
    assert sum(map(believed, samples)) > 0
    for sample in filter(believed, samples):  # its time is as wrong as the wiring, its counts are not
        first = bisect.bisect_left(truth.times_ns, sample.t_ns - 2 * PERIOD_NS)
        last = bisect.bisect_right(truth.times_ns, sample.t_ns + 2 * PERIOD_NS)
        assert sample.counts[0] in truth.counts[first:last]


def test_crossed_ready_lines_make_no_false_sample(bench: Bench) -> None:
    truths = [Truth(seed=1), Truth(seed=2, level=-300_000)]
    first, second = bench.add(truths[0], 22), bench.add(truths[1], 23, period_ns=12_600_000)
    scale = bench.driver(**{first: 23, second: 22})
    scale.open()
    assert false_ones(run(scale, bench.pace, 3.0), truths) == []


def test_a_ready_line_that_is_not_there_is_told_and_the_bus_let_go(bench: Bench) -> None:
    scale = bench.driver(**{bench.add(Truth(), 22): 99})
    with pytest.raises(SensorError, match=r"/dev/gpiochip7 line 99"):
        scale.open()
    with pytest.raises(SensorError, match="not open"):
        scale.read(0.0)
