"""The HX711 over SPI: the bytes, the system call below, the ready line, and a controller that rests high."""

import itertools
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import SensorError
from drivers.hx711_spi import Cell, Driver, Options
from drivers.hx711_spi_codec import decode, is_ready, request
from drivers.integrity import Cause
from drivers.sim.spi_bench import SpiBench
from drivers.sim.virtual_pace import VirtualPace
from tests.drivers.raw_bench import LEVEL, PERIOD_NS, Truth, believed, chip, false_ones, run

VECTORS = [
    (0, "00 00 00 00 00 00 FF"),
    (1, "00 00 00 00 00 03 FF"),
    (-1, "FF FF FF FF FF FF FF"),
    (4384, "00 00 03 03 0C 00 FF"),
    (8388607, "3F FF FF FF FF FF FF"),
    (-8388608, "C0 00 00 00 00 00 FF"),
    (-30217, "FF FF C0 C3 FF 3F FF"),
]


@pytest.mark.parametrize(("counts", "answer"), VECTORS)
def test_published_answers_are_read(counts: int, answer: str) -> None:
    read = decode(bytes.fromhex(answer))
    assert (read.counts, read.causes) == (counts, ())


@pytest.mark.parametrize(
    ("pulses", "sent"),
    [(25, "AA AA AA AA AA AA 80"), (26, "AA AA AA AA AA AA A0"), (27, "AA AA AA AA AA AA A8")],
)
def test_what_is_sent_has_as_many_pulses(pulses: int, sent: str) -> None:
    assert request(pulses) == bytes.fromhex(sent)
    assert f"{int.from_bytes(request(pulses), 'big'):056b}".count("10") == pulses


@given(st.integers(-(1 << 23), (1 << 23) - 1))
def test_every_count_is_read_back(counts: int) -> None:
    doubled = "".join(bit * 2 for bit in f"{counts & 0xFFFFFF:024b}")
    read = decode(int(doubled, 2).to_bytes(6, "big") + b"\xff")
    assert (read.counts, read.causes) == (counts, ())


@given(st.integers(-(1 << 23), (1 << 23) - 1), st.integers(0, 55))
def test_any_single_wrong_bit_is_seen(counts: int, wrong: int) -> None:
    doubled = "".join(bit * 2 for bit in f"{counts & 0xFFFFFF:024b}") + "1" * 8
    read = decode((int(doubled, 2) ^ (1 << wrong)).to_bytes(7, "big"))
    assert read.causes == ((Cause.EXTRA_BIT,) if wrong < 8 else (Cause.UNEQUAL_BITS,))


@given(st.binary(min_size=7, max_size=7))
def test_any_answer_is_understood_somehow(answer: bytes) -> None:
    assert -(1 << 23) <= decode(answer).counts < 1 << 23


def test_ready_is_the_last_bit() -> None:
    assert is_ready(b"\xfe")
    assert not is_ready(b"\x01")


@pytest.fixture
def pace() -> VirtualPace:
    return VirtualPace()


@pytest.fixture
def bench(pace: VirtualPace, tmp_path: Path) -> SpiBench:
    return SpiBench(pace, tmp_path)


def driver(bench: SpiBench, pace: VirtualPace, *paths: str, gain: int = 128, rate_hz: int = 80) -> Driver:
    cells = [{"device": path} for path in paths]
    return Driver(msgspec.convert({"rate_hz": rate_hz, "gain": gain, "cells": cells}, Options), pace, bench.ioctl)


@pytest.mark.parametrize(("gain", "share"), [(128, 1.0), (64, 0.5), (32, 0.25)])
def test_the_gain_is_set_before_the_first_sample_is_believed(
    bench: SpiBench, pace: VirtualPace, gain: int, share: float
) -> None:
    truth = Truth(noise=40.0)
    scale = driver(bench, pace, bench.add("spidev0.0", chip(truth)), gain=gain)
    scale.open()
    good = [sample for sample in run(scale, pace, 1.0) if believed(sample)]
    assert len(good) > 60
    assert [sample.counts[0] for sample in good] == [round(truth.at(sample.t_ns) * share) for sample in good]


def test_a_bus_whose_mosi_rests_high_is_refused(bench: SpiBench, pace: VirtualPace) -> None:
    scale = driver(bench, pace, bench.add("spidev0.0", chip(Truth())))
    bench.mosi_rests_high = True
    scale.open()
    with pytest.raises(SensorError, match="no results"):
        run(scale, pace, 5.0)


def test_a_chip_set_to_another_rate_is_named(bench: SpiBench, pace: VirtualPace) -> None:
    scale = driver(bench, pace, bench.add("spidev0.0", chip(Truth())), rate_hz=10)
    scale.open()
    with pytest.raises(SensorError, match="set to another rate"):
        run(scale, pace, 5.0)


def test_two_chips_are_one_platform_aligned_in_time(bench: SpiBench, pace: VirtualPace) -> None:
    truths = [Truth(noise=0.0), Truth(noise=0.0)]
    wires = [chip(truths[0]), chip(truths[1], period_ns=round(PERIOD_NS * 1.04))]
    scale = driver(bench, pace, *(bench.add(f"spidev{n}.0", wire) for n, wire in enumerate(wires)))
    for number, truth in enumerate(truths):
        truth.noise = 30.0
        truth.level = LEVEL * (1 + number)
    scale.open()
    samples = [sample for sample in run(scale, pace, 3.0) if believed(sample)]
    assert len(samples) > 220
    assert false_ones(samples, truths) == []
    assert all(abs(sample.counts[1] - 2 * LEVEL) < 200 for sample in samples)
    assert all(late.t_ns > early.t_ns for early, late in itertools.pairwise(samples))


def test_a_host_that_was_away_believes_nothing_it_did_not_see_begin(bench: SpiBench, pace: VirtualPace) -> None:
    truth = Truth()
    scale = driver(bench, pace, bench.add("spidev0.0", chip(truth)))
    scale.open()
    run(scale, pace, 1.0)
    for _ in range(20):
        bench.stall_ns = 33_000_000
        assert false_ones(run(scale, pace, 0.3), [truth]) == []
    assert scale.rejects["late_read"] >= 15


def test_an_absent_bus_says_how_to_enable_it(bench: SpiBench, pace: VirtualPace, tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="does not exist") as caught:
        driver(bench, pace, str(tmp_path / "spidev9.0")).open()
    assert "dtparam=spi=on" in caught.value.remedy


@pytest.mark.parametrize(
    "keys",
    [{}, {"cells": []}, {"cells": [{"device": "spidev0.0"}]}, {"cells": [{"device": "/dev/spidev0.0", "x": 1}]},
     {"cells": [{"device": "/dev/spidev0.0"}], "rate_hz": 20}, {"cells": [{"device": "/dev/spidev0.0"}], "gain": 1}],
)  # fmt: skip
def test_options_have_bounds_and_no_leftovers(keys: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(keys, Options)


def test_the_documented_keys_are_accepted() -> None:
    cells = [{"device": "/dev/spidev0.0"}, {"device": "/dev/spidev1.0", "ready_line": 22}]
    options = msgspec.convert({"rate_hz": 80, "cells": cells, "capacity_g": 50000, "division_g": 5}, Options)
    assert options.cells[1] == Cell(device="/dev/spidev1.0", ready_line=22)
