"""What to publish when.

Pure: told of connections, stored messages, acknowledgements and the time, it answers which message goes next. Rules:
never more than min(window, the broker's Receive Maximum) unacknowledged; retained state and answers first, then
fresh messages, then the backlog in order, at a bounded rate; what the broker refuses is tried again ever more rarely;
verdicts that the backend does not acknowledge are published again. Losing the connection forgets all but the ledger,
because the outbox knows the rest.
"""

from collections import deque
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from station.lane import SECOND_NS, Lane, Send
from station.ledger import Ledger
from station.outbox import Kind, Ref
from station.resend import Resend

NO_MATCHING_SUBSCRIBERS = 16
FAILURE = 128  # reason codes from here on are refusals
REFILL = 100


class PumpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The rates and patience of the pump."""

    window: int = 10
    backlog_per_s: float = 200.0
    acknowledge_s: float = 30.0  # a broker that takes longer is not working: reconnect
    retry_min_s: float = 1.0
    retry_max_s: float = 60.0
    resend_after_s: float = 60.0
    resend_reconnect_s: float = 5.0
    resend_max_s: float = 3600.0


class Post(NamedTuple):
    """A message that lives in memory only: retained state, or an answer. `number` tells answers apart."""

    kind: Literal["state", "answer"]
    number: int
    topic: str


class Outcome(NamedTuple):
    """What became of a message."""

    item: Ref | Post
    accepted: bool
    reason_code: int


class Want(NamedTuple):
    """A piece of backlog to read from the outbox."""

    kind: Kind
    topic: str
    after: int
    limit: int


class Tokens:
    """Bounds a rate; up to one second's worth may be saved."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._saved = max(1.0, per_s)
        self._at_ns: int | None = None

    def available(self, now_ns: int) -> bool:
        """Say whether one may be spent."""
        if self._at_ns is not None:
            earned = self._per_s * (now_ns - self._at_ns) / SECOND_NS
            self._saved = min(max(1.0, self._per_s), self._saved + earned)
        self._at_ns = now_ns
        return self._saved >= 1.0

    def spend(self) -> None:
        """Spend one."""
        self._saved -= 1.0


