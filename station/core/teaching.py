"""The way from judged baskets to lessons: what was let go and left teaches, and what staff found teaches more.

A judged transaction is remembered for seven days, so that a basket can teach once it has left, and feedback
can say what really lay there: once, at a bounded rate, and only by those who looked. Feedback also counts how often
each decision was right. Days are fractions of days since 1970; 0 stands for an unknown time, which never is too late.
"""

from collections import OrderedDict, deque

import msgspec
import numpy as np

from station.core.basket import weigh
from station.core.beliefs import Beliefs
from station.core.claim import Claim, Line
from station.core.evidence import Reading
from station.core.feedback import Content, Feedback, FeedbackError
from station.core.learning import Learner
from station.core.learning_settings import LearningSettings
from station.core.lesson import Innovation, Lesson, Source, lesson_of, number_of
from station.core.store_policy import Policy
from station.core.verdict import Decision, Judgement

REMEMBERED = 5_000  # judged transactions: a busy week
DAYS = 7.0  # that feedback may come late
HOUR = 1 / 24
LOOKED = frozenset({"attendant", "staff", "audit"})  # sources that saw the goods


class Remembered(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One judged transaction: its last claim and reading, and what has become of it."""

    claim: Claim
    reading: Reading
    decision: Decision
    p: float
    day: float = 0.0
    taught: bool = False  # it was let go and has taught
    told: tuple[Content, ...] | None = None  # by feedback


class Teacher:
    """Owns the learner, the memory of judged transactions, and the counts of how right the decisions were."""

    def __init__(self, catalogue: Beliefs, policy: Policy, settings: LearningSettings) -> None:
        self.learner = Learner(catalogue, settings)
        self.counts: dict[str, int] = {}  # `accept_right`, `review_wrong`, …: decision, and whether it was as claimed
        self.remembered: OrderedDict[str, Remembered] = OrderedDict()
        self._policy = policy
        self._settings = settings
        self._told_days: deque[float] = deque()

    @property
    def beliefs(self) -> Beliefs:
        """Return what is believed now."""
        return self.learner.beliefs

    def judged(self, claim: Claim, reading: Reading, judgement: Judgement, day: float) -> Remembered | None:
        """Remember a judgement; None if there was none to remember."""
        if judgement.p_as_claimed is None:
            return None
        before = self.remembered.pop(claim.transaction_id, None)
        if before is not None and before.told is not None:
            self.remembered[claim.transaction_id] = before
            return None
        case = Remembered(
            claim=claim, reading=reading, decision=judgement.decision, p=judgement.p_as_claimed, day=day,
            taught=before is not None and before.taught,
        )  # fmt: skip
        self.remember(case)
        return case

    def remember(self, case: Remembered) -> None:
        """Take a judged transaction into the memory, and let the oldest go."""
        self.remembered[case.claim.transaction_id] = case
        while len(self.remembered) > REMEMBERED:
            self.remembered.popitem(last=False)

    def take_over(self, before: "Teacher") -> None:
        """Remember what another one remembered; what was learned goes its own way."""
        self.remembered, self.counts, self._told_days = before.remembered, before.counts, before._told_days  # noqa: SLF001

    def left(self, transaction_id: str, revision: int | None, day: float) -> Lesson | None:
        """Return what a basket teaches that was let go and has left: by this very claim, and once.

        Baskets that were questioned and yet let go are among them, unless the settings say otherwise. Each is doubted
        by its probability, and looked at anew later; without them only what surprises nobody could be learned.
        """
        case = self.remembered.get(transaction_id)
        if case is None or case.taught or case.told is not None:
            return None
        if case.decision != "accept" and not self._settings.from_questioned:
            return None
        if not self._settings.enabled or revision not in {None, case.claim.revision}:
            return None
        case.taught = True
        return self._lesson(case, case.claim, "accepted", day)

    def feedback(self, told: Feedback, day: float) -> Lesson | None:
        """Take feedback; return what it teaches, None if nothing. Raise `FeedbackError` if it is refused."""
        case = self.remembered.get(told.transaction_id)
        if case is None:
            raise FeedbackError("unknown_transaction", f"no judged transaction {told.transaction_id} is remembered")
        if case.told is not None:
            if case.told == told.contents:
                return None
            raise FeedbackError("already_told", "feedback on this transaction was taken before, with other contents")
        if day > 0 and case.day > 0 and day - case.day > DAYS:
            raise FeedbackError("too_old", f"the transaction was judged more than {DAYS:.0f} days ago")
        self._count_rate(day)
        case.told = told.contents
        if told.source not in LOOKED:
            return None
        key = f"{case.decision}_{'right' if _totals(told.contents) == _totals(case.claim.lines) else 'wrong'}"
        self.counts[key] = self.counts.get(key, 0) + 1
        return self._lesson(case, _as_found(case.claim, told), "attendant", day) if self._settings.enabled else None

    def learn(self, lesson: Lesson) -> Innovation | None:
        """Take a lesson in."""
        return self.learner.learn(lesson)

    def lesson_of(self, case: Remembered, day: float) -> Lesson | None:
        """Return the equation of a judged case by its claim, for looking at, not for learning."""
        return self._lesson(case, case.claim, "accepted", day)

    def _count_rate(self, day: float) -> None:
        if day <= 0:
            return
        while self._told_days and self._told_days[0] <= day - HOUR:
            self._told_days.popleft()
        if len(self._told_days) >= self._settings.feedback_per_hour:
            raise FeedbackError(
                "rate_limited", f"more than {self._settings.feedback_per_hour} feedbacks within an hour"
            )
        self._told_days.append(day)

    def _lesson(self, case: Remembered, contents: Claim, source: Source, day: float) -> Lesson | None:
        basket = weigh(contents, case.reading, self.beliefs, self._policy)
        if not np.isfinite(basket.residual_g):
            return None
        return lesson_of(
            basket, self.beliefs, case.claim.transaction_id, case.p, source=source,
            shopper=number_of(case.claim.shopper), day=day, tare=basket.tare_kind,
        )  # fmt: skip


def _totals(items: tuple[Line, ...] | tuple[Content, ...]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for item in items:
        totals[item.gtin] = totals.get(item.gtin, 0) + item.quantity
    return totals


def _as_found(claim: Claim, told: Feedback) -> Claim:
    """Return the claim with the lines that were really there; labels' weights are the claim's, as far as they go."""
    left = [line for line in claim.lines if line.weight_g is not None]
    lines: list[Line] = []
    for item in told.contents:
        labelled = [line for line in left if line.gtin == item.gtin]
        units = sum(line.quantity for line in labelled)
        if labelled and units <= item.quantity:
            lines.extend(labelled)
        rest = item.quantity - (units if units <= item.quantity else 0)
        if rest > 0:
            lines.append(Line(line=1, gtin=item.gtin, quantity=rest))
    numbered = (msgspec.structs.replace(line, line=number) for number, line in enumerate(lines, start=1))
    return msgspec.structs.replace(claim, lines=tuple(numbered))
