"""From frames to trusted samples: gaps, restarts, saturation, late edges, and the whole way over a bad line."""

import itertools
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import Sample, SampleFlag, SensorError
from drivers.bridge_frames import BridgeFlag, HelloFrame, PongFrame, SampleFrame, StatusFrame, encode
from drivers.bridge_stream import BridgeStream
from drivers.sim.bridge_device import BridgeDevice
from drivers.sim.faults import FaultRates, FaultyLine

PERIOD_US = 12_190
COUNTS = (1, -2, 3, -4)
HELLO = HelloFrame(b"ABCDEFGH", 4, 128, 80, "x")
NONE = SampleFlag(0)
NO_REMARK = BridgeFlag(0)


class Feeder:
    """Sends sample frames in order to a stream that is in step."""

    def __init__(self, channels: int | None = None) -> None:
        self.stream = BridgeStream("/dev/x", channels)
        self.stream.feed(b"\0", 0)
        self.seq = 65_530  # the numbers wrap soon
        self.t_us = 2**32 - 20 * PERIOD_US  # and so does the clock
        self.out: list[Sample] = []
        self.latency_ns: Iterator[int] = itertools.repeat(500_000)
        self.host_lead_us = 0

    def send(
        self, times: int = 1, *, flags: BridgeFlag = NO_REMARK, counts: tuple[int, ...] = COUNTS, steps: float = 1.0
    ) -> "Feeder":
        for _ in range(times):
            self.t_us += round(steps * PERIOD_US)
            self._feed(encode(SampleFrame(self.t_us & 0xFFFFFFFF, flags, counts), self.seq))
            self.seq += 1
        return self

    def other(self, frame: StatusFrame | PongFrame | HelloFrame, *, numbered: bool = True) -> "Feeder":
        self._feed(encode(frame, self.seq if numbered else 0))
        self.seq += numbered
        return self

    def lose(self, frames: int = 1) -> "Feeder":
        self.seq += frames
        self.t_us += frames * PERIOD_US
        return self

    def flags(self) -> list[SampleFlag]:
        return [sample.flags for sample in self.out]

    def _feed(self, wire: bytes) -> None:
        self.out += self.stream.feed(wire, (self.t_us + self.host_lead_us) * 1000 + next(self.latency_ns))


def test_undisturbed_samples_come_through_one_behind_and_unflagged() -> None:
    feeder = Feeder().send(60)
    assert len(feeder.out) == 59
    assert set(feeder.flags()) == {NONE}
    assert {sample.counts for sample in feeder.out} == {COUNTS}
    assert [late.t_ns - early.t_ns for early, late in zip(feeder.out, feeder.out[1:], strict=False)] == [
        pytest.approx(PERIOD_US * 1000, abs=100_000)
    ] * 58


def test_lost_frames_mark_the_next_sample_only() -> None:
    feeder = Feeder().send(10).lose(2).send(3)
    assert feeder.flags()[8:12] == [NONE, NONE, SampleFlag.GAP, NONE]
    assert feeder.stream.lost_frames == 2


@pytest.mark.parametrize("numbered", [True, False])
def test_other_frames_are_no_gap_however_the_device_numbers_them(numbered: bool) -> None:
    status = StatusFrame(1000, PERIOD_US, 0, 0, 0)
    feeder = Feeder().send(10).other(status, numbered=numbered).other(PongFrame(1, 2), numbered=numbered).send(10)
    assert set(feeder.flags()) == {NONE}
    assert feeder.stream.status == StatusFrame(1000, 12_190, 0, 0, 0)
    assert feeder.stream.pong == PongFrame(1, 2)


def test_a_frame_sent_twice_is_taken_once() -> None:
    feeder = Feeder().send(10)
    feeder.seq, feeder.t_us = feeder.seq - 1, feeder.t_us - PERIOD_US
    feeder.send(5)
    assert len(feeder.out) == 13
    assert set(feeder.flags()) == {NONE}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (BridgeFlag.OVERFLOW, SampleFlag.GAP),
        (BridgeFlag.SATURATED, SampleFlag.SATURATED),
        (BridgeFlag.NOT_FRESH, SampleFlag.STALE),
    ],
)
def test_the_remarks_of_the_bridge_are_passed_on(theirs: BridgeFlag, ours: SampleFlag) -> None:
    feeder = Feeder().send().send(flags=theirs).send(2)
    assert feeder.flags() == [NONE, ours, NONE]


@pytest.mark.parametrize("end", [0x7FFFFF, -0x800000, 0x40000000, -0x80000000])
def test_a_count_at_the_end_of_the_range_is_saturated_whatever_the_bridge_says(end: int) -> None:
    feeder = Feeder().send().send(counts=(1, end, 3, 4)).send(2)
    assert feeder.flags() == [NONE, SampleFlag.SATURATED, NONE]


