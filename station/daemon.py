"""The daemon: one queue, one consumer.

Threads that block on devices or on the network put values on the queue; `Daemon.run` takes them one by one, hands
them to the engine or to the delivery, and carries out what follows. All effects of one value are one batch, one
commit: what the backend is told of is on disk before. Nothing here measures, sees or decides.
"""

import queue
import time
from collections import deque

import msgspec
import structlog

from calibration.control import Told
from station import reports, service
from station.command_clerk import Done
from station.command_office import Desk, Office
from station.command_refusals import CommandRefusedError, answer_error
from station.commanding import CORE, to_event
from station.commands import Command, error, ok
from station.control import Asked, Deaf, Gone
from station.core import effects, events, visit
from station.core.alarms import Board
from station.core.verdict import Verdict
from station.core.verdict_data import to_wire
from station.delivery import Batch, Outgoing
from station.keeping import Keeper
from station.link_values import LinkEvent
from station.looking import EyesReady, EyeWorker
from station.outbox import OutboxError
from station.parts import Parts
from station.sensing import CameraTrouble, CameraWell, Released, ScaleWorker, SensorWorker, Shown
from station.service import Service
from station.telling import Conditions, Teller
from station.upkeep import KEY as CHECKS_KEY
from station.watchdog import Watchdog

TICK_S = 0.5
WARM_S = 20.0  # so long the model may take to load before the station is online without it
WATCH_NS = 2 * 10**9
SECOND_NS = 10**9
RESUMES_MOST = 10  # ends of the station without any progress of the open visit
PENDING_MOST = 200  # commands whose answers are outstanding
PROVEN_NS = 10 * SECOND_NS  # a configuration with which the station has run for so long is good
RESTART = 75  # exit status: start again, there is a new configuration

log = structlog.get_logger()


class Stop(msgspec.Struct, frozen=True):
    """Ends the daemon."""

    reason: str
    status: int = 0


class Crashed(msgspec.Struct, frozen=True):
    """A thread ended by an error that nobody foresaw: the daemon ends too, and is started afresh."""

    thread: str
    error: BaseException


class KeptZero(msgspec.Struct, frozen=True):
    """The zero as it is stored: it belongs to one calibration."""

    zero_g: float
    calibration: str | None


class Draft(msgspec.Struct):
    """What one value has caused so far."""

    events: list[Outgoing] = msgspec.field(default_factory=list)
    keep: dict[str, bytes] = msgspec.field(default_factory=dict)
    forget: list[str] = msgspec.field(default_factory=list)
    answers: list[effects.Answer] = msgspec.field(default_factory=list)

    def batch(self) -> Batch:
        """Return what belongs on disk."""
        return Batch(events=tuple(self.events), keep=self.keep, forget=tuple(self.forget))


