"""Whatever a line says, recognising it ends in candidates whose tables are in order, never in an error."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.bridge_frames import BridgeFlag, SampleFrame, encode
from drivers.line_profiles import PROFILES
from drivers.probing import listening, questions
from drivers.probing.matching import Candidate, Line, strongest
from drivers.probing.places import SerialPlace
from drivers.probing.serial_probe import SerialFind
from drivers.toledo_continuous import encode as continuous
from station.doctor import suggesting
from tests.doctor.bench import configured

PLACE = SerialPlace("/dev/serial/by-id/usb-x", "/dev/ttyUSB0", ())
ASKED = questions.questions()
TALK = [
    b"ST,GS,     5.000,kg\r\n", b"  005.000kg\r\n", b"S S      5.000 kg\r\n", b"\x0205.000\r", b"\x02?A\r",
    b"\n05.000KG\r\nS00\r\x03", b"\nS10\r\x03", b"\x06\x01\x02S 05.000kgd\x03\x04", b"\x15", b"S1440500\r", b"S141\r",
    b"\x0209\x1b20\x03", b"\x0211\x1b25A\x03", b"12,34\n", b"1,2.5\n", b"-8388609\n", continuous(5000, 5, 3, 0x10),
    encode(SampleFrame(1, BridgeFlag(0), (1, -2)), 7),
]  # fmt: skip
pieces = st.lists(st.one_of(st.binary(max_size=40), st.sampled_from(TALK)), max_size=30)


def check(candidates: list[Candidate]) -> None:
    for suggestion in suggesting.of_serial(SerialFind(PLACE, tuple(candidates))):
        assert len(configured(suggestion).scales) == 1
        for other in suggestion.instead:
            assert len(configured(other).scales) == 1


@given(pieces, st.sampled_from(listening.RATES), st.floats(0.01, 60.0), st.integers(0, 2))
def test_no_talk_is_an_error(chunks: list[bytes], baud: int, elapsed_s: float, parity: int) -> None:
    data = b"".join(chunks)[: listening.HEARD_MAX_BYTES]
    if parity:  # as a line of 7 bits shows itself
        data = bytes(byte | 0x80 if (byte & 0x7F).bit_count() % 2 == parity - 1 else byte & 0x7F for byte in data)
    check(listening.recognise(data, baud, elapsed_s))


@given(pieces, st.sampled_from(ASKED))
def test_no_answer_is_an_error(chunks: list[bytes], question: questions.Question) -> None:
    check(question.candidates(chunks))


@given(st.binary(max_size=2000), st.sampled_from(listening.RATES))
def test_noise_is_nobody(data: bytes, baud: int) -> None:
    assert listening.recognise(data, baud, 1.0) == []


def test_questions_sent_hold_no_letter_that_changes_a_scale() -> None:
    sent = b"".join(question.send + b"".join(question.then.values()) for question in ASKED if not question.last)
    assert not set(b"TZCEA") & set(sent)
    [last] = [question for question in ASKED if question.last]
    assert ASKED[-1] is last


@pytest.mark.parametrize(("parity", "odd"), [("E", 0), ("O", 1)])
def test_parity_follows_from_bit_7(parity: str, odd: int) -> None:
    data = bytes(byte | 0x80 if byte.bit_count() % 2 != odd else byte for byte in b"ST,GS,     5.000,kg\r\n" * 3)
    assert listening.line_of(data, 9600) == Line(9600, 7, parity)
    [candidate] = listening.recognise(data, 9600, 1.0)
    assert (candidate.keys["bytesize"], candidate.keys["parity"]) == (7, parity)


def test_an_unusual_width_is_found() -> None:
    [candidate] = listening.recognise(b"ST,GS,  5.000,kg\r\n" * 4, 9600, 1.0)
    assert (candidate.keys["profile"], candidate.keys["width"]) == ("dini-argeo", 7)


def test_one_line_alone_is_not_believed() -> None:
    assert listening.recognise(b"x\r\nST,GS,     5.000,kg\r\n", 9600, 1.0) == []


def test_a_status_with_checksums_is_dialog_06_alone() -> None:
    [question] = [question for question in ASKED if question.line == Line(9600, 7, "O")]
    assert [candidate.driver for candidate in question.candidates([b"\x0211\x1b25A\x03"])] == ["dialog-06"]


def test_a_refusal_weighs_less_than_a_weight() -> None:
    toledo = ASKED[0]
    [refused], [weighed] = toledo.candidates([b"\x02?H\r"]), toledo.candidates([b"\x0205.000\r"])
    assert strongest([refused, weighed, None]) == [weighed]


def test_every_profile_is_asked_or_listened_to() -> None:
    sent = {question.send for question in ASKED}
    assert {make for make, profile in PROFILES.items() if profile.question not in sent} == set()
    assert Path(suggesting.of_serial(SerialFind(PLACE, tuple(ASKED[0].candidates([TALK[3]]))))[0].where).is_absolute()
