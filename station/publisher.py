"""Carries out what the pump decides: reads the outbox, sends over the link, notes what the broker says."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from station.lane import Send
from station.ledger import Ledger
from station.link_values import LinkUp, Publication, Published
from station.outbox import Outbox, OutboxError, Ref
from station.pump import Outcome, Post, Pump, PumpOptions
from station.wire import Stamp

PACKET_OVERHEAD = 256  # header and properties of a PUBLISH, generously
PROPERTY_OVERHEAD = 5  # its kind and two lengths
PACKET_TOO_LARGE = 149
ANSWERS = 500  # that wait for the broker; who asked may ask again
SECOND_NS = 10**9

Observe = Callable[[Outcome, int], None]  # what became of a message, and when (monotonic)


class Port(Protocol):
    """The link, as the publisher uses it."""

    def publish(self, connection: int, publication: Publication) -> int | None:
        """Send a message; None when the connection is gone."""

    def subscribe_again(self, connection: int, topic: str) -> None:
        """Have the retained message of a topic sent again."""

    def reset(self, connection: int, reason: str) -> None:
        """Give the connection up and make a new one."""


class Posted(msgspec.Struct, frozen=True):
    """A message that lives in memory, and when it was made."""

    publication: Publication
    stamp: Stamp


class Publisher:
    """Owned by the consumer. `trouble` is the outbox's last error, None while it works; `counters` only rise."""

    def __init__(
        self, outbox: Outbox, link: Port, topics: Sequence[str], acknowledgements: str, options: PumpOptions,
        observe: Observe | None = None,
    ) -> None:  # fmt: skip
        self.trouble: OutboxError | None = None
        self.counters: Counter[str] = Counter()
        self._outbox = outbox
        self._link = link
        self._topics = topics
        self._acknowledgements = acknowledgements
        self._options = options
        self._observe = observe
        self._pump: Pump | None = None
        self._up: LinkUp | None = None
        self._states: dict[str, Posted] = {}
        self._answers: dict[int, Posted] = {}
        self._answer_no = 0
        self._said: dict[Post, Publication] = {}  # on this connection, without the outbox

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._up is not None

    @property
    def window_full(self) -> bool:
        """Whether the broker must acknowledge something before it may be sent more."""
        return self._pump is not None and self._pump.window_full

    def refusals(self) -> dict[str, int]:
        """Return the reason code of every topic that the broker does not take now."""
        lanes = {} if self._pump is None else self._pump.lanes
        return {topic: lane.reason_code for topic, lane in lanes.items() if lane.reason_code}

    def link_up(self, up: LinkUp, now_ns: int) -> None:
        """A connection stands: publish what is retained, and all the rest."""
        self._up = up
        self._said.clear()
        self.counters["connects"] += 1
        if self._pump is not None:
            self._begin(self._pump, up, now_ns)

    def link_down(self) -> None:
        """The connection is lost."""
        self._up = None
        if self._pump is not None:
            self._pump.link_down()

    def stored(self, refs: Sequence[Ref], *, late: bool = False) -> None:
        """Messages were committed just now; `late` ones happened a while ago."""
        for ref in refs:
            if self._pump is not None and ref.topic in self._pump.lanes:
                self._pump.stored(ref, late=late)

    def state(self, publication: Publication, stamp: Stamp) -> None:
        """Publish retained state now, and again at every connect."""
        self._states[publication.topic] = Posted(publication, stamp)
        if self._pump is not None:
            self._pump.post(Post("state", 0, publication.topic))

    def takes(self, publication: Publication) -> bool:
        """Return whether the broker takes a message of this size; without a connection nobody knows it does not."""
        size = len(publication.payload) + len(publication.topic) + len(publication.correlation or b"")
        size += sum(len(name) + len(value) + PROPERTY_OVERHEAD for name, value in publication.user)
        return self._up is None or size + PACKET_OVERHEAD <= self._up.maximum_packet_bytes

    def answer(self, publication: Publication, stamp: Stamp) -> None:
        """Publish an answer; without a connection it waits for one, if there are not too many."""
        self._answer_no += 1
        self._answers[self._answer_no] = Posted(publication, stamp)
        if len(self._answers) > ANSWERS:
            del self._answers[next(iter(self._answers))]
        if self._pump is not None:
            self._pump.post(Post("answer", self._answer_no, publication.topic))

    def metric(self, publication: Publication) -> None:
        """Publish at QoS 0 if there is a connection; otherwise it is gone."""
        if self._up is not None:
            self._link.publish(self._up.connection, publication)

    def published(self, event: Published, now_ns: int) -> None:
        """The broker has answered."""
        if self._pump is None or self._up is None or event.connection != self._up.connection:
            return
        outcome = self._pump.published(event.mid, event.reason_code, now_ns)
        if outcome is not None:
            self._settle(outcome, now_ns)

    def acknowledge(self, epoch: str, seq: int, now_ns: int) -> bool:
        """The backend says what it has; say whether it was believed."""
        if self._pump is None or not self._pump.acknowledge(epoch, seq, now_ns):
            self.counters["acks_ignored"] += 1
            return False
        self.counters["acks"] += 1
        try:
            self._outbox.confirm(seq)
        except OutboxError as error:  # the broker retains the acknowledgement: it comes again
            self.trouble = error
        return True

    def again(self, epoch: str, from_seq: int) -> tuple[int, int] | None:
        """Publish stored verdicts once more; return the first and the last, None for another epoch.

        Raises `OutboxError`. Nothing is stored of it: after a restart the backend may ask again.
        """
        if epoch != self._outbox.epoch or self._pump is None:
            return None
        first, last = max(from_seq, self._outbox.first_seq()), self._outbox.last_seq()
        self._pump.again(first, last)
        return first, last

    def advance(self, stamp: Stamp, now_ns: int) -> None:
        """Publish whatever may be published now."""
        try:
            pump = self._ready(now_ns)
            if self._up is None:
                return
            if pump.stalled(now_ns):
                self._link.reset(self._up.connection, "the broker does not acknowledge")
                self.link_down()
            elif pump.asks_for_acknowledgement(now_ns):
                self._link.subscribe_again(self._up.connection, self._acknowledgements)
            self._publish_all(pump, stamp, now_ns)
        except OutboxError as error:
            self.trouble = error
            if self._pump is None:
                self._publish_from_memory(stamp)
            else:
                self._publish_posts(self._pump, stamp, now_ns)

    # -- inside

    def _publish_posts(self, pump: Pump, stamp: Stamp, now_ns: int) -> None:
        """While the outbox cannot be read, say what does not need it."""
        while self._up is not None and (post := pump.next_post()) is not None:
            self._send(pump, post, self._posted(post, stamp), now_ns)

    def _publish_from_memory(self, stamp: Stamp) -> None:
        """Until the outbox can be read for the first time, say once a connection what does not need it."""
        posts = [Post("state", 0, topic) for topic in self._states]
        posts += [Post("answer", number, posted.publication.topic) for number, posted in self._answers.items()]
        for post in posts:
            publication = self._posted(post, stamp)
            known = self._said.get(post)
            if self._up is None or publication is None or known == publication:
                continue
            if self._link.publish(self._up.connection, publication) is not None:
                self._said[post] = publication

    def _ready(self, now_ns: int) -> Pump:
        """Return the pump, made anew when the outbox began a new epoch."""
        epoch = self._outbox.epoch
        if self._pump is None or self._pump.ledger.epoch != epoch:
            ledger = Ledger(epoch, self._outbox.confirmed(), self._outbox.brokered_seqs())
            first = self._pump is None
            self._pump = Pump(self._topics, ledger, self._options)
            if self._up is not None and first:
                self._begin(self._pump, self._up, now_ns)
            elif self._up is not None:  # the broker still counts what the old one sent
                self._link.reset(self._up.connection, "the outbox began a new epoch")
                self.link_down()
        return self._pump

    def _begin(self, pump: Pump, up: LinkUp, now_ns: int) -> None:
        pump.link_up(up.receive_maximum, now_ns)
        for topic in self._states:
            pump.post(Post("state", 0, topic))
        for number, posted in self._answers.items():
            pump.post(Post("answer", number, posted.publication.topic))

    def _publish_all(self, pump: Pump, stamp: Stamp, now_ns: int) -> None:
        while self._up is not None:
            while (want := pump.want(now_ns)) is not None:
                pump.refill(want, self._outbox.pending(want.kind, want.topic, want.after, want.limit))
            if (item := pump.next(now_ns)) is None:
                return
            if isinstance(item, Post):
                self._send(pump, item, self._posted(item, stamp), now_ns)
            else:
                self._send(pump, item.ref, self._read(pump, item, stamp, now_ns), now_ns)

    def _send(self, pump: Pump, item: Ref | Post, publication: Publication | None, now_ns: int) -> None:
        if publication is None or self._up is None:
            return
        if not self.takes(publication):
            if isinstance(item, Ref):
                self._settle(pump.unsendable(item, PACKET_TOO_LARGE, now_ns), now_ns)
            return
        mid = self._link.publish(self._up.connection, publication)
        if mid is None:
            self.link_down()
        else:
            self.counters["published"] += 1
            pump.sent(item, mid, now_ns)

    def _posted(self, post: Post, stamp: Stamp) -> Publication | None:
        posted = self._states.get(post.topic) if post.kind == "state" else self._answers.get(post.number)
        if posted is None:
            return None
        expiry_s = posted.publication.expiry_s
        if expiry_s is None:
            return posted.publication
        left_s = expiry_s - stamp.age_ns(posted.stamp) // SECOND_NS
        if left_s <= 0:
            self._answers.pop(post.number, None)
            return None
        return msgspec.structs.replace(posted.publication, expiry_s=left_s)

    def _read(self, pump: Pump, send: Send, stamp: Stamp, now_ns: int) -> Publication | None:
        try:
            return self._stored(send.ref, stamp, late=send.late)
        except OutboxError:
            pump.put_back(send.ref, now_ns)
            raise

    def _stored(self, ref: Ref, stamp: Stamp, *, late: bool) -> Publication | None:
        if (row := self._outbox.read(ref)) is None:
            return None
        left_s = row.left_s(stamp)
        if left_s == 0:
            self._outbox.accepted(ref)  # done: nobody wants it any more
            self.counters["expired"] += 1
            return None
        user = () if row.proof is None else row.proof.properties()
        return Publication(topic=ref.topic, payload=row.payload, expiry_s=left_s, late=late, user=user)

    def _settle(self, outcome: Outcome, now_ns: int) -> None:
        self.counters["brokered" if outcome.accepted else "refused"] += 1
        if self._observe is not None:
            self._observe(outcome, now_ns)
        if isinstance(outcome.item, Post):
            self._answers.pop(outcome.item.number, None)
            return
        try:
            if outcome.accepted:
                self._outbox.accepted(outcome.item)
            else:
                self._outbox.refused(outcome.item, outcome.reason_code)
        except OutboxError as error:  # not noted: after a restart it is published once more
            self.trouble = error
