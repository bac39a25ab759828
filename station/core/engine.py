"""The station's mind: one object that every event passes through, `Engine.handle(event) -> effects`.

It owns the weighing, the visit and the deadlines, and knows no clock: time is what events say. What a visit does is
written in the table of `transaction`; here stands what the table's actions and questions mean.
"""

from collections.abc import Callable, Iterable

import msgspec

from station.core import events, visit
from station.core.claim import Claim
from station.core.claims import Ledger
from station.core.effects import (
    Announce, Answer, Capture, Deliver, Effect, Judge, KeepVisit, KeepZero, LearnEmpty, Phase, Token,
)  # fmt: skip
from station.core.evidence import Evidence, Reading, Sighting
from station.core.faults import Faults
from station.core.policy import abstained
from station.core.tracks import NS, ScaleSpec
from station.core.transaction import TABLE, Input, State, step
from station.core.verdict import EvidenceSummary, Judgement, Reason, Timing, Verdict, Versions, Weight
from station.core.visit import Visit
from station.core.weighing import Change, Loaded, Moved, PlatformPhase, Settled, Unloaded, Weighing, WeighingSettings

ZERO_KEPT_D = 0.5  # divisions that the zero may move before it is stored again
EMPTY_EVERY_S = 30.0  # how often cameras may learn the empty platform anew
UNKNOWN_P = 0.5  # above this a sighting counts as an unknown object
SAMPLE_SETTLING, SAMPLE_UNUSABLE = 2, 14  # bits of drivers.base.SampleFlag


