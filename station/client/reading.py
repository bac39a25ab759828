"""Verdicts from bytes: read, checked against the topic they came on, their signature and their chain. Pure."""

from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from station import signing
from station.client.values import Received
from station.wire import Station

LEVELS = 6  # vs/1/{store}/{station}/{group}/{name}
Properties = tuple[tuple[str, str], ...]


class UnusableError(ValueError):
    """A message cannot be taken as a verdict; the message says why."""


class Verifier(Protocol):
    """Checks signatures with trusted keys; `station.signing_keys.Verifier` is one."""

    def knows(self, key_id: str) -> bool:
        """Say whether there is a key of this name."""

    def holds(self, key_id: str, signature: bytes, payload: bytes) -> bool:
        """Say whether the signature is that key's over the payload."""


class _Event(msgspec.Struct, frozen=True):
    """What a verdict needs to be stored; what its data holds is for those who read it."""

    id: str
    source: str
    type: str
    time: str
    epoch: Annotated[str, Meta(min_length=1, max_length=128)]
    seq: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    data: dict[str, Any]


def split(topic: str) -> tuple[Station, str, str] | None:
    """Return who speaks, the group and the name of a topic; None for one that is no station's."""
    levels = topic.split("/")
    if len(levels) != LEVELS or levels[:2] != ["vs", "1"]:
        return None
    return Station(levels[2], levels[3]), levels[4], levels[5]


def read(station: Station, payload: bytes, properties: Properties, verifier: Verifier | None) -> Received:
    """Return the verdict in a message of `station`; raise `UnusableError`."""
    try:
        event = msgspec.json.decode(payload, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableError(f"no verdict: {error}") from error
    if event.source != station.source:
        raise UnusableError(f"it says that it comes from {event.source}")
    if event.type != "station.verdict.v1":
        raise UnusableError(f"it is a {event.type}")
    if verifier is not None:
        check(event.epoch, event.seq, payload, properties, verifier)
    return Received(
        station=station,
        epoch=event.epoch,
        seq=event.seq,
        event_id=event.id,
        time=event.time,
        data=event.data,
        payload=payload,
        properties=properties,
        verified=verifier is not None,
    )


def check(epoch: str, seq: int, payload: bytes, properties: Properties, verifier: Verifier) -> None:
    """Check a verdict's signature and its own link of the chain; raise `UnusableError`."""
    given = dict(properties)
    try:
        key_id = given[signing.KEY_ID]
        signature = bytes.fromhex(given[signing.SIGNATURE])
        previous, hash_ = (bytes.fromhex(given[name]) for name in (signing.PREVIOUS_HASH, signing.HASH))
    except (KeyError, ValueError) as error:
        raise UnusableError("it is not signed, or not readably") from error
    if not verifier.knows(key_id):
        raise UnusableError(f"it is signed with key {key_id}, which is not trusted")
    if not verifier.holds(key_id, signature, payload):
        raise UnusableError(f"its signature is not that of key {key_id}")
    if not epoch.isascii() or signing.chain_hash(epoch, seq, previous, payload) != hash_:
        raise UnusableError("its hash is not that of the chain")
