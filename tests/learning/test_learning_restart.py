"""Restarts: from a snapshot and the lessons since, in the same catalogue and in another."""

from pathlib import Path

import numpy as np
import pytest

from station.core.beliefs import Beliefs
from station.core.claim import Claim, Line
from station.core.evidence import Reading
from station.core.learned_snapshot import SnapshotError, dump, load
from station.core.learning import Learner
from station.core.learning_settings import LearningSettings
from station.core.lesson import Lesson
from station.core.store_policy import Policy
from station.core.verdict import Judgement
from station.lessons import LessonsError, LessonStore, path_in
from station.school import School
from tests.learning.shop import Shop

SETTINGS = LearningSettings(refine_every=50)
ARRAYS = "mean_g", "mean_sd_g", "unit_sd_g", "freedom", "variance_g2", "order"


def same(one: Beliefs, other: Beliefs) -> bool:
    equal = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ARRAYS)
    return equal and all(
        np.array_equal(a, b) for x, y in zip(one.sums, other.sums, strict=True)
        for a, b in zip(x.levels, y.levels, strict=True)
    )  # fmt: skip


def test_a_snapshot_is_exact_and_goes_on_alike() -> None:
    shop = Shop()
    lessons = list(shop.stream(170, wrong=0.1))
    through = Learner(shop.beliefs(), SETTINGS)
    for lesson in lessons[:100]:
        through.learn(lesson)
    again = Learner(shop.beliefs(), SETTINGS)
    load(again, dump(through))
    assert same(through.beliefs, again.beliefs)
    for lesson in lessons[100:]:
        through.learn(lesson)
        again.learn(lesson)
    assert same(through.beliefs, again.beliefs)


def test_another_catalogue_keeps_what_fits_it() -> None:
    shop = Shop()
    learner = Learner(shop.beliefs(), SETTINGS)
    for lesson in shop.stream(200):
        learner.learn(lesson)
    rows = shop.catalogue()[5:][::-1]
    heavier = rows[0].__class__(gtin=rows[0].gtin, name="new size", net_g=(rows[0].net_g or 0) * 2)
    other = Learner(Beliefs.of([heavier, *rows[1:]]), SETTINGS)
    load(other, dump(learner))
    place = other.beliefs.index[rows[3].gtin]
    assert other.beliefs.mean_g[place] == learner.beliefs.mean_g[learner.beliefs.index[rows[3].gtin]]
    assert other.beliefs.mean_g[0] == Beliefs.of([heavier, *rows[1:]]).mean_g[0]  # it begins anew
    other.refine()
    assert np.isfinite(other.beliefs.mean_g).all()


@pytest.mark.parametrize("data", [b"", b"\x81", b"{}", dump(Learner(Shop().beliefs(), SETTINGS))[:-40]])
def test_what_is_no_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError):
        load(Learner(Shop().beliefs(), SETTINGS), data)


def school_of(shop: Shop, folder: Path) -> School:
    school = School(Policy(), SETTINGS, LessonStore(path_in(folder)), commit_every=1)
    school.open(shop.beliefs())
    return school


def visit(school: School, lesson: Lesson, number: int) -> None:
    """Judge and let go a basket of that content."""
    lines = tuple(Line(line=at, gtin=gtin, quantity=n) for at, (gtin, n) in enumerate(lesson.goods, start=1))
    claim = Claim(transaction_id=f"V-{number}", revision=1, lines=lines, shopper=f"S-{number % 9}")
    judgement = Judgement(decision="accept", action="release", currency="EUR", p_as_claimed=0.97)
    school.judged(claim, Reading(t_ns=0, gross_g=lesson.weight_g, sd_g=3.0), judgement, 0.0)
    school.left(claim.transaction_id, 1, 0.0)


def test_a_killed_station_goes_on_where_it_was(tmp_path: Path) -> None:
    shop = Shop()
    lessons = list(shop.stream(130))
    through, killed = school_of(shop, tmp_path / "a"), school_of(shop, tmp_path / "b")
    for number, lesson in enumerate(lessons):
        visit(through, lesson, number)
        visit(killed, lesson, number)
        if number in {20, 49, 50, 99, 120}:
            killed = school_of(shop, tmp_path / "b")  # nobody closed the other
    assert same(through.beliefs, killed.beliefs)
    assert through.teacher.learner.number == killed.teacher.learner.number == 130
    assert [case.claim for case in killed.teacher.remembered.values()] == [
        case.claim for case in through.teacher.remembered.values()
    ]


def test_a_damaged_file_is_set_aside_and_told_of(tmp_path: Path) -> None:
    path_in(tmp_path).write_bytes(b"no database at all" * 100)
    school = school_of(Shop(), tmp_path)
    raised = [alarm.code for alarm in school.alarms() if alarm.raised]
    assert raised == ["LESSONS_DAMAGED"]
    assert (tmp_path / "lessons.db.damaged-1").exists()
    visit(school, next(Shop().stream(1)), 1)
    school.close()
    assert school_of(Shop(), tmp_path).teacher.learner.number == 1


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(path_in(tmp_path)) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(LessonsError, match="newer version"):
        LessonStore(path_in(tmp_path))


def test_the_history_of_a_product_is_bounded(tmp_path: Path) -> None:
    shop = Shop()
    learner = Learner(shop.beliefs(), SETTINGS)
    note = learner.state.note(3, "g", 1, 0.0, "learned")
    store = LessonStore(path_in(tmp_path))
    for _ in range(7):
        store.put_notes([note] * 10)
    store.commit()
    assert len(store.history("g")) == 50
    store.close()
