"""When a visit teaches: only what was let go, only once it has left; and how feedback passes the core."""

from typing import Any

import pytest

from station.assessor import Assessor
from station.command_refusals import CommandRefusedError
from station.commanding import to_event
from station.core import effects, events
from station.core.claim import Claim, Line
from station.core.evidence import Reading
from station.core.feedback import Content, Feedback
from station.core.learning_settings import LearningSettings
from station.core.store_policy import Policy
from station.core.verdict import Judgement
from station.school import School
from tests.learning.shop import Shop, gtin_of
from tests.support.virtual import Virtual


def learned(virtual: Virtual) -> list[effects.Learn]:
    return [effect for effect in virtual.effects if isinstance(effect, effects.Learn)]


def visited(decision: str) -> Virtual:
    virtual = Virtual()
    virtual.decision = decision  # type: ignore[assignment] # one of the contract's
    virtual.put(0)
    virtual.claim()
    virtual.put(810)
    return virtual


def test_an_accepted_basket_teaches_when_it_has_left_and_not_before() -> None:
    virtual = visited("accept")
    assert learned(virtual) == []
    virtual.put(0)
    assert [(lesson.transaction_id, lesson.revision) for lesson in learned(virtual)] == [("T-1", 1)]


@pytest.mark.parametrize("decision", ["review", "reject"])
def test_a_basket_that_was_questioned_teaches_only_if_it_was_released(decision: str) -> None:
    virtual = visited(decision)
    virtual.put(0)
    assert learned(virtual) == []
    virtual = visited(decision)
    virtual.feed(events.Released(t_ns=virtual.t_ns, transaction_id="T-1"))
    virtual.put(0)
    assert virtual.engine.visit is None
    assert [lesson.transaction_id for lesson in learned(virtual)] == ["T-1"]


def test_feedback_is_handed_on_as_it_came() -> None:
    virtual = Virtual()
    told = Feedback(transaction_id="T-1", source="attendant", contents=(Content(gtin=gtin_of(1)),))
    virtual.feed(events.Fed(t_ns=virtual.t_ns, told=told, command=4))
    assert effects.Feed(told=told, command=4) in virtual.effects


def test_a_command_becomes_feedback_or_is_refused() -> None:
    data: dict[str, Any] = {"transaction_id": "T", "source": "attendant", "contents": [{"gtin": "4006381333931"}]}
    event = to_event("feedback", data, 3, 7)
    assert isinstance(event, events.Fed)
    assert event.told.contents == (Content(gtin="04006381333931", quantity=1),)
    with pytest.raises(CommandRefusedError) as caught:
        to_event("feedback", {"transaction_id": "T"}, 3, 7)
    assert caught.value.code == "bad_feedback"


def test_feedback_on_nothing_is_answered_with_its_code(tmp_path: Any) -> None:
    assessor = Assessor(tmp_path / "catalogue.db", Policy(), School(Policy(), LearningSettings()), lambda: 20_000.0)
    told = Feedback(transaction_id="T-1", source="attendant", contents=())
    answers = assessor.learn(effects.Feed(told=told, command=4))
    assert [(answer.command, answer.code) for answer in answers] == [(4, "unknown_transaction")]
    assert assessor.learn(effects.Feed(told=told)) == []


def test_what_staff_found_of_the_decisions_is_told_in_the_station_s_health(tmp_path: Any) -> None:
    school = School(Policy(), LearningSettings())
    assessor = Assessor(tmp_path / "catalogue.db", Policy(), school, lambda: 20_000.0)
    assert assessor.diagnosis().feedback == {}
    school.open(Shop().beliefs())
    claim = Claim(transaction_id="T-1", revision=1, lines=(Line(line=1, gtin=gtin_of(1), quantity=1),))
    judgement = Judgement(decision="review", action="sight_check", currency="EUR", p_as_claimed=0.4)
    school.judged(claim, Reading(t_ns=0, gross_g=500.0, sd_g=2.0), judgement, 20_000.0)
    found = (Content(gtin=gtin_of(1)), Content(gtin=gtin_of(2)))
    assessor.learn(effects.Feed(told=Feedback(transaction_id="T-1", source="attendant", contents=found)))
    assert assessor.diagnosis().feedback == {"review_wrong": 1}
