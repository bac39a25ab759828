"""The bridge's messages: the published vector, every type there and back, and nothing that makes the parser raise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.bridge_frames import (
    Action,
    BridgeFlag,
    BridgeFrame,
    CommandFrame,
    HelloFrame,
    PingFrame,
    PongFrame,
    SampleFrame,
    StatusFrame,
    encode,
    parse,
)
from drivers.framing import FrameDecoder

SAMPLE = SampleFrame(123456, BridgeFlag(0), (4384, -30217, 0, 8388607))
WIRE = bytes.fromhex("04 01 10 07 04 40 E2 01 02 04 03 20 11 01 05 F7 89 FF FF 01 01 01 04 FF FF 7F 03 8B 87 00")
FRAMES = st.one_of(
    st.builds(
        SampleFrame,
        st.integers(0, 2**32 - 1),
        st.integers(0, 15).map(BridgeFlag),
        st.lists(st.integers(-(2**23), 2**23 - 1), min_size=1, max_size=8).map(tuple),
    ),
    st.builds(PongFrame, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    st.builds(PingFrame, st.integers(0, 2**32 - 1)),
    st.builds(CommandFrame, st.sampled_from(Action), st.integers(0, 255)),
    st.just(HelloFrame(b"\x01\x02\x03\x04\x05\x06\x07\x08", 4, 128, 80, "bridge 1.2")),
    st.just(StatusFrame(99_000, 12_190, 1, 2, 3)),
)


def test_the_vector_of_the_wire_format() -> None:
    assert encode(SAMPLE, 7) == WIRE
    [payload] = FrameDecoder().feed(b"\0" + WIRE)
    assert parse(payload) == (7, SAMPLE)


@given(FRAMES, st.integers(0, 0xFFFF))
def test_every_frame_survives_the_wire(frame: BridgeFrame, seq: int) -> None:
    [payload] = FrameDecoder().feed(b"\0" + encode(frame, seq))
    assert parse(payload) == (seq, frame)


@given(st.binary(max_size=60))
def test_no_payload_makes_the_parser_raise(payload: bytes) -> None:
    parsed = parse(payload)
    assert parsed is None or 0 <= parsed[0] <= 0xFFFF


@given(st.sampled_from([0x01, 0x02, 0x10, 0x11, 0x12, 0x13, 0x77]), st.binary(max_size=40))
def test_no_body_makes_the_parser_raise(kind: int, body: bytes) -> None:
    parsed = parse(bytes([1, kind, 0, 0]) + body)
    assert parsed is None or parsed[1].kind == kind


@pytest.mark.parametrize(
    "payload",
    [
        bytes.fromhex("02 10 0700 40E20100 00 00"),  # another version
        bytes.fromhex("01 10 0700 40E20100 01 00"),  # the count is missing
        bytes.fromhex("01 10 0700 40E20100 00 00 11"),  # one byte too many
        bytes.fromhex("01 01 0700 09 00"),  # unknown action
        bytes.fromhex("01 10"),
    ],
)
def test_what_does_not_fit_is_refused(payload: bytes) -> None:
    assert parse(payload) is None
