"""The HX711 on GPIO lines: a real chip's log through the same rules, a busy host, and libgpiod that is absent."""

import itertools
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from drivers.base import Sample, SensorError
from drivers.gpio_lines import GpioLines
from drivers.hx711_gpio import Driver, Options
from drivers.hx711_pins import Conversion, Levels, Pulse, broken_rules, conversion, decode
from drivers.integrity import Cause, Gate
from drivers.raw_keys import chip_settings
from drivers.sim.gpio_bench import GpioBench
from drivers.sim.virtual_pace import VirtualPace
from tests.drivers.raw_bench import Truth, believed, chip, false_ones, run

REAL_COUNTS = [
    4384, 4147, 4194, 4370, 4390, 4223, 4220, 4386, 4476, 4394, 4389, 4163, 4116, 4325, 4382, 4388, 4337,
]  # fmt: skip
KEYS = {"chip": "/dev/gpiochip7", "rate_hz": 80, "cells": [{"sck_line": 27, "dout_line": 17}]}


@pytest.fixture
def real_reads(shared_data: Callable[[str], Path]) -> list[Conversion]:
    with zipfile.ZipFile(shared_data("hx711/hx711_80sps_nogainchange.sr")) as log:
        pins = np.frombuffer(log.read("logic-1-1"), np.uint8) & 3
    changes = [0, *(np.flatnonzero(np.diff(pins)) + 1).tolist()]
    return decode([Levels(at * 1000 // 24, bool(pins[at] & 1), bool(pins[at] & 2)) for at in changes])


def test_a_real_chip_passes_every_rule_at_its_own_pace(real_reads: list[Conversion]) -> None:
    gate = Gate(chip_settings(80, poll_s=0.01).rules)
    out = []
    for before, read in zip([None, *real_reads], real_reads, strict=False):
        elapsed_ns = None if before is None else read.ready_ns - before.ready_ns
        sample = Sample(read.ready_ns, (read.counts,))
        out.append(gate.offer(sample, elapsed_ns, causes=broken_rules(read)))
    released = [sample for sample in out if sample]
    assert [sample.counts[0] for sample in released] == REAL_COUNTS[:-1]
    assert all(believed(sample) for sample in released)
    assert dict(gate.rejects.snapshot) == {}


def test_the_emulated_chip_keeps_the_real_ones_timing(real_reads: list[Conversion]) -> None:
    truth = Truth()
    wires = chip(truth)
    wires.chip.dout(10**9)
    emulated, real = (np.diff(times) for times in (truth.times_ns[1:18], [read.ready_ns for read in real_reads]))
    assert np.mean(emulated) == pytest.approx(np.mean(real), abs=1_000)
    assert np.ptp(emulated) < 2 * np.ptp(real) + 1_000


def pulses(bits: str, high_ns: int = 1000) -> list[Pulse]:
    return [Pulse(bit == "1", high_ns) for bit in bits]


@pytest.mark.parametrize(
    ("bits", "counts", "causes"),
    [
        (f"{4384:024b}" + "1", 4384, ()),
        ("1" * 24 + "1", -1, ()),
        (f"{4384:024b}" + "0", 4384, (Cause.EXTRA_BIT,)),
        (f"{4384:024b}", 4384, (Cause.EXTRA_BIT,)),
        (f"{4384:024b}" + "1" * 4, 4384, (Cause.EXTRA_BIT,)),
        (f"{0xFF89F7:024b}" + "111", -30217, ()),
    ],
)
def test_pulses_make_a_read_and_tell_what_it_broke(bits: str, counts: int, causes: tuple[Cause, ...]) -> None:
    read = conversion(0, pulses(bits))
    assert read is not None
    assert (read.counts, broken_rules(read)) == (counts, causes)


def test_too_few_pulses_are_no_read_and_one_long_pulse_is_told() -> None:
    assert conversion(0, pulses("1" * 23)) is None
    long = [*pulses("0" * 12), Pulse(bit=False, high_ns=50_001), *pulses("0" * 11 + "1")]
    read = conversion(0, long)
    assert read is not None
    assert broken_rules(read) == (Cause.LONG_PULSE,)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[GpioBench]:
    """A bench behind the library, with one chip on lines 27 and 17."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "fake_gpiod")
    for name in ("gpiod", "gpiod.line"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    library: Any = __import__("gpiod")
    pace = VirtualPace()
    bench = GpioBench(pace)
    library.plugged.append(bench)
    yield bench
    for name in ("gpiod", "gpiod.line"):
        sys.modules.pop(name, None)


def connect(bench: GpioBench, truth: Truth, lines: tuple[int, int] = (27, 17), **spec: int) -> None:
    wires = chip(truth, **spec)
    bench.wires[lines] = wires
    bench.pace.events.append(lambda: wires.chip.next_ready_ns)


def test_edges_wake_the_driver_and_carry_the_kernels_time(bench: GpioBench) -> None:
    truth = Truth()
    connect(bench, truth)
    scale = Driver(msgspec.convert(KEYS, Options), bench.pace)
    scale.open()
    samples = run(scale, bench.pace, 2.0)
    assert false_ones(samples, [truth]) == []
    assert sum(map(believed, samples)) > 140
    assert {sample.t_ns for sample in samples} <= set(truth.times_ns)


@pytest.mark.parametrize(("rate_hz", "period_ns"), [(80, 12_192_000), (10, 95_000_000)])
def test_a_gpio_chip_without_interrupts_is_looked_at_often_enough(
    bench: GpioBench, rate_hz: int, period_ns: int
) -> None:
    truth = Truth()
    connect(bench, truth, period_ns=period_ns)
    bench.interrupts = False
    scale = Driver(msgspec.convert({**KEYS, "rate_hz": rate_hz}, Options), bench.pace)
    scale.open()
    samples = run(scale, bench.pace, 8.0)
    assert false_ones(samples, [truth]) == []
    assert sum(map(believed, samples)) > 7 * rate_hz
    assert sum(scale.rejects.values()) == scale.rejects["settling"]


def test_only_to_wait_for_an_edge_a_gpio_chip_without_interrupts_is_refused(bench: GpioBench) -> None:
    connect(bench, Truth())
    bench.interrupts = False
    with pytest.raises(SensorError, match="gives no interrupts"):
        GpioLines("/dev/gpiochip7", 17).open()


@pytest.mark.parametrize(
    ("held_ns", "cause"), [(55_000, "long_pulse"), (80_000, "late_edge"), (30_000_000, "late_edge")]
)
def test_a_busy_host_loses_samples_but_believes_no_false_one(bench: GpioBench, held_ns: int, cause: str) -> None:
    truth = Truth()
    connect(bench, truth)
    scale = Driver(msgspec.convert(KEYS, Options), bench.pace)
    scale.open()
    bench.held, bench.held_ns = 0.002, held_ns
    samples = run(scale, bench.pace, 8.0)
    assert bench.held_times > 10
    assert false_ones(samples, [truth]) == []
    assert sum(map(believed, samples)) > 200
    assert scale.rejects["long_pulse"] + scale.rejects.get(cause, 0) > 10
    bench.held = 0.0
    run(scale, bench.pace, 0.2)
    assert all(believed(sample) for sample in run(scale, bench.pace, 1.0))


def test_two_chips_run_freely_on_one_host(bench: GpioBench) -> None:
    truths = [Truth(seed=1), Truth(seed=2, level=-300_000)]
    connect(bench, truths[0])
    connect(bench, truths[1], (6, 5), period_ns=12_600_000)
    cells = [{"sck_line": 27, "dout_line": 17}, {"sck_line": 6, "dout_line": 5}]
    scale = Driver(msgspec.convert({**KEYS, "cells": cells}, Options), bench.pace)
    scale.open()
    samples = [sample for sample in run(scale, bench.pace, 2.0) if believed(sample)]
    assert false_ones(samples, truths) == []
    assert all(abs(sample.counts[1] + 300_000) < 250 for sample in samples)
    assert len(samples) > 130
    assert all(later.t_ns > early.t_ns for early, later in itertools.pairwise(samples))


def test_without_the_library_the_remedy_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", None)
    with pytest.raises(SensorError, match="not installed") as caught:
        Driver(msgspec.convert(KEYS, Options)).open()
    assert "apt install python3-libgpiod" in caught.value.remedy


@pytest.mark.usefixtures("bench")
def test_a_chip_or_line_that_is_not_there_is_told() -> None:
    with pytest.raises(SensorError, match="/dev/gpiochip0 lines 27, 17"):
        Driver(msgspec.convert({**KEYS, "chip": "/dev/gpiochip0"}, Options)).open()
    with pytest.raises(SensorError, match="No such device"):
        Driver(msgspec.convert(KEYS, Options)).open()


@pytest.mark.parametrize("keys", [{}, {"cells": [{"sck_line": 1}]}, {"cells": [{"sck_line": -1, "dout_line": 2}]}])
def test_options_have_bounds(keys: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(keys, Options)
