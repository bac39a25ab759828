"""What the school makes of conditions: alarms, doubt, lessons that are held back, restarts."""

from pathlib import Path

import msgspec

from station.core.beliefs import Beliefs
from station.core.claim import Claim, Line, Tare
from station.core.evidence import Reading
from station.core.learning_settings import LearningSettings
from station.core.store_policy import Policy
from station.core.verdict import Judgement
from station.lessons import LessonStore, path_in
from station.school import School
from tests.learning.shop import gtin_of
from tests.learning.stream import CARRIERS, Store

SETTINGS = LearningSettings(refine_every=50)
BASKET_G = CARRIERS["basket"][0]


def school_in(folder: Path, store: Store) -> School:
    school = School(Policy(), SETTINGS, LessonStore(path_in(folder)), commit_every=1)
    school.open(store.shop.beliefs())
    return school


def visit(school: School, store: Store, decision: str = "accept") -> None:
    """Let the store's next basket be judged and go."""
    lesson = store.lesson()
    lines = tuple(Line(line=at, gtin=gtin, quantity=n) for at, (gtin, n) in enumerate(lesson.goods, start=1))
    tare = Tare(kind="basket", weight_g=BASKET_G, sd_g=lesson.tare_sd_g)
    claim = Claim(
        transaction_id=lesson.transaction_id, revision=1, lines=lines, tare=tare, shopper=f"S-{store.made % 97}"
    )
    judgement = Judgement(decision=decision, action="release", currency="EUR", p_as_claimed=0.9)  # type: ignore[arg-type]
    school.judged(claim, Reading(t_ns=0, gross_g=lesson.gross_g, sd_g=3.0), judgement, lesson.day)
    school.left(claim.transaction_id, 1, lesson.day)


def store_of_baskets() -> Store:
    return Store(weighed=300, carriers=(0.0, 1.0, 0.0, 0.0), wrong=0.0)


def raised(school: School) -> dict[str, str]:
    return {alarm.code: alarm.part for alarm in school.alarms() if alarm.raised}


def test_an_alarm_stands_over_restarts_holds_lessons_back_and_clears(tmp_path: Path) -> None:
    store = store_of_baskets()
    school = school_in(tmp_path, store)
    for _ in range(64):
        visit(school, store)
    assert raised(school) == {}
    store.carrier_g["basket"] = 60.0
    for _ in range(96):
        visit(school, store)
    assert raised(school) == {"TARE_DRIFTING": "tare-basket"}
    found = next(alarm for alarm in school.alarms() if alarm.raised)
    assert "policy.tares.basket" in found.remedy
    assert "shoppers" in found.message
    assert "S-" not in found.message
    state = school.ward.diagnosis.state
    lessons = school.teacher.learner.number
    visit(school, store)
    assert school.teacher.learner.number == lessons  # it only looks
    school.close()
    again = school_in(tmp_path, store)
    assert msgspec.to_builtins(again.ward.diagnosis.state) == msgspec.to_builtins(state)
    assert raised(again) == {"TARE_DRIFTING": "tare-basket"}
    store.carrier_g.clear()
    for _ in range(100):
        visit(again, store)
    told = again.alarms()
    assert raised(again) == {}
    assert ("TARE_DRIFTING", False) in {(alarm.code, alarm.raised) for alarm in told}


def test_a_restarted_diagnosis_goes_on_like_one_that_never_ended(tmp_path: Path) -> None:
    one, other = store_of_baskets(), store_of_baskets()
    through, killed = school_in(tmp_path / "a", one), school_in(tmp_path / "b", other)
    for number in range(120):
        if number == 60:
            one.zero_g = other.zero_g = 40.0
        visit(through, one)
        visit(killed, other)
        if number % 25 == 24:
            killed.close()
            killed = school_in(tmp_path / "b", other)
    assert msgspec.to_builtins(through.ward.diagnosis.state) == msgspec.to_builtins(killed.ward.diagnosis.state)


def test_a_scale_so_wrong_that_all_is_questioned_is_found_and_believed_less(tmp_path: Path) -> None:
    store = store_of_baskets()
    store.gain = 0.02
    school = school_in(tmp_path, store)
    for _ in range(80):
        visit(school, store, "review")
    assert raised(school) == {"SCALE_BIASED": "platform"}
    reading = Reading(t_ns=0, gross_g=10_000.0, sd_g=3.0)
    doubted = school.ward.doubted(reading)
    assert doubted.gross_g == reading.gross_g
    assert 150 < doubted.sd_g < 260
    assert school.ward.diagnosis.estimates()["gain"][0] > 10


def test_a_catalogue_that_is_put_right_ends_a_stale_weight(tmp_path: Path) -> None:
    store = store_of_baskets()
    school = school_in(tmp_path, store)
    for _ in range(60):
        visit(school, store)
    store.shop.mean_g[2] += 60.0
    for _ in range(220):
        visit(school, store)
    assert raised(school) == {"WEIGHT_STALE": gtin_of(2)}
    message = next(alarm.message for alarm in school.alarms() if alarm.raised)
    assert "more than the catalogue says" in message
    assert message.startswith(f"P2 ({gtin_of(2)}) weighs")
    school.open(Beliefs.of(store.shop.catalogue()))
    assert raised(school) == {}
