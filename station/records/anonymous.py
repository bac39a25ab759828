"""A copy of a record for others: it tells of no transaction, store, station or hour, and replays as before."""

from collections.abc import Sequence
from typing import Any

import msgspec

from station.records import book, core_state
from station.records.book import RecordError
from station.records.entries import AnyEntry, End, Head, Line


def anonymised(entries: Sequence[AnyEntry]) -> bytes:
    """Return a record that names no transaction, store, station or hour; it replays to the same but for the names.

    Transactions become T-1, T-2, …; the time is cut to the day. Of transactions before this record, which the core
    remembers, none is left.
    """
    head, end = entries[0], entries[-1]
    if not isinstance(head, Head) or not isinstance(end, End):
        raise RecordError("a record begins with its head and closes with its end")
    names = _names(entries)
    day = head.time[:10] + "T00:00:00Z"
    nameless = msgspec.structs.replace(head, time=day, store="store", station="station", engine=_nameless(head, names))
    rest = [_renamed(msgspec.to_builtins(entry), names) for entry in entries[1:-1]]
    return book.rewritten([nameless, *(msgspec.convert(entry, Line) for entry in rest), end])


def _names(entries: Sequence[AnyEntry]) -> dict[str, str]:
    found: dict[str, str] = {}
    todo: list[Any] = [msgspec.to_builtins(entry) for entry in reversed(entries)]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            name = value.get("transaction_id")
            if isinstance(name, str):
                found.setdefault(name, f"T-{len(found) + 1}")
            todo.extend(value.values())
        elif isinstance(value, list | tuple):
            todo.extend(value)
    return found


def _nameless(head: Head, names: dict[str, str]) -> bytes:
    """Return the core's state without transactions; empty where this version cannot read it."""
    try:
        engine = core_state.load(head.engine)
    except core_state.StateError:
        return b""
    engine.rename(names)
    return core_state.dump(engine)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """Return a structure of plain values with every string that is in `names` replaced."""
    match value:
        case str():
            return names.get(value, value)
        case dict():
            return {key: _renamed(item, names) for key, item in value.items()}
        case list() | tuple():
            return [_renamed(item, names) for item in value]
        case _:
            return value
