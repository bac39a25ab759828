"""Makes a recorded visit again from what went in, and says where the answers differ.

With the core's own source the whole way is gone: raw samples, claim, sightings, judgement. With another source the
core's state cannot be read; then each question to the checker is asked again, which is where versions differ most.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from station import __version__, catalogue
from station.catalogue_rows import CatalogueError
from station.core.beliefs import Beliefs
from station.core.effects import Deliver, Effect, Judge
from station.core.engine import Engine
from station.core.events import AnyEvent, Judged
from station.core.policy import abstained, judge
from station.core.product import Product
from station.core.store_policy import Policy
from station.core.verdict import Judgement, Verdict, Weight
from station.core.verdict_data import rounded, to_wire
from station.records import core_state, weights
from station.records.book import RecordError
from station.records.entries import AnyEntry, Asked, End, Happened, Head, Stamped, Told
from station.records.shelf import Shelf

UNTOLD = "timing_ms"  # what another machine, or another hour, makes different
Way = Literal["whole", "judgement"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a verdict: where, what was recorded, what comes out now."""

    verdict_no: int
    field: str
    recorded: Any
    now: Any


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `way` says how much was made again; `notes` why not more, and what else is not as it was."""

    way: Way
    verdicts: int
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Return whether every verdict came out as it was told."""
        return not self.differences


def replay(entries: Sequence[AnyEntry], shelf: Shelf) -> Replay:
    """Make a record's verdicts again; raise `RecordError` where what it refers to is gone."""
    head = entries[0]
    if not isinstance(head, Head):
        raise RecordError("the record does not begin with a head")
    told = [entry.data for entry in entries if isinstance(entry, Told)]
    notes = list(_notes(head, entries))
    checker = Checker(head.policy, shelf)
    if head.core == core_state.core_hash():
        made = [to_wire(verdict) for verdict in Whole(head, entries, checker).verdicts()]
        return Replay(way="whole", verdicts=len(told), differences=tuple(_compared(told, made)), notes=tuple(notes))
    notes.append("the core's source is another one: the judgements are made again, the weighing is taken as recorded")
    found = tuple(_judged_again(entries, checker))
    return Replay(way="judgement", verdicts=len(told), differences=found, notes=tuple(notes))


class Checker:
    """Answers questions by the weights of then."""

    def __init__(self, policy: Policy, shelf: Shelf) -> None:
        self._policy, self._shelf = policy, shelf
        self._products: dict[str, list[Product]] = {}

    def answer(self, asked: Asked, question: Judge) -> Judgement:
        """Return the judgement of a question, asked as `asked` was."""
        reading = question.reading if asked.sd_g is None else msgspec.structs.replace(question.reading, sd_g=asked.sd_g)
        if asked.catalogue is None:
            weight = Weight(gross_g=question.reading.gross_g, sd_g=question.reading.sd_g)
            return abstained(("UNKNOWN_WEIGHT",), question.claim.currency, weight)
        return judge(question.claim, reading, question.evidence, self._beliefs(asked, asked.catalogue), self._policy)

    def _beliefs(self, asked: Asked, version: str) -> Beliefs:
        if version not in self._products:
            self._products[version] = self._catalogue(version)
        order = None if asked.learned is None else self._shelf.weights(asked.learned)
        try:
            return weights.rebuilt(
                self._products[version], self._policy.departments, order, asked.since or weights.Change()
            )
        except weights.WeightsError as error:
            raise RecordError(f"the weights of the record cannot be used: {error}") from error

    def _catalogue(self, version: str) -> list[Product]:
        try:
            found = catalogue.load(self._shelf.catalogue(version))
        except CatalogueError as error:
            raise RecordError(str(error)) from error
        if found.version != version:
            raise RecordError(f"the catalogue on the shelf is {found.version}, not {version}")
        return found.products


class Whole:
    """Lets the core go through the record once more."""

    def __init__(self, head: Head, entries: Sequence[AnyEntry], checker: Checker) -> None:
        try:
            self._engine: Engine = core_state.load(head.engine)
        except core_state.StateError as error:
            raise RecordError(str(error)) from error
        self._entries, self._checker = entries, checker

    def verdicts(self) -> Iterator[Verdict]:
        """Yield the verdicts in order."""
        asked: Asked | None = None
        question: Judge | None = None
        for entry in self._entries:
            match entry:
                case Stamped(versions=versions):
                    self._engine.use(versions)
                case Asked():
                    asked = entry
                case Happened(event=event):
                    effects = self._handled(event, asked, question)
                    question = next((effect for effect in effects if isinstance(effect, Judge)), question)
                    yield from (effect.verdict for effect in effects if isinstance(effect, Deliver))
                case _:
                    continue

    def _handled(self, event: AnyEvent, asked: Asked | None, question: Judge | None) -> list[Effect]:
        """Hand the core an event; an answer of the checker is made anew, with the time it took then."""
        if isinstance(event, Judged) and asked is not None and question is not None:
            event = msgspec.structs.replace(event, judgement=self._checker.answer(asked, question))
        return self._engine.handle(event)


def _judged_again(entries: Sequence[AnyEntry], checker: Checker) -> Iterator[Difference]:
    """Yield what differs between the answers of the checker, then and now."""
    asked: Asked | None = None
    number = 0
    for entry in entries:
        if isinstance(entry, Asked):
            asked = entry
        elif isinstance(entry, Happened) and isinstance(entry.event, Judged) and asked is not None:
            number += 1
            then, now = (_plain(answer) for answer in (entry.event.judgement, checker.answer(asked, asked.question)))
            yield from _differences(number, then, now)


def _plain(judgement: Judgement) -> dict[str, Any]:
    return rounded(msgspec.to_builtins(judgement))


def _compared(told: Sequence[Mapping[str, Any]], made: Sequence[Mapping[str, Any]]) -> Iterator[Difference]:
    if len(told) != len(made):
        yield Difference(verdict_no=0, field="number of verdicts", recorded=len(told), now=len(made))
    for then, now in zip(told, made, strict=False):
        as_sent = msgspec.json.decode(msgspec.json.encode(now))
        yield from _differences(then["verdict_no"], then, as_sent)


def _differences(number: int, then: Mapping[str, Any], now: Mapping[str, Any], path: str = "") -> Iterator[Difference]:
    for name in [*then, *(name for name in now if name not in then)]:
        before, after = then.get(name), now.get(name)
        if name == UNTOLD or before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _differences(number, before, after, f"{path}{name}.")
        else:
            yield Difference(verdict_no=number, field=path + name, recorded=before, now=after)


def _notes(head: Head, entries: Sequence[AnyEntry]) -> Iterator[str]:
    if head.software != __version__:
        yield f"recorded with version {head.software}, replayed with {__version__}"
    end = entries[-1]
    if isinstance(end, End) and end.cut is not None:
        yield f"the record is not complete: {end.cut}"
