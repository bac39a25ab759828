"""Lines of text: the examples of every make, units, widths, and what a lost byte must not do."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import Indication, ScaleState
from drivers.conversation import Codec
from drivers.line_codec import LineCodec
from drivers.line_profiles import PROFILES
from drivers.mt_sics_codec import CANCEL, WEIGHT_NOW, SicsConversation
from drivers.mt_sics_codec import PROFILE as SICS
from drivers.sim.line_device import MAKES, LineDevice
from drivers.sim.scale_model import ScaleModel
from drivers.toledo_continuous import ToledoContinuousCodec, encode
from drivers.units import Unit

ALL = PROFILES | {"mt-sics": SICS}
VECTOR = bytes.fromhex("02 2D 30 20 30 30 30 33 34 35 30 30 30 30 30 30 0D 28")
STABLE, MOTION, OVER, UNDER, NOT = (
    ScaleState.STABLE, ScaleState.MOTION, ScaleState.OVERLOAD, ScaleState.UNDER_ZERO, ScaleState.NOT_READY,
)  # fmt: skip


def read(name: str, text: str, unit: str = "kg", width: int = 0) -> list[Indication]:
    return LineCodec(ALL[name], unit, width).feed(text.encode() + b"\r\n", 5)


@pytest.mark.parametrize(
    ("name", "text", "state", "grams"),
    [
        ("a-and-d", "ST,+0012.345 kg", STABLE, 12_345.0),
        ("a-and-d", "ST,-0000.000 kg", STABLE, 0.0),
        ("a-and-d", "ST,-0000.005 kg", UNDER, None),
        ("a-and-d", "US,+0012.345 kg", MOTION, None),
        ("a-and-d", "QT,+0000012. kg", NOT, None),
        ("a-and-d", "OL,+9999999E+19", OVER, None),
        ("a-and-d", "EC,E1", NOT, None),
        ("dini-argeo", "ST,GS,    12.345,kg", STABLE, 12_345.0),
        ("dini-argeo", "ST,NT,    12.345,kg", NOT, None),
        ("dini-argeo", "ST,GS,    -0.010,kg", UNDER, None),
        ("dini-argeo", "UL,GS,    -0.100,kg", UNDER, None),
        ("dini-argeo", "OL,GS,    99.999,kg", OVER, None),
        ("ohaus", "     12.345 kg  ", STABLE, 12_345.0),
        ("ohaus", "     12.345 kg ?", MOTION, None),
        ("ohaus", "     12.345 kg   G", STABLE, 12_345.0),
        ("ohaus", "     12.345 kg   NET", NOT, None),
        ("radwag", "SI       12.345 kg ", STABLE, 12_345.0),
        ("radwag", "SI ?     12.345 kg ", MOTION, None),
        ("radwag", "SI ^     99.999 kg ", OVER, None),
        ("radwag", "SI v     00.000 kg ", UNDER, None),
        ("radwag", "SI I", NOT, None),
        ("radwag", "ES", NOT, None),
        ("sartorius-sbi", "+   12.345 kg ", STABLE, 12_345.0),
        ("sartorius-sbi", "+   12.345    ", MOTION, None),
        ("sartorius-sbi", "G#    +   12.345 kg ", STABLE, 12_345.0),
        ("sartorius-sbi", "N     +   12.345 kg ", NOT, None),
        ("sartorius-sbi", "Stat     H       ", OVER, None),
        ("sartorius-sbi", "     L        ", UNDER, None),
        ("sartorius-sbi", "     C        ", NOT, None),
        ("sartorius-sbi", "Err 101", NOT, None),
        ("kern", "M-       0.000 kg", STABLE, 0.0),
        ("kern", "M       12.345 kg", STABLE, 12_345.0),
        ("adam", "  012.345kg", STABLE, 12_345.0),
        ("mt-sics", "S S     12.345 kg", STABLE, 12_345.0),
        ("mt-sics", "S S -    0.005 kg", UNDER, None),
        ("mt-sics", "S D     12.345 kg", MOTION, None),
        ("mt-sics", "S +", OVER, None),
        ("mt-sics", "S -", UNDER, None),
        ("mt-sics", "S I", NOT, None),
        ("mt-sics", "ET", NOT, None),
        ("mt-sics", 'I4 A "1126493049"', NOT, None),
    ],
)
def test_examples_of_every_make(name: str, text: str, state: ScaleState, grams: float | None) -> None:
    [indication] = read(name, text)
    assert (indication.state, indication.weight_g) == (state, grams)
    assert indication.reason or state is not NOT


@pytest.mark.parametrize("name", ALL)
@given(grams=st.integers(0, 5_999).map(lambda fives: fives * 5.0), bench=st.booleans())
def test_what_a_make_writes_is_read(name: str, grams: float, bench: bool) -> None:
    device, codec = LineDevice(name), LineCodec(ALL[name], "kg")
    for number in range(30):
        device.observe(grams, number * 0.02)
    make = MAKES[name]
    wire = device.receive(make.question + make.end)
    pieces = [wire] if bench else [wire[at : at + 1] for at in range(len(wire))]
    [indication] = [found for piece in pieces for found in codec.feed(piece, 5)]
    assert indication.weight_g == pytest.approx(grams)


@pytest.mark.parametrize("name", ALL)
def test_a_lost_byte_makes_no_other_weight(name: str) -> None:
    model = ScaleModel()
    for number in range(30):
        model.observe(12_345.0, number * 0.02)
    line = MAKES[name].write(model, 12.345).encode() + b"\r\n"
    for unit in ("kg", "g", "lb", ""):
        for lost in range(len(line)):
            codec = LineCodec(ALL[name], unit)
            found = codec.feed(line[:lost] + line[lost + 1 :] + line[:lost] + line[lost + 1 :], 5)
            weights = [indication.weight_g for indication in found if indication.weight_g is not None]
            its_k = unit != "kg" and line[lost : lost + 1] == b"k"  # lost twice running, and no unit configured
            assert its_k or all(weight == pytest.approx(12_345.0) for weight in weights)


@pytest.mark.parametrize("name", ALL)
@given(noise=st.binary(max_size=300))
def test_after_any_noise_the_next_whole_line_is_read(name: str, noise: bytes) -> None:
    model = ScaleModel()
    for number in range(30):
        model.observe(5_000.0, number * 0.02)
    line = MAKES[name].write(model, 5.0).encode() + b"\r\n"
    assert LineCodec(ALL[name], "kg").feed(noise + b"\n" + line, 5)[-1].weight_g == pytest.approx(5_000.0)


@pytest.mark.parametrize(
    "text", ["ST,+012.345 kg", "ST,+00012.345 kg", "ST,+00.2.345 kg", "ST+0012.345 kg", "ST,+0012.345  g", "x" * 200]
)
def test_another_shape_or_unit_is_no_weight(text: str) -> None:
    assert all(indication.weight_g is None and indication.reason for indication in read("a-and-d", text))


def test_a_width_of_its_own() -> None:
    assert read("dini-argeo", "ST,GS,  12.345,kg")[0].weight_g is None
    assert read("dini-argeo", "ST,GS,  12.345,kg", width=8)[0].weight_g == pytest.approx(12_345.0)


def test_a_unit_that_is_not_configured_must_be_said_twice() -> None:
    codec, line = LineCodec(SICS), b"S S     100.00 g\r\n"
    weights = [codec.feed(line, 5)[0].weight_g for _ in range(3)]
    assert weights == [None, 100.0, 100.0]
    assert codec.feed(b"S S     100.00 kg\r\n", 5)[0].weight_g is None
    assert codec.feed(b"S S     100.00 oz\r\n", 5)[0].weight_g is None


def test_another_number_of_decimals_must_be_said_twice() -> None:
    codec = LineCodec(PROFILES["ohaus"], "kg")
    lines = [b"      0.805 kg  \r\n", b"       0.85 kg  \r\n"]
    weights = [codec.feed(lines[n], 5)[0].weight_g for n in (0, 1, 0, 1, 0, 1, 1, 0)]
    assert weights == [805.0, None, 805.0, None, 805.0, None, pytest.approx(850.0), None]


def test_another_decimal_point_of_toledo_continuous_must_be_said_twice() -> None:
    codec = ToledoContinuousCodec(Unit.KG, check=False)
    good, spoilt = encode(345, 5, 1, 0x10, check=False), encode(345, 4, 1, 0x10, check=False)
    weights = [codec.feed(frame, 5)[0].weight_g for frame in (good, spoilt, good, spoilt, spoilt)]
    assert weights == [345.0, None, 345.0, None, 3450.0]


@pytest.mark.parametrize("digits", [b"0034 5", b"00 345", b"      "])
def test_blanks_stand_only_before_the_digits_of_toledo_continuous(digits: bytes) -> None:
    frame = VECTOR[:4] + digits + VECTOR[10:17]
    assert ToledoContinuousCodec(Unit.KG, check=False).feed(frame, 5) == []


def test_an_echo_is_no_answer_and_the_front_of_a_stream_is_not_read() -> None:
    assert read("a-and-d", "Q") == []
    codec = LineCodec(replace(PROFILES["adam"], question=b""), "kg")
    codec.reset()
    assert codec.feed(b"012.345kg\r\n", 5) == []  # perhaps the end of a longer line
    assert codec.feed(b"  012.345kg\r\n", 5)[0].weight_g == pytest.approx(12_345.0)


def test_a_session_of_mt_sics_begins_with_at() -> None:
    talk = SicsConversation("g")
    assert [talk.ask(), talk.ask(), talk.ask()] == [CANCEL, WEIGHT_NOW, WEIGHT_NOW]
    assert talk.feed(b"S S     100.00 g\r\n", 5).found == [Indication(5, STABLE, 100.0)]
    talk.begin()
    assert talk.ask() == CANCEL


def test_the_vector_of_toledo_continuous() -> None:
    assert ToledoContinuousCodec(Unit.KG).feed(VECTOR, 5) == [Indication(5, STABLE, 345.0)]
    assert encode(345, 5, 1, 0x10) == VECTOR


@given(st.integers(0, 199_999), st.integers(0, 7), st.binary(max_size=100), st.booleans())
def test_toledo_continuous_is_read_after_any_noise(fives: int, point: int, noise: bytes, check: bool) -> None:
    codec, frame = ToledoContinuousCodec(Unit.KG, check=check), encode(fives * 5, point, 3, 0x10, check=check)
    found = [one for byte in noise + frame * 2 for one in codec.feed(bytes([byte]), 5)]
    assert found[-1].weight_g == pytest.approx(fives * 5 * 10.0 ** (5 - point))


@pytest.mark.parametrize(
    ("state", "expected"),
    [(0x50, NOT), (0x14, OVER), (0x18, MOTION), (0x11, NOT), (0x12, UNDER), (0x00, NOT), (0x10, STABLE)],
)
def test_status_bits_of_toledo_continuous(state: int, expected: ScaleState) -> None:
    [indication] = ToledoContinuousCodec(Unit.KG).feed(encode(345, 5, 1, state), 5)
    assert indication.state is expected


def test_a_weight_between_divisions_or_a_flipped_bit_is_none() -> None:
    assert ToledoContinuousCodec(Unit.KG).feed(encode(343, 5, 3, 0x10), 5)[0].state is NOT
    for at in range(8 * len(VECTOR)):
        spoilt = bytearray(VECTOR)
        spoilt[at // 8] ^= 1 << at % 8
        found = ToledoContinuousCodec(Unit.KG).feed(bytes(spoilt), 5)
        assert found == [] or at % 8 == 7  # bit 7 is parity


@pytest.mark.parametrize(
    "make", [lambda: LineCodec(PROFILES["ohaus"], "kg"), lambda: ToledoContinuousCodec(Unit.KG)], ids=["line", "toledo"]
)  # fmt: skip
def test_memory_is_bounded(make: Callable[[], Codec]) -> None:
    codec = make()
    for _ in range(100):
        codec.feed(b"\x02" + b"x" * 1000, 5)
    kept = [value for value in vars(codec).values() if isinstance(value, bytearray)]
    assert kept
    assert all(len(value) <= 64 for value in kept)
