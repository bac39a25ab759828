"""Who may teach by feedback, when, and how often; and what accepted baskets teach."""

from typing import Any

import pytest

from station.core.claim import Claim, Line
from station.core.evidence import Reading
from station.core.feedback import FeedbackError, parse_feedback
from station.core.learning_settings import LearningSettings
from station.core.lesson import number_of
from station.core.store_policy import Policy
from station.core.teaching import Teacher
from station.core.verdict import Decision, Judgement
from tests.learning.shop import Shop, gtin_of

DAY = 20_000.0


def teacher_of(**settings: Any) -> Teacher:
    return Teacher(Shop().beliefs(), Policy(), LearningSettings(**settings))


def judged(teacher: Teacher, decision: Decision = "accept", number: int = 1, p: float = 0.97, day: float = DAY) -> None:
    lines = (Line(line=1, gtin=gtin_of(3), quantity=2), Line(line=2, gtin=gtin_of(4), quantity=1))
    claim = Claim(transaction_id=f"T-{number}", revision=1, lines=lines, shopper="anna")
    judgement = Judgement(decision=decision, action="release", currency="EUR", p_as_claimed=p)
    teacher.judged(claim, Reading(t_ns=0, gross_g=1500.0, sd_g=2.0), judgement, day)


def told(number: int = 1, *pairs: tuple[int, int], source: str = "attendant") -> Any:
    contents = [{"gtin": gtin_of(place), "quantity": units} for place, units in pairs or ((3, 2), (4, 1))]
    return parse_feedback({"transaction_id": f"T-{number}", "source": source, "contents": contents})


def refusal(teacher: Teacher, feedback: Any, day: float = DAY) -> str:
    with pytest.raises(FeedbackError) as caught:
        teacher.feedback(feedback, day)
    return caught.value.code


def test_an_accepted_basket_teaches_once_when_it_has_left() -> None:
    teacher = teacher_of()
    judged(teacher)
    lesson = teacher.left("T-1", 1, DAY)
    assert lesson is not None
    assert (lesson.goods, lesson.source) == (((gtin_of(3), 2), (gtin_of(4), 1)), "accepted")
    assert (lesson.weight_g, lesson.p, lesson.day) == (1500.0, 0.97, DAY)
    assert lesson.shopper == number_of("anna")
    assert teacher.left("T-1", 1, DAY) is None


def test_a_questioned_basket_that_was_let_go_teaches_by_its_probability() -> None:
    teacher = teacher_of()
    judged(teacher, "review", p=0.1)
    lesson = teacher.left("T-1", 1, DAY)
    assert lesson is not None
    assert lesson.p == 0.1


@pytest.mark.parametrize(("decision", "revision"), [("review", 1), ("accept", 2)])
def test_others_teach_nothing(decision: Decision, revision: int) -> None:
    teacher = teacher_of(from_questioned=False)
    judged(teacher, decision)
    assert teacher.left("T-1", revision, DAY) is None
    assert teacher.left("T-9", 1, DAY) is None


def test_nothing_is_learned_where_it_is_switched_off() -> None:
    teacher = teacher_of(enabled=False)
    judged(teacher)
    assert teacher.left("T-1", 1, DAY) is None
    assert teacher.feedback(told(), DAY) is None
    assert teacher.counts == {"accept_right": 1}  # how right it was is counted all the same


def test_feedback_teaches_what_was_really_there() -> None:
    teacher = teacher_of()
    judged(teacher, "review")
    lesson = teacher.feedback(told(1, (3, 2), (4, 1), (5, 1)), DAY)
    assert lesson is not None
    assert (lesson.goods, lesson.source) == (((gtin_of(3), 2), (gtin_of(4), 1), (gtin_of(5), 1)), "attendant")
    assert teacher.counts == {"review_wrong": 1}


def test_feedback_is_accepted_once_and_repeated_without_harm() -> None:
    teacher = teacher_of()
    judged(teacher)
    assert teacher.feedback(told(), DAY) is not None
    assert teacher.feedback(told(), DAY) is None
    assert refusal(teacher, told(1, (3, 1))) == "already_told"
    assert teacher.counts == {"accept_right": 1}
    assert teacher.left("T-1", 1, DAY) is None  # staff has taught already


def test_feedback_is_refused_when_it_is_unknown_old_or_too_much() -> None:
    teacher = teacher_of(feedback_per_hour=2)
    assert refusal(teacher, told()) == "unknown_transaction"
    for number in range(1, 5):
        judged(teacher, number=number)
    assert refusal(teacher, told(), DAY + 7.01) == "too_old"
    assert teacher.feedback(told(1), DAY + 6.99) is not None
    assert teacher.feedback(told(2), DAY + 6.99) is not None
    assert refusal(teacher, told(3), DAY + 6.99) == "rate_limited"
    judged(teacher, number=5, day=DAY + 7)
    assert teacher.feedback(told(5), DAY + 7.05) is not None


def test_shoppers_do_not_teach_by_feedback() -> None:
    teacher = teacher_of()
    judged(teacher)
    assert teacher.feedback(told(source="app"), DAY) is None
    assert teacher.counts == {}


def test_attendants_replace_what_the_accepted_basket_taught() -> None:
    teacher = teacher_of()
    judged(teacher)
    for lesson in (teacher.left("T-1", 1, DAY), teacher.feedback(told(), DAY)):
        assert lesson is not None
        teacher.learn(lesson)
    assert teacher.learner.kept.row("weight").tolist()[0] == 0.0
    assert teacher.learner.kept.row("weight").tolist()[1] > 0


@pytest.mark.parametrize(
    "data",
    [{}, {"transaction_id": "T", "source": "attendant"}, {"transaction_id": "T", "source": "", "contents": []},
     {"transaction_id": "T", "source": "a", "contents": [{"gtin": "4006381333932"}]},
     {"transaction_id": "T", "source": "a", "contents": [{"gtin": gtin_of(1), "quantity": 0}]},
     {"transaction_id": "T", "source": "a", "contents": [{"gtin": gtin_of(1), "quantity": 999}] * 3}],
)  # fmt: skip
def test_bad_feedback_is_told_apart(data: dict[str, Any]) -> None:
    with pytest.raises(FeedbackError) as caught:
        parse_feedback(data)
    assert caught.value.code == "bad_feedback"
