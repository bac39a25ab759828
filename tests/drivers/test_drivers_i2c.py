"""Converters on I2C: set-up, calibration and its keeping, the multiplexer, answers that are none, and every refusal."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import dfrobot_i2c, nau7802
from drivers.base import SensorError
from drivers.sim.dfrobot_board import DfrobotBoard
from drivers.sim.i2c_bench import I2cBench
from drivers.sim.nau7802_chip import Nau7802Chip
from drivers.sim.virtual_pace import VirtualPace
from tests.drivers.raw_bench import LEVEL, Truth, believed, false_ones, run


@pytest.fixture
def bench() -> I2cBench:
    return I2cBench(VirtualPace())


def nau(bench: I2cBench, **keys: object) -> nau7802.Driver:
    return nau7802.Driver(msgspec.convert(keys, nau7802.Options), bench.pace, bench.open)


def board(bench: I2cBench, **keys: object) -> dfrobot_i2c.Driver:
    return dfrobot_i2c.Driver(msgspec.convert(keys, dfrobot_i2c.Options), bench.pace, bench.open)


@pytest.mark.parametrize("rate_hz", [10, 20, 40, 80, 320])
def test_a_nau7802_gives_each_result_once_after_settling(bench: I2cBench, rate_hz: int) -> None:
    truth = Truth()
    bench.chips[1, None, 0, 0x2A] = Nau7802Chip(truth.convert)
    scale = nau(bench, rate_hz=rate_hz)
    scale.open()
    samples = run(scale, bench.pace, 3.0)
    assert false_ones(samples, [truth]) == []
    assert sum(map(believed, samples)) >= 2.5 * rate_hz
    assert dict(scale.rejects) == {"settling": 6}


def test_two_at_one_address_are_told_apart_by_the_multiplexer(bench: I2cBench) -> None:
    truths = [Truth(seed=1), Truth(seed=2, level=-200_000)]
    for channel, truth in enumerate(truths):
        bench.chips[1, 0x70, channel, 0x2A] = Nau7802Chip(truth.convert)
    scale = nau(bench, cells=[{"mux": 0x70, "channel": 0}, {"mux": 0x70, "channel": 1}])
    scale.open()
    samples = [sample for sample in run(scale, bench.pace, 2.0) if believed(sample)]
    assert false_ones(samples, truths) == []
    assert len(samples) > 120
    assert all(abs(sample.counts[1] + 200_000) < 250 for sample in samples)


def test_the_self_calibration_is_kept_over_a_loss_of_power(bench: I2cBench) -> None:
    chip = Nau7802Chip(lambda _: LEVEL, offset_scatter=500.0)
    bench.chips[1, None, 0, 0x2A] = chip
    scale = nau(bench)
    scale.open()
    [before] = {sample.counts for sample in run(scale, bench.pace, 0.15) if believed(sample)}
    assert before != (LEVEL,)
    chip.power_cycle()
    with pytest.raises(SensorError, match="restarted and lost its settings"):
        run(scale, bench.pace, 1.0)
    scale.close()
    scale.open()
    assert {sample.counts for sample in run(scale, bench.pace, 0.15) if believed(sample)} == {before}


def test_a_configured_calibration_is_used(bench: I2cBench) -> None:
    bench.chips[1, None, 0, 0x2A] = Nau7802Chip(lambda _: LEVEL, offset_scatter=500.0)
    scale = nau(bench, cells=[{"offset": 0xFFFF9C, "span": 8388608}])
    scale.open()
    assert {sample.counts for sample in run(scale, bench.pace, 0.15) if believed(sample)} == {(LEVEL + 100,)}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda chip: setattr(chip, "never_powers_up", True), "does not power up"),
        (lambda chip: setattr(chip, "revision", 0x03), "is no NAU7802 .revision 0x03"),
        (lambda chip: setattr(chip, "never_calibrates", True), "does not finish its calibration"),
        (lambda chip: setattr(chip, "fails_calibration", True), "cannot calibrate itself"),
    ],
)
def test_a_chip_that_cannot_be_set_up_is_refused(
    bench: I2cBench, fault: Callable[[Nau7802Chip], None], message: str
) -> None:
    chip = Nau7802Chip(lambda _: LEVEL)
    bench.chips[1, None, 0, 0x2A] = chip
    fault(chip)
    with pytest.raises(SensorError, match=message) as caught:
        nau(bench).open()
    assert caught.value.remedy


def test_an_absent_bus_or_device_is_told(bench: I2cBench) -> None:
    with pytest.raises(SensorError, match="i2c-1 cannot be opened"):
        nau(bench).open()
    bench.chips[1, None, 0, 0x2A] = Nau7802Chip(lambda _: LEVEL)
    with pytest.raises(SensorError, match=r"0x64 on i2c-1 does not acknowledge"):
        board(bench).open()
    with pytest.raises(SensorError, match=r"channel 3 of the multiplexer at 0x71 does not"):
        nau(bench, cells=[{"mux": 0x71, "channel": 3}]).open()


@pytest.mark.parametrize("plain", [True, False])
def test_a_board_that_repeats_itself_gives_each_result_once(bench: I2cBench, *, plain: bool) -> None:
    truth = Truth()
    bench.chips[1, None, 0, 0x64] = DfrobotBoard(truth.convert)
    bench.plain_reads = plain
    scale = board(bench)
    scale.open()
    samples = run(scale, bench.pace, 5.0)[1:]
    assert false_ones(samples, [truth]) == []
    assert all(believed(sample) for sample in samples)
    assert [sample.counts[0] for sample in samples] == [truth.at(sample.t_ns) for sample in samples]
    assert len(samples) == pytest.approx(5.0 / 0.095, abs=3)
    assert scale.rejects["duplicate"] > 80


def test_an_answer_that_is_no_value_is_neither_zero_nor_mid_scale(bench: I2cBench) -> None:
    device = DfrobotBoard(Truth().convert)
    bench.chips[1, None, 0, 0x64] = device
    scale = board(bench)
    scale.open()
    run(scale, bench.pace, 0.5)
    device.invalid = True
    with pytest.raises(SensorError, match="gives no results"):
        run(scale, bench.pace, 3.0)
    assert scale.rejects["error_word"] > 20


def test_a_board_that_hangs_is_found_frozen(bench: I2cBench) -> None:
    device = DfrobotBoard(Truth().convert)
    bench.chips[1, None, 0, 0x64] = device
    scale = board(bench)
    scale.open()
    run(scale, bench.pace, 0.5)
    device.hangs = True
    assert not any(believed(sample) for sample in run(scale, bench.pace, 2.0)[1:])
    with pytest.raises(SensorError, match="its value never changes"):
        run(scale, bench.pace, 5.0)


@given(st.binary(max_size=6))
def test_any_answer_of_a_board_is_a_value_or_none(answer: bytes) -> None:
    counts = dfrobot_i2c.decode(answer)
    assert (counts is None) == (len(answer) != 4 or answer[0] != 0x12)
    assert counts is None or -(1 << 23) <= counts < 1 << 23


@given(st.integers(-(1 << 23), (1 << 23) - 1))
def test_every_count_of_a_board_is_read_back(counts: int) -> None:
    assert dfrobot_i2c.decode(b"\x12" + (counts & 0xFFFFFF).to_bytes(3, "big")) == counts


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (nau7802.Options, {"cells": [{"mux": 0x68}]}),
        (nau7802.Options, {"cells": [{"channel": 8}]}),
        (nau7802.Options, {"rate_hz": 100}),
        (nau7802.Options, {"ldo_mv": 5000}),
        (dfrobot_i2c.Options, {"cells": [{"address": 0x63}]}),
        (dfrobot_i2c.Options, {"cells": []}),
    ],
)
def test_options_have_bounds(options: type[msgspec.Struct], keys: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(keys, options)
