"""The course of visits: runs inputs through the table of `transaction`, and does what its actions mean.

Every name of an action or a question in the table is a method here. The course owns the visit, the state and the
deadlines; a deadline lives only while the table knows its input in the present state.
"""

from collections import deque
from typing import NamedTuple, TypeVar

import msgspec

from station.core import visit as visits
from station.core.claim import Claim
from station.core.claims import Ledger
from station.core.effects import Alarm, Announce, Capture, Deliver, Effect, Judge, KeepVisit, Learn, Phase, Token
from station.core.events import Judged, TokenRead
from station.core.faults import Faults
from station.core.gaze import Gaze, late
from station.core.policy import abstained
from station.core.setup import Setup
from station.core.tracks import NS
from station.core.transaction import TABLE, Input, RefusedError, State, step
from station.core.verdict import EvidenceSummary, Judgement, Reason, Timing, Verdict, Versions, Weight
from station.core.visit import Visit
from station.core.weighing import Weighing

MS_NS = 1e6

Known = TypeVar("Known")
Carried = TypeVar("Carried")


class Taken(NamedTuple):
    """A claim on its way into a visit, and the last verdict number of its transaction."""

    claim: Claim
    last_verdict_no: int = 0


Brought = Taken | TokenRead | Judged | None


class Course:
    """One visit after the other. The owner puts inputs with what they carry, and collects the effects."""

    def __init__(self, setup: Setup, versions: Versions, weighing: Weighing, faults: Faults, ledger: Ledger) -> None:
        self.versions = versions  # the owner keeps them true
        self.state = State.OUT_OF_ORDER  # until the scales have been heard
        self.visit: Visit | None = None
        self.gaze: Gaze | None = None
        self.number = 0  # of the last capture or question
        self.deadlines: dict[Input, int] = {}
        self.effects: list[Effect] = []
        self._setup = setup
        self._weighing = weighing
        self._faults = faults
        self._ledger = ledger
        self._visits = 0
        self._inputs: deque[tuple[Input, Brought]] = deque()
        self._brought: Brought = None  # by the input that is being taken
        self._t_ns = 0
        self._unsteady = False  # the platform was reported never to be still

    def begin_event(self, t_ns: int) -> None:
        """Start collecting the effects of an event at `t_ns`; deadlines that have passed come first."""
        self._t_ns, self.effects = t_ns, []
        for what, at_ns in sorted(self.deadlines.items(), key=lambda item: item[1]):
            if self.deadlines.get(what) == at_ns <= t_ns:
                del self.deadlines[what]
                self.put(what)
                self.run()

    def put(self, what: Input, brought: Brought = None) -> None:
        """Queue an input with what it brings: a `Taken` claim, a `TokenRead` or a `Judged`."""
        self._inputs.append((what, brought))

    def run(self) -> None:
        """Take the inputs, and those that follow from them."""
        while self._inputs:
            what, self._brought = self._inputs.popleft()
            go = step(self.state, what, lambda question: bool(getattr(self, question)()))
            for action in go.actions:
                getattr(self, action)()
            self.state = go.state
            self.deadlines = {key: at for key, at in self.deadlines.items() if (self.state, key) in TABLE}
        self._brought = None

    def _within(self, what: Input, seconds: float) -> None:
        self.deadlines[what] = self._t_ns + int(seconds * NS)

    @property
    def _open(self) -> Visit:
        return known(self.visit)

    # questions

    def visit_is_open(self) -> bool:  # noqa: D102 - the table's words
        return self.visit is not None

    def has_claim(self) -> bool:  # noqa: D102
        return self.visit is not None and self.visit.claim is not None

    def claim_is_open(self) -> bool:  # noqa: D102
        return self.visit is not None and self.visit.claim_is_open

    def claim_is_settled(self) -> bool:  # noqa: D102
        return self.visit is not None and self.visit.claim_is_settled

    def settled_elsewhere(self) -> bool:  # noqa: D102
        return self.visit is not None and self.visit.settled

    def visit_is_over(self) -> bool:  # noqa: D102
        return self.visit is not None and self.visit.is_over

    def same_load(self) -> bool:
        """Whether what lies there is what the last verdict was about."""
        now, then = self._weighing.reading, self._open.judged
        return now is not None and then is not None and self._weighing.same_load(now, then)

    # actions: the visit

    def begin(self) -> None:
        """Open a visit, unless a phone's code has opened it already."""
        if self.visit is None:
            self._visits += 1
            self.visit = Visit(visit_id=f"{self._setup.session}-{self._visits}", moved_ns=self._t_ns)

    def close(self) -> None:
        """End the visit; a claim that was held begins the next one."""
        ended = self._open
        self.give_up()
        if ended.passed is not None:
            self.effects.append(Learn(transaction_id=ended.passed.transaction_id, revision=ended.passed.revision))
        if ended.next_claim is not None:
            self.put(Input.CLAIM, Taken(ended.next_claim, ended.next_verdict_no))

    def give_up(self) -> None:
        """End the visit for another's sake. A claim without its verdict may be sent again."""
        self._announce("closed", None)
        ended = self._open
        if ended.claim is not None and not ended.claim_is_settled:
            self._ledger.forget(ended.claim.transaction_id)
        self.visit, self.gaze = None, None
        self.deadlines.clear()
        self.effects.append(KeepVisit(snapshot=None))

    def hand_on(self) -> None:
        """End the visit and begin another with the load that lies there, and its deadlines."""
        moved_ns, deadlines = self._open.moved_ns, dict(self.deadlines)
        self.give_up()
        self.deadlines = deadlines
        self.begin()
        self._open.moved_ns = moved_ns
        self.announce_placed()

    def take_claim(self) -> None:
        """Make the claim that came the visit's own."""
        taken = self._carried(Taken)
        self._open.claim = taken.claim
        self._open.verdict_no = max(self._open.verdict_no, taken.last_verdict_no)
        self._open.settled = False
        self._keep()

    def hold_claim(self) -> None:
        """Keep the claim that came for the next visit; one that was kept before may be sent again."""
        taken, before = self._carried(Taken), self._open.next_claim
        if before is not None and before.transaction_id != taken.claim.transaction_id:
            self._ledger.forget(before.transaction_id)
        self._open.next_claim, self._open.next_verdict_no = taken
        self._keep()

    def drop_claim(self) -> None:
        """Forget the claim and what was said of it."""
        self._open.claim = self._open.judged = self._open.decision = None
        self._keep()

    def settle_claim(self) -> None:
        """Paid or settled elsewhere."""
        self._open.settled = True
        self._keep()

    def hand_over_token(self) -> None:
        """Tell the backend of a phone's code."""
        token = self._carried(TokenRead)
        self.effects.append(Token(visit_id=self._open.visit_id, token=token.token, symbology=token.symbology))

    def _carried(self, kind: type[Carried]) -> Carried:
        """Return what the present input brought."""
        if not isinstance(self._brought, kind):
            raise RefusedError(f"an input came without its {kind.__name__}")
        return self._brought

    def _keep(self) -> None:
        self.effects.append(KeepVisit(snapshot=visits.snapshot(self._open)))

    # actions: the load

    def await_claim(self) -> None:
        """A claim should come soon."""
        self._within(Input.NO_CLAIM, self._setup.deadlines.no_claim_s)

    def await_stillness(self) -> None:
        """The load moves now, and should settle soon."""
        self._open.moved_ns = self._t_ns
        self._within(Input.NOT_SETTLED, self._setup.deadlines.settle_s)

    def expect_stillness(self) -> None:
        """The load should settle soon, if it is not still already; when it began to move does not change."""
        if self._weighing.reading is None and Input.NOT_SETTLED not in self.deadlines:
            self._within(Input.NOT_SETTLED, self._setup.deadlines.settle_s)

    def await_load(self) -> None:
        """A load should come before the claim expires."""
        self._within(Input.EXPIRED, self._setup.deadlines.claim_expiry_s)

    def take_reading(self) -> None:
        """The load lies still."""
        self._open.reading = self._weighing.reading
        self.deadlines.pop(Input.NOT_SETTLED, None)

    def drop_reading(self) -> None:
        """The load is not still any more."""
        self._open.reading = None

    def settle_again(self) -> None:
        """If the load lies still already, say so once more."""
        if self._weighing.reading is not None:
            self.put(Input.SETTLED)

    def announce_placed(self) -> None:
        """Tell of a load, with its weight if one can be told yet."""
        level = self._weighing.level()
        self._open.placed = True
        self._announce("placed", None if level is None or level.now_g is None else (level.now_g, level.sd_g))

    def announce_stable(self) -> None:
        """Tell of a reading, once."""
        if self._open.reading != self._open.announced:
            self._announce_reading("stable")

    def announce_changed(self) -> None:
        """Tell that the load is not what the verdict was about."""
        self._announce_reading("changed")

    def announce_removed(self) -> None:
        """Tell that the load has gone."""
        self._open.reading = self._open.announced = self.gaze = None
        if not self._open.placed:
            return
        self._open.placed = False
        level = self._weighing.level()
        self._announce("removed", None if level is None else (level.mean_g, level.sd_g))

    def _announce_reading(self, phase: Phase) -> None:
        reading = known(self._open.reading)
        self._open.announced = reading
        self._announce(phase, (reading.gross_g, reading.sd_g))

    def _announce(self, phase: Phase, weight: tuple[float, float] | None) -> None:
        gross_g, sd_g = weight or (None, None)
        visit_id, transaction_id = self._open.visit_id, self._open.transaction_id
        self.effects.append(
            Announce(visit_id=visit_id, transaction_id=transaction_id, phase=phase, gross_g=gross_g, sd_g=sd_g)
        )

    # actions: judging

    def look(self) -> None:
        """Ask the cameras what lies there, unless they were asked while this load settled."""
        if self.gaze is None or self.gaze.reading is not None:
            self._ask_cameras()
        gaze = known(self.gaze)
        gaze.reading = known(self._open.reading)
        if gaze.waiting:
            self._within(Input.EVIDENCE, self._setup.deadlines.evidence_s)
        else:
            self.put(Input.EVIDENCE)

    def look_ahead(self) -> None:
        """The load has nearly settled: ask the cameras now; told by the owner, after each step of the load anew."""
        if self._setup.cameras and self.state in {State.SETTLING, State.CHANGED}:
            self._ask_cameras()

    def _ask_cameras(self) -> None:
        self.number += 1
        self.gaze = Gaze(capture_no=self.number, reading=None, waiting=set(self._setup.cameras))
        if self._setup.cameras:
            self.effects.append(Capture(capture_no=self.number))

    def look_again(self) -> None:
        """Use what the cameras said of this very load, or ask them."""
        if self.gaze is not None and self.gaze.reading == self._open.reading and not self.gaze.waiting:
            self.put(Input.EVIDENCE)
        else:
            self._open.reading = self._weighing.reading
            self.look()

    def ask_checker(self) -> None:
        """Ask for a judgement of what is known now."""
        gaze = known(self.gaze)
        self.deadlines.pop(Input.EVIDENCE, None)
        self.effects.extend(late(camera) for camera in sorted(gaze.waiting))
        self.number += 1
        claim, reading = known(self._open.claim), self._weighing.refined(known(self._open.reading))
        self.effects.append(Judge(judge_no=self.number, claim=claim, reading=reading, evidence=gaze.evidence()))

    def deliver(self) -> None:
        """Give the checker's judgement."""
        judged = self._carried(Judged)
        judgement = judged.judgement
        if self._setup.cameras and not known(self.gaze).seen:
            judgement = msgspec.structs.replace(judgement, reasons=(*judgement.reasons, "CAMERA_FAULT"))
        self._open.judged = self._open.reading
        self._give(judgement, judged.fusion_ms)

    def abstain_no_claim(self) -> None:
        """Say that nobody claimed the load."""
        self._abstain("NO_CLAIM")

    def abstain_not_settled(self) -> None:
        """Say that the load does not settle."""
        self._abstain("NOT_SETTLED")

    def abstain_fault(self) -> None:
        """Say once that the scale cannot be read, unless a verdict about this very load stands."""
        visit = self.visit
        if visit is None or visit.faulted or visit.verdict_stands or not self._faults.present:
            return
        visit.faulted = True
        self._abstain("NOT_CALIBRATED" if self._faults.uncalibrated else "SCALE_FAULT")

    def abstain_unsteady(self) -> None:
        """Say that the platform has never been still, and abstain where somebody waits."""
        self._unsteady = True
        self.effects.append(unsteady(raised=True))
        if self.visit is not None and not self.visit.verdict_stands:
            self._abstain("NOT_SETTLED")

    def heed(self, *, steady: bool) -> None:
        """While the platform is unknown though nothing is broken, stillness is awaited; told by the owner."""
        if not steady and not self._unsteady and Input.NOT_SETTLED not in self.deadlines:
            self._within(Input.NOT_SETTLED, self._setup.deadlines.settle_s)
        elif steady and self._unsteady:
            self._unsteady = False
            self.effects.append(unsteady(raised=False))

    def _abstain(self, reason: Reason) -> None:
        claim, reading = self._open.claim, self._open.reading if reason == "NO_CLAIM" else None
        weight = None if reading is None else Weight(gross_g=reading.gross_g, sd_g=reading.sd_g)
        currency = self._setup.currency if claim is None else claim.currency
        self._open.judged = None
        self._give(abstained((reason,), currency, weight), fusion_ms=0.0)

    def _give(self, judgement: Judgement, fusion_ms: float) -> None:
        now = self._open
        now.verdict_no += 1
        now.decision = judgement.decision
        now.judged_revision = None if now.claim is None else now.claim.revision
        verdict = Verdict(
            visit_id=now.visit_id,
            transaction_id=now.transaction_id,
            revision=now.judged_revision,
            verdict_no=now.verdict_no,
            judgement=judgement,
            evidence=EvidenceSummary() if self.gaze is None else self.gaze.summary(),
            versions=self.versions,
            timing_ms=self._timing(fusion_ms),
        )
        self.effects.append(Deliver(verdict=verdict))
        self._keep()

    def _timing(self, fusion_ms: float) -> Timing:
        now, seen = self._open, [] if self.gaze is None else self.gaze.seen
        settled_ns = self._t_ns if now.reading is None else now.reading.t_ns
        return Timing(
            settle=max(settled_ns - now.moved_ns, 0) / MS_NS,
            capture=max((answer.capture_ms for answer in seen), default=0.0),
            vision=max((answer.vision_ms for answer in seen), default=0.0),
            inference=max((answer.inference_ms for answer in seen), default=0.0),
            fusion=fusion_ms,
            total=max(self._t_ns - now.moved_ns, 0) / MS_NS,
        )


def unsteady(*, raised: bool) -> Alarm:
    """Return the alarm of a platform that is never still."""
    remedy = "see what shakes the platform or touches it: a wall, a cable, a machine nearby"
    return Alarm(
        code="SCALE_UNSTEADY", part="platform", raised=raised, severity="warning",
        message="the platform has not been still since it was connected", remedy=remedy,
    )  # fmt: skip


def known(value: Known | None) -> Known:
    """Return a value that is there in every state whose actions use it: the table's promise."""
    if value is None:
        raise RefusedError("an action of the table lacks what its input should have brought")
    return value
