"""The Toledo codec: vectors of the manuals, every dialect, and no garbage that breaks it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import Indication, ScaleState
from drivers.toledo_codec import Dialect, ToledoCodec
from drivers.units import Unit

KG = b"\x0200.345\r"


def feed(data: bytes, dialect: Dialect = Dialect.TOLEDO_8217, unit: Unit = Unit.KG) -> list[Indication]:
    return ToledoCodec(dialect, unit).feed(data, 5)


def state(status: str, dialect: Dialect) -> ScaleState:
    [indication] = feed(b"\x02?" + status.encode() + b"\r", dialect)
    assert indication.weight_g is None
    return indication.state


def test_a_stable_weight_in_kg() -> None:
    assert feed(KG) == [Indication(5, ScaleState.STABLE, 345.0)]


@pytest.mark.parametrize(
    ("dialect", "frame"), [(Dialect.TOLEDO_8217, b"\x02012.34\r"), (Dialect.TOLEDO_8213, b"\x0212.34\r")]
)
def test_a_stable_weight_in_lb(dialect: Dialect, frame: bytes) -> None:
    [indication] = feed(frame, dialect, Unit.LB)
    assert indication.weight_g == pytest.approx(12.34 * 453.59237)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("A", ScaleState.MOTION),
        ("B", ScaleState.OVERLOAD),
        ("D", ScaleState.UNDER_ZERO),
        ("H", ScaleState.NOT_READY),
        ("I", ScaleState.MOTION),  # outside the zero range is normal with a load on
        ("P", ScaleState.NOT_READY),  # centre of zero is no weight
        ("Q", ScaleState.MOTION),
        ("\x01", ScaleState.NOT_READY),  # bit 6 must be set
    ],
)
def test_status_bits_of_the_8217(status: str, expected: ScaleState) -> None:
    assert expected == state(status, Dialect.TOLEDO_8217)


def test_bit_5_is_net_on_the_8217_and_nothing_on_ohaus() -> None:
    [net] = feed(b"\x02?`\r")
    assert "net" in net.reason
    [ohaus] = feed(b"\x02?`\r", Dialect.OHAUS)
    assert "net" not in ohaus.reason
    assert state("a", Dialect.OHAUS) is ScaleState.MOTION


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("A", ScaleState.MOTION),
        ("B", ScaleState.OVERLOAD),
        ("C", ScaleState.UNDER_ZERO),
        ("D", ScaleState.NOT_READY),
        ("Z", ScaleState.NOT_READY),
    ],
)
def test_status_letters_of_sasi(status: str, expected: ScaleState) -> None:
    assert expected == state(status, Dialect.SASI)


def test_net_weight_is_refused_with_its_reason() -> None:
    [indication] = feed(b"\x0200.345N\r")
    assert (indication.state, indication.weight_g) == (ScaleState.NOT_READY, None)
    assert "tare" in indication.reason


@pytest.mark.parametrize(
    "frame", [b"\x020.345\r", b"\x0200.34\r", b"\x02012.34\r", b"\x0200345\r", b"\x02\r", b"\x02-0.345\r"]
)
def test_a_weight_of_another_shape_is_no_weight(frame: bytes) -> None:
    [indication] = feed(frame)
    assert indication.state is ScaleState.NOT_READY
    assert "unit" in indication.reason


def test_an_echo_before_the_answer_is_skipped() -> None:
    assert feed(b"W" + KG) == feed(KG)


def test_a_frame_that_never_ends_is_dropped() -> None:
    assert feed(b"\x02" + b"0" * 100 + b"\r") == []


def test_reset_forgets_an_unfinished_frame() -> None:
    codec = ToledoCodec(Dialect.TOLEDO_8217, Unit.KG)
    codec.feed(KG[:4], 1)
    codec.reset()
    assert codec.feed(KG[4:], 2) == []


@given(st.binary(max_size=200), st.sampled_from(Dialect), st.sampled_from(Unit))
def test_any_garbage_is_survived_and_the_next_good_frame_understood(noise: bytes, dialect: Dialect, unit: Unit) -> None:
    frame = {Unit.KG: b"\x0200.345\r", Unit.LB: b"\x02012.34\r"}[unit]
    if (dialect, unit) == (Dialect.TOLEDO_8213, Unit.LB):
        frame = b"\x0212.34\r"
    assert feed(noise + frame, dialect, unit)[-1].state is ScaleState.STABLE


@given(st.lists(st.sampled_from([KG, b"\x02?A\r", b"W", b"\x02", b"\r", b"9", b"N", b"."]), max_size=40))
def test_byte_at_a_time_equals_whole(parts: list[bytes]) -> None:
    data = b"".join(parts)
    codec = ToledoCodec(Dialect.TOLEDO_8217, Unit.KG)
    single = [indication for byte in data for indication in codec.feed(bytes([byte]), 5)]
    assert feed(data) == single


@given(st.integers(0, 8))
def test_a_lost_byte_never_makes_another_weight(lost: int) -> None:
    codec = ToledoCodec(Dialect.TOLEDO_8217, Unit.KG)
    found = codec.feed(KG[:lost] + KG[lost + 1 :] + KG, 5)
    assert {345.0} == {indication.weight_g for indication in found if indication.state is ScaleState.STABLE}
