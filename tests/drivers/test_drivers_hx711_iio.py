"""The HX711 behind the kernel's driver: both ways of reading, error words, and the clean zero of a dead line."""

import itertools
import struct
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import SensorError
from drivers.hx711_iio import Driver, Options
from drivers.iio_codec import ReadTimes, Record, RecordDecoder, ScanType, parse_raw, parse_type
from drivers.sim.hx711_wires import WiredChip
from drivers.sim.iio_tree import IioTree
from drivers.sim.virtual_pace import VirtualPace
from tests.drivers.raw_bench import LEVEL, PERIOD_NS, Truth, believed, chip, false_ones, run, run_to_error

SCAN = ScanType(big_endian=False, bits=24, shift=0)
PERIOD_10_NS = 95_000_000


@pytest.mark.parametrize(
    ("text", "counts"),
    [("8388608\n", 0), ("0\n", -8388608), ("16777215\n", 8388607), ("8392992", 4384), ("8358391", -30217),
     ("16777216", None), ("", None), ("-1", None), ("12.5", None), ("٣", None), ("1" * 30, None)],
)  # fmt: skip
def test_raw_attributes_are_offset_binary(text: str, counts: int | None) -> None:
    assert parse_raw(text) == counts


@pytest.mark.parametrize(
    ("text", "scan"),
    [("le:u24/32>>0\n", SCAN), ("be:u24/32>>8", ScanType(big_endian=True, bits=24, shift=8)),
     ("le:s24/32>>0", None), ("le:u24/64>>0", None), ("le:u24/32>>9", None), ("nonsense", None)],
)  # fmt: skip
def test_record_types_are_understood_or_refused(text: str, scan: ScanType | None) -> None:
    assert parse_type(text) == scan


def test_an_error_number_in_a_record_is_no_value() -> None:
    good, failed = struct.pack("<I4xq", 8392992, 5), struct.pack("<i4xq", -5, 6)
    assert RecordDecoder(SCAN).feed(good + failed) == [Record(5, 4384), Record(6, None)]


@given(st.integers(-(1 << 23), (1 << 23) - 1), st.integers(0, 2**62), st.booleans(), st.integers(0, 8))
def test_every_count_is_read_back(counts: int, t_ns: int, big: bool, shift: int) -> None:
    word = ((counts + (1 << 23)) << shift).to_bytes(4, "big" if big else "little")
    decoder = RecordDecoder(ScanType(big, 24, shift))
    assert decoder.feed(word + bytes(4) + struct.pack("=q", t_ns)) == [Record(t_ns, counts)]


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_records_do_not_depend_on_how_they_are_cut(parts: list[bytes]) -> None:
    cut, whole = RecordDecoder(SCAN), RecordDecoder(SCAN)
    assert [record for part in parts for record in cut.feed(part)] == whole.feed(b"".join(parts))


@given(st.text(max_size=12))
def test_any_text_is_a_value_or_none(text: str) -> None:
    counts = parse_raw(text)
    assert counts is None or -(1 << 23) <= counts < 1 << 23
    assert parse_type(text) is None


def test_a_record_seen_soon_has_the_time_of_its_sight_and_one_seen_late_waits_for_the_next_trigger() -> None:
    times = ReadTimes()
    known = [times.feed([Record(20 * number, number)], 20 * number + 13) for number in range(5)]
    assert known == [[], [Record(0, 0), Record(33, 1)], [Record(53, 2)], [Record(73, 3)], [Record(93, 4)]]
    assert times.feed([Record(100, 5)], 160) == []  # the kernel waited
    assert times.feed([Record(160, 6)], 173) == [Record(159, 5), Record(173, 6)]
    assert times.feed([], 174) == []


def test_a_pause_of_the_reader_makes_no_record_late() -> None:
    times = ReadTimes()
    for number in range(5):
        times.feed([Record(20 * number, number)], 20 * number + 13)
    paused = times.feed([Record(20 * number, number) for number in range(5, 10)], 215)
    assert paused == [Record(20 * number + 13, number) for number in range(5, 9)]
    assert times.feed([Record(200, 10)], 213) == [Record(193, 9), Record(213, 10)]


@given(st.lists(st.integers(2, 10**9), max_size=20), st.lists(st.booleans(), min_size=20, max_size=20))
def test_times_of_reads_grow_and_lie_between_trigger_and_sight(spacings: list[int], seen: list[bool]) -> None:
    times, waiting, known, t_ns = ReadTimes(), [], [], 0
    for number, (spacing, now) in enumerate(zip(spacings, seen, strict=False)):
        t_ns += spacing
        waiting.append(Record(t_ns, number))
        if now:
            known += times.feed(waiting, t_ns + 1)
            waiting = []
    assert [record.counts for record in known] == list(range(len(known)))
    assert all(early.t_ns < later.t_ns for early, later in itertools.pairwise(known))


