"""Learning at work: a teacher whose lessons survive restarts.

`station check --learn` and the daemon both learn through here. What the disk refuses stays in memory and is told of by
an alarm; learning goes on.
"""

from collections.abc import Callable

from station.core.beliefs import Beliefs
from station.core.claim import Claim
from station.core.effects import Alarm
from station.core.evidence import Reading
from station.core.feedback import Feedback
from station.core.learned_snapshot import SnapshotError, dump, load
from station.core.learning_settings import LearningSettings
from station.core.lesson import Innovation, Lesson
from station.core.store_policy import Policy
from station.core.teaching import Remembered, Teacher
from station.core.verdict import Judgement
from station.lessons import LessonsError, LessonStore
from station.ward import Ward

PART = "learning"
COMMIT_EVERY = 200  # changes of a stream, between two commits; the daemon commits each


class School:
    """A teacher and, if there is one, the store of its lessons."""

    def __init__(
        self, policy: Policy, settings: LearningSettings, store: LessonStore | None = None, *,
        commit_every: int = COMMIT_EVERY, failure: LessonsError | None = None,
    ) -> None:  # fmt: skip
        self._policy, self._settings, self._store = policy, settings, store
        self._commit_every = commit_every
        self._changes = 0
        self._failure = failure  # of the store, or why there is none
        self.teacher = Teacher(Beliefs.of(()), policy, settings)
        self.ward = Ward(store, self._do)

    @property
    def beliefs(self) -> Beliefs:
        """Return what is believed now."""
        return self.teacher.beliefs

    def open(self, catalogue: Beliefs) -> None:
        """Begin with a catalogue, and with what was learned before; another one takes over what fits it.

        What cannot be read is set aside; of a store that may only be read it is a `LessonsError` or `SnapshotError`.
        """
        before = self.teacher if len(self.teacher.beliefs) else None
        self.teacher = Teacher(catalogue, self._policy, self._settings)
        if before is not None:
            before.learner.refine()
            load(self.teacher.learner, dump(before.learner))
            self.teacher.take_over(before)
            self._save_state()
        elif self._store is not None:
            self._restore(self._store)
        self.ward.diagnosis.catalogued(self._stated_g)

    def _stated_g(self, gtin14: str) -> float | None:
        """Return what the catalogue says a product weighs."""
        learner = self.teacher.learner
        place = learner.beliefs.index.get(gtin14)
        return None if place is None else float(learner.state.stated_g[place])

    def _name_of(self, gtin14: str) -> str:
        """Return what the catalogue calls a product, nothing if it does not know it."""
        place = self.beliefs.index.get(gtin14)
        return "" if place is None else self.beliefs.names[place]

    def _restore(self, store: LessonStore) -> None:
        try:
            stored = store.load()
            if stored.state is not None:
                load(self.teacher.learner, stored.state)
            self.ward.restore()
        except (LessonsError, SnapshotError):
            if store.read_only:
                raise
            catalogue = self.teacher.learner.beliefs
            self.teacher = Teacher(catalogue, self._policy, self._settings)
            self._do(store.begin_anew)
            return
        self.teacher.counts = stored.counts
        for case in stored.judged:
            self.teacher.remember(case)
        for lesson in stored.lessons:
            self.teacher.learn(lesson)
        self.teacher.learner.notes.clear()

    def judged(self, claim: Claim, reading: Reading, judgement: Judgement, day: float) -> None:
        """Remember a judgement for what may be learned from it; one that is in doubt tells of faults, too."""
        first = claim.transaction_id not in self.teacher.remembered
        case = self.teacher.judged(claim, reading, judgement, day)
        self._put_judged(case)
        if case is not None and first and case.decision != "accept" and self._settings.enabled:
            lesson = self.teacher.lesson_of(case, day)
            self.ward.saw(None if lesson is None else self.teacher.learner.foresee(lesson))

    def left(self, transaction_id: str, revision: int | None, day: float) -> Innovation | None:
        """Learn from a basket that was accepted and has left."""
        lesson = self.teacher.left(transaction_id, revision, day)
        if lesson is None:
            return None
        self._put_judged(self.teacher.remembered.get(transaction_id))
        return self._learn(lesson)

    def feedback(self, told: Feedback, day: float) -> Innovation | None:
        """Learn from what staff found; raise `FeedbackError` when it is refused."""
        lesson = self.teacher.feedback(told, day)
        self._put_judged(self.teacher.remembered.get(told.transaction_id))
        if self._store is not None:
            counts, store = self.teacher.counts, self._store
            self._do(lambda: store.put_counts(counts))
        return None if lesson is None else self._learn(lesson)

    def _learn(self, lesson: Lesson) -> Innovation | None:
        """Learn from a lesson; one whose scale or carrier is not what it was is only looked at."""
        learner = self.teacher.learner
        if self.ward.diagnosis.holds(lesson.tare):
            innovation = learner.foresee(lesson)
            self.ward.saw(innovation)
            return innovation
        before = learner.number
        innovation = self.teacher.learn(lesson)
        self.ward.learned(learner.notes, self._stated_g)
        self.ward.saw(innovation)
        if self._store is not None and learner.number != before:
            store = self._store
            if learner.solved != learner.number:
                self._do(lambda: store.put_lesson(lesson))
            else:
                self._save_state()
            notes = learner.notes.copy()
            self._do(lambda: store.put_notes(notes))
        learner.notes.clear()
        return innovation

    def _save_state(self) -> None:
        if self._store is not None:
            store, state = self._store, dump(self.teacher.learner)
            self._do(lambda: store.put_state(state))

    def _put_judged(self, case: Remembered | None) -> None:
        if self._store is not None and case is not None:
            store = self._store
            self._do(lambda: store.put_judged(case))

    def _do(self, change: Callable[[], None]) -> None:
        """Change the store, and commit now and then; what it refuses is told of by `alarms`."""
        if self._store is None:
            return
        try:
            change()
            self._changes += 1
            if self._changes >= self._commit_every:
                self._changes = 0
                self._store.commit()
            self._failure = None
        except LessonsError as error:
            self._failure = error

    def alarms(self) -> list[Alarm]:
        """Return the alarms about the store that hold now, and those that do not."""
        failure, aside = self._failure, None if self._store is None else self._store.aside
        unwritable = Alarm(
            code="LESSONS_UNWRITABLE", part=PART, raised=failure is not None, severity="warning",
            message="" if failure is None else failure.message, remedy="" if failure is None else failure.remedy,
        )  # fmt: skip
        damaged = Alarm(
            code="LESSONS_DAMAGED", part=PART, raised=aside is not None, severity="warning",
            message=f"what was learned could not be read and begins anew; the file is now {aside}",
            remedy="import an exported state, or let it learn again; restart to clear",
        )  # fmt: skip
        stored = [unwritable, damaged] if aside is not None else [unwritable]
        return stored + self.ward.alarms(self._name_of)

    def close(self) -> None:
        """Make everything durable."""
        if self._store is not None:
            self._do(self._store.close)
