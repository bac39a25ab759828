"""The checker at work: beliefs that follow from the catalogue in force, and the judgements made with them.

The catalogue may be replaced while the daemon runs: its file is looked at now and then, and a new one is in force
from the next judgement on. One that cannot be read leaves the last one in force, with an alarm.
"""

import time
from pathlib import Path

from station import catalogue
from station.catalogue_rows import CatalogueError
from station.core.beliefs import Beliefs
from station.core.effects import Alarm, Judge
from station.core.events import Judged
from station.core.policy import Policy, abstained, judge
from station.core.verdict import Weight

PART = "catalogue"


class Assessor:
    """Judges by the products of one catalogue file."""

    def __init__(self, path: Path, policy: Policy) -> None:
        self.version: str | None = None
        self.products = 0
        self._path = path
        self._policy = policy
        self._beliefs = Beliefs.of(())
        self._read: tuple[int, int] | None = None  # what the file looked like when it was last read

    def refresh(self) -> list[Alarm]:
        """Read the catalogue if its file is not what it was; return the alarms that begin or end."""
        now = _looks(self._path)
        if now == self._read and now is not None:
            return []
        self._read = now
        try:
            found = catalogue.load(self._path)
        except CatalogueError as error:
            remedy = "import it again: station catalogue import FILE"
            return [Alarm(code="CATALOGUE_UNREADABLE", part=PART, raised=True, message=str(error), remedy=remedy)]
        self._beliefs = Beliefs.of(found.products, self._policy.departments)
        self.version, self.products = found.version, len(found.products)
        return [Alarm(code="CATALOGUE_UNREADABLE", part=PART, raised=False)]

    def judge(self, question: Judge) -> Judged:
        """Return the checker's answer and how long it took; without any catalogue there is nothing to judge by."""
        began_ns = time.monotonic_ns()
        if self.version is None:
            weight = Weight(gross_g=question.reading.gross_g, sd_g=question.reading.sd_g)
            judgement = abstained(("UNKNOWN_WEIGHT",), question.claim.currency, weight)
        else:
            judgement = judge(question.claim, question.reading, question.evidence, self._beliefs, self._policy)
        now_ns = time.monotonic_ns()
        return Judged(t_ns=now_ns, judge_no=question.judge_no, judgement=judgement, fusion_ms=(now_ns - began_ns) / 1e6)


def _looks(path: Path) -> tuple[int, int] | None:
    """Return what tells one state of a file from another, None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