def test_restarted_converters_settle_for_four_conversions() -> None:
    feeder = Feeder().send(2).send(flags=BridgeFlag.RESTARTED).send(6)
    assert feeder.flags() == [NONE, NONE, *[SampleFlag.SETTLING] * 4, NONE, NONE]


def test_a_late_edge_condemns_the_sample_before_it_and_the_settling_after() -> None:
    feeder = Feeder().send(10).send(steps=4.4).send(7)
    assert feeder.flags()[8:] == [NONE, *[SampleFlag.SETTLING] * 5, NONE, NONE, NONE]
    assert feeder.stream.late_edges == 1


def test_lost_frames_alone_are_no_late_edge() -> None:
    assert Feeder().send(10).lose(3).send(5).stream.late_edges == 0


def test_a_hello_in_mid_stream_is_a_restart() -> None:
    feeder = Feeder().send(10).other(HELLO)
    feeder.seq, feeder.t_us = 1, 5_000
    feeder.send(8)
    assert feeder.flags()[9:] == [*[SampleFlag.SETTLING] * 4, NONE, NONE, NONE]
    assert feeder.stream.restarts == 1
    assert feeder.stream.hello == HELLO


def test_after_a_restart_times_follow_the_new_clock_at_once() -> None:
    feeder = Feeder().send(40).other(HELLO)
    feeder.seq, feeder.t_us, feeder.host_lead_us = 1, feeder.t_us + 10**9, -(10**9)  # its clock begins anywhere
    feeder.latency_ns = itertools.cycle([500_000, 9_000_000])
    times = [sample.t_ns for sample in feeder.send(9).out[-8:]]
    steps_ns = [later - earlier for earlier, later in pairwise(times)]
    assert steps_ns == [pytest.approx(PERIOD_US * 1000, abs=100_000)] * 7


def test_a_restart_whose_hello_was_lost_is_seen_by_the_clock() -> None:
    feeder = Feeder().send(40)
    feeder.seq, feeder.t_us = 1, 5_000
    feeder.send(8)
    assert feeder.stream.restarts == 1
    assert feeder.flags()[39:43] == [SampleFlag.SETTLING] * 4


def test_another_number_of_channels_is_an_error() -> None:
    with pytest.raises(SensorError, match="sends 4 channels, 3 were expected"):
        Feeder(channels=3).send()
    with pytest.raises(SensorError, match="sends 2 channels, 4 were expected"):
        Feeder().send(5).send(counts=(1, 2))


@given(st.binary(max_size=400))
def test_garbage_never_raises_and_the_stream_goes_on(noise: bytes) -> None:
    feeder = Feeder().send(3)
    feeder.stream.feed(noise + b"\0", 0)
    assert len(feeder.send(3).out) == 5


@given(st.lists(st.integers(1, 50), max_size=30))
def test_how_bytes_are_cut_makes_no_difference(cuts: list[int]) -> None:
    device, wire = BridgeDevice(streams_unasked=True), b""
    wire += device.boot()
    for number in range(20):
        wire += device.convert(COUNTS, number * PERIOD_US)
    stream = BridgeStream("x", None)
    parts = []
    for cut in cuts:
        parts.append(wire[:cut])
        wire = wire[cut:]
    out = [sample.counts for part in [*parts, wire] for sample in stream.feed(part, 10**9)]
    assert out == [COUNTS] * 19


@pytest.mark.parametrize("seed", range(8))
def test_over_a_bad_line_every_unflagged_sample_is_exact_and_losses_are_marked(seed: int) -> None:
    line = FaultyLine(FaultRates(drop_byte=0.03, garbage=0.03, truncate=0.03, duplicate=0.03), seed=seed)
    device, stream = BridgeDevice(streams_unasked=True), BridgeStream("x", None)
    out = stream.feed(device.boot(), 0)
    for number in range(2000):
        wire = device.convert((number, -number, 7, 8), number * PERIOD_US)
        out += stream.feed(line.carry(wire), number * PERIOD_US * 1000 + 2_000_000)
    numbers = [sample.counts[0] for sample in out]
    assert all(sample.counts == (number, -number, 7, 8) for number, sample in zip(numbers, out, strict=True))
    assert numbers == sorted(set(numbers))
    assert 1500 < len(numbers) < 2000
    for earlier, later in pairwise(out):
        skipped = later.counts[0] - earlier.counts[0] > 1
        assert not skipped or later.flags & (SampleFlag.GAP | SampleFlag.SETTLING)
    assert stream.lost_frames > 0
    assert stream.bad_frames > 0
