"""Boards that print counts: which lines are believed, bursts, resets of the converter, silence, and other boards."""

import fcntl
import sys
import termios
import threading
from io import FileIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import SampleFlag, SensorError
from drivers.hx711_text import Driver, Options
from drivers.hx711_text_codec import MAX_LINE_BYTES, Layout, Line, LineDecoder
from drivers.sim.faults import FaultRates
from drivers.sim.host_port import PtyPort
from drivers.sim.text_board import TextBoard
from drivers.sim.virtual_pace import VirtualPace
from tests.drivers.raw_bench import LEVEL, Truth, believed, run, run_to_error

TIMED = Layout((1,), 0, 2)
OPENSCALE = Layout((5,), 0, 7)


def lines(text: bytes, layout: Layout | None = None) -> list[Line]:
    return LineDecoder(layout or Layout()).feed(b"\n" + text)


@pytest.mark.parametrize(
    ("text", "layout", "expected"),
    [
        (b"4384\r\n-30217\n", Layout(), [Line((4384,)), Line((-30217,))]),
        (b" +12 \n", Layout(), [Line((12,))]),
        (b"8388607\n-8388608\n", Layout(), [Line((8388607,)), Line((-8388608,))]),
        (b"1,2,3,4\n", Layout((0, 1, 2, 3), None, 4), [Line((1, 2, 3, 4))]),
        (b"100,4384\n112.5,-7\n", TIMED, [Line((4384,), 100.0), Line((-7,), 112.5)]),
        (b"1234567,18.39,lbs,25.00,0,654321,\r\n", OPENSCALE, [Line((654321,), 1234567.0)]),
    ],
)
def test_lines_of_numbers_are_read(text: bytes, layout: Layout, expected: list[Line]) -> None:
    assert lines(text, layout) == expected


@pytest.mark.parametrize(
    "text",
    [b"8388608\n", b"-8388609\n", b"12.5\n", b"1e5\n", b"0x10\n", b"1,2\n", b"12 34\n", b"--5\n", b"nan\n", b"5g\n",
     "٣\n".encode(), b"1_000\n", b"123456789\n", b"\x0012\n"],
)  # fmt: skip
def test_other_lines_are_refused_and_counted(text: bytes) -> None:
    decoder = LineDecoder(Layout())
    assert decoder.feed(b"\n" + text + b"7\n") == [Line((7,))]
    assert decoder.bad_lines == 1


def test_the_first_line_and_what_follows_an_overlong_one_were_not_seen_whole() -> None:
    decoder = LineDecoder(Layout())
    assert decoder.feed(b"321\n654321\n") == [Line((654321,))]
    assert decoder.feed(b"9" * (MAX_LINE_BYTES + 1)) == []
    assert decoder.feed(b"12\n13\n") == [Line((13,))]


@given(st.lists(st.integers(-(1 << 23), (1 << 23) - 1)), st.integers(1, 20))
def test_every_count_is_read_back_however_the_bytes_are_cut(counts: list[int], size: int) -> None:
    text = b"\n" + b"".join(b"%d\r\n" % count for count in counts)
    decoder = LineDecoder(Layout())
    found = [line for at in range(0, len(text), size) for line in decoder.feed(text[at : at + size])]
    assert found == [Line((count,)) for count in counts]


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_no_noise_upsets_the_decoder_and_it_is_in_step_after_two_ends(parts: list[bytes]) -> None:
    decoder = LineDecoder(Layout())
    for part in parts:
        for line in decoder.feed(part):
            assert -(1 << 23) <= line.counts[0] < 1 << 23
    assert decoder.feed(b"\n\n77\n")[-1:] == [Line((77,))]


class Rig:
    def __init__(self, folder: Path, form: str = "{counts}\r\n", **keys: object) -> None:
        self.pace, self.truth, self.port = VirtualPace(), Truth(), PtyPort(folder / "port")
        self.board = TextBoard(self.pace, self.port, self.truth.convert, form=form)
        self.driver = Driver(msgspec.convert({"port": str(folder / "port"), **keys}, Options), self.pace)


TIME_KEYS = {"columns": [1], "time_column": 0, "width": 2}


