"""Commands: what arrives on `cmd/{name}`, checked and told apart from repetitions.

Pure. A command is refused with a coded answer when it is retained, expired, unreadable, unknown, or wants its answer
where the station may not speak. A repetition (same name, same bytes) within ten minutes, longer than the broker keeps
a session, gets the answer of the first and is not carried out again.
"""

import hashlib
from collections import OrderedDict
from typing import Any

import msgspec

from station import wire
from station.link_values import Arrived
from station.wire import Station, WireError

REMEMBER_NS = 600 * 10**9
REMEMBER = 1000
REPLIES = 20  # to one command that is not answered yet
SECOND_NS = 10**9


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Where an answer goes, and what tells the asker which question it belongs to."""

    topic: str
    correlation: bytes | None = None
    command_id: str | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command for the station. Every one is to be answered once; `key` finds who waits for the answer."""

    name: str
    id: str
    data: dict[str, Any]
    key: bytes


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What to say to whom."""

    reply: Reply
    data: dict[str, Any]


class _Known(msgspec.Struct):
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
    """Reads commands of one station; `supported` are the names that it carries out."""

    def __init__(self, station: Station, supported: frozenset[str]) -> None:
        self._station = station
        self._supported = supported
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    def take(self, arrived: Arrived, name: str, now_ns: int) -> Command | Answer | None:
        """Return the command to carry out, or the answer to give at once; None: it will be answered with the first."""
        reply = Reply(topic=self._station.topic("res", name), correlation=arrived.correlation)
        if (wanted := arrived.response_topic) is not None:
            if not self._station.may_answer_on(wanted):
                message = f"the response topic must lie below {self._station.topic('res', '')}"
                return Answer(reply=reply, data=error("bad_response_topic", message))
            reply = msgspec.structs.replace(reply, topic=wanted)
        if arrived.retain:
            return Answer(reply=reply, data=error("retained", "a command must not be retained; clear the topic"))
        if arrived.expiry_s is not None and now_ns - arrived.t_ns >= arrived.expiry_s * SECOND_NS:
            return Answer(reply=reply, data=error("expired", "the command expired before it was read"))
        return self._read(arrived.payload, name, reply, now_ns)

    def answered(self, command: Command, data: dict[str, Any]) -> list[Answer]:
        """Remember the first answer to a command; return it for everyone who waits."""
        known = self._known.get(command.key)
        if known is None or known.answer is not None:
            return []
        known.answer = data
        waiting, known.waiting = known.waiting, []
        return [Answer(reply=reply, data=data) for reply in waiting]

    def _read(self, payload: bytes, name: str, reply: Reply, now_ns: int) -> Command | Answer | None:
        try:
            event = wire.decode(payload)
            reply = msgspec.structs.replace(reply, command_id=event.id)
            data = wire.object_data(event)
        except WireError as refusal:
            return Answer(reply=reply, data=error(refusal.code, refusal.message))
        if name not in self._supported:
            return Answer(reply=reply, data=error("unsupported", f"this station does not know the command {name!r}"))
        key = hashlib.sha256(name.encode() + b"\0" + payload).digest()
        self._forget(now_ns)
        if (known := self._known.get(key)) is not None:
            return self._repeated(known, reply)
        self._known[key] = _Known(now_ns + REMEMBER_NS, [reply])
        return Command(name=name, id=event.id, data=data, key=key)

    @staticmethod
    def _repeated(known: _Known, reply: Reply) -> Answer | None:
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
