"""The station's voice and ear: stores and publishes events, keeps retained state, takes commands, answers them.

The facade over outbox, publisher and MQTT link for the one consumer, which calls all of it from its own thread. The
link's thread only calls `emit`; what it emits comes back through `handle`. Call `tick` at least once a second.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol

import msgspec

from station import wire
from station.clock import Clock
from station.command_receipts import Receipt, Receipts
from station.command_trust import Trust
from station.commands import Answer, Command, Commands, Reply, error
from station.link import Link
from station.link_values import Arrived, Emit, LinkDown, LinkEvent, LinkOptions, LinkUp, Publication, Published
from station.outbox import Outbox, OutboxError, Ref
from station.publisher import Observe, Port, Publisher
from station.pump import FAILURE, NO_MATCHING_SUBSCRIBERS, PumpOptions
from station.wire import Stamp, Station, WireError

EVENTS = ("verdict", "token", "alarm", "correction", "transaction", "report")  # the more urgent first
EXPIRY_S = {"transaction": 86_400, "token": 60}
ANSWER_EXPIRY_S = 3600
METRIC_EXPIRY_S = {"metrics": 60, "weight": 10}
OUTAGE_ALARM_NS = 5 * 10**9  # a broker that restarts is no alarm
LATE_NS = 5 * 10**9  # what the disk did not take for so long is no live message any more
PRUNE_NS = 600 * 10**9
PROBE_NS = 5 * 10**9
CLOSE_S = 2.0

Conn = Literal["online", "draining", "offline", "lost"]


class Connecting(Port, Protocol):
    """A link, as `station.link.Link` is one."""

    @property
    def alive(self) -> bool:
        """Whether it still connects."""

    def start(self) -> None:
        """Begin to connect."""

    def acknowledge(self, connection: int, mid: int) -> None:
        """Acknowledge a message that arrived."""

    def close(self, last: Publication | None, timeout_s: float) -> bool:
        """Publish a last message, and end."""


Connect = Callable[[LinkOptions, list[str], Callable[[], Publication | None], Emit], Connecting]


class DeliveryOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker is, at what rates to publish, and which commands the station carries out."""

    link: LinkOptions
    pump: PumpOptions = PumpOptions()
    commands: frozenset[str] = frozenset()
    trust: Trust | None = None  # in signed commands
    connect: Connect = Link  # the fleet's stations share one thread


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One event to store and publish: its name on `evt/`, and its data (for `verdict` that of `to_wire`)."""

    name: str
    data: dict[str, Any]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """All that one handled event causes; committed as a whole, with one sync."""

    events: tuple[Outgoing, ...] = ()
    keep: dict[str, bytes] = {}
    forget: tuple[str, ...] = ()
    stamp: Stamp | None = None  # when it happened; None: now


ObserveCommit = Callable[[Batch, Sequence[Ref], int, int], None]  # what is on disk now, from when to when it took


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """Something is wrong as long as this is listed; the words of `evt/alarm`."""

    code: str
    severity: Literal["warning", "error"]
    message: str
    remedy: str
    part: str


class Acknowledgement(msgspec.Struct, frozen=True):
    """The backend's word, `ack/verdict`."""

    epoch: str
    seq: int


