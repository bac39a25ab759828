"""The station's mind: one object that every event passes through, `Engine.handle(event) -> effects`.

It knows no clock: time is what events say. Weights go to `weighing`, whose changes become inputs of the visit's
`course`; what a visit does is written in the table of `transaction`. Every kind of event has a method of its tag's
name here.
"""

from collections.abc import Iterable, Mapping

from station.core import codes, events
from station.core.cell_watch import CellWatch
from station.core.claims import Ledger
from station.core.course import Course, Taken
from station.core.effects import Answer, Effect, Feed, KeepVisit, KeepZero, LearnEmpty, Scan, SpanChecked
from station.core.faults import Faults
from station.core.gaze import in_time
from station.core.setup import Setup
from station.core.span_check import Order, SpanCheck
from station.core.tracks import NS, Age
from station.core.transaction import Input, State
from station.core.verdict import Versions
from station.core.visit import Visit, renamed, snapshot
from station.core.weighing import Calmed, Change, Loaded, Moved, PlatformPhase, Settled, Unloaded, Weighing
from station.core.zeroing import Zeroing

ZERO_KEPT_D = 0.5  # divisions that the zero may move before it is stored again
HANDS_NS = NS  # after the last goods have gone, hands and the basket leave the cameras' view
EMPTY_EVERY_NS = 30 * NS  # how often cameras may learn the empty platform anew
SETTLING, UNUSABLE = 2, 62  # bits of drivers.base.SampleFlag: all but a gap, whose sample itself is sound

CHANGE_INPUTS: dict[type[Change], Input] = {
    Loaded: Input.PLACED,
    Settled: Input.SETTLED,
    Moved: Input.MOVED,
    Unloaded: Input.UNLOADED,
}

CLAIM_ANSWERS: dict[str, tuple[str | None, str]] = {
    "new": (None, ""),
    "same": (None, ""),
    "stale": ("stale_revision", "a higher revision of this transaction is known"),
    "conflict": ("revision_conflict", "this revision is known with other content; raise the revision"),
}