class Pump:
    """Decides. `topics` are the verdicts' topic first, then those of the other events, the urgent ones first."""

    def __init__(self, topics: Sequence[str], ledger: Ledger, options: PumpOptions) -> None:
        self.ledger = ledger
        self._options = options
        retry = (options.retry_min_s, options.retry_max_s)
        self.lanes = {
            topic: Lane("event" if number else "verdict", topic, *retry) for number, topic in enumerate(topics)
        }
        self._verdicts = topics[0]
        self._resend = Resend(options.resend_after_s, options.resend_reconnect_s, options.resend_max_s)
        self._tokens = Tokens(options.backlog_per_s)
        self._posts: deque[Post] = deque()
        self._again = range(0)  # verdicts that the backend wants once more, confirmed or not
        self._in_flight: dict[int, tuple[Ref | Post, int]] = {}
        self._window = 0  # 0: not connected

    @property
    def connected(self) -> bool:
        """Whether anything can be published."""
        return self._window > 0

    @property
    def window_full(self) -> bool:
        """Whether the broker must acknowledge something first."""
        return len(self._in_flight) >= self._window

    def link_up(self, receive_maximum: int, now_ns: int) -> None:
        """A connection stands."""
        self.link_down()
        self._window = max(1, min(self._options.window, receive_maximum))
        self._resend.link_up(now_ns, self.ledger)

    def link_down(self) -> None:
        """It is lost, and with it what was on its way."""
        self._window = 0
        self._in_flight.clear()
        self._posts.clear()
        for lane in self.lanes.values():
            lane.reset()

    def stored(self, ref: Ref, *, late: bool = False) -> None:
        """A message was committed; one that is late is backlog, and so are all without a connection."""
        if self.connected and late:
            self.lanes[ref.topic].unread = True
        elif self.connected:
            self.lanes[ref.topic].stored(ref)

    def post(self, post: Post) -> None:
        """Publish a message that is not in the outbox as soon as there is room."""
        if self.connected and post not in self._posts:
            self._posts.append(post)

    def want(self, now_ns: int) -> Want | None:
        """Return the piece of backlog that is needed next, None if there is none."""
        if not self.connected or self.window_full:
            return None
        for lane in self.lanes.values():
            if lane.wants_refill(now_ns):
                return Want(lane.kind, lane.topic, lane.cursor, REFILL)
        return None

    def refill(self, want: Want, refs: Sequence[Ref]) -> None:
        """Take the piece of backlog that was wanted."""
        self.lanes[want.topic].refill(refs, want.limit)

    def again(self, from_seq: int, upto: int) -> None:
        """Publish stored verdicts once more; a later wish takes the place of an earlier one."""
        self._again = range(from_seq, upto + 1)

    def asks_for_acknowledgement(self, now_ns: int) -> bool:
        """Say whether the retained acknowledgement is to be read again; true once each time."""
        return self.connected and self._resend.poll(now_ns, self.ledger)

    def next(self, now_ns: int) -> Send | Post | None:
        """Return what to publish now. Follow with `sent`, or with nothing if there was nothing to send after all."""
        if self.window_full:
            return None
        if post := self.next_post():
            return post
        for lane in self.lanes.values():
            if send := lane.fresh(now_ns):
                return send
        return self._late(now_ns) if self._tokens.available(now_ns) else None

    def next_post(self) -> Post | None:
        """Return what to publish now of that which is not in the outbox."""
        return self._posts.popleft() if self._posts and not self.window_full else None

    def put_back(self, ref: Ref, now_ns: int) -> None:
        """A message could not be read: it is due again at once, and late."""
        self.lanes[ref.topic].put_back(ref, now_ns)

    def sent(self, item: Ref | Post, mid: int, now_ns: int) -> None:
        """The message is on its way under packet identifier `mid`."""
        self._in_flight[mid] = (item, now_ns)
        if isinstance(item, Ref):
            self.lanes[item.topic].sent()

    def unsendable(self, ref: Ref, reason_code: int, now_ns: int) -> Outcome:
        """The message cannot be sent on this connection, as if the broker had refused it."""
        self.lanes[ref.topic].sent()
        return self._settle(ref, reason_code, now_ns)

    def published(self, mid: int, reason_code: int, now_ns: int) -> Outcome | None:
        """The broker has answered for `mid`; None if that is not known (any more)."""
        if mid not in self._in_flight:
            return None
        item, _since = self._in_flight.pop(mid)
        return self._settle(item, reason_code, now_ns)

    def acknowledge(self, epoch: str, seq: int, now_ns: int) -> bool:
        """The backend says that it has 1 to `seq`; say whether it was believed."""
        believed = self.ledger.acknowledge(epoch, seq)
        if believed:
            self._resend.acknowledged(now_ns, self.ledger)
        return believed

    def stalled(self, now_ns: int) -> bool:
        """Say whether the broker has left a message unanswered for too long."""
        limit_ns = round(self._options.acknowledge_s * SECOND_NS)
        return any(now_ns - since_ns > limit_ns for _item, since_ns in self._in_flight.values())

    def _late(self, now_ns: int) -> Send | None:
        for lane in self.lanes.values():
            if send := lane.late(now_ns):
                self._tokens.spend()
                return send
        verdicts = self.lanes[self._verdicts]
        if not verdicts.open(now_ns):
            return None
        if (seq := self._resend.pop(self.ledger)) is None:
            if not self._again:
                return None
            seq, self._again = self._again[0], self._again[1:]
        self._tokens.spend()
        return Send(Ref("verdict", seq, self._verdicts), late=True)

    def _settle(self, item: Ref | Post, reason_code: int, now_ns: int) -> Outcome:
        if isinstance(item, Post):  # nobody need listen to an answer or a state
            return Outcome(item, reason_code < FAILURE, reason_code)
        lane = self.lanes[item.topic]
        if reason_code >= FAILURE or reason_code == NO_MATCHING_SUBSCRIBERS:
            lane.refused(item, reason_code, now_ns)
            return Outcome(item, accepted=False, reason_code=reason_code)
        lane.accepted(item, now_ns)
        if item.kind == "verdict":
            self.ledger.brokered(item.number)
        return Outcome(item, accepted=True, reason_code=reason_code)
