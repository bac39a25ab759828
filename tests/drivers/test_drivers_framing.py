"""COBS and CRC framing: published vectors, round trips, and resynchronisation after any garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.framing import MAX_FRAME_BYTES, FrameDecoder, cobs_decode, cobs_encode, crc16, encode_frame

PAYLOADS = st.binary(min_size=1, max_size=200)


def decode(data: bytes) -> list[bytes]:
    return FrameDecoder().feed(b"\0" + data)


def test_the_check_value_of_the_crc() -> None:
    assert crc16(b"123456789") == 0x29B1


@pytest.mark.parametrize(
    ("data", "coded"),
    [
        (b"", b"\x01"),
        (b"\0", b"\x01\x01"),
        (b"\x11\x22\x00\x33", b"\x03\x11\x22\x02\x33"),
        (b"\x01" * 254, b"\xff" + b"\x01" * 254),
        (b"\x01" * 255, b"\xff" + b"\x01" * 254 + b"\x02\x01"),
        (b"\x01" * 254 + b"\0", b"\xff" + b"\x01" * 254 + b"\x01\x01"),
    ],
)
def test_cobs_vectors(data: bytes, coded: bytes) -> None:
    assert coded == cobs_encode(data)
    assert data == cobs_decode(coded)


@given(st.binary(max_size=1000))
def test_cobs_round_trip_without_zeros(data: bytes) -> None:
    coded = cobs_encode(data)
    assert 0 not in coded
    assert data == cobs_decode(coded)


@given(st.binary(max_size=300))
def test_cobs_decoding_refuses_or_is_exact(coded: bytes) -> None:
    data = cobs_decode(coded)
    assert data is None or len(data) <= len(coded)


@given(st.binary(max_size=2 * MAX_FRAME_BYTES), PAYLOADS)
def test_the_frame_after_any_garbage_is_understood(noise: bytes, payload: bytes) -> None:
    assert decode(noise + b"\0" + encode_frame(payload))[-1] == payload


@given(st.lists(st.one_of(PAYLOADS.map(encode_frame), st.binary(max_size=20)), max_size=10))
def test_byte_at_a_time_equals_whole(parts: list[bytes]) -> None:
    data = b"\0" + b"".join(parts)
    decoder = FrameDecoder()
    assert FrameDecoder().feed(data) == [payload for byte in data for payload in decoder.feed(bytes([byte]))]


@given(PAYLOADS, st.data())
def test_one_wrong_bit_loses_the_frame(payload: bytes, data: st.DataObject) -> None:
    wire = bytearray(encode_frame(payload))
    at = data.draw(st.integers(0, len(wire) - 2))
    wire[at] ^= 1 << data.draw(st.integers(0, 7))
    assert payload not in decode(bytes(wire))


def test_what_came_before_the_first_zero_is_dropped() -> None:
    decoder = FrameDecoder()
    assert decoder.feed(encode_frame(b"old")) == []
    assert decoder.feed(encode_frame(b"new")) == [b"new"]
    assert decoder.bad_frames == 0


def test_endless_bytes_without_a_zero_are_bounded_and_counted() -> None:
    decoder = FrameDecoder()
    decoder.feed(b"\0" + b"\x05" * 1000)
    assert decoder.bad_frames == 1
    assert decoder.feed(b"\x05" * 10 + b"\0" + encode_frame(b"next")) == [b"next"]
