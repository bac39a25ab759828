"""The emulated electronics, byte by byte, each under the codec that the real ones meet."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import SampleFlag, ScaleState
from drivers.bridge_frames import Action, CommandFrame, HelloFrame, PingFrame, PongFrame, SampleFrame, encode, parse
from drivers.bridge_stream import BridgeStream
from drivers.framing import FrameDecoder
from drivers.sim.bridge_device import BridgeDevice
from drivers.sim.faults import FaultRates, FaultyLine
from drivers.sim.toledo_device import ToledoDevice, ToledoSpec
from drivers.sim.world import PlacedObject, PlatformSpec, World
from drivers.toledo_codec import Dialect, ToledoCodec
from drivers.units import Unit

COUNTS = (1, 2, 3, 4)


def frames(wire: bytes) -> list[object]:
    parsed = [parse(payload) for payload in FrameDecoder().feed(b"\0" + wire)]
    return [numbered[1] for numbered in parsed if numbered is not None]


def test_a_bridge_waits_for_start_says_hello_and_streams() -> None:
    device = BridgeDevice()
    [hello] = frames(device.boot())
    assert isinstance(hello, HelloFrame)
    assert device.convert(COUNTS, 0) == b""
    assert [hello] == frames(device.receive(encode(CommandFrame(Action.START), 0), 5))
    [sample] = frames(device.convert(COUNTS, 12_190))
    assert isinstance(sample, SampleFrame)
    assert sample.counts == COUNTS
    device.receive(encode(CommandFrame(Action.STOP), 1), 9)
    assert device.convert(COUNTS, 24_380) == b""


def test_a_bridge_answers_pings_unless_it_is_deaf() -> None:
    device, deaf = BridgeDevice(), BridgeDevice(obeys=False, streams_unasked=True)
    for bridge in (device, deaf):
        bridge.boot()
    assert [PongFrame(77, 1234)] == frames(device.receive(encode(PingFrame(77), 0), 1234))
    assert deaf.receive(encode(PingFrame(77), 0), 1234) == b""
    assert deaf.convert(COUNTS, 0) != b""


def test_a_bridge_settles_after_boot_and_marks_what_it_lost() -> None:
    device, stream = BridgeDevice(streams_unasked=True), BridgeStream("x", None)
    wire = device.boot() + b"".join(device.convert(COUNTS, number * 12_190) for number in range(10))
    device.overflow()
    wire += b"".join(device.convert(COUNTS, number * 12_190) for number in range(10, 13))
    flags = [sample.flags for sample in stream.feed(wire, 10**9)]
    assert flags[:4] == [SampleFlag.SETTLING] * 4
    assert flags[8:12] == [SampleFlag(0), SampleFlag(0), SampleFlag.GAP, SampleFlag(0)]


def test_a_world_weighed_through_the_bridge_is_the_world() -> None:
    world, device, stream = World(seed=2), BridgeDevice(streams_unasked=True), BridgeStream("x", None)
    out = stream.feed(device.boot(), 0)
    world.place(PlacedObject("1", "crate", 7_000.0, 0.1, 0.1))
    for number in range(1, 400):
        world.advance_to(number / 82)
        wire = device.convert(world.counts(), number * 12_190)
        out += stream.feed(wire, round(number * 12_190e3) + 1_000_000)
    spec = PlatformSpec()
    sums = [
        sum(
            (count - zero) / gain
            for count, zero, gain in zip(sample.counts, spec.zero_counts, spec.counts_per_g, strict=True)
        )
        for sample in out[-80:]
    ]
    assert sum(sums) / len(sums) == pytest.approx(7_000, abs=0.5)
    assert all(later.t_ns > earlier.t_ns for earlier, later in pairwise(out))


@given(st.binary(max_size=300))
def test_no_bytes_from_the_host_upset_a_bridge(noise: bytes) -> None:
    device = BridgeDevice()
    device.boot()
    device.receive(noise + b"\0", 1)
    answer = device.receive(encode(PingFrame(5), 0), 9)
    assert frames(answer) == [PongFrame(5, 9)]


def settled(load_g: float, spec: ToledoSpec | None = None) -> ToledoDevice:
    device = ToledoDevice(spec)
    for number in range(30):
        device.observe(load_g, number * 0.02)
    return device


def shown(device: ToledoDevice, spec: ToledoSpec | None = None) -> tuple[ScaleState, float | None]:
    spec = spec or ToledoSpec()
    wire = bytes(byte & 0x7F for byte in device.receive(b"W"))
    [indication] = ToledoCodec(spec.dialect, spec.unit).feed(wire, 0)
    return indication.state, indication.weight_g


@pytest.mark.parametrize("dialect", Dialect)
def test_every_dialect_shows_what_is_on_it(dialect: Dialect) -> None:
    spec = ToledoSpec(dialect)
    assert shown(settled(1_233.0, spec), spec) == (ScaleState.STABLE, 1_235.0)
    assert shown(settled(0.0, spec), spec) == (ScaleState.STABLE, 0.0)
    assert shown(settled(-20.0, spec), spec) == (ScaleState.UNDER_ZERO, None)
    assert shown(settled(30_100.0, spec), spec) == (ScaleState.OVERLOAD, None)
    moving = settled(100.0, spec)
    moving.observe(140.0, 0.61)
    assert shown(moving, spec) == (ScaleState.MOTION, None)


@pytest.mark.parametrize("dialect", [Dialect.TOLEDO_8217, Dialect.TOLEDO_8213])
def test_pounds(dialect: Dialect) -> None:
    spec = ToledoSpec(dialect, Unit.LB, division_g=4.5359237)
    assert shown(settled(1_000.0, spec), spec)[1] == pytest.approx(1_000.0, abs=3)


def test_what_the_wire_carries() -> None:
    device = settled(345.0)
    assert device.receive(b"W") == b"\x0200.345\r"
    assert device.receive(b"H") == b"\x0200.3450\r"
    assert device.receive(b"A") == b"\x02\r"
    assert device.receive(b"B") == b"\x02?@\r"
    assert device.receive(b"X") == b"\x02?@\r"  # loaded within the zero range, stable
    assert settled(5_000.0).receive(b"X") == b"\x02?H\r"
    assert settled(0.0).receive(b"X") == b"\x02?P\r"


def test_echo_as_an_old_driver_probes_for_it() -> None:
    device = settled(345.0)
    assert device.receive(b"Ehello") == b"\x02E\rhello"
    assert device.receive(b"F") == b""
    assert device.receive(b"W") == b"\x0200.345\r"


def test_even_parity_is_shown_as_bit_7() -> None:
    wire = settled(345.0, ToledoSpec(parity_bit=True)).receive(b"W")
    assert bytes(byte & 0x7F for byte in wire) == b"\x0200.345\r"
    assert all(byte.bit_count() % 2 == 0 for byte in wire)


def test_zero_is_captured_only_near_zero_and_stable() -> None:
    device = settled(40.0)
    assert device.receive(b"Z") == b"\x02?P\r"
    assert shown(device) == (ScaleState.STABLE, 0.0)
    loaded = settled(2_000.0)
    loaded.receive(b"Z")
    assert shown(loaded) == (ScaleState.STABLE, 2_000.0)


def test_a_tared_scale_shows_net_and_is_refused() -> None:
    device = settled(500.0)
    device.receive(b"T")
    assert device.receive(b"W") == b"\x0200.000N\r"
    assert shown(device) == (ScaleState.NOT_READY, None)
    device.receive(b"C")
    assert shown(device) == (ScaleState.STABLE, 500.0)


def test_a_scale_that_was_just_switched_on_is_in_motion() -> None:
    assert shown(ToledoDevice()) == (ScaleState.MOTION, None)


@given(st.binary(max_size=50))
def test_no_bytes_from_the_host_upset_a_scale(noise: bytes) -> None:
    device = settled(345.0)
    device.receive(noise)
    device.receive(b"FC")  # echo off, tare cleared
    assert device.receive(b"W") in {b"\x0200.345\r", b"\x0200.000\r"}  # zeroed by a Z in the noise, or not


def test_a_faultless_line_changes_nothing_and_a_bad_one_does_each_harm() -> None:
    assert FaultyLine().carry(b"message") == b"message"
    assert len(FaultyLine(FaultRates(drop_byte=1)).carry(b"message")) == 6
    assert b"message".startswith(FaultyLine(FaultRates(truncate=1)).carry(b"message"))
    assert FaultyLine(FaultRates(duplicate=1)).carry(b"message") == b"messagemessage"
    assert FaultyLine(FaultRates(garbage=1)).carry(b"message").endswith(b"message")
    assert len(FaultyLine(FaultRates(garbage=1)).carry(b"message")) > 7
