"""Commands are checked, told apart from repetitions, and each is carried out once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station import commands
from station.commands import Answer, Command, Commands
from station.link_values import Arrived
from station.wire import Station
from tests.support.backend import cloud_event

STATION = Station("0815", "vs-03")
RES = STATION.root + "res/"
SECOND_NS = 10**9


def arrived(payload: bytes, **more: Any) -> Arrived:
    return Arrived(connection=1, mid=1, t_ns=0, topic=STATION.topic("cmd", "zero"), payload=payload, **more)


def reader() -> Commands:
    return Commands(STATION, frozenset({"zero", "claim"}))


def refusal(taken: Command | Answer | None) -> str:
    assert isinstance(taken, Answer)
    return str(taken.data["code"])


def test_a_command_is_carried_out_once_and_everyone_who_asked_gets_the_answer() -> None:
    book, payload = reader(), cloud_event({"a": 1}, "id-1")
    first = book.take(arrived(payload), "zero", 0)
    assert isinstance(first, Command)
    assert (first.name, first.id, first.data) == ("zero", "id-1", {"a": 1})
    assert book.take(arrived(payload, correlation=b"2", response_topic=RES + "b"), "zero", 1) is None
    answers = book.answered(first, commands.ok())
    assert [(answer.reply.topic, answer.reply.correlation) for answer in answers] == [
        (RES + "zero", None),
        (RES + "b", b"2"),
    ]
    assert book.answered(first, commands.error("late", "x")) == []
    again = book.take(arrived(payload, correlation=b"3"), "zero", 2)
    assert isinstance(again, Answer)
    assert (again.data, again.reply.correlation, again.reply.command_id) == ({"status": "ok"}, b"3", "id-1")


def test_another_id_or_another_name_or_a_later_day_is_another_command() -> None:
    book, payload = reader(), cloud_event({"a": 1}, "id-1")
    assert isinstance(book.take(arrived(payload), "zero", 0), Command)
    assert isinstance(book.take(arrived(cloud_event({"a": 1}, "id-2")), "zero", 0), Command)
    assert isinstance(book.take(arrived(payload), "claim", 0), Command)
    assert book.take(arrived(payload), "zero", commands.REMEMBER_NS - 1) is None
    assert isinstance(book.take(arrived(payload), "zero", commands.REMEMBER_NS), Command)


def test_an_id_used_for_other_data_is_told_and_nothing_is_done_twice() -> None:
    book, payload = reader(), cloud_event({"a": 1}, "id-1")
    first = book.take(arrived(payload), "zero", 0)
    assert isinstance(first, Command)
    assert refusal(book.take(arrived(cloud_event({"a": 2}, "id-1")), "zero", 0)) == "id_reused"
    later = payload[:-1] + b', "time": "2026-01-01T00:00:00Z"}'  # written anew, the same command
    assert book.take(arrived(later), "zero", 0) is None
    assert len(book.answered(first, commands.ok())) == 1


def test_an_answer_to_a_name_that_no_topic_can_hold_goes_where_it_can() -> None:
    for name in ("\x01", "a" * 300, "#"):
        taken = reader().take(arrived(cloud_event({})), name, 0)
        assert isinstance(taken, Answer)
        assert taken.reply.topic == RES + "unknown"


def test_an_expired_command_is_refused() -> None:
    payload = cloud_event({}, "id")
    assert refusal(reader().take(arrived(payload, expiry_s=5), "zero", 5 * SECOND_NS)) == "expired"
    assert isinstance(reader().take(arrived(payload, expiry_s=5), "zero", 5 * SECOND_NS - 1), Command)


@pytest.mark.parametrize("topic", ["vs/1/0815/vs-04/res/x", RES, RES + "+", "vs/1/0815/vs-03/evt/verdict"])
def test_an_answer_elsewhere_is_refused_on_the_own_topic(topic: str) -> None:
    taken = reader().take(arrived(cloud_event({}), response_topic=topic), "zero", 0)
    assert isinstance(taken, Answer)
    assert (taken.data["code"], taken.reply.topic) == ("bad_response_topic", RES + "zero")
    assert RES in taken.data["message"]


def test_the_memory_is_bounded() -> None:
    book = reader()
    first = book.take(arrived(cloud_event({}, "0")), "zero", 0)
    for number in range(1, commands.REMEMBER + 1):
        book.take(arrived(cloud_event({}, str(number))), "zero", 0)
    assert isinstance(first, Command)
    assert book.answered(first, commands.ok()) == []  # forgotten long ago
    assert isinstance(book.take(arrived(cloud_event({}, "0")), "zero", 0), Command)


@given(
    payload=st.binary(max_size=200),
    retain=st.booleans(),
    topic=st.none() | st.text(max_size=40),
    name=st.text(max_size=9),
)
def test_whatever_arrives_is_a_command_or_gets_an_answer_that_may_be_said(
    payload: bytes, retain: bool, topic: str | None, name: str
) -> None:
    taken = reader().take(arrived(payload, retain=retain, response_topic=topic), name, 0)
    if isinstance(taken, Answer):
        assert taken.reply.topic.startswith(RES)
        assert taken.data["status"] == "error"
        assert taken.data["code"]
        assert taken.data["message"]
    else:
        assert isinstance(taken, Command) or (retain and not payload)


def test_clearing_a_retained_command_is_not_answered() -> None:
    assert reader().take(arrived(b"", retain=True), "zero", 0) is None
    assert isinstance(reader().take(arrived(b"", retain=False), "zero", 0), Answer)
