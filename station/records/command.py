"""`station replay` and `station records`: look at recorded visits, make them again, hand them on, let them go."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from station import clitools
from station.config_keys import Records
from station.records import book, bundle
from station.records.anonymous import anonymised
from station.records.book import RecordError
from station.records.entries import AnyEntry, End, Head, Told
from station.records.replay import Difference, Replay, replay
from station.records.shelf import FOLDER, MEGABYTE, Kept, Shelf

SHOWN_MOST = 80  # characters of a value in a difference


def add_replay(commands: clitools.Subparsers, options: clitools.Options) -> None:
    """Add `replay`; `options` yields the drivers there are."""
    summary = "make a recorded visit's verdicts again and compare"
    parser = clitools.add_command(commands, "replay", lambda given: _replay(given, options), summary)
    _add_record(parser)
    _add_common(parser)


def add_records(commands: clitools.Subparsers, options: clitools.Options) -> None:
    """Add `records`; `options` yields the drivers there are."""
    verbs = commands.add_parser("records", help="recorded visits").add_subparsers(metavar="COMMAND", required=True)
    listing = clitools.add_command(verbs, "list", lambda given: _list(given, options), "list recorded visits")
    summary = "pack a record with all that it needs"
    export = clitools.add_command(verbs, "export", lambda given: _export(given, options), summary)
    summary = "pack a record that names no transaction, store, station or hour"
    anonymise = clitools.add_command(verbs, "anonymise", lambda given: _anonymise(given, options), summary)
    for parser in (export, anonymise):
        _add_record(parser)
        parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="the zip file to write")
    prune = clitools.add_command(verbs, "prune", lambda given: _prune(given, options), "remove records now")
    bounds = prune.add_mutually_exclusive_group()
    bounds.add_argument("--days", type=float, help="remove what is older (default: the configuration's)")
    bounds.add_argument("--all", action="store_true", help="remove all")
    for parser in (listing, export, anonymise, prune):
        _add_common(parser)


def _add_record(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", metavar="RECORD", help="a file, or the id of a visit or transaction that is recorded")


def _add_common(parser: argparse.ArgumentParser) -> None:
    clitools.add_config_option(parser)
    parser.add_argument("--state", metavar="DIR", help="state directory (default: that of the configuration)")
    clitools.add_json_option(parser)


def _shelf(arguments: argparse.Namespace, options: clitools.Options) -> Shelf:
    """Return the shelf; a record that is a file of its own needs no configuration."""
    if arguments.state:
        bounds, state_dir = Records(), Path(arguments.state)
    elif Path(getattr(arguments, "record", "")).is_file() and not arguments.config:
        bounds, state_dir = Records(), Path(arguments.record).absolute().parent.parent
    else:
        config = clitools.configuration(arguments, options)
        bounds, state_dir = config.records, Path(config.station.state_dir)
    return Shelf(state_dir / FOLDER, round(bounds.keep_mb * MEGABYTE), bounds.keep_days)


@contextmanager
def _opened(arguments: argparse.Namespace, options: clitools.Options) -> Iterator[tuple[list[AnyEntry], Shelf]]:
    shelf = _shelf(arguments, options)
    path = Path(arguments.record)
    try:
        with bundle.opened(path if path.is_file() else _found(shelf, arguments.record), shelf) as found:
            yield found
    except RecordError as error:
        raise clitools.CommandError(f"{arguments.record}: {error}") from error
    except OSError as error:
        raise clitools.CommandError(f"{error.filename or arguments.record}: {error.strerror}") from error


def _found(shelf: Shelf, name: str) -> Path:
    """Return the newest record of a visit or of a transaction."""
    for kept in reversed(shelf.kept()):
        if name == kept.record_id or name in _transactions(kept):
            return kept.path
    raise clitools.CommandError(f"{name} is neither a file nor recorded in {shelf.folder}; `station records list`")


def _transactions(kept: Kept) -> set[str | None]:
    try:
        entries = book.read(kept.path.read_bytes())
    except (RecordError, OSError):
        return set()
    return {entry.data.get("transaction_id") for entry in entries if isinstance(entry, Told)}


def _replay(arguments: argparse.Namespace, options: clitools.Options) -> int:
    with _opened(arguments, options) as (entries, shelf):
        result = replay(entries, shelf)
    if arguments.json:
        clitools.print_json({"same": result.same, **_plain(result)})
    else:
        for line in _lines(result):
            print(line)
    return clitools.OK if result.same else clitools.FAILED


def _plain(result: Replay) -> dict[str, Any]:
    return {name: getattr(result, name) for name in result.__struct_fields__}


def _lines(result: Replay) -> Iterator[str]:
    yield from (f"note: {note}" for note in result.notes)
    yield from (_line(difference) for difference in result.differences)
    what = "verdicts" if result.way == "whole" else "judgements"
    outcome = "the same as recorded" if result.same else f"{len(result.differences)} differences"
    yield f"{result.verdicts} {what} made again: {outcome}"


def _line(difference: Difference) -> str:
    then, now = (str(value)[:SHOWN_MOST] for value in (difference.recorded, difference.now))
    return f"verdict {difference.verdict_no}, {difference.field}: recorded {then}, now {now}"


def _list(arguments: argparse.Namespace, options: clitools.Options) -> int:
    rows = [_row(kept) for kept in _shelf(arguments, options).kept()]
    if arguments.json:
        clitools.print_json(rows)
        return clitools.OK
    for row in rows:
        told = ", ".join(f"{verdict['transaction_id']} {verdict['decision']}" for verdict in row["verdicts"])
        state = row["problem"] or row["cut"] or "whole"
        print(f"{row['time']}  {row['record_id']}  {row['bytes'] / 1000:.0f} kB  {told or 'no verdict'}  {state}")
    total = sum(row["bytes"] for row in rows) / MEGABYTE
    print(f"{len(rows)} records, {total:.1f} MB")
    return clitools.OK


def _row(kept: Kept) -> dict[str, Any]:
    row: dict[str, Any] = {
        "record_id": kept.record_id, "time": kept.time, "bytes": kept.size, "file": str(kept.path), "verdicts": [],
        "cut": None, "problem": None,
    }  # fmt: skip
    try:
        entries = book.read(kept.path.read_bytes())
    except (RecordError, OSError) as error:
        return row | {"problem": str(error)}
    told = [entry.data for entry in entries if isinstance(entry, Told)]
    fields = ("transaction_id", "verdict_no", "decision", "p_as_claimed")
    end, head = entries[-1], entries[0]
    return row | {
        "verdicts": [{name: data.get(name) for name in fields} for data in told],
        "cut": end.cut if isinstance(end, End) else None,
        "time": head.time if isinstance(head, Head) else kept.time,
    }  # fmt: skip


def _export(arguments: argparse.Namespace, options: clitools.Options) -> int:
    with _opened(arguments, options) as (entries, shelf):
        bundle.pack(arguments.output, book.rewritten(entries), shelf)
    return _written(arguments, [])


def _anonymise(arguments: argparse.Namespace, options: clitools.Options) -> int:
    with _opened(arguments, options) as (entries, shelf):
        data = anonymised(entries)
        result = replay(book.read(data), shelf)
        bundle.pack(arguments.output, data, shelf)
    notes = [*result.notes] + ([] if result.same else ["the anonymous record replays to other verdicts"])
    return _written(arguments, notes)


def _written(arguments: argparse.Namespace, notes: Sequence[str]) -> int:
    if arguments.json:
        clitools.print_json({"file": str(arguments.output), "notes": notes})
    else:
        for note in notes:
            print(f"note: {note}")
        print(f"written to {arguments.output}; `station replay {arguments.output}` makes it again")
    return clitools.OK


def _prune(arguments: argparse.Namespace, options: clitools.Options) -> int:
    shelf = _shelf(arguments, options)
    try:
        gone = shelf.prune(datetime.now(UTC), keep_bytes=0 if arguments.all else None, keep_days=arguments.days)
    except OSError as error:
        raise clitools.CommandError(f"{error.filename or shelf.folder}: {error.strerror}") from error
    if arguments.json:
        clitools.print_json({"removed": len(gone), "kept": len(shelf.kept())})
    else:
        print(f"{len(gone)} records removed, {len(shelf.kept())} kept")
    return clitools.OK
