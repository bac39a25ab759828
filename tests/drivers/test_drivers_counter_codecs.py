"""CAS and Magellan: the vectors, lengths instead of ends, and barcodes among weights."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import magellan
from drivers.base import Barcode, Indication, ScaleState
from drivers.cas_codec import ACK, DC1, ENQ, NAK, CasConversation, encode
from drivers.magellan_codec import WHEN_STABLE, MagellanConversation
from drivers.nci_codec import Dialect, NciCodec
from drivers.nci_codec import encode as encode_nci
from drivers.sim.live import LiveWorld
from drivers.sim.loopback import DeviceEnd, HostEnd, VirtualClock
from drivers.sim.magellan_device import MagellanDevice
from drivers.sim.scale_emulator import ScaleEmulator
from drivers.sim.world import World
from drivers.units import Unit

CAS_STABLE = bytes.fromhex("01 02 53 20 30 30 2E 33 34 35 6B 67 63 03 04")


def cas(*data: bytes, unit: Unit = Unit.KG) -> list[Indication | Barcode]:
    talk = CasConversation(unit)
    assert talk.ask() == ENQ
    assert talk.feed(ACK, 5).send == DC1
    return [item for part in data for item in talk.feed(part, 5).found]


@pytest.mark.parametrize(
    ("frame", "state", "grams"),
    [
        ("01 02 53 20 30 30 2E 33 34 35 6B 67 63 03 04", ScaleState.STABLE, 345.0),
        ("01 02 55 2D 30 30 2E 31 32 30 6B 67 69 03 04", ScaleState.MOTION, None),
        ("01 02 53 46 30 30 2E 30 30 30 6B 67 07 03 04", ScaleState.OVERLOAD, None),
    ],
)
def test_the_vectors_of_cas(frame: str, state: ScaleState, grams: float | None) -> None:
    assert [Indication(5, state, grams)] == cas(bytes.fromhex(frame))


def test_cas_under_zero_not_ready_and_another_unit() -> None:
    assert cas(encode("S", "-", "00.005", "kg"))[0] == Indication(5, ScaleState.UNDER_ZERO)
    assert cas(encode("S", "-", "00.000", "kg"))[0] == Indication(5, ScaleState.STABLE, 0.0)
    talk = CasConversation(Unit.KG)
    talk.ask()
    [refusal] = talk.feed(NAK, 5).found
    assert isinstance(refusal, Indication)
    assert refusal.state is ScaleState.NOT_READY
    [other] = cas(CAS_STABLE, unit=Unit.LB)
    assert isinstance(other, Indication)
    assert "unit" in other.reason


@given(
    st.integers(0, 99_999), st.sampled_from("SU"), st.sampled_from(" F-"), st.binary(max_size=60), st.integers(1, 20)
)
def test_cas_frames_are_taken_by_length_whatever_the_check_is(
    grams: int, state: str, sign: str, noise: bytes, size: int
) -> None:
    frame = encode(state, sign, f"{grams / 1000:06.3f}", "kg")
    wire = noise.replace(NAK, b"") + frame * 2
    found = cas(*(wire[at : at + size] for at in range(0, len(wire), size)))
    last = found[-1]
    assert isinstance(last, Indication)
    if (state, sign) == ("S", " "):
        assert last.weight_g == pytest.approx(float(grams))
    else:
        assert last.weight_g is None or (sign == "-" and not grams)


def test_no_flipped_bit_passes_the_check_of_cas() -> None:
    for at in range(8 * len(CAS_STABLE)):
        spoilt = bytearray(CAS_STABLE)
        spoilt[at // 8] ^= 1 << at % 8
        assert cas(bytes(spoilt)) in (
            [],
            [Indication(5, ScaleState.NOT_READY, None, "the scale is not ready to send a weight")],
        )


def counter(data: bytes, unit: Unit = Unit.KG, command: bytes = b"S14") -> list[Indication | Barcode]:
    talk = MagellanConversation(unit, command)
    assert talk.ask() == command + b"\r"
    return list(talk.feed(data, 5).found)


@pytest.mark.parametrize(
    ("line", "state", "grams"),
    [
        (b"S14400345", ScaleState.STABLE, 345.0),
        (b"S143", ScaleState.STABLE, 0.0),
        (b"S140", ScaleState.NOT_READY, None),
        (b"S141", ScaleState.MOTION, None),
        (b"S142", ScaleState.OVERLOAD, None),
        (b"S145", ScaleState.UNDER_ZERO, None),
        (b"S1440345", ScaleState.NOT_READY, None),
        (b"S1100345", ScaleState.NOT_READY, None),
        (b"S14", None, None),  # an echo
    ],
)
def test_answers_of_a_magellan(line: bytes, state: ScaleState | None, grams: float | None) -> None:
    found = [(item.state, item.weight_g) for item in counter(line + b"\r") if isinstance(item, Indication)]
    assert found == ([] if state is None else [(state, grams)])


def test_a_magellan_in_pounds_and_one_that_is_asked_for_stable_weights_only() -> None:
    [pounds] = counter(b"S1441234\r", Unit.LB)
    assert isinstance(pounds, Indication)
    assert pounds.weight_g == pytest.approx(12.34 * 453.59237)
    assert counter(b"S1100345\r", command=WHEN_STABLE) == [Indication(5, ScaleState.STABLE, 345.0)]


def test_barcodes_come_between_weights_and_while_nothing_is_awaited() -> None:
    found = counter(b"F4006381333931\rS14400345\rQRhttps://x\r")
    assert [item.text for item in found if isinstance(item, Barcode)] == ["4006381333931", "QRhttps://x"]
    talk = MagellanConversation(Unit.KG)
    assert talk.overhear(b"S14400345\rF40063813", 5) == []
    talk.ask()
    assert talk.feed(b"33931\r", 6).found == [Barcode(6, "4006381333931", "ean-13")]


def test_an_answer_that_began_before_the_question_is_not_taken() -> None:
    talk = MagellanConversation(Unit.KG)
    talk.overhear(b"S14400", 5)
    talk.ask()
    assert talk.feed(b"345\rS14400500\r", 6).found == [Indication(6, ScaleState.STABLE, 500.0)]


@pytest.mark.parametrize("lost", range(9))
def test_an_answer_that_lost_a_byte_is_neither_weight_nor_barcode(lost: int) -> None:
    line = b"S14400345"
    found = counter(line[:lost] + line[lost + 1 :] + b"\r")
    assert not [item for item in found if isinstance(item, Barcode) or item.weight_g is not None]


@given(st.binary(max_size=400), st.integers(0, 99_999))
def test_after_any_noise_a_magellan_is_understood(noise: bytes, grams: int) -> None:
    last = counter(noise + b"\rS144%05d\r" % grams)[-1]
    assert isinstance(last, Indication)
    assert last.weight_g == pytest.approx(float(grams))


@given(st.binary(max_size=100), st.integers(0, 99_999), st.sampled_from(Dialect), st.integers(2, 4))
def test_nci_answers_are_understood_after_any_noise(noise: bytes, grams: int, dialect: Dialect, count: int) -> None:
    unit = "KG" if dialect is Dialect.ECR else "kg"
    wire = noise + encode_nci(f"{grams / 1000:06.3f}{unit}", b"0" + b"p" * (count - 2) + b"0", dialect)
    codec = NciCodec(dialect, Unit.KG, count)
    found = [item for byte in wire for item in codec.feed(bytes([byte]), 5)]
    assert found[-1].weight_g == pytest.approx(float(grams))


def test_what_is_scanned_at_the_scale_is_passed_on_among_weights() -> None:
    clock, wire, device = VirtualClock(), DeviceEnd(), MagellanDevice()
    emulator = ScaleEmulator(LiveWorld(World(seed=4), clock.s), wire, device)
    driver = magellan.Driver(magellan.Options(port="x"), link=HostEnd(clock, wire, emulator), clock=clock.ns)
    driver.open()
    device.scan("F4006381333931")
    found = [item for _ in range(12) for item in driver.read(0.25)]
    assert [item.text for item in found if isinstance(item, Barcode)] == ["4006381333931"]
    assert any(isinstance(item, Indication) and item.weight_g == 0.0 for item in found)