class Engine:
    """The whole core. Not thread-safe: one consumer owns it."""

    def __init__(self, setup: Setup, versions: Versions) -> None:
        self.weighing = Weighing(setup.scales, setup.weighing)
        self.cells = CellWatch(setup.scales, setup.positions_mm)
        self._faults = Faults(self.weighing, self.cells)
        self._ledger = Ledger()
        self._reads = codes.Reads()
        self._zeroing = Zeroing(self.weighing)
        self._span_check = SpanCheck()
        self._course = Course(setup, versions, self.weighing, self._faults, self._ledger)
        self._setup = setup
        self._t_ns = 0
        self._kept_zero_g: float | None = None
        self._learnt = False  # the cameras have seen the empty platform
        self._learn_at_ns: int | None = None

    @property
    def state(self) -> State:
        """Return where the visit stands."""
        return self._course.state

    @property
    def visit(self) -> Visit | None:
        """Return the open visit."""
        return self._course.visit

    @property
    def next_deadline_ns(self) -> int | None:
        """Return when `Ticked` is due at the latest, None if nothing waits."""
        due = (self._zeroing.due_ns, self._span_check.due_ns)
        return min([*self._course.deadlines.values(), *(at_ns for at_ns in due if at_ns is not None)], default=None)

    def use(self, versions: Versions) -> None:
        """Stamp verdicts with these versions from now on."""
        self._course.versions = versions

    def resume(self, kept: Visit) -> None:
        """Go on with the visit of the last run; only before the first event."""
        self._course.visit = kept
        for claim in (kept.claim, kept.next_claim):
            if claim is not None:
                self._ledger.keep(claim)

    def rename(self, names: Mapping[str, str]) -> None:
        """Call the open visit's transactions by other names, forget all others; for a copy that leaves."""
        self._ledger.forget_all()
        if self.visit is not None:
            self.visit.claim = renamed(self.visit.claim, names)
            self.visit.next_claim = renamed(self.visit.next_claim, names)

    def handle(self, event: events.AnyEvent) -> list[Effect]:
        """Take one event and return what is to be done, in order."""
        self._t_ns = event.t_ns
        self._course.begin_event(event.t_ns)
        self._course.effects.extend(self._zeroing.expire(event.t_ns))
        self._course.effects.extend(self._span_check.expire(event.t_ns))
        getattr(self, str(event.__struct_config__.tag))(event)
        self._course.run()
        self.weighing.idle = self.state is State.IDLE and self.visit is None
        self._keep_zero()
        self._learn_empty()
        effects, self._course.effects = self._course.effects, []
        return effects

    # the senses

    def ticked(self, _event: events.Ticked) -> None:
        """Time passed."""
        self._watch(range(len(self._setup.scales)))

    def sampled(self, event: events.Sampled) -> None:
        """Weigh raw counts."""
        usable, settling = not event.flags & UNUSABLE, bool(event.flags & SETTLING)
        changes = self.weighing.sampled(event.scale, event.t_ns, event.counts, usable=usable, settling=settling)
        empty = self.weighing.phase is PlatformPhase.EMPTY
        self.cells.sampled(event, empty=empty, settled=any(type(change) is Settled for change in changes))
        self._weighed(event.scale, changes)

    def indicated(self, event: events.Indicated) -> None:
        """Weigh an instrument's report."""
        changes = self.weighing.indicated(event.scale, event.t_ns, event.state, event.weight_g, event.reason)
        self._weighed(event.scale, changes)
        self._course.effects.extend(self._zeroing.indicated(event))

    def scale_lost(self, event: events.ScaleLost) -> None:
        """A scale went away."""
        self._faults.lost(event.scale, event.message, event.remedy, event.code)
        self._watch((event.scale,))

    def scale_found(self, event: events.ScaleFound) -> None:
        """A scale is there again."""
        self._faults.found(event.scale)
        self.cells.connected(event.scale)
        self.weighing.connected(event.scale, event.t_ns)
        self._watch((event.scale,))

    def calibrated(self, event: events.Calibrated) -> None:
        """A scale has another calibration."""
        self.cells.calibrated(event)
        self.weighing.calibrate(event.scale, event.calibration)
        self._watch((event.scale,))

    def aged(self, event: events.Aged) -> None:
        """A scale's calibration is so old by now."""
        self.weighing.aged(event.scale, Age(event.t_ns, event.age_days, event.doubt_rel))

    def span_check_ordered(self, event: events.SpanCheckOrdered) -> None:
        """Wait for the check weight; an order needs an empty platform and nobody there, what is due waits for both."""
        order = Order(event.number, event.weight_g, event.until_ns)
        free = self.visit is None and self.weighing.phase is PlatformPhase.EMPTY
        if event.until_ns is None or free:
            self._course.effects.extend(self._span_check.order(order))
        else:
            problem = "a visit is open or the platform is not empty"
            self._course.effects.append(SpanChecked(number=order.number, weight_g=order.weight_g, problem=problem))

    def zero_restored(self, event: events.ZeroRestored) -> None:
        """Begin with the zero of the last run."""
        self.weighing.restore_zero(event.zero_g)
        self._kept_zero_g = event.zero_g

    def seen(self, event: events.Seen) -> None:
        """A camera answered."""
        self._course.effects.append(in_time(event.camera))
        self._gazed(event.capture_no, event.camera, event)

    def blind(self, event: events.Blind) -> None:
        """A camera cannot answer."""
        self._gazed(event.capture_no, event.camera, None)

    def judged(self, event: events.Judged) -> None:
        """The checker answered; an answer to an older question is nothing."""
        if event.judge_no == self._course.number:
            self._course.put(Input.JUDGED, event)

    # the backend and the people at the station

    def claimed(self, event: events.Claimed) -> None:
        """Take a claim if it is news."""
        self._span_check.claimed()
        news = self._ledger.judge(event.claim)
        if news == "new":
            self._ledger.keep(event.claim)
            mine = self.visit is None or self.visit.transaction_id in {None, event.claim.transaction_id}
            what = Input.CLAIM if mine else Input.OTHER_CLAIM
            self._course.put(what, Taken(event.claim, event.last_verdict_no))
        self._answer(event.command, *CLAIM_ANSWERS[news])

    def cancelled(self, event: events.Cancelled) -> None:
        """Withdraw the open claim or the one that is held."""
        self._ledger.forget(event.transaction_id)
        if self.visit is not None and self.visit.transaction_id == event.transaction_id:
            self._course.put(Input.CANCEL)
        elif not self._let_go(event.transaction_id):
            self._answer(event.command, "unknown_transaction", f"no claim of {event.transaction_id} is open here")
            return
        self._answer(event.command)

    def _let_go(self, transaction_id: str | None) -> bool:
        """Drop the claim that waits for the next visit if it is this transaction's."""
        held = None if self.visit is None else self.visit.next_claim
        if self.visit is None or held is None or held.transaction_id != transaction_id:
            return False
        self.visit.next_claim = None
        self._course.effects.append(KeepVisit(snapshot=snapshot(self.visit)))
        return True

    def released(self, event: events.Released) -> None:
        """Settle the visit that is named."""
        named = {event.transaction_id, event.visit_id} - {None}
        if self.visit is not None and named & {self.visit.transaction_id, self.visit.visit_id}:
            self._course.put(Input.RELEASE)
            self._answer(event.command)
        elif self._let_go(event.transaction_id):
            self._answer(event.command)
        else:
            self._answer(event.command, "unknown_transaction", "no such transaction or visit is open here")

    def zero_ordered(self, event: events.ZeroOrdered) -> None:
        """Set the zero if nobody is there and nothing lies there; at a cold start what lies there may be drift."""
        nobody = self.visit is None or (self.visit.claim is None and self.state is State.LOADED)
        if not nobody or not self.weighing.may_be_empty:
            self._answer(event.command, "not_idle", "a visit is open or the platform is not empty")
            return
        if self._zeroing.applies:
            self._course.effects.extend(self._zeroing.begin(event.command, event.t_ns))
            return
        refusal = self.weighing.set_zero()
        self._answer(event.command, None if refusal is None else "zero_refused", refusal or "")

    def token_read(self, event: events.TokenRead) -> None:
        """Hand a phone's code on."""
        self._course.put(Input.TOKEN, event)

    def scale_zeroed(self, event: events.ScaleZeroed) -> None:
        """Take an instrument's answer to an order to zero itself."""
        self._course.effects.extend(self._zeroing.answered(event))

    def scanned(self, event: events.Scanned) -> None:
        """Hand a token on; a product is noted: what it changes is the backend's to say, by a higher revision."""
        visit_id = None if self.visit is None else self.visit.visit_id
        read = codes.understand(event.text, event.symbology)
        scan = Scan(kind="refused")
        if read is not None and self._reads.again(event.text, event.symbology, event.t_ns):
            scan = Scan(kind="repeated")
        elif isinstance(read, codes.Product):
            scan = Scan(kind="product", gtin=read.gtin, visit_id=visit_id)
        elif read is not None:
            scan = Scan(kind="token")
            token = events.TokenRead(t_ns=event.t_ns, token=read.text, symbology=read.symbology)
            self._course.put(Input.TOKEN, token)
        self._course.effects.append(scan)

    def corrected(self, event: events.Corrected) -> None:
        """Judge by the lines as they now stand at the station."""
        if self.visit is not None and self.visit.transaction_id == event.claim.transaction_id:
            self._course.put(Input.CORRECTION, Taken(event.claim))

    def fed(self, event: events.Fed) -> None:
        """Hand on what was really in a basket; it changes no visit."""
        self._course.effects.append(Feed(told=event.told, command=event.command))

    # what follows from them

    def _weighed(self, scale: int, changes: Iterable[Change]) -> None:
        self._watch((scale,))
        if self._faults.present:
            self.weighing.distrust()
            return
        for change in changes:
            if isinstance(change, Calmed):
                self._course.look_ahead()
            else:
                self._course.put(CHANGE_INPUTS[type(change)])
                self._check_span(change)

    def _check_span(self, change: Change) -> None:
        """See whether this is the check weight; the visit that an ordered one began is over."""
        ordered = self._span_check.ordered
        found: list[SpanChecked] = []
        if isinstance(change, Settled):
            claimed = self.visit is not None and self.visit.claim is not None
            found = self._span_check.settled(change.reading, claimed=claimed)
            if found and ordered:
                self._course.put(Input.RELEASE)
        elif isinstance(change, Unloaded):
            found = self._span_check.unloaded()
        self._course.effects.extend(found)

    def _watch(self, scales: Iterable[int]) -> None:
        alarms, began = self._faults.watch(scales, self._t_ns)
        self._course.effects.extend(alarms + self.cells.warnings())
        if began and self.visit is not None:
            self.visit.faulted = False
        unknown = self.weighing.phase is PlatformPhase.UNKNOWN
        if self.state is State.OUT_OF_ORDER and not self._faults.present:
            self._course.heed(steady=not unknown)
        if began or (unknown and self.state is not State.OUT_OF_ORDER):
            self._course.put(Input.TROUBLE)

    def _gazed(self, capture_no: int, camera: str, seen: events.Seen | None) -> None:
        gaze = self._course.gaze
        answered = gaze is not None and gaze.take(capture_no, camera, seen) and not gaze.waiting
        if answered and self.state is State.JUDGING:
            self._course.put(Input.EVIDENCE)

    def _keep_zero(self) -> None:
        if not self.weighing.zero_known:
            return
        kept_g, now_g = self._kept_zero_g, self.weighing.zero_g
        if kept_g is None or abs(now_g - kept_g) > ZERO_KEPT_D * self.weighing.division_g:
            self._kept_zero_g = now_g
            self._course.effects.append(KeepZero(zero_g=now_g))

    def _learn_empty(self) -> None:
        """Let the cameras learn the empty platform: first as soon as it can be, later only when nobody is there.

        They wait a moment where something lay there before, until hands and basket have left their view.
        """
        quiet = self.weighing.idle or not self._learnt
        if not (quiet and self._setup.cameras and self.weighing.phase is PlatformPhase.EMPTY):
            self._learn_at_ns = None
            return
        if self._learn_at_ns is None:
            self._learn_at_ns = self._t_ns + (HANDS_NS if self.weighing.was_loaded else 0)
        if self._t_ns >= self._learn_at_ns:
            self._learnt, self._learn_at_ns = True, self._t_ns + EMPTY_EVERY_NS
            self._course.effects.append(LearnEmpty())

    def _answer(self, command: int | None, code: str | None = None, message: str = "") -> None:
        if command is not None:
            self._course.effects.append(Answer(command=command, code=code, message=message))
