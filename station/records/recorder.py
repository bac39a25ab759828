"""Writes down what the core is given and what it answers, one visit after the other.

While nobody is there, the core's state is taken down every few seconds and the events since are kept; so a record
always begins before the load, and whatever the core had learnt of the platform until then is in it. Each verdict makes
the record whole up to there, for it may be the last thing that this run does; a visit without a verdict makes it whole
when it ends. Nothing here touches a disk: `keep` does.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from station.core import events
from station.core.beliefs import Beliefs
from station.core.effects import Judge
from station.core.engine import Engine
from station.core.evidence import Reading
from station.core.store_policy import Policy
from station.core.verdict import Versions
from station.records import core_state, weights
from station.records.book import Book
from station.records.entries import FORMAT, Asked, Happened, Head, Stamped, Told
from station.records.privacy import Discretion, without_shopper

EVERY_NS = 10 * 10**9  # how often the state is taken down while nobody is there


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What every head says."""

    store: str
    station: str
    software: str
    policy: Policy


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is whole, with what it refers to: the catalogue's version, and learned weights by their name."""

    record_id: str
    time: str
    data: bytes
    catalogue: str | None
    learned: dict[str, bytes]


class Recorder:
    """Owned by the consumer. `utc` gives the time of day as RFC 3339; `keep` takes what is finished."""

    def __init__(self, place: Place, utc: Callable[[], str], keep: Callable[[Finished], None]) -> None:
        self._place, self._utc, self._keep = place, utc, keep
        self._book: Book | None = None
        self._visit_id: str | None = None
        self._told = self._due = False
        self._begun_ns = 0
        self._discretion = Discretion()
        self._catalogue: str | None = None
        self._learned: dict[str, bytes] = {}
        self._laid_of: Beliefs | None = None
        self._laid_as: tuple[str, bytes] = "", b""

    def before(self, event: events.AnyEvent, engine: Engine) -> None:
        """Note an event that the core is about to get."""
        book = self._book
        if book is None or (engine.visit is None and event.t_ns - self._begun_ns >= EVERY_NS):
            book = self._begin(event.t_ns, engine)
        book.add(Happened(event=self._discretion.of(event)))

    def after(self, engine: Engine) -> None:
        """Look at what became of the visit, once all that the event caused has been noted."""
        visit_id = None if engine.visit is None else engine.visit.visit_id
        ended = self._visit_id is not None and visit_id != self._visit_id
        if self._due or (ended and not self._told):
            self._finish(self._visit_id or visit_id)
        if ended:
            self._book = None  # the next event begins another
        if visit_id != self._visit_id:
            self._told = False
        self._visit_id = visit_id

    def stamped(self, versions: Versions) -> None:
        """Note with what verdicts are stamped from now on."""
        if self._book is not None:
            self._book.add(Stamped(versions=versions))

    def asked(self, question: Judge, trusted: Reading, beliefs: Beliefs | None, catalogue: str | None) -> None:
        """Note a question to the checker, the reading as far as it is trusted, and the weights it is judged by."""
        if self._book is None:
            return
        self._catalogue = catalogue
        learned = None if beliefs is None else self._laid(beliefs)
        self._book.add(
            Asked(
                question=msgspec.structs.replace(question, claim=without_shopper(question.claim)),
                sd_g=None if trusted.sd_g == question.reading.sd_g else trusted.sd_g,
                catalogue=catalogue, learned=learned,
                since=None if beliefs is None else weights.change(beliefs),
            )
        )  # fmt: skip

    def told(self, data: dict[str, Any]) -> None:
        """Note a verdict."""
        if self._book is not None:
            self._book.add(Told(data=data))
            self._told = self._due = True

    def close(self) -> None:
        """The station ends: keep what an open visit has come to."""
        if self._book is not None and self._visit_id is not None and not self._told:
            self._finish(self._visit_id, "the station ended")

    def _begin(self, t_ns: int, engine: Engine) -> Book:
        self._begun_ns, self._discretion = t_ns, Discretion()
        self._catalogue, self._learned = None, {}
        head = Head(
            format=FORMAT, time=self._utc(), boot_ns=t_ns, store=self._place.store, station=self._place.station,
            software=self._place.software, core=core_state.core_hash(), policy=self._place.policy,
            engine=core_state.dump(engine),
        )  # fmt: skip
        self._book = Book(head)
        return self._book

    def _finish(self, visit_id: str | None, cut: str | None = None) -> None:
        self._due = False
        if self._book is not None and visit_id is not None:
            data, time = self._book.bytes_so_far(cut), self._book.head.time
            self._keep(
                Finished(record_id=visit_id, time=time, data=data, catalogue=self._catalogue, learned=self._learned)
            )

    def _laid(self, beliefs: Beliefs) -> str:
        """Return the name of the weights as they were laid; they are taken down once."""
        if beliefs is not self._laid_of:
            data = weights.laid(beliefs)
            self._laid_of, self._laid_as = beliefs, (weights.name_of(data), data)
        name, data = self._laid_as
        self._learned[name] = data
        return name