class Deadlines(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long each state may last, in seconds."""

    no_claim_s: float = 10.0
    settle_s: float = 15.0
    claim_expiry_s: float = 300.0
    evidence_s: float = 1.5


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of the engine starts with; `session` makes its visit ids unique."""

    session: str
    scales: tuple[ScaleSpec, ...]
    cameras: tuple[str, ...] = ()
    weighing: WeighingSettings = WeighingSettings()
    deadlines: Deadlines = Deadlines()
    currency: str = "EUR"


class _Look(msgspec.Struct):
    """The cameras' answers to one capture."""

    number: int
    reading: Reading
    waiting: set[str]
    seen: list[events.Seen]


class Engine:
    """The whole core. Not thread-safe: one consumer owns it."""

    def __init__(self, setup: Setup, versions: Versions) -> None:
        self.versions = versions  # the owner keeps them true
        self.state = State.OUT_OF_ORDER  # until the scales have been heard
        self.weighing = Weighing(setup.scales, setup.weighing)
        self.visit: Visit | None = None
        self._setup = setup
        self._faults = Faults(self.weighing)
        self._ledger = Ledger()
        self._held: Claim | None = None
        self._look: _Look | None = None
        self._numbers = 0
        self._visits = 0
        self._deadlines: dict[Input, int] = {}
        self._inputs: list[Input] = []
        self._effects: list[Effect] = []
        self._claim: events.Claimed | events.Corrected | None = None  # the one being taken
        self._token: events.TokenRead | None = None
        self._judged: events.Judged | None = None
        self._load: Loaded | None = None
        self._t_ns = 0
        self._kept_zero_g = 0.0
        self._emptied_ns: int | None = None

    @property
    def next_deadline_ns(self) -> int | None:
        """Return when `Ticked` is due at the latest, None if nothing waits."""
        return min(self._deadlines.values(), default=None)

    def resume(self, kept: Visit) -> None:
        """Go on with the visit of the last run; only before the first event."""
        self.visit = kept
        if kept.claim is not None:
            self._ledger.keep(kept.claim)

    def handle(self, event: events.AnyEvent) -> list[Effect]:
        """Take one event and return what is to be done, in order."""
        self._t_ns = event.t_ns
        self._effects = []
        _HANDLERS[type(event)](self, event)
        self._expire()
        self._run()
        self.weighing.idle = self.state is State.IDLE and self.visit is None
        self._keep_zero()
        self._learn_empty()
        return self._effects

    # events

    def _ticked(self, _event: events.Ticked) -> None:
        self._watch(range(len(self._setup.scales)))

    def _sampled(self, event: events.Sampled) -> None:
        changes = self.weighing.sampled(
            event.scale,
            event.t_ns,
            event.counts,
            usable=not event.flags & SAMPLE_UNUSABLE,
            settling=bool(event.flags & SAMPLE_SETTLING),
        )
        self._watch((event.scale,))
        self._weighed(changes)

    def _indicated(self, event: events.Indicated) -> None:
        changes = self.weighing.indicated(event.scale, event.t_ns, event.state, event.weight_g)
        self._watch((event.scale,))
        self._weighed(changes)

    def _scale_lost(self, event: events.ScaleLost) -> None:
        self._faults.lost(event.scale, event.message, event.remedy)
        self._watch((event.scale,))

    def _scale_found(self, event: events.ScaleFound) -> None:
        self._faults.found(event.scale)
        self.weighing.connected(event.scale, event.t_ns)
        self._watch((event.scale,))

    def _calibrated(self, event: events.Calibrated) -> None:
        self.weighing.calibrate(event.scale, event.calibration)
        self._watch((event.scale,))

    def _zero_restored(self, event: events.ZeroRestored) -> None:
        self.weighing.restore_zero(event.zero_g)
        self._kept_zero_g = event.zero_g

    def _seen(self, event: events.Seen) -> None:
        self._answered(event.capture_no, event.camera, event)

    def _blind(self, event: events.Blind) -> None:
        self._answered(event.capture_no, event.camera, None)

    def _claimed(self, event: events.Claimed) -> None:
        news = self._ledger.judge(event.claim)
        if news == "new":
            self._ledger.keep(event.claim)
            self._claim = event
            mine = self.visit is None or self.visit.transaction_id in (None, event.claim.transaction_id)
            self._inputs.append(Input.CLAIM if mine else Input.OTHER_CLAIM)
        self._answer(event.command, *_CLAIM_ANSWERS[news])

    def _cancelled(self, event: events.Cancelled) -> None:
        self._ledger.forget(event.transaction_id)
        if self._held is not None and self._held.transaction_id == event.transaction_id:
            self._held = None
        elif self.visit is not None and self.visit.transaction_id == event.transaction_id:
            self._inputs.append(Input.CANCEL)
        else:
            self._answer(event.command, "unknown_transaction", f"no claim of {event.transaction_id} is open here")
            return
        self._answer(event.command)

    def _released(self, event: events.Released) -> None:
        named = {event.transaction_id, event.visit_id} - {None}
        if self.visit is not None and named & {self.visit.transaction_id, self.visit.visit_id}:
            self._inputs.append(Input.RELEASE)
            self._answer(event.command)
        else:
            self._answer(event.command, "unknown_transaction", "no such transaction or visit is open here")

    def _zero_ordered(self, event: events.ZeroOrdered) -> None:
        if self.state is not State.IDLE:
            self._answer(event.command, "not_idle", "a visit is open or the platform is not empty")
            return
        refusal = self.weighing.set_zero()
        self._answer(event.command, None if refusal is None else "zero_refused", refusal or "")

    def _token_read(self, event: events.TokenRead) -> None:
        self._token = event
        self._inputs.append(Input.TOKEN)

    def _corrected(self, event: events.Corrected) -> None:
        if self.visit is not None and self.visit.transaction_id == event.claim.transaction_id:
            self._claim = event
            self._inputs.append(Input.CORRECTION)

    def _was_judged(self, event: events.Judged) -> None:
        if event.judge_no == self._numbers:
            self._judged = event
            self._inputs.append(Input.JUDGED)

    # the weighing's changes and faults become inputs

    def _weighed(self, changes: Iterable[Change]) -> None:
        if self._faults.present:
            self.weighing.distrust()
            return
        for change in changes:
            if isinstance(change, Loaded):
                self._load = change
            self._inputs.append(_CHANGE_INPUTS[type(change)])

    def _watch(self, scales: Iterable[int]) -> None:
        alarms, trouble = self._faults.watch(scales, self._t_ns)
        self._effects.extend(alarms)
        unknown = self.weighing.phase is PlatformPhase.UNKNOWN
        if trouble or (unknown and self.state is not State.OUT_OF_ORDER):
            if self.visit is not None and trouble:
                self.visit.faulted = False
            self._inputs.append(Input.TROUBLE)

    def _answered(self, number: int, camera: str, seen: events.Seen | None) -> None:
        look = self._look
        if look is None or look.number != number or camera not in look.waiting:
            return
        look.waiting.discard(camera)
        if seen is not None:
            look.seen.append(seen)
        if not look.waiting and self.state is State.JUDGING:
            self._inputs.append(Input.EVIDENCE)

    # the machine

    def _expire(self) -> None:
        for what, at_ns in sorted(self._deadlines.items(), key=lambda item: item[1]):
            if at_ns <= self._t_ns:
                del self._deadlines[what]
                self._inputs.append(what)

    def _run(self) -> None:
        while self._inputs:
            what = self._inputs.pop(0)
            if what in DEADLINES and (self.state, what) not in TABLE:
                continue  # an input before it in the same event led out of the state that waited
            go = step(self.state, what, self._ask)
            for action in go.actions:
                _ACTIONS[action](self)
            self.state = go.state
            self._deadlines = {key: at for key, at in self._deadlines.items() if (self.state, key) in TABLE}

    def _ask(self, question: str) -> bool:
        return _QUESTIONS[question](self)

    def _within(self, what: Input, seconds: float) -> None:
        self._deadlines[what] = self._t_ns + int(seconds * NS)

    @property
    def _open(self) -> Visit:
        assert self.visit is not None  # the table begins a visit before any action that needs one
        return self.visit

    # questions

    def _same_load(self) -> bool:
        now, then = self.weighing.reading, self._open.judged
        return now is not None and then is not None and self.weighing.same_load(now, then)

    # actions: the visit

    def _begin(self) -> None:
        if self.visit is None:
            self._visits += 1
            self.visit = Visit(visit_id=f"{self._setup.session}-{self._visits}", moved_ns=self._t_ns)

    def _close(self) -> None:
        self._announce("closed", None)
        self.visit, self._look = None, None
        self._effects.append(KeepVisit(snapshot=None))
        if self._held is not None:
            self._claim, self._held = events.Claimed(t_ns=self._t_ns, claim=self._held), None
            self._inputs.append(Input.CLAIM)

    def _hand_on(self) -> None:
        moved_ns = self._open.moved_ns
        self._announce("closed", None)
        self.visit, self._look = None, None
        self._begin()
        self._open.moved_ns = moved_ns
        self._announce_placed()

    def _take_claim(self) -> None:
        assert self._claim is not None  # CLAIM and CORRECTION come with one
        if isinstance(self._claim, events.Claimed):
            self._open.verdict_no = max(self._open.verdict_no, self._claim.last_verdict_no)
        self._open.claim = self._claim.claim
        self._open.settled = False
        self._keep()

    def _hold_claim(self) -> None:
        assert self._claim is not None  # CLAIM and OTHER_CLAIM come with one
        self._held = self._claim.claim

    def _drop_claim(self) -> None:
        self._open.claim = self._open.judged = self._open.decision = None
        self._keep()

    def _settle_claim(self) -> None:
        self._open.settled = True
        self._keep()

    def _keep(self) -> None:
        self._effects.append(KeepVisit(snapshot=visit.snapshot(self._open)))

    def _hand_over_token(self) -> None:
        assert self._token is not None  # TOKEN comes with one
        self._effects.append(
            Token(visit_id=self._open.visit_id, token=self._token.token, symbology=self._token.symbology)
        )

    # actions: the load

    def _await_claim(self) -> None:
        self._within(Input.NO_CLAIM, self._setup.deadlines.no_claim_s)

    def _await_stillness(self) -> None:
        self._open.moved_ns = self._t_ns
        self._within(Input.NOT_SETTLED, self._setup.deadlines.settle_s)

    def _await_load(self) -> None:
        self._open.replaced = True
        self._within(Input.EXPIRED, self._setup.deadlines.claim_expiry_s)

    def _take_reading(self) -> None:
        self._open.reading = self.weighing.reading
        self._deadlines.pop(Input.NOT_SETTLED, None)

    def _drop_reading(self) -> None:
        self._open.reading = None

    def _settle_again(self) -> None:
        if self.weighing.reading is not None:
            self._inputs.append(Input.SETTLED)

    def _announce_placed(self) -> None:
        level = self.weighing.level()
        known = level is not None and level.now_g is not None
        self._announce("placed", (level.now_g, level.sd_g) if known and level else None)

    def _announce_stable(self) -> None:
        reading = self._open.reading
        if reading is not None and reading != self._open.announced:
            self._open.announced = reading
            self._announce("stable", (reading.gross_g, reading.sd_g))

    def _announce_changed(self) -> None:
        reading = self._open.reading
        self._open.announced = reading
        self._announce("changed", None if reading is None else (reading.gross_g, reading.sd_g))

    def _announce_removed(self) -> None:
        level = self.weighing.level()
        self._open.reading = None
        self._announce("removed", None if level is None else (level.mean_g, level.sd_g))

    def _announce(self, phase: Phase, weight: tuple[float | None, float] | None) -> None:
        gross_g, sd_g = weight or (None, None)
        self._effects.append(
            Announce(
                visit_id=self._open.visit_id,
                transaction_id=self._open.transaction_id,
                phase=phase,
                gross_g=gross_g,
                sd_g=sd_g,
            )
        )

    # actions: judging

    def _look_now(self) -> None:
        reading = self._open.reading
        assert reading is not None  # JUDGING begins with a settled load
        self._numbers += 1
        self._look = _Look(self._numbers, reading, set(self._setup.cameras), [])
        if self._setup.cameras:
            self._effects.append(Capture(capture_no=self._numbers))
            self._within(Input.EVIDENCE, self._setup.deadlines.evidence_s)
        else:
            self._inputs.append(Input.EVIDENCE)

    def _look_again(self) -> None:
        """Use what the cameras said of this very load, or ask them."""
        if self._look is not None and self._look.reading == self._open.reading and not self._look.waiting:
            self._inputs.append(Input.EVIDENCE)
        else:
            self._open.reading = self.weighing.reading
            self._look_now()

    def _ask_checker(self) -> None:
        self._deadlines.pop(Input.EVIDENCE, None)
        assert self._open.claim is not None  # JUDGING has both
        assert self._open.reading is not None
        self._numbers += 1
        self._effects.append(
            Judge(
                judge_no=self._numbers,
                claim=self._open.claim,
                reading=self._open.reading,
                evidence=self._evidence(),
            )
        )

    def _evidence(self) -> Evidence | None:
        """Return what the cameras saw together, None if none of them answered."""
        seen = [] if self._look is None else self._look.seen
        if not seen:
            return None
        return Evidence(
            sightings=tuple(sighting for answer in seen for sighting in answer.sightings),
            visibility=max(answer.visibility for answer in seen),
            cameras=len(seen),
            gallery_size=max(answer.gallery_size for answer in seen),
        )

    def _deliver(self) -> None:
        assert self._judged is not None  # JUDGED comes with one
        blind = bool(self._setup.cameras) and not (self._look and self._look.seen)
        judgement = self._judged.judgement
        if blind:
            judgement = msgspec.structs.replace(judgement, reasons=(*judgement.reasons, "CAMERA_FAULT"))
        self._open.judged = self._open.reading
        self._open.replaced = False
        self._emit(judgement, self._judged.fusion_ms)

    def _abstain_no_claim(self) -> None:
        self._abstain("NO_CLAIM")

    def _abstain_not_settled(self) -> None:
        self._abstain("NOT_SETTLED")

    def _abstain_fault(self) -> None:
        if self.visit is None or self.visit.faulted or self.visit.verdict_stands or not self._faults.present:
            return
        self.visit.faulted = True
        self._abstain("NOT_CALIBRATED" if self._faults.uncalibrated else "SCALE_FAULT")

    def _abstain(self, reason: Reason) -> None:
        claim, reading = self._open.claim, self._open.reading
        weight = None if reading is None else Weight(gross_g=reading.gross_g, sd_g=reading.sd_g)
        self._open.judged = None
        self._emit(abstained((reason,), self._setup.currency if claim is None else claim.currency, weight), 0.0)

    def _emit(self, judgement: Judgement, fusion_ms: float) -> None:
        current = self._open
        current.verdict_no += 1
        current.decision = judgement.decision
        current.judged_revision = None if current.claim is None else current.claim.revision
        sightings = [s for seen in (self._look.seen if self._look else []) for s in seen.sightings]
        self._effects.append(
            Deliver(
                verdict=Verdict(
                    visit_id=current.visit_id,
                    transaction_id=current.transaction_id,
                    revision=current.judged_revision,
                    verdict_no=current.verdict_no,
                    judgement=judgement,
                    evidence=_summary(sightings, len(self._look.seen) if self._look else 0),
                    versions=self.versions,
                    timing_ms=self._timing(fusion_ms),
                )
            )
        )
        self._keep()

    def _timing(self, fusion_ms: float) -> Timing:
        current, seen = self._open, self._look.seen if self._look else []
        settled_ns = self._t_ns if current.reading is None else current.reading.t_ns
        return Timing(
            settle=max(settled_ns - current.moved_ns, 0) / 1e6,
            capture=max((answer.capture_ms for answer in seen), default=0.0),
            vision=max((answer.vision_ms for answer in seen), default=0.0),
            inference=max((answer.inference_ms for answer in seen), default=0.0),
            fusion=fusion_ms,
            total=max(self._t_ns - current.moved_ns, 0) / 1e6,
        )

    # while nothing happens

    def _keep_zero(self) -> None:
        if abs(self.weighing.zero_g - self._kept_zero_g) > ZERO_KEPT_D * self.weighing.division_g:
            self._kept_zero_g = self.weighing.zero_g
            self._effects.append(KeepZero(zero_g=self.weighing.zero_g))

    def _learn_empty(self) -> None:
        """Let the cameras learn the empty platform when a visit has ended, and again now and then."""
        if not (self.weighing.idle and self._setup.cameras and self.weighing.phase is PlatformPhase.EMPTY):
            self._emptied_ns = None
        elif self._emptied_ns is None or self._t_ns - self._emptied_ns >= EMPTY_EVERY_S * NS:
            self._emptied_ns = self._t_ns
            self._effects.append(LearnEmpty())

    def _answer(self, command: int | None, code: str | None = None, message: str = "") -> None:
        if command is not None:
            self._effects.append(Answer(command=command, code=code, message=message))


def _summary(sightings: list[Sighting], cameras: int) -> EvidenceSummary:
    unknown = sum(sighting.unknown > UNKNOWN_P for sighting in sightings)
    return EvidenceSummary(sightings=len(sightings), unknown_objects=unknown, cameras=cameras)


DEADLINES = frozenset({Input.NO_CLAIM, Input.NOT_SETTLED, Input.EXPIRED, Input.EVIDENCE})

_CLAIM_ANSWERS: dict[str, tuple[str | None, str]] = {
    "new": (None, ""),
    "same": (None, ""),
    "stale": ("stale_revision", "a higher revision of this transaction is known"),
    "conflict": ("revision_conflict", "this revision is known with other content; raise the revision"),
}

_CHANGE_INPUTS: dict[type[Change], Input] = {
    Loaded: Input.PLACED,
    Settled: Input.SETTLED,
    Moved: Input.MOVED,
    Unloaded: Input.UNLOADED,
}

_QUESTIONS: dict[str, Callable[[Engine], bool]] = {
    "visit_is_open": lambda engine: engine.visit is not None,
    "claim_is_open": lambda engine: engine.visit is not None and engine.visit.claim_is_open,
    "claim_is_settled": lambda engine: engine.visit is not None and engine.visit.claim_is_settled,
    "load_came_after_verdict": lambda engine: engine.visit is not None and engine.visit.replaced,
    "same_load": Engine._same_load,
}

_ACTIONS: dict[str, Callable[[Engine], None]] = {
    "begin": Engine._begin,
    "close": Engine._close,
    "hand_on": Engine._hand_on,
    "take_claim": Engine._take_claim,
    "hold_claim": Engine._hold_claim,
    "drop_claim": Engine._drop_claim,
    "settle_claim": Engine._settle_claim,
    "hand_over_token": Engine._hand_over_token,
    "await_claim": Engine._await_claim,
    "await_stillness": Engine._await_stillness,
    "await_load": Engine._await_load,
    "take_reading": Engine._take_reading,
    "drop_reading": Engine._drop_reading,
    "settle_again": Engine._settle_again,
    "announce_placed": Engine._announce_placed,
    "announce_stable": Engine._announce_stable,
    "announce_changed": Engine._announce_changed,
    "announce_removed": Engine._announce_removed,
    "look": Engine._look_now,
    "look_again": Engine._look_again,
    "ask_checker": Engine._ask_checker,
    "deliver": Engine._deliver,
    "abstain_no_claim": Engine._abstain_no_claim,
    "abstain_not_settled": Engine._abstain_not_settled,
    "abstain_fault": Engine._abstain_fault,
}

_HANDLERS: dict[type[events.Event], Callable[[Engine, events.AnyEvent], None]] = {
    events.Ticked: Engine._ticked,
    events.Sampled: Engine._sampled,
    events.Indicated: Engine._indicated,
    events.ScaleLost: Engine._scale_lost,
    events.ScaleFound: Engine._scale_found,
    events.Calibrated: Engine._calibrated,
    events.ZeroRestored: Engine._zero_restored,
    events.Seen: Engine._seen,
    events.Blind: Engine._blind,
    events.Claimed: Engine._claimed,
    events.Cancelled: Engine._cancelled,
    events.Released: Engine._released,
    events.ZeroOrdered: Engine._zero_ordered,
    events.TokenRead: Engine._token_read,
    events.Corrected: Engine._corrected,
    events.Judged: Engine._was_judged,
}  # type: ignore[dict-item]  # each handler takes its own kind of event
