"""The checker at work: beliefs that follow from the catalogue in force, and the judgements made with them.

What accepted baskets and feedback teach goes into them at once (`school`).

The catalogue may be replaced while the daemon runs: its file is looked at now and then, and a new one is in force
from the next judgement on. One that cannot be read leaves the last one in force, with an alarm.
"""

import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from station import catalogue, messages
from station.catalogue_rows import CatalogueError
from station.core.beliefs import Beliefs
from station.core.effects import Alarm, Answer, Feed, Judge, Learn
from station.core.events import Judged
from station.core.evidence import Reading
from station.core.feedback import FeedbackError
from station.core.policy import Policy, abstained, judge
from station.core.verdict import Weight
from station.school import School

PART = "catalogue"

Note = Callable[[Judge, Reading, Beliefs | None, str | None], None]


def today() -> float:
    """Return the days since 1970."""
    return time.time() / 86_400


class Assessor:
    """Judges by the products of one catalogue file."""

    def __init__(self, path: Path, policy: Policy, school: School, day: Callable[[], float] = today) -> None:
        self.version: str | None = None
        self.products = 0
        self._path = path
        self._policy = policy
        self._school = school
        self._day = day
        self._read: tuple[int, int] | None = None  # what the file looked like when it was last read

    def refresh(self) -> list[Alarm]:
        """Read the catalogue if its file is not what it was; return the alarms that begin or end."""
        now = _looks(self._path)
        if now == self._read and now is not None:
            return self._school.alarms()
        self._read = now
        try:
            found = catalogue.load(self._path)
        except CatalogueError as error:
            remedy = "import it again: station catalogue import FILE"
            return [Alarm(code="CATALOGUE_UNREADABLE", part=PART, raised=True, message=str(error), remedy=remedy)]
        self._school.open(Beliefs.of(found.products, self._policy.departments))
        self.version, self.products = found.version, len(found.products)
        return [Alarm(code="CATALOGUE_UNREADABLE", part=PART, raised=False), *self._school.alarms()]

    def judge(self, question: Judge, note: Note) -> Judged:
        """Return the checker's answer and how long it took; without any catalogue there is nothing to judge by.

        `note` is told the question, the reading as far as it is trusted, the weights and the catalogue's version.
        """
        began_ns = time.monotonic_ns()
        if self.version is None:
            note(question, question.reading, None, None)
            weight = Weight(gross_g=question.reading.gross_g, sd_g=question.reading.sd_g)
            judgement = abstained(("UNKNOWN_WEIGHT",), question.claim.currency, weight)
        else:
            reading = self._school.ward.doubted(question.reading)
            note(question, reading, self._school.beliefs, self.version)
            judgement = judge(question.claim, reading, question.evidence, self._school.beliefs, self._policy)
            self._school.judged(question.claim, question.reading, judgement, self._day())
        now_ns = time.monotonic_ns()
        return Judged(t_ns=now_ns, judge_no=question.judge_no, judgement=judgement, fusion_ms=(now_ns - began_ns) / 1e6)

    def learn(self, given: Learn | Feed) -> list[Answer]:
        """Learn from an accepted basket that has left, or from feedback; return the answer to a command."""
        if isinstance(given, Learn):
            self._school.left(given.transaction_id, given.revision, self._day())
            return []
        answer = None if given.command is None else Answer(command=given.command)
        try:
            self._school.feedback(given.told, self._day())
        except FeedbackError as error:
            answer = answer and replace(answer, code=error.code, message=error.message)
        return [] if answer is None else [answer]

    def diagnosis(self) -> messages.Suspicions:
        """Return what many transactions say of scale and carriers now, and what staff found of the decisions."""
        diagnosis = self._school.ward.diagnosis
        errors = {
            name: messages.Estimate(value=round(value, 2) + 0.0, sd=round(sd, 2))
            for name, (value, sd) in diagnosis.estimates().items()
        }
        feedback = dict(sorted(self._school.teacher.counts.items()))
        return messages.Suspicions(errors=errors, slips=diagnosis.state.slips, feedback=feedback)

    def close(self) -> None:
        """Make what was learned durable."""
        self._school.close()


def _looks(path: Path) -> tuple[int, int] | None:
    """Return what tells one state of a file from another, None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