class Daemon:
    """The consumer. `run` returns when a `Stop` was taken from the queue."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._engine = parts.engine
        self._keeper = Keeper(parts.delivery)
        self._board = Board()
        self._conditions = Conditions()
        self._teller = Teller(parts, self._board, self._keeper)
        self._counts = self._teller.counts
        self._commands: dict[int, Command] = {}
        self._command_no = 0
        self._watched_ns = 0
        self._stopping: Stop | None = None
        self._calm = False
        self._status = 0
        self._restored = False
        self._began_ns = time.monotonic_ns()
        self._proven = False
        self._watchdog = Watchdog(parts.workers, lambda: parts.delivery.alive)
        self._office = Office(
            Desk(
                delivery=parts.delivery, engine=parts.engine, cameras=parts.cameras, clerk=parts.clerk,
                pictures=parts.choice.config.trust.pictures, adopt=parts.adopt, gather=parts.gather,
                diagnose=lambda: self._teller.diagnosis(len(self._commands)),
            )
        )  # fmt: skip
        self._service = Service(
            service.Desk(
                engine=parts.engine, sensors=[worker for worker in parts.workers if isinstance(worker, SensorWorker)],
                scales=len(parts.choice.config.scales), announce=parts.delivery.announce, tell=parts.control.tell,
                think=self._think, check=self._check_span,
            )
        )  # fmt: skip

    def run(self) -> int:
        """Start everything, take values until told to stop, and end everything; return the exit status."""
        try:
            self._begin()
            while self._stopping is None:
                self._take(self._next())
            log.info("stopping", reason=self._stopping.reason)
        finally:
            self._end()
        return self._status

    # start and end

    def _begin(self) -> None:
        parts = self._parts
        self._calibrate()
        self._restore()
        self._watch(time.monotonic_ns())
        parts.delivery.announce("online")
        parts.delivery.state("config", msgspec.to_builtins(reports.configured(parts.choice)))
        if parts.choice.problem is not None:
            self._alarm(reports.config_alarm(parts.choice.problem))
        for worker in parts.workers:
            worker.start()
        self._warm_up()
        parts.delivery.start()
        self._watchdog.ready(time.monotonic_ns())
        log.info("started", station=parts.choice.config.station.id, configuration=parts.choice.config.source)

    def _warm_up(self) -> None:
        """Let the model load and run once before anyone is told that the station is online, within reason."""
        for worker in self._parts.workers:
            if isinstance(worker, EyeWorker) and not worker.ready.wait(WARM_S):
                log.warning("the eyes are not ready yet", waited_s=WARM_S)

    def _restore(self) -> None:
        """Go on where the last run ended: its zero, and its open visit."""
        outbox, self._restored = self._parts.outbox, True
        try:
            zero, kept, resumed = outbox.kept("zero"), outbox.kept("visit"), outbox.kept("resumed")
            self._parts.upkeep.restore(outbox.kept(CHECKS_KEY))
            self._restore_zero(zero)
            self._restore_visit(kept, int(resumed or b"0"))
        except OutboxError as failure:
            self._restored = False  # it is tried again
            log.warning("nothing could be restored", problem=failure.message, remedy=failure.remedy)
        except (msgspec.DecodeError, ValueError) as failure:
            log.warning("what the last run left cannot be read", problem=str(failure))

    def _restore_zero(self, data: bytes | None) -> None:
        kept = None if data is None else msgspec.json.decode(data, type=KeptZero)
        fits = kept is not None and kept.calibration == self._parts.upkeep.calibrations.version
        if kept is not None and fits and not self._engine.weighing.zero_known:
            self._think(events.ZeroRestored(t_ns=time.monotonic_ns(), zero_g=kept.zero_g))

    def _restore_visit(self, data: bytes | None, resumed: int) -> None:
        """Resume the visit, unless the station has ended so often with it that it may be the reason."""
        if data is None or self._engine.visit is not None:
            return
        if resumed >= RESUMES_MOST:
            log.error("the open visit is given up", reason=f"the station ended {resumed} times with it")
            self._keeper.put(Batch(forget=("visit", "resumed")))
            return
        self._engine.resume(visit.restore(data))
        self._keeper.put(Batch(keep={"resumed": str(resumed + 1).encode()}))

    def _end(self) -> None:
        if self._status == RESTART:
            self._watchdog.replacing()
        else:
            self._watchdog.stopping()
        self._parts.recorder.close()
        for worker in reversed(self._parts.workers):
            worker.stop()
        for worker in reversed(self._parts.workers):
            worker.join(timeout=2.0)
        self._keeper.retry()
        self._parts.assessor.close()
        self._parts.delivery.close()

    # the loop

    def _next(self) -> object:
        due = (self._engine.next_deadline_ns, self._office.due_ns)
        due_ns = min((at_ns for at_ns in due if at_ns is not None), default=None)
        wait_s = TICK_S if due_ns is None else min(TICK_S, max((due_ns - time.monotonic_ns()) / SECOND_NS, 0.0))
        try:
            return self._parts.inbox.get(timeout=wait_s)
        except queue.Empty:
            return events.Ticked(t_ns=time.monotonic_ns())

    def _take(self, value: object) -> None:
        match value:
            case events.Event():
                self._think(value)  # type: ignore[arg-type] # every subclass is one of AnyEvent
            case CameraTrouble() | CameraWell() | Deaf():
                self._alarm(value.alarm())
            case effects.Alarm():
                self._alarm(value)
            case EyesReady():
                self._teller.stamp(msgspec.structs.replace(self._teller.versions, model=value.model))
                log.info("the eyes are ready", runtime=value.runtime, products=value.products)
            case Asked() | Gone() | Released():
                self._service.take(value, time.monotonic_ns())
            case Stop():
                self._stopping, self._status = value, value.status
            case Done():
                self._office.done(value)
            case Shown():
                self._office.shown(value)
            case Crashed(thread, error):
                self._parts.delivery.acknowledge_all()
                log.critical("a thread ended by a bug", thread=thread, exc_info=error)
                self._stopping, self._status = Stop(f"thread {thread} is gone"), 1
            case _:
                self._hear(value)  # type: ignore[arg-type] # nothing else is put on the queue
        self._relax()
        self._housekeeping(time.monotonic_ns())

    def _relax(self) -> None:
        """While nothing moves on the platform, scales may be read in portions."""
        calm = self._engine.weighing.rests
        if calm is not self._calm:
            self._calm = calm
            for worker in self._parts.workers:
                if isinstance(worker, ScaleWorker):
                    worker.relax(calm=calm)

    def _think(self, event: events.AnyEvent) -> None:
        """Hand an event to the engine and carry out all that follows."""
        draft = Draft()
        todo = deque(self._handle(event))
        while todo:
            effect = todo.popleft()
            if isinstance(effect, effects.Judge):
                todo.extend(self._handle(self._parts.assessor.judge(effect, self._parts.recorder.asked)))
            else:
                self._carry_out(effect, draft)
        self._finish(draft)
        self._parts.recorder.after(self._engine)

    def _handle(self, event: events.AnyEvent) -> list[effects.Effect]:
        self._parts.recorder.before(event, self._engine)
        return self._engine.handle(event)

    def _finish(self, draft: Draft) -> None:
        """Commit, then answer; an alarm that the disk refuses is told of all the same."""
        if (draft.events or draft.keep or draft.forget) and not self._keeper.put(draft.batch()):
            for event in draft.events:
                if event.name == "alarm":
                    self._parts.delivery.tell(event)
        for answer in draft.answers:
            self._answer(answer)

    def _carry_out(self, effect: effects.Effect, draft: Draft) -> None:
        match effect:
            case effects.Capture() | effects.LearnEmpty():
                for camera in self._parts.cameras:
                    camera.request(effect.capture_no if isinstance(effect, effects.Capture) else None)
            case effects.ZeroScale() | effects.Scan():
                self._pass_on(effect)
            case effects.Alarm():
                self._post(effect, draft)
            case effects.Learn() | effects.Feed():
                draft.answers.extend(self._parts.assessor.learn(effect))
            case effects.Answer():
                draft.answers.append(effect)
            case effects.SpanChecked():
                self._span_checked(effect, draft)
            case effects.KeepZero() | effects.KeepVisit():
                self._keep(effect, draft)
            case effects.Deliver(verdict=verdict):
                self._note(verdict)
                draft.events.append(Outgoing(name="verdict", data=to_wire(verdict)))
                self._parts.recorder.told(draft.events[-1].data)
            case _:
                draft.events.append(_event(effect))

    def _keep(self, effect: effects.KeepZero | effects.KeepVisit, draft: Draft) -> None:
        if isinstance(effect, effects.KeepVisit):
            _keep_visit(effect.snapshot, draft)
            return
        kept = KeptZero(effect.zero_g, self._parts.upkeep.calibrations.version)
        draft.keep["zero"] = msgspec.json.encode(kept)

    def _pass_on(self, effect: effects.ZeroScale | effects.Scan) -> None:
        """Order an instrument to zero itself, or count what was scanned."""
        if isinstance(effect, effects.ZeroScale):
            for worker in self._parts.workers:
                if isinstance(worker, ScaleWorker) and worker.index == effect.scale:
                    worker.zero(effect)
            return
        self._counts[f"scan_{effect.kind}"] += 1
        if effect.gtin is not None:  # of tokens and badges nothing is written down
            log.info("product scanned", gtin=effect.gtin, visit=effect.visit_id)

    def _check_span(self, asked: Asked, now_ns: int) -> Told | None:
        ordered = self._parts.upkeep.order(asked, now_ns)
        if isinstance(ordered, Told):
            return ordered
        self._think(ordered)
        return None

    def _span_checked(self, effect: effects.SpanChecked, draft: Draft) -> None:
        """Keep the check, and answer who asked for it."""
        caller, told, keep = self._parts.upkeep.checked(effect, self._parts.clock.stamp())
        if keep is not None:
            draft.keep[CHECKS_KEY] = keep
            log.info("span check", result=msgspec.to_builtins(told.checked))
        if caller is not None:
            self._parts.control.tell(caller, told)
        self._watched_ns = 0  # what follows from it is told at once

    def _note(self, verdict: Verdict) -> None:
        judgement = verdict.judgement
        self._parts.timings.decided(verdict, time.monotonic_ns())
        self._counts[f"verdict_{judgement.decision}"] += 1
        log.info(
            "verdict",
            transaction=verdict.transaction_id,
            number=verdict.verdict_no,
            decision=judgement.decision,
            p_as_claimed=judgement.p_as_claimed,
            reasons=list(judgement.reasons),
            total_ms=round(verdict.timing_ms.total),
        )

    # commands

    def _hear(self, event: LinkEvent) -> None:
        for command in self._parts.delivery.handle(event, time.monotonic_ns()):
            self._counts[f"command_{command.name}"] += 1
            try:
                if command.name in CORE:
                    self._obey(command)
                else:
                    self._office.take(command)
            except CommandRefusedError as refusal:
                self._parts.delivery.answer(command, answer_error(refusal))

    def _obey(self, command: Command) -> None:
        """Hand a command to the engine. The broker may forget it then, also one that it ended the station by."""
        try:
            self._think(self._event_of(command))
        finally:
            self._parts.delivery.acknowledge(command)

    def _event_of(self, command: Command) -> events.AnyEvent:
        event = to_event(command.name, command.data, self._command_no + 1, time.monotonic_ns())
        self._command_no += 1
        self._commands[self._command_no] = command
        if len(self._commands) > PENDING_MOST:
            del self._commands[next(iter(self._commands))]
        if isinstance(event, events.Claimed):
            return msgspec.structs.replace(event, last_verdict_no=self._last_verdict_no(event.claim.transaction_id))
        return event

    def _last_verdict_no(self, transaction_id: str) -> int:
        try:
            return self._parts.outbox.max_verdict_no(transaction_id)
        except OutboxError:  # the delivery's conditions tell of it; the numbers of this run go on
            return 0

    def _answer(self, answer: effects.Answer) -> None:
        command = self._commands.pop(answer.command, None)
        if command is not None:
            self._parts.delivery.answer(command, ok() if answer.code is None else error(answer.code, answer.message))

    # alarms

    def _alarm(self, *alarms: effects.Alarm) -> None:
        draft = Draft()
        for alarm in alarms:
            self._post(alarm, draft)
        self._finish(draft)

    def _post(self, alarm: effects.Alarm, draft: Draft) -> None:
        notice = self._board.post(alarm, self._parts.clock.new_id())
        if notice is None:
            return
        tell = log.warning if notice.state == "raised" else log.info
        tell("alarm " + notice.state, code=notice.code, part=notice.part, message=notice.message, remedy=notice.remedy)
        draft.events.append(Outgoing(name="alarm", data=msgspec.to_builtins(notice)))
        self._teller.soon()

    # housekeeping

    def _housekeeping(self, now_ns: int) -> None:
        self._office.tick(now_ns)
        if now_ns - self._watched_ns >= WATCH_NS or self._office.news:
            self._office.news = False
            self._watch(now_ns)
        self._renew(now_ns)
        self._show_life(now_ns)
        self._serve(now_ns)
        self._teller.tick(now_ns)

    def _serve(self, now_ns: int) -> None:
        """Go on with what takes the station out of service; a change of that is news."""
        self._service.tick(now_ns)
        if self._service.state != self._teller.service:
            self._teller.service = self._service.state
            self._teller.soon()

    def _show_life(self, now_ns: int) -> None:
        """Feed systemd's watchdog if everything lives; replace the station when what it can do without hangs."""
        if not self._watchdog.due(now_ns):
            return
        self._alarm(*self._watchdog.look(now_ns, self._teller.line()))
        if self._watchdog.wants_renewal(now_ns) and self._engine.visit is None:
            self._parts.inbox.put(Stop("a thread hangs", RESTART))

    def _renew(self, now_ns: int) -> None:
        """Note that the configuration is good; end for a new one, as soon as no visit is open."""
        if not self._proven and now_ns - self._began_ns >= PROVEN_NS:
            self._proven = True
            self._parts.prove()
        if self._office.restart:
            self._service.restart_wanted(now_ns)
        if self._service.may_restart(now_ns):
            self._parts.inbox.put(Stop("a new configuration", RESTART))

    def _watch(self, now_ns: int) -> None:
        """Look at the files that others may change, and at delivery's troubles."""
        self._watched_ns = now_ns
        self._calibrate()
        if not self._restored:
            self._restore()
        if self._parts.inbox.empty():  # what waits there may be news of what a tick would miss
            self._think(events.Ticked(t_ns=now_ns))
        alarms = self._parts.assessor.refresh()
        self._keeper.retry()
        self._parts.delivery.tick(now_ns)
        self._alarm(*alarms, *self._conditions.news(self._parts, now_ns))
        calibration = self._parts.upkeep.calibrations.version
        self._teller.stamp(
            msgspec.structs.replace(
                self._teller.versions, catalogue=self._parts.assessor.version, calibration=calibration
            )
        )

    def _calibrate(self) -> None:
        found, alarms = self._parts.upkeep.watch(self._parts.clock.stamp())
        for event in found:
            self._think(event)
        self._alarm(*alarms)


def _event(effect: effects.Effect) -> Outgoing:
    """Return what the backend is told of a visit's course, or of a phone's code."""
    data: dict[str, object] = msgspec.to_builtins(effect)
    rounded = {key: round(value, 1) + 0.0 for key, value in data.items() if isinstance(value, float)}
    return Outgoing(name="token" if isinstance(effect, effects.Token) else "transaction", data={**data, **rounded})


def _keep_visit(snapshot: bytes | None, draft: Draft) -> None:
    draft.keep.pop("visit", None)
    draft.forget = ["resumed"]
    if snapshot is None:
        draft.forget.append("visit")
    else:
        draft.keep["visit"] = snapshot