class Delivery:
    """See the module. `store` raises `OutboxError`; nothing else here fails because something outside does."""

    def __init__(
        self, outbox: Outbox, station: Station, options: DeliveryOptions, clock: Clock, emit: Emit,
        observe: Observe | None = None, observe_commit: ObserveCommit | None = None,
    ) -> None:  # fmt: skip
        self._outbox = outbox
        self._observe_commit = observe_commit
        self._station = station
        self._clock = clock
        self._commands = Commands(station, options.commands, options.trust)
        self._receipts = Receipts()
        acknowledgements = station.topic("ack", "verdict")
        link_clock = replace(clock)  # the will is made in the link's thread
        self._link = options.connect(
            options.link, [station.topic("cmd", "+"), acknowledgements], lambda: self._conn("lost", link_clock), emit
        )
        topics = [station.topic("evt", name) for name in EVENTS]
        self._publisher = Publisher(outbox, self._link, topics, acknowledgements, options.pump, observe)
        self._conn_state: Conn = "online"
        self._down: LinkDown | None = None
        self._down_since_ns: int | None = None
        self._prune_ns = 0
        self._probe_ns = 0

    def start(self) -> None:
        """Begin to connect."""
        self._down_since_ns = self._clock.monotonic_ns()
        self._link.start()

    # -- out

    def store(self, batch: Batch) -> list[Ref]:
        """Commit a batch, then publish it; raise `OutboxError` if it could not be stored, and nothing of it was."""
        began_ns, now = self._clock.monotonic_ns(), self._clock.stamp()
        stamp = batch.stamp or now
        try:
            with self._outbox.write() as write:
                for event in batch.events:
                    self._add(write.add_verdict, write.add_event, event, stamp)
                for key, value in batch.keep.items():
                    write.keep(key, value)
                for key in batch.forget:
                    write.forget(key)
        except OutboxError as error:
            self._publisher.trouble = error
            raise
        now_ns = self._clock.monotonic_ns()
        if self._observe_commit is not None:
            self._observe_commit(batch, write.added, began_ns, now_ns)
        self._publisher.trouble = None
        self._publisher.stored(write.added, late=now.age_ns(stamp) >= LATE_NS)
        self._advance(now_ns)
        return write.added

    def stamp(self) -> Stamp:
        """Return the present, for a batch that may have to wait for the disk."""
        return self._clock.stamp()

    def tell(self, event: Outgoing) -> None:
        """Publish an event that the disk does not take now: without the promise that it arrives."""
        payload = wire.encode(self._station, self._clock.stamp(), self._clock.new_id(), event.name, event.data)
        publication = Publication(topic=self._station.topic("evt", event.name), payload=payload)
        self._publisher.answer(publication, self._clock.stamp())
        self._advance(self._clock.monotonic_ns())

    def state(self, name: str, data: dict[str, Any], *, expiry_s: int | None = None) -> None:
        """Publish retained state on `st/{name}`, now and again at every connect."""
        stamp = self._clock.stamp()
        payload = wire.encode(self._station, stamp, self._clock.new_id(), name, data)
        topic = self._station.topic("st", name)
        self._publisher.state(Publication(topic=topic, payload=payload, retain=True, expiry_s=expiry_s), stamp)
        self._advance(stamp.monotonic_ns)

    def announce(self, conn: Literal["online", "draining"]) -> None:
        """Say on `st/conn` whether the station takes new shoppers."""
        self._conn_state = conn
        self._publish_conn()
        self._advance(self._clock.monotonic_ns())

    def answer(self, command: Command, data: dict[str, Any]) -> None:
        """Answer a command with `commands.ok()` or `commands.error(code, message)`, and acknowledge it."""
        for answer in self._commands.answered(command, data):
            self._reply(answer)
        self.acknowledge(command)
        self._advance(self._clock.monotonic_ns())

    def acknowledge(self, command: Command) -> None:
        """Let the broker forget a command: its effect is on disk, or it has none. Harmless a second time."""
        if command.receipt is not None:
            self._acknowledge(self._receipts.done(command.receipt))

    def acknowledge_all(self) -> None:
        """Let the broker forget every command that came: one of them may be why the station ends."""
        self._acknowledge(self._receipts.give_up())

    def again(self, epoch: str, from_seq: int) -> tuple[int, int] | None:
        """Publish stored verdicts once more; return the first and the last, None for another epoch.

        Raises `OutboxError`.
        """
        return self._publisher.again(epoch, from_seq)

    def metric(self, name: str, data: dict[str, Any]) -> None:
        """Publish telemetry on `tel/{name}`; without a connection it is gone."""
        payload = wire.encode(self._station, self._clock.stamp(), self._clock.new_id(), name, data)
        topic, expiry_s = self._station.topic("tel", name), METRIC_EXPIRY_S.get(name, 60)
        self._publisher.metric(Publication(topic=topic, payload=payload, qos=0, expiry_s=expiry_s))

    # -- in

    def handle(self, event: LinkEvent, now_ns: int) -> list[Command]:
        """Take what the link emitted; return the commands to carry out, to acknowledge and to answer."""
        commands: list[Command] = []
        match event:
            case LinkUp():
                self._down = self._down_since_ns = None
                self._publish_conn()
                self._publisher.link_up(event, now_ns)
            case LinkDown():
                self._down = event
                self._down_since_ns = now_ns if self._down_since_ns is None else self._down_since_ns
                self._publisher.link_down()
            case Published():
                self._publisher.published(event, now_ns)
            case Arrived():
                commands = self._arrived(event, now_ns)
        self._advance(now_ns)
        return commands

    def tick(self, now_ns: int) -> None:
        """Let time pass: retries, housekeeping, and whether a failed outbox works again."""
        if self._publisher.trouble is not None and now_ns >= self._probe_ns:
            self._probe_ns = now_ns + PROBE_NS
            self._guarded(self._probe)
        if now_ns >= self._prune_ns:
            self._prune_ns = now_ns + PRUNE_NS
            self._guarded(lambda: self._outbox.prune(self._clock.stamp()))
        self._advance(now_ns)

    # -- state of affairs

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._publisher.connected

    @property
    def alive(self) -> bool:
        """Whether the link's thread runs; for the watchdog. A missing broker does not end it."""
        return self._link.alive

    @property
    def counters(self) -> dict[str, int]:
        """What was published, brokered, refused, ... since the start."""
        return dict(self._publisher.counters)

    def alarm_conditions(self, now_ns: int) -> tuple[Condition, ...]:
        """Return all that is wrong now, sorted by code."""
        found = []
        if (trouble := self._publisher.trouble) is not None:
            found.append(_condition("OUTBOX_FAILED", "error", trouble.message, trouble.remedy, "outbox"))
        if (aside := self._outbox.set_aside) is not None:
            remedy = "check the disk; the old file may hold verdicts that the backend never got: keep it"
            found.append(
                _condition("OUTBOX_DAMAGED", "error", f"a damaged outbox was set aside: {aside}", remedy, "outbox")
            )
        since_ns = self._down_since_ns
        if self._down is not None and since_ns is not None and now_ns - since_ns >= OUTAGE_ALARM_NS:
            found.append(_condition("BROKER_UNREACHABLE", "warning", self._down.reason, self._down.remedy, "mqtt"))
        found += self._refusals()
        return tuple(sorted(found, key=lambda condition: condition.code))

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Say `offline`, wait for the broker a moment, and let go of everything. What is unsent stays stored."""
        last = self._conn("offline", self._clock)
        if self._publisher.window_full:  # another one would be too many; in order before DISCONNECT it still counts
            last = msgspec.structs.replace(last, qos=0)
        self._link.close(last, timeout_s)
        self._outbox.close()

    # -- inside

    def _advance(self, now_ns: int) -> None:
        self._publisher.advance(self._clock.stamp(), now_ns)

    def _add(
        self, add_verdict: Callable[..., Ref], add_event: Callable[..., Ref], event: Outgoing, stamp: Stamp
    ) -> None:
        event_id, topic = self._clock.new_id(), self._station.topic("evt", event.name)
        if event.name != "verdict":
            payload = wire.encode(self._station, stamp, event_id, event.name, event.data)
            add_event(topic, stamp, payload, expiry_s=EXPIRY_S.get(event.name))
            return
        add_verdict(
            topic, stamp,
            lambda number: wire.encode(self._station, stamp, event_id, "verdict", event.data, numbering=number),
            transaction_id=event.data.get("transaction_id"), verdict_no=event.data["verdict_no"],
        )  # fmt: skip

    def _arrived(self, arrived: Arrived, now_ns: int) -> list[Command]:
        receipt = Receipt(arrived.connection, arrived.mid)
        if arrived.qos:
            self._receipts.came(receipt)
        match self._station.match(arrived.topic):
            case ("ack", "verdict"):
                self._acknowledged(arrived.payload, now_ns)
            case ("cmd", name):
                taken = self._commands.take(arrived, name, now_ns)
                if isinstance(taken, Command):
                    return [taken]
                if taken is not None:
                    self._reply(taken)
        if arrived.qos:
            self._acknowledge(self._receipts.done(receipt))
        return []

    def _acknowledge(self, receipts: list[Receipt]) -> None:
        for receipt in receipts:
            self._link.acknowledge(*receipt)

    def _acknowledged(self, payload: bytes, now_ns: int) -> None:
        try:
            word = msgspec.convert(wire.object_data(wire.decode(payload)), Acknowledgement)
        except (WireError, msgspec.ValidationError):
            self._publisher.counters["acks_unreadable"] += 1
            return
        self._publisher.acknowledge(word.epoch, word.seq, now_ns)

    def _reply(self, answer: Answer) -> None:
        """Publish an answer, or instead of one that the broker would not take, that it is too large."""
        stamp, data = self._clock.stamp(), answer.data
        publication = self._answer(answer.reply, data, stamp)
        if not self._publisher.takes(publication):
            told = f"the answer has {len(publication.payload)} bytes; raise the broker's maximum packet size"
            data = error("answer_too_large", told)
            publication = self._answer(answer.reply, data, stamp)
        self._publisher.counters[f"answers_{data['status']}"] += 1
        self._publisher.answer(publication, stamp)

    def _answer(self, reply: Reply, data: dict[str, Any], stamp: Stamp) -> Publication:
        payload = wire.encode(self._station, stamp, self._clock.new_id(), "result", data, command_id=reply.command_id)
        return Publication(
            topic=reply.topic, payload=payload, expiry_s=ANSWER_EXPIRY_S, correlation=reply.correlation
        )  # fmt: skip

    def _conn(self, conn: Conn, clock: Clock) -> Publication:
        payload = wire.encode(self._station, clock.stamp(), clock.new_id(), "conn", {"state": conn})
        return Publication(topic=self._station.topic("st", "conn"), payload=payload, retain=True)

    def _publish_conn(self) -> None:
        self._publisher.state(self._conn(self._conn_state, self._clock), self._clock.stamp())

    def _probe(self) -> None:
        with self._outbox.write() as write:
            write.keep("probe", b"")

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
            self._publisher.trouble = None
        except OutboxError as error:
            self._publisher.trouble = error

    def _refusals(self) -> list[Condition]:
        refusals = self._publisher.refusals()
        found = []
        if refusals.get(self._station.topic("evt", "verdict")) == NO_MATCHING_SUBSCRIBERS:
            remedy = "start the backend, or let it subscribe to evt/verdict; verdicts are kept meanwhile"
            found.append(_condition("NOBODY_LISTENING", "warning", "no subscriber for verdicts", remedy, "mqtt"))
        denied = [f"{topic} (reason code {code})" for topic, code in sorted(refusals.items()) if code >= FAILURE]
        if denied:
            remedy = "correct the broker's access list and limits; what is refused is kept and tried again"
            found.append(
                _condition("PUBLISH_REFUSED", "error", f"the broker refuses {', '.join(denied)}", remedy, "mqtt")
            )
        return found


def _condition(code: str, severity: Literal["warning", "error"], message: str, remedy: str, part: str) -> Condition:
    return Condition(code=code, severity=severity, message=message, remedy=remedy, part=part)
