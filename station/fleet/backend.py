"""The fleet's backend: claims go out at a rate, verdicts come in and are counted and acknowledged.

It never has more publications on their way than the broker's Receive Maximum allows. Acknowledgements are gathered for
a moment, as a backend that stores in batches would. Used in one thread; the link's thread only queues.
"""

import queue
import random
import secrets
import time
from collections import Counter, deque
from typing import Annotated

import msgspec
from msgspec import Meta

from station.core import gtin
from station.core.claim import Claim, Line
from station.fleet.options import FleetOptions
from station.fleet.tally import Tally
from station.link import Link
from station.link_values import Arrived, LinkDown, LinkEvent, LinkUp, Publication, Published
from station.messages import Acknowledgement, Result
from station.wire import Numbering, Station, uuid7

WINDOW = 100
ACKNOWLEDGE_S = 0.2
CLAIM_EXPIRY_S = 600
WAIT_S = 0.02
REPEAT_S = 10.0
LINES_MOST = 12
NS_PER_MS = 1_000_000
LEVELS = 6


class _Event(msgspec.Struct, frozen=True):
    epoch: str
    seq: Annotated[int, Meta(ge=1)]
    monons: str


class _Answer(msgspec.Struct, frozen=True):
    data: Result


class Backend:
    """See the module. `trouble` is why there is no connection, None while there is one."""

    def __init__(self, options: FleetOptions) -> None:
        self.tally = Tally()
        self.answers: Counter[str] = Counter()
        self.claimed: set[str] = set()
        self.others = 0  # events that are no verdicts
        self.trouble: str | None = "not connected yet"
        self._options = options
        self._chance = random.Random(f"{options.seed} backend")
        self._run = secrets.token_hex(4)  # retained state and sessions of an earlier run know other transactions
        self._events: queue.SimpleQueue[LinkEvent] = queue.SimpleQueue()
        self._waiting: deque[Publication] = deque()
        self._flying: set[int] = set()
        self._window = 0
        self._connection = 0
        self._upto: dict[tuple[Station, str], int] = {}
        self._told_s = 0.0
        self._claim_no = 0
        self._asked: dict[bytes, tuple[float, Publication]] = {}  # when to ask again, what
        root = f"vs/1/{options.store}/+"
        topics = [f"{root}/evt/+", f"{root}/res/{options.backend}"]
        self._link = Link(options.link(options.backend), topics, lambda: None, self._events.put)

    def start(self) -> None:
        """Begin to connect."""
        self._link.start()

    def claim(self) -> None:
        """Claim a basket at any of the stations."""
        self._claim_no += 1
        who = self._options.station(self._chance.randrange(self._options.stations))
        transaction_id = f"F-{self._run}-{self._claim_no:07}"
        lines = tuple(self._line(number) for number in range(1, self._chance.randint(1, LINES_MOST) + 1))
        data = Claim(transaction_id=transaction_id, revision=1, lines=lines)
        self.claimed.add(transaction_id)
        publication = Publication(
            topic=who.topic("cmd", "claim"), payload=self._event("claim", data), expiry_s=CLAIM_EXPIRY_S,
            response_topic=who.topic("res", self._options.backend), correlation=transaction_id.encode(),
        )  # fmt: skip
        self._asked[publication.correlation or b""] = (time.monotonic() + REPEAT_S, publication)
        self._waiting.append(publication)

    def turn(self) -> None:
        """Take what has come, for a moment; say what there is to say."""
        end_s = time.monotonic() + WAIT_S
        while (left_s := end_s - time.monotonic()) > 0:
            try:
                self._handle(self._events.get(timeout=left_s))
            except queue.Empty:
                break
        if time.monotonic() - self._told_s >= ACKNOWLEDGE_S:
            self._told_s = time.monotonic()
            self._acknowledge()
            self._ask_again()
        self._publish()

    def missing(self) -> int:
        """Return how many claims have no verdict."""
        return len(self.claimed - self.tally.transactions)

    def close(self) -> None:
        """Acknowledge what there is, and end."""
        self._link.close(None, 1.0)

    # -- inside

    def _line(self, number: int) -> Line:
        body = f"0400{self._chance.randrange(10**9):09}"
        return Line(line=number, gtin=f"{body}{gtin.check_digit(body)}", quantity=self._chance.randint(1, 3))

    def _event(self, kind: str, data: msgspec.Struct) -> bytes:
        event_id = uuid7(time.time_ns() // NS_PER_MS, secrets.token_bytes(10))
        made = {
            "specversion": "1.0",
            "id": event_id,
            "source": f"/{self._options.backend}",
            "type": f"backend.{kind}.v1",
            "data": data,
        }
        return msgspec.json.encode(made)

    def _handle(self, event: LinkEvent) -> None:
        match event:
            case LinkUp():
                self.trouble, self._connection = None, event.connection
                self._window = max(1, min(WINDOW, event.receive_maximum))
                self._flying.clear()
            case LinkDown():
                self.trouble, self._window = f"{event.reason}; {event.remedy}", 0
            case Published():
                self._flying.discard(event.mid)
                self._publish()
            case Arrived():
                self._arrived(event, time.monotonic_ns())
                self._link.acknowledge(event.connection, event.mid)

    def _arrived(self, arrived: Arrived, now_ns: int) -> None:
        levels = arrived.topic.split("/")
        station = Station(levels[2], levels[3])
        if levels[4:] == ["evt", "verdict"]:
            event = msgspec.json.decode(arrived.payload, type=_Event)
            late = ("late", "true") in arrived.user
            number, age_ns = Numbering(event.epoch, event.seq), now_ns - int(event.monons)
            upto = self.tally.take(station, number, arrived.payload, age_ns, late=late)
            self._upto[station, event.epoch] = upto
            if (subject := _subject(arrived.payload)).startswith(f"F-{self._run}-"):
                self.tally.transactions.add(subject)
        elif levels[4] != "res":
            self.others += 1
        elif self._asked.pop(arrived.correlation or b"", None) is None:
            return  # answered before, or asked in an earlier run
        elif (result := msgspec.json.decode(arrived.payload, type=_Answer).data).status == "ok":
            self.answers["ok"] += 1
        else:
            self.answers[str(result.code)] += 1

    def _acknowledge(self) -> None:
        upto, self._upto = self._upto, {}
        for (station, epoch), seq in upto.items():
            payload = self._event("acknowledgement", Acknowledgement(epoch, seq))
            self._waiting.append(Publication(topic=station.topic("ack", "verdict"), payload=payload, retain=True))

    def _ask_again(self) -> None:
        """Send what was not answered once more, with the same bytes: a broker that was killed has forgotten it."""
        now_s = time.monotonic()
        for key, (due_s, publication) in self._asked.items():
            if now_s >= due_s:
                self._asked[key] = (now_s + REPEAT_S, publication)
                self._waiting.append(publication)

    def _publish(self) -> None:
        while self._waiting and len(self._flying) < self._window:
            mid = self._link.publish(self._connection, self._waiting[0])
            if mid is None:
                self._window = 0
                return
            self._waiting.popleft()
            self._flying.add(mid)


class _Subject(msgspec.Struct, frozen=True):
    subject: str = ""


def _subject(payload: bytes) -> str:
    return msgspec.json.decode(payload, type=_Subject).subject
