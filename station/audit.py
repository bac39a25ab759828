"""One stored verdict looked at by itself: whether it is whole, signed by a known key, and its hash follows from it.

Pure but for the keys that are handed in. What holds between verdicts (gaps, the chain, copies that differ) is found by
`station.audit_spool`.
"""

import binascii
import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, Protocol

import msgspec
from msgspec import Meta

from station import signing

SIGNATURE_BYTES, HASH_BYTES = 64, 32
SHOWN_CHARACTERS = 80

_TOPIC = re.compile(r"vs/[0-9]+/([a-z0-9-]{1,32})/([a-z0-9-]{1,32})/evt/verdict\Z")
_KEY_ID = re.compile(rf"[0-9a-f]{{{signing.KEY_ID_DIGITS}}}\Z")


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong. `kind` is for programs: see docs/MESSAGES.md, section Integrity."""

    kind: str
    text: str
    line: int | None = None  # of the file
    source: str | None = None  # as far as it is known and signed
    epoch: str | None = None
    seq: int | None = None


class Record(NamedTuple):
    """One message as it was stored: `topic` None where nobody wrote it down."""

    line: int | None
    topic: str | None
    payload: bytes
    properties: Mapping[str, str]


class Numbers(msgspec.Struct, frozen=True):
    """What the payload of every verdict says of its place."""

    source: Annotated[str, Meta(pattern=r"^/[!-~]{1,255}\Z")]
    epoch: Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{1,64}\Z")]
    seq: Annotated[int, Meta(ge=1, le=2**63 - 1)]


class Sealed(NamedTuple):
    """A verdict whose signature holds; `chained` says that its hash follows from it."""

    line: int | None
    numbers: Numbers
    payload: bytes
    proof: signing.Proof
    chained: bool


class Keys(Protocol):
    """The public keys that are trusted."""

    def knows(self, key_id: str) -> bool:
        """Say whether there is a key of this name."""

    def holds(self, key_id: str, signature: bytes, payload: bytes) -> bool:
        """Say whether the signature is that key's over the payload."""


class _Refusal(Exception):  # noqa: N818 - not an error of the program
    """What is wrong with a record."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


def examine(record: Record, keys: Keys) -> tuple[Sealed | None, list[Finding]]:
    """Return the verdict if its signature holds, and what is wrong with it; neither for what is no verdict."""
    if record.topic is not None and not record.topic.endswith("/evt/verdict"):
        return None, []
    numbers: Numbers | None = None
    try:
        numbers = _numbers(record.payload)
        proof = _proof(record.properties)
        _verify(proof, record.payload, keys)
    except _Refusal as refusal:
        claimed = "" if numbers is None else f"what says it is {numbers.source} {numbers.epoch} {numbers.seq}: "
        return None, [Finding(refusal.kind, claimed + refusal.text, record.line)]
    expected = signing.chain_hash(numbers.epoch, numbers.seq, proof.previous_hash, record.payload)
    sealed = Sealed(record.line, numbers, record.payload, proof, expected == proof.hash)
    return sealed, list(_misfits(record, sealed))


def at(numbers: Numbers, kind: str, text: str, line: int | None = None) -> Finding:
    """Return a finding about a verdict whose place is sure."""
    return Finding(kind, text, line, numbers.source, numbers.epoch, numbers.seq)


def printable(text: str) -> str:
    """Return foreign text so that it can be shown: ASCII, in one piece, not too long."""
    return ascii(text[:SHOWN_CHARACTERS]) + ("..." if len(text) > SHOWN_CHARACTERS else "")


def _misfits(record: Record, sealed: Sealed) -> list[Finding]:
    found = []
    if not sealed.chained:
        text = "the properties `hash` and `prevhash` do not belong to this payload"
        found.append(at(sealed.numbers, "bad_hash", text, record.line))
    if record.topic is not None:
        match = _TOPIC.match(record.topic)
        if match is None or sealed.numbers.source != f"/vs/{match[1]}/{match[2]}":
            text = f"stored under the topic {printable(record.topic)}, which is not its station's"
            found.append(at(sealed.numbers, "wrong_topic", text, record.line))
    return found


def _numbers(payload: bytes) -> Numbers:
    try:
        return msgspec.json.decode(payload, type=Numbers)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _Refusal("not_a_verdict", f"the payload is no verdict: {error}") from error


def _proof(properties: Mapping[str, str]) -> signing.Proof:
    if signing.SIGNATURE not in properties:
        raise _Refusal("unsigned", "it has no signature")
    name = properties.get(signing.KEY_ID, "")
    if not _KEY_ID.match(name):
        raise _Refusal("bad_property", f"the property `{signing.KEY_ID}` is missing or no name of a key")
    return signing.Proof(
        signature=_bytes(properties, signing.SIGNATURE, SIGNATURE_BYTES),
        key_id=name,
        previous_hash=_bytes(properties, signing.PREVIOUS_HASH, HASH_BYTES),
        hash=_bytes(properties, signing.HASH, HASH_BYTES),
    )


def _bytes(properties: Mapping[str, Any], name: str, length: int) -> bytes:
    try:
        value = binascii.unhexlify(properties.get(name, ""))
    except ValueError:  # of any kind, characters beyond ASCII too
        value = b""
    if len(value) != length:
        raise _Refusal("bad_property", f"the property `{name}` is missing or has not {2 * length} hexadecimal digits")
    return value


def _verify(proof: signing.Proof, payload: bytes, keys: Keys) -> None:
    if not keys.knows(proof.key_id):
        raise _Refusal("unknown_key", f"it was signed with the key {proof.key_id}, which is not among those trusted")
    if not keys.holds(proof.key_id, proof.signature, payload):
        raise _Refusal("bad_signature", "the signature does not belong to this payload: one of them was changed")
