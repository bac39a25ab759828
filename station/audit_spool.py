"""What holds between verdicts: no gap, an unbroken chain, copies that are alike, in whatever order they come.

Numbers and hashes go to a temporary database on disk, whose cache is bounded: memory does not grow with what is
examined. A verdict is taken only once its signature was found to hold, so that nothing forged can fill a gap.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from itertools import pairwise
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from station import signing
from station.audit import Finding, Numbers, Sealed, at

CACHE_KIB = 8192
SCHEMA = """
CREATE TABLE epoch(number INTEGER PRIMARY KEY, source TEXT NOT NULL, epoch TEXT NOT NULL, UNIQUE(source, epoch));
CREATE TABLE verdict(
  epoch INTEGER NOT NULL, seq INTEGER NOT NULL, line INTEGER, key_id TEXT NOT NULL, chained INTEGER NOT NULL,
  previous BLOB NOT NULL, hash BLOB NOT NULL, digest BLOB NOT NULL, PRIMARY KEY(epoch, seq)) WITHOUT ROWID;
"""
ADD_EPOCH = "INSERT OR IGNORE INTO epoch(source, epoch) VALUES (?, ?)"
FIND_EPOCH = "SELECT number FROM epoch WHERE source = ? AND epoch = ?"
ADD = "INSERT OR IGNORE INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
SAME = "SELECT line, digest FROM verdict WHERE epoch = ? AND seq = ?"
NEWEST = "SELECT max(seq) FROM verdict WHERE epoch = ?"
EPOCHS = "SELECT number, source, epoch FROM epoch ORDER BY source, number"
ALL = "SELECT seq, line, key_id, chained, previous, hash FROM verdict WHERE epoch = ? ORDER BY seq"


class Anchor(NamedTuple):
    """What went before the first verdict at hand: its number and hash."""

    seq: int
    hash: bytes


START = Anchor(0, signing.GENESIS)


class Link(NamedTuple):
    """One verdict in the chain."""

    seq: int
    line: int | None
    key_id: str
    chained: bool
    previous: bytes
    hash: bytes


class Chain(msgspec.Struct):
    """What was found of one epoch of one station. `head` is the hash of the last verdict, for all before it."""

    source: str
    epoch: str
    first: int = 0
    last: int = 0
    verdicts: int = 0
    head: str = ""
    keys: list[str] = msgspec.field(default_factory=list)  # in the order of their first use


class Spool:
    """Takes verdicts, then tells what is wrong between them. Raises `sqlite3.Error` where the disk refuses."""

    def __init__(self) -> None:
        self.copies = 0
        self.out_of_order = 0
        self._signers: dict[str, str] = {}  # which station a key was first seen with
        self._db = sqlite3.connect("", isolation_level=None)  # a file that SQLite removes
        for statement in ("PRAGMA journal_mode=OFF", f"PRAGMA cache_size=-{CACHE_KIB}", *SCHEMA.split(";"), "BEGIN"):
            self._db.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def take(self, sealed: Sealed) -> list[Finding]:
        """Note a verdict; return what is wrong with it beside one that came before."""
        numbers, proof = sealed.numbers, sealed.proof
        self._db.execute(ADD_EPOCH, (numbers.source, numbers.epoch))
        epoch = self._db.execute(FIND_EPOCH, (numbers.source, numbers.epoch)).fetchone()[0]
        newest = self._db.execute(NEWEST, (epoch,)).fetchone()[0] or 0
        digest = _digest(sealed)
        values = (numbers.seq, sealed.line, proof.key_id, sealed.chained, proof.previous_hash, proof.hash, digest)
        if self._db.execute(ADD, (epoch, *values)).rowcount:
            self.out_of_order += numbers.seq < newest
            return []
        line, known = self._db.execute(SAME, (epoch, numbers.seq)).fetchone()
        if known == digest:
            self.copies += 1
            return []
        other = "the one before" if line is None else f"line {line}"
        return [at(numbers, "differs", f"the same number as in {other}, but not the same bytes", sealed.line)]

    def chains(self, anchor: Anchor | None) -> Iterator[Chain | Finding]:
        """Yield what is wrong with each chain, then the chain; without an anchor it may begin anywhere."""
        for number, source, epoch in self._db.execute(EPOCHS):
            chain = Chain(source, epoch)
            yield from self._followed(chain, number, anchor)
            yield chain

    def _followed(self, chain: Chain, number: int, anchor: Anchor | None) -> Iterator[Finding]:
        links = (Link(*row) for row in self._db.execute(ALL, (number,)))
        first = next(links)
        chain.first = first.seq
        before = Anchor(first.seq - 1, first.previous) if anchor is None else anchor
        origin = Link(before.seq, None, "", True, b"", before.hash)  # noqa: FBT003 - a row as above
        for link, following in pairwise(_joined(origin, first, links)):
            yield from _between(chain, link, following)
            yield from self._signed(chain, following)
            chain.last, chain.head = following.seq, following.hash.hex()
            chain.verdicts += 1

    def _signed(self, chain: Chain, link: Link) -> Iterator[Finding]:
        """Follow which key signs: a key that was given up does not come back, and serves one station."""
        if chain.keys and link.key_id == chain.keys[-1]:
            return
        numbers = Numbers(chain.source, chain.epoch, link.seq)
        owner = self._signers.setdefault(link.key_id, chain.source)
        if link.key_id in chain.keys:
            text = f"signed with the key {link.key_id}, after {chain.keys[-1]} had taken its place"
            chain.keys.remove(link.key_id)
            yield at(numbers, "retired_key", text, link.line)
        elif owner != chain.source:
            yield at(numbers, "shared_key", f"signed with the key {link.key_id}, which is that of {owner}", link.line)
        chain.keys.append(link.key_id)


def _joined(origin: Link, first: Link, links: Iterator[Link]) -> Iterator[Link]:
    yield origin
    yield first
    yield from links


def _between(chain: Chain, link: Link, following: Link) -> Iterator[Finding]:
    if following.seq > link.seq + 1:
        missing = link.seq + 1
        which = f"{missing} is" if following.seq == missing + 1 else f"{missing} to {following.seq - 1} are"
        numbers = Numbers(chain.source, chain.epoch, missing)
        yield at(numbers, "gap", f"{which} missing", None)
    elif link.chained and following.chained and following.previous != link.hash:
        numbers = Numbers(chain.source, chain.epoch, following.seq)
        before = f"verdict {link.seq}" if link.seq else "the beginning of an epoch"
        yield at(numbers, "broken_chain", f"it does not follow {before}: another one stood there", following.line)


def _digest(sealed: Sealed) -> bytes:
    """Return the SHA-256 of all that must be alike in copies."""
    digest = hashlib.sha256(hashlib.sha256(sealed.payload).digest())
    for _name, value in sealed.proof.properties():
        digest.update(value.encode() + b"\n")
    return digest.digest()