class Rig:
    def __init__(self, root: Path, mode: str, *, period_ns: int = PERIOD_10_NS, **keys: object) -> None:
        self.pace, self.truth = VirtualPace(), Truth(noise=21.5)
        self.wires: WiredChip = chip(self.truth, period_ns=period_ns)
        self.tree = IioTree(self.pace, root, self.wires)
        cells = [{"device": str(self.tree.folder), "node": str(self.tree.node)}]
        options = msgspec.convert({"cells": cells, "mode": mode, **keys}, Options)
        self.driver = Driver(options, self.pace, self.tree)


@pytest.fixture(params=["sysfs", "buffer"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    return Rig(tmp_path, request.param)


def test_each_conversion_is_given_once(rig: Rig) -> None:
    rig.driver.open()
    samples = run(rig.driver, rig.pace, 6.0)
    good = [sample for sample in samples if believed(sample)]
    assert len(good) > 45
    assert all(sample.counts[0] == rig.truth.at(sample.t_ns) for sample in good)
    rig.driver.close()


def test_a_line_stuck_low_is_never_a_clean_zero(rig: Rig) -> None:
    rig.driver.open()
    run(rig.driver, rig.pace, 2.0)
    rig.wires.faults.stuck_dout = False
    found, why = run_to_error(rig.driver)
    assert "its data line is stuck" in why
    assert not any(sample.counts == (0,) for sample in found if believed(sample))
    assert rig.driver.rejects["stuck"] >= 39


def test_a_line_stuck_high_is_an_error_not_a_full_scale(rig: Rig) -> None:
    rig.driver.open()
    run(rig.driver, rig.pace, 2.0)
    rig.wires.faults.stuck_dout = True
    with pytest.raises(SensorError, match="gives no results"):
        run(rig.driver, rig.pace, 8.0)
    rig.driver.close()
    rig.wires.faults.stuck_dout = None
    rig.driver.open()
    assert any(believed(sample) for sample in run(rig.driver, rig.pace, 2.0))


def test_a_device_that_goes_is_lost(rig: Rig) -> None:
    rig.driver.open()
    run(rig.driver, rig.pace, 2.0)
    rig.tree.gone = True
    with pytest.raises(SensorError):
        run(rig.driver, rig.pace, 8.0)
    rig.driver.close()
    with pytest.raises(SensorError, match="is not there"):
        rig.driver.open()


def test_the_buffer_is_set_up_and_put_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "buffer", trigger="scale")
    rig.driver.open()
    names = ("trigger/current_trigger", "current_timestamp_clock", "buffer/enable", "scan_elements/in_timestamp_en")
    assert [(rig.tree.folder / name).read_text().strip() for name in names] == ["scale", "monotonic", "1", "1"]
    rig.driver.close()
    assert (rig.tree.folder / "buffer/enable").read_text() == "0"


@pytest.mark.parametrize("mode", ["sysfs", "buffer"])
def test_a_chip_reset_within_a_read_is_believed_in_neither_way(tmp_path: Path, mode: str) -> None:
    rig = Rig(tmp_path, mode, period_ns=PERIOD_NS)
    rig.driver.open()
    run(rig.driver, rig.pace, 1.0)
    rig.wires.faults.brown_out = 0.002
    samples = [sample for sample in run(rig.driver, rig.pace, 20.0) if believed(sample)]
    assert rig.wires.harmed > 20
    assert len(samples) > 200
    assert [sample for sample in samples if sample.counts[0] not in rig.truth.lately(sample.t_ns)] == []
    assert rig.driver.rejects["late_edge"] > 10


def test_an_input_that_something_else_left_on_is_switched_off(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "buffer")
    (rig.tree.folder / "scan_elements/in_voltage1_en").write_text("1")
    rig.driver.open()
    samples = run(rig.driver, rig.pace, 3.0)
    assert sum(map(believed, samples)) > 10
    assert false_ones(samples, [rig.truth]) == []


@pytest.mark.parametrize("trigger", ["nothing", None])
def test_a_trigger_that_is_not_there_is_told(tmp_path: Path, trigger: str | None) -> None:
    rig = Rig(tmp_path, "buffer", trigger=trigger)
    (rig.tree.folder / "trigger/current_trigger").write_text("\n")
    with pytest.raises(SensorError, match="has no trigger"):
        rig.driver.open()


def test_garbage_in_an_attribute_is_no_value(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "sysfs")
    rig.driver.open()
    rig.tree.garbage = True
    assert rig.driver.read(0.0) == []
    assert rig.driver.rejects["error_word"] == 1


def test_another_kind_of_device_is_refused(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "sysfs")
    (rig.tree.folder / "name").write_text("bmp280\n")
    with pytest.raises(SensorError, match="is a bmp280, no hx711"):
        rig.driver.open()


def test_on_the_hosts_own_files_a_static_value_is_frozen(tmp_path: Path) -> None:
    (tmp_path / "name").write_text("hx711\n")
    (tmp_path / "in_voltage0_raw").write_text(f"{LEVEL + 8388608}\n")
    driver = Driver(msgspec.convert({"cells": [{"device": str(tmp_path)}]}, Options))
    driver.open()
    samples, why = run_to_error(driver)
    assert "its value never changes" in why
    assert sum(map(believed, samples)) <= 15