@pytest.mark.parametrize(("form", "keys"), [("{counts}\n", {}), ("{ms},{counts}\r\n", TIME_KEYS)])
def test_each_line_is_a_sample_and_a_reset_of_the_converter_is_seen(
    tmp_path: Path, form: str, keys: dict[str, object]
) -> None:
    rig = Rig(tmp_path, form, **keys)
    rig.driver.open()
    samples = run(rig.driver, rig.pace, 2.0)
    good = [sample.counts[0] for sample in samples if believed(sample)]
    assert len(good) > 140
    starts = range(len(rig.truth.counts) - len(good) + 1)
    assert any(good == rig.truth.counts[start : start + len(good)] for start in starts)
    rig.board.hold_ns = 43_000_000
    rejected = [sample for sample in run(rig.driver, rig.pace, 0.5) if not believed(sample)]
    assert [sample.flags for sample in rejected] == [SampleFlag.SETTLING] * 5
    assert rig.driver.rejects["late_edge"] == 1
    rig.driver.close()
    rig.port.close()


def arrived(wire: FileIO) -> None:
    """Wait until the kernel has handed over all of a burst, which it does in its own time."""
    before, now = -1, 0
    while now == 0 or now != before:
        threading.Event().wait(0.005)
        before, now = now, int.from_bytes(fcntl.ioctl(wire, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_lines_that_come_in_bursts_are_no_resets(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.driver.open()
    run(rig.driver, rig.pace, 1.0)
    before = rig.driver.rejects.get("late_edge", 0)
    with FileIO(tmp_path / "port") as wire:
        for burst_ms in (40, 90, 40, 20, 60) * 4:
            rig.pace.advance(burst_ms * 1_000_000)
            arrived(wire)
            rig.driver.read(0.0)
    assert rig.driver.rejects.get("late_edge", 0) == before
    rig.port.close()


def test_silence_and_an_unplugged_board_are_errors_and_it_serves_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.driver.open()
    run(rig.driver, rig.pace, 0.5)
    rig.board.paused = True
    assert "gives no results" in run_to_error(rig.driver)[1]
    rig.board.paused = False
    rig.port.close()
    assert "was lost" in run_to_error(rig.driver)[1]
    rig.driver.close()
    with pytest.raises(SensorError, match="does not exist"):
        rig.driver.open()
    rig.port.plug()
    rig.driver.open()
    assert any(believed(sample) for sample in run(rig.driver, rig.pace, 1.0))
    rig.port.close()


def test_over_a_bad_line_broken_lines_are_counted(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.driver.open()
    rig.board.line.rates = FaultRates(garbage=0.1, truncate=0.1)
    run(rig.driver, rig.pace, 5.0)
    assert rig.driver.rejects["bad_frame"] > 30
    rig.board.line.rates = FaultRates()
    run(rig.driver, rig.pace, 0.2)
    assert {sample.counts[0] // 1000 for sample in run(rig.driver, rig.pace, 1.0)} == {LEVEL // 1000}
    rig.port.close()


def test_several_boards_are_one_platform(tmp_path: Path) -> None:
    pace, ports = VirtualPace(), [PtyPort(tmp_path / name) for name in ("a", "b")]
    truths = [Truth(), Truth(level=-1000)]
    for port, truth, period_ns in zip(ports, truths, (12_500_000, 12_900_000), strict=True):
        TextBoard(pace, port, truth.convert, period_ns=period_ns)
    keys = {"port": str(tmp_path / "a"), "more_ports": [str(tmp_path / "b")]}
    driver = Driver(msgspec.convert(keys, Options), pace)
    driver.open()
    good = [sample for sample in run(driver, pace, 2.0) if believed(sample)]
    assert len(good) > 120
    assert all(abs(sample.counts[0] - LEVEL) < 250 and abs(sample.counts[1] + 1000) < 250 for sample in good)
    for port in ports:
        port.close()


@pytest.mark.parametrize(
    "keys",
    [{}, {"columns": [1]}, {"columns": [0, 0], "width": 2}, {"columns": [0], "time_column": 0}, {"columns": []},
     {"baud": 300}, {"silence_s": 60}],
)  # fmt: skip
def test_options_are_checked_together(keys: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"port": "/dev/x", **keys} if keys else {}, Options)
