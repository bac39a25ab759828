"""Zero on command in the core, where an instrument keeps its own: passed on, agreed to, seen on its display."""

from collections.abc import Iterable

import pytest

from station.core import events
from station.core.effects import Answer, Effect, ZeroScale
from station.core.transaction import State
from tests.support.virtual import INSTRUMENT, MS_NS, Virtual, claim, ready


def order(virtual: Virtual, command: int = 5) -> list[Effect]:
    virtual.t_ns += MS_NS
    return virtual.feed(events.ZeroOrdered(t_ns=virtual.t_ns, command=command))


def passed_on(effects: Iterable[Effect]) -> list[ZeroScale]:
    return [effect for effect in effects if isinstance(effect, ZeroScale)]


def answers(effects: Iterable[Effect]) -> list[tuple[str | None, str]]:
    return [(effect.code, effect.message) for effect in effects if isinstance(effect, Answer)]


def agree(virtual: Virtual, asked: ZeroScale, refusal: str = "") -> list[Effect]:
    virtual.t_ns += 50 * MS_NS
    event = events.ScaleZeroed(t_ns=virtual.t_ns, scale=asked.scale, number=asked.number, refusal=refusal)
    return virtual.feed(event)


def due_ns(virtual: Virtual) -> int | None:
    return virtual.engine.next_deadline_ns


@pytest.fixture
def drifted() -> Virtual:
    """An empty instrument that shows two divisions."""
    virtual = ready(scale=INSTRUMENT)
    virtual.put(10)
    assert virtual.engine.state is State.IDLE
    return virtual


def test_an_order_is_ok_only_after_the_display_shows_zero(drifted: Virtual) -> None:
    [asked] = passed_on(order(drifted))
    assert asked.due_ns > drifted.t_ns
    assert due_ns(drifted) == asked.due_ns
    assert answers(agree(drifted, asked)) == []
    assert answers(drifted.wait(0.3)) == []  # it shows the old weight still
    assert answers(drifted.put(0, 0.2)) == [(None, "")]
    assert due_ns(drifted) is None
    assert answers(drifted.wait(10)) == []


def test_zero_before_the_instrument_has_agreed_is_not_believed(drifted: Virtual) -> None:
    [asked] = passed_on(order(drifted))
    assert answers(drifted.put(0, 0.5)) == []
    agree(drifted, asked)
    assert answers(drifted.wait(0.1)) == [(None, "")]


def test_a_refusal_is_told_with_the_instruments_words(drifted: Virtual) -> None:
    [asked] = passed_on(order(drifted))
    [(code, message)] = answers(agree(drifted, asked, "it moves"))
    assert (code, message.partition(": ")[2]) == ("zero_refused", "it moves")
    assert due_ns(drifted) is None


@pytest.mark.parametrize(("agrees", "words"), [(False, "did not answer"), (True, "does not show zero")])
def test_an_order_that_leads_to_nothing_is_given_up(drifted: Virtual, agrees: bool, words: str) -> None:
    [asked] = passed_on(order(drifted))
    if agrees:
        agree(drifted, asked)
    [(code, message)] = answers(drifted.wait(4.2))
    assert code == "zero_refused"
    assert words in message
    assert agree(drifted, asked) == []  # too late
    assert len(passed_on(order(drifted))) == 1


def test_one_order_at_a_time_and_an_older_answer_is_nothing(drifted: Virtual) -> None:
    [first] = passed_on(order(drifted))
    assert answers(order(drifted, 6)) == [("zero_refused", "zero is being set already")]
    agree(drifted, first, "no")
    [second] = passed_on(order(drifted, 7))
    assert answers(agree(drifted, first, "no")) == []
    agree(drifted, second)
    assert answers(drifted.put(0, 0.2)) == [(None, "")]


def test_a_visit_a_load_motion_and_a_long_way_from_zero_are_refused(drifted: Virtual) -> None:
    drifted.put(800)
    assert [code for code, _ in answers(order(drifted))] == ["not_idle"]
    drifted.put(0)
    drifted.claim(claim("T-9"))
    assert [code for code, _ in answers(order(drifted))] == ["not_idle"]
    fresh = Virtual(scale=INSTRUMENT)
    fresh.put(400)  # at a cold start, more than 2 % of 15 kg
    [(code, message)] = answers(order(fresh))
    assert (code, "2%" in message) == ("zero_refused", True)
    moving = ready(scale=INSTRUMENT)
    moving.wait(0.3, ringing_g=100)
    assert [code for code, _ in answers(order(moving))] == ["zero_refused"]
    for virtual in (drifted, fresh, moving):
        assert passed_on(virtual.effects) == []


def test_a_lost_scale_is_not_ordered_about(drifted: Virtual) -> None:
    drifted.feed(events.ScaleLost(t_ns=drifted.t_ns, scale=0, message="gone", remedy="plug it in"))
    assert [code for code, _ in answers(order(drifted))] == ["not_idle"]
