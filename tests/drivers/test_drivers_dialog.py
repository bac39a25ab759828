"""Checkout-Dialog: the published vectors, the checksums, and the course of a weighing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import dialog_06
from drivers.base import Indication, ScaleState
from drivers.conversation import Turn
from drivers.dialog_codec import (
    ASK_STATUS,
    ASK_WEIGHT,
    CLEAR,
    Acknowledged,
    Checksums,
    Garbled,
    RecordDecoder,
    Said,
    Status,
    Weighed,
    checksum_record,
    encode,
    price_record,
    remainder,
)
from drivers.dialog_talk import DialogConversation
from drivers.sim.dialog_device import DialogDevice, DialogSpec
from drivers.sim.world import PlacedObject
from tests.drivers.scales import Case, Loop, set_to

P = 0x11021  # the emulator's own
RESULT = bytes.fromhex("02 30 32 1B 33 1B 30 30 33 34 35 1B 30 30 30 32 35 30 1B 30 30 30 30 38 36 03")


def test_the_vectors_of_records() -> None:
    assert price_record(250) == bytes.fromhex("04 02 30 31 1B 30 30 30 32 35 30 1B 03")
    assert [Weighed(3, 345, 250, 86)] == RecordDecoder().feed(RESULT)
    assert encode(Weighed(3, 345, 250, 86)) == RESULT


@pytest.mark.parametrize(("checksum", "expected"), [(0x1234, 0x13C6), (0xABCD, 0xC965), (0x8001, 0x0BB9)])
def test_the_vectors_of_remainders(checksum: int, expected: int) -> None:
    assert remainder(checksum, P) == expected


@pytest.mark.parametrize(
    ("checksum", "turns", "text"),
    [(0x1234, 0x5A, b"4682F184"), (0xABCD, 0x00, b"ABCDC965"), (0x8001, 0xF1, b"C00085DC")]
)  # fmt: skip
def test_the_vectors_of_turned_checksums(checksum: int, turns: int, text: bytes) -> None:
    assert checksum_record(checksum, P, turns) == b"\x04\x0210\x1b" + text + b"\x03"


said = st.one_of(
    st.builds(Acknowledged, st.booleans()),
    st.builds(Weighed, st.integers(0, 3), st.integers(0, 99_999), st.integers(0, 999_999), st.integers(0, 999_999)),
    st.builds(Status, st.sampled_from(["00", "20", "21", "32"])),
    st.builds(Checksums, st.integers(0, 1)),
    st.builds(Checksums, st.just(2), st.integers(0, 255)),
)


@given(st.lists(said, max_size=20), st.integers(1, 7))
def test_what_is_said_is_understood_in_any_pieces(messages: list[Said], size: int) -> None:
    decoder, wire = RecordDecoder(), b"".join(encode(message) for message in messages)
    assert messages == [item for at in range(0, len(wire), size) for item in decoder.feed(wire[at : at + size])]


@given(st.binary(max_size=200))
def test_after_any_noise_a_record_is_understood(noise: bytes) -> None:
    assert RecordDecoder().feed(noise + RESULT)[-1] == Weighed(3, 345, 250, 86)


@pytest.mark.parametrize("lost", range(26))
def test_a_lost_byte_makes_no_weight(lost: int) -> None:
    assert not any(isinstance(item, Weighed) for item in RecordDecoder().feed(RESULT[:lost] + RESULT[lost + 1 :]))


def talk(price: int = 0, polynomial: int | None = P) -> DialogConversation:
    conversation = DialogConversation(price, polynomial)
    assert conversation.ask() == price_record(price)
    return conversation


def tell(conversation: DialogConversation, *messages: Said) -> Turn:
    turns = [conversation.feed(encode(message), 5) for message in messages]
    return turns[-1]


def test_a_weighing() -> None:
    till = talk(price=250)
    assert tell(till, ACK).send == ASK_WEIGHT
    turn = till.feed(RESULT, 5)
    assert turn == Turn([Indication(5, ScaleState.STABLE, 345.0)], CLEAR)


ACK, NAK = Acknowledged(positive=True), Acknowledged(positive=False)


@pytest.mark.parametrize(
    ("code", "state", "word"),
    [("20", "motion", ""), ("22", "motion", ""), ("30", "below_minimum", ""), ("31", "under_zero", ""),
     ("32", "overload", ""), ("11", "not_ready", "price"), ("99", "not_ready", "unknown"), ("21", "not_ready", "lift")],
)  # fmt: skip
def test_a_refusal_is_asked_for_its_reason(code: str, state: str, word: str) -> None:
    till = talk()
    assert tell(till, ACK, NAK).send == ASK_STATUS
    [indication] = tell(till, Status(code)).found
    assert isinstance(indication, Indication)
    assert (indication.state, indication.weight_g) == (state, None)
    assert word in indication.reason
    assert till.ask() == (ASK_WEIGHT if state == "motion" else price_record(0))


def test_checksums_are_proved_and_the_weighing_goes_on() -> None:
    till = talk()
    assert tell(till, Checksums(2, 0x5A)).send.startswith(b"\x04\x0210\x1b")
    assert tell(till, ACK).send == ASK_WEIGHT
    assert tell(till, Checksums(1)).send == price_record(0)
    assert tell(till, ACK).send == ASK_WEIGHT


@pytest.mark.parametrize(("polynomial", "verdict", "word"), [(None, 2, "set `polynomial`"), (P, 0, "correct")])
def test_without_the_right_polynomial_there_is_a_reason(polynomial: int | None, verdict: int, word: str) -> None:
    [indication] = tell(talk(polynomial=polynomial), Checksums(verdict)).found
    assert isinstance(indication, Indication)
    assert word in indication.reason


def test_an_amount_that_is_not_weight_times_price_is_no_weight() -> None:
    till = talk(price=1000)
    [indication] = tell(till, ACK, Weighed(3, 345, 1000, 346 + 1)).found
    assert isinstance(indication, Indication)
    assert indication.weight_g is None
    till.ask()
    [pounds] = tell(till, ACK, Weighed(2, 345, 1000, 345)).found
    assert isinstance(pounds, Indication)
    assert "unit" in pounds.reason


def test_an_endless_course_and_a_garbled_record_end_the_weighing() -> None:
    till = talk()
    turns = [tell(till, Checksums(1)) for _ in range(9)]
    assert turns[-1].found
    till.ask()
    assert tell(till, Garbled(b"77")).found


def refusing() -> Loop:
    case = Case(
        "refuses the same load",
        set_to(dialog_06, polynomial="11021"),
        set_to(dialog_06),
        lambda: DialogDevice(DialogSpec(refuses_same=True)),
    )
    return Loop(case)


def test_the_same_weight_is_told_once_as_new_and_then_as_same() -> None:
    loop = refusing()
    with loop.live.now() as world:
        handle = world.place(PlacedObject("1", "a crate", 2_000.0))
    states = [value.state for value in loop.weigh(4.0)]
    assert states.count(ScaleState.STABLE) == 1
    assert states[-1] is ScaleState.SAME
    with loop.live.now() as world:
        world.remove(handle)
    loop.weigh(2.0)
    with loop.live.now() as world:
        world.place(PlacedObject("1", "another", 3_000.0))
    again = loop.weigh(4.0)
    assert [value.weight_g for value in again if value.state is ScaleState.STABLE] == [3_000.0]
    assert again[-1].state is ScaleState.SAME


def test_a_weight_lost_on_the_wire_is_not_replaced_by_an_older_one() -> None:
    till = talk()
    assert tell(till, ACK, Weighed(3, 5_000, 0, 0)).found
    till.ask()
    tell(till, ACK)  # the answer, perhaps another weight, is lost
    till.ask()
    [indication] = tell(till, NAK, Status("21")).found
    assert isinstance(indication, Indication)
    assert (indication.state, indication.weight_g) == (ScaleState.NOT_READY, None)


def test_the_emulator_wants_checksums_again_after_fifty_weighings_and_refuses_wrong_ones() -> None:
    device = DialogDevice()
    for number in range(30):
        device.observe(1_000.0, number * 0.02)
    assert device.receive(price_record(0))[:4] == b"\x0211\x1b"[:4]
    device.receive(checksum_record(0x1234, 0x18005, 0))
    assert device.receive(ASK_WEIGHT) == encode(Checksums(0))
    assert device.receive(b"\x04\x0277\x03") == encode(NAK)
    assert device.receive(ASK_STATUS) == encode(Status("10"))
