"""Commands: what arrives on `cmd/{name}`, checked and told apart from repetitions.

Pure. A command is refused with a coded answer when it is retained, expired, unreadable, unknown, not signed where it
must be, or wants its answer where the station may not speak. A repetition (same name, `source`, `id` and `data`)
within ten minutes, longer than the broker keeps a session, gets the answer of the first and is not carried out again;
the same name, `source` and `id` with other data is a mistake, and is told so.
"""

import hashlib
from collections import OrderedDict
from typing import Any

import msgspec

from station import wire
from station.command_receipts import Receipt
from station.command_trust import Trust
from station.link_values import Arrived
from station.wire import Station, WireError

REMEMBER_NS = 600 * 10**9
REMEMBER = 1000
UNSPEAKABLE = "unknown"  # stands for a command's name that no topic of ours can hold
REPLIES = 20  # to one command that is not answered yet
SECOND_NS = 10**9


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Where an answer goes, and what tells the asker which question it belongs to."""

    topic: str
    correlation: bytes | None = None
    command_id: str | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command for the station. Every one is to be answered once; `key` finds who waits for the answer.

    `receipt` is what the broker waits for until the command's effect is on disk, None at QoS 0.
    """

    name: str
    id: str
    data: dict[str, Any]
    key: bytes
    receipt: Receipt | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What to say to whom."""

    reply: Reply
    data: dict[str, Any]


class _Content(msgspec.Struct):
    """The bytes of an event's `data`, as they came."""

    data: msgspec.Raw = msgspec.Raw(b"")


class _Known(msgspec.Struct):
    content: bytes
    expires_ns: int
    waiting: list[Reply]
    answer: dict[str, Any] | None = None


def ok() -> dict[str, Any]:
    """Return the data of a positive answer."""
    return {"status": "ok"}


def error(code: str, message: str) -> dict[str, Any]:
    """Return the data of a negative answer."""
    return {"status": "error", "code": code, "message": message}


class Commands:
    """Reads commands of one station; `supported` are the names that it carries out, `trust` checks signed ones."""

    def __init__(self, station: Station, supported: frozenset[str], trust: Trust | None = None) -> None:
        self._station = station
        self._trust = trust or Trust()
        self._supported = supported
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    def take(self, arrived: Arrived, name: str, now_ns: int) -> Command | Answer | None:
        """Return the command to carry out, or the answer to give at once; None: it will be answered with the first."""
        if arrived.retain and not arrived.payload:
            return None  # somebody clears the topic, as they should
        reply = Reply(topic=self._own_topic(name), correlation=arrived.correlation)
        if (wanted := arrived.response_topic) is not None:
            if not self._station.may_answer_on(wanted):
                message = f"the response topic must lie below {self._station.topic('res', '')}"
                return Answer(reply=reply, data=error("bad_response_topic", message))
            reply = msgspec.structs.replace(reply, topic=wanted)
        if arrived.retain:
            return Answer(reply=reply, data=error("retained", "a command must not be retained; clear the topic"))
        if arrived.expiry_s is not None and now_ns - arrived.t_ns >= arrived.expiry_s * SECOND_NS:
            return Answer(reply=reply, data=error("expired", "the command expired before it was read"))
        return self._read(arrived, name, reply, now_ns)

    def _own_topic(self, name: str) -> str:
        """Return where answers go that nobody said otherwise of; a name may be anything that a broker lets through."""
        topic = self._station.topic("res", name)
        return topic if self._station.may_answer_on(topic) else self._station.topic("res", UNSPEAKABLE)

    def answered(self, command: Command, data: dict[str, Any]) -> list[Answer]:
        """Remember the first answer to a command; return it for everyone who waits."""
        known = self._known.get(command.key)
        if known is None or known.answer is not None:
            return []
        known.answer = data
        waiting, known.waiting = known.waiting, []
        return [Answer(reply=reply, data=data) for reply in waiting]

    def _read(self, arrived: Arrived, name: str, reply: Reply, now_ns: int) -> Command | Answer | None:
        try:
            event = wire.decode(arrived.payload)
            reply = msgspec.structs.replace(reply, command_id=event.id)
            data = wire.object_data(event)
        except WireError as unusable:
            return Answer(reply=reply, data=error(unusable.code, unusable.message))
        if name not in self._supported:
            return Answer(
                reply=reply, data=error("unsupported", f"this station does not know the command {name[:64]!r}")
            )
        if (refusal := self._trust.refusal(name, arrived.payload, arrived.user)) is not None:
            return Answer(reply=reply, data=error(*refusal))
        key = _digest(name, event.source, event.id)
        content = hashlib.sha256(msgspec.json.decode(arrived.payload, type=_Content).data).digest()
        self._forget(now_ns)
        if (known := self._known.get(key)) is not None:
            return self._repeated(known, content, reply)
        self._known[key] = _Known(content, now_ns + REMEMBER_NS, [reply])
        receipt = Receipt(arrived.connection, arrived.mid) if arrived.qos else None
        return Command(name=name, id=event.id, data=data, key=key, receipt=receipt)

    @staticmethod
    def _repeated(known: _Known, content: bytes, reply: Reply) -> Answer | None:
        if known.content != content:
            message = "a command with this source and id came before, with other data; give every command its own id"
            return Answer(reply=reply, data=error("id_reused", message))
        if known.answer is not None:
            return Answer(reply=reply, data=known.answer)
        if reply not in known.waiting and len(known.waiting) < REPLIES:
            known.waiting.append(reply)
        return None

    def _forget(self, now_ns: int) -> None:
        while self._known:
            oldest = next(iter(self._known))
            if self._known[oldest].expires_ns > now_ns and len(self._known) < REMEMBER:
                return
            del self._known[oldest]


def _digest(*parts: str) -> bytes:
    """Return what stands for a few texts; none of them can be taken for two."""
    return hashlib.sha256(msgspec.json.encode(parts)).digest()
