"""`station audit verify`: check signatures, chain and gaps of stored verdicts."""

import argparse
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from station import clitools, signing_keys
from station.audit import Finding, Record, examine
from station.audit_sources import OutboxReader, lines
from station.audit_spool import START, Anchor, Chain, Spool

LISTED_MOST = 1000  # findings and chains in the JSON; all are counted

_EPILOG = """\
FILE holds one JSON object a line, {"topic": ..., "payload": "...", "properties": {...}}, or what `mosquitto_sub -F %j`
prints; - is standard input. The public keys to trust are those given with --key, else those that the station's state
directory remembers. A file whose end is missing looks complete: compare the last number and its hash with the outbox.
"""


def add_commands(commands: clitools.Subparsers, options: clitools.Options) -> None:
    """Add `audit verify`; `options` yields the drivers there are."""
    group = commands.add_parser("audit", help="check what was signed")
    verbs = group.add_subparsers(metavar="COMMAND", required=True)
    summary = "check signatures, chain and gaps of verdicts"
    parser = clitools.add_command(verbs, "verify", lambda given: _verify(given, options), summary)
    parser.epilog, parser.formatter_class = _EPILOG, argparse.RawDescriptionHelpFormatter
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", metavar="FILE", nargs="?", help="verdicts as a backend stored them")
    what.add_argument("--outbox", action="store_true", help="those that the station keeps")
    parser.add_argument(
        "--key", metavar="PUBKEY", type=Path, action="append", help="file of trusted public keys; may be repeated"
    )
    parser.add_argument("--excerpt", action="store_true", help="FILE may begin in the middle of an epoch")
    clitools.add_config_option(parser)
    parser.add_argument("--state", metavar="DIR", help="state directory (default: that of the configuration)")
    clitools.add_json_option(parser)


class _Teller:
    """Prints findings as they come, or keeps the first ones for the JSON; counts all."""

    def __init__(self, name: str, *, as_json: bool) -> None:
        self.kinds: Counter[str] = Counter()
        self.listed: list[Finding] = []
        self._name = name
        self._as_json = as_json

    def tell(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.kinds[finding.kind] += 1
            if not self._as_json:
                print(_line(self._name, finding))
            elif len(self.listed) < LISTED_MOST:
                self.listed.append(finding)


class _Result(msgspec.Struct):
    """What was found beside findings; `chains_count` may be more than the chains that are listed."""

    verdicts: int = 0
    other_messages: int = 0
    copies: int = 0
    out_of_order: int = 0
    older: int = 0
    chains_count: int = 0
    chains: list[Chain] = []


def _verify(arguments: argparse.Namespace, options: clitools.Options) -> int:
    try:
        keys = _keys(arguments, options)
        if arguments.outbox:
            return _outbox(clitools.state_dir(arguments, options) / "outbox.db", keys, as_json=arguments.json)
        with _opened(arguments.file) as file:
            anchor = None if arguments.excerpt else START
            return _file(arguments.file, file, keys, anchor, as_json=arguments.json)
    except signing_keys.SigningError as error:
        raise clitools.CommandError(str(error), clitools.USAGE) from error
    except sqlite3.Error as error:
        raise clitools.CommandError(f"audit: {error}; check the disk, and where TMPDIR points to") from error


def _keys(arguments: argparse.Namespace, options: clitools.Options) -> signing_keys.Verifier:
    if arguments.key:
        return signing_keys.Verifier(key for path in arguments.key for key in signing_keys.public_keys(path))
    folder = clitools.state_dir(arguments, options) / signing_keys.FOLDER
    keys = signing_keys.known(folder)
    if not keys:
        problem = f"{folder} holds no public key of a station; name those to trust with --key"
        raise clitools.CommandError(problem, clitools.USAGE)
    return signing_keys.Verifier(keys)


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - what goes wrong in the caller is not ours to explain
    except OSError as error:
        raise clitools.CommandError(f"{name} cannot be read: {error.strerror}", clitools.USAGE) from error
    with file:
        yield file


def _file(name: str, file: BinaryIO, keys: signing_keys.Verifier, anchor: Anchor | None, *, as_json: bool) -> int:
    teller, result = _Teller(name, as_json=as_json), _Result()
    with Spool() as spool:
        _take_all(lines(file), keys, spool, teller, result)
        _follow(spool, anchor, teller, result)
    if not result.chains_count and not teller.kinds:
        teller.tell([Finding("empty", "there is no verdict in it")])
    return _conclude(teller, result, as_json=as_json)


def _outbox(path: Path, keys: signing_keys.Verifier, *, as_json: bool) -> int:
    if not path.exists():
        raise clitools.CommandError(f"{path} does not exist; name the state directory with --state", clitools.USAGE)
    teller, result, reader = _Teller(str(path), as_json=as_json), _Result(), OutboxReader(path)
    with Spool() as spool:
        try:
            _take_all(reader.records(), keys, spool, teller, result)
        except sqlite3.Error as error:
            teller.tell([Finding("unreadable", f"the outbox cannot be read: {error}")])
        _follow(spool, reader.anchor, teller, result)
    result.older = reader.older
    teller.tell(reader.findings)
    return _conclude(teller, result, as_json=as_json)


def _take_all(
    records: Iterable[Record | Finding], keys: signing_keys.Verifier, spool: Spool, teller: _Teller, result: _Result
) -> None:
    for record in records:
        if isinstance(record, Finding):
            teller.tell([record])
            continue
        sealed, findings = examine(record, keys)
        teller.tell(findings)
        if sealed is not None:
            result.verdicts += 1
            teller.tell(spool.take(sealed))
        elif not findings:
            result.other_messages += 1
    result.copies, result.out_of_order = spool.copies, spool.out_of_order


def _follow(spool: Spool, anchor: Anchor | None, teller: _Teller, result: _Result) -> None:
    for found in spool.chains(anchor):
        if isinstance(found, Finding):
            teller.tell([found])
            continue
        result.chains_count += 1
        if len(result.chains) < LISTED_MOST:
            result.chains.append(found)


def _conclude(teller: _Teller, result: _Result, *, as_json: bool) -> int:
    findings = teller.kinds.total()
    if as_json:
        report = {"ok": not findings, "findings_count": findings, "kinds": dict(teller.kinds)}
        clitools.print_json({**report, **msgspec.structs.asdict(result), "findings": teller.listed})
    else:
        for chain in result.chains:
            print(
                f"{chain.source} epoch {chain.epoch}: {chain.first} to {chain.last}, {chain.verdicts} verdicts,"
                f" keys {' '.join(chain.keys)}, head {chain.head}"
            )
        print(_summary(findings, result))
    return clitools.FAILED if findings else clitools.OK


def _summary(findings: int, result: _Result) -> str:
    counted = [
        (result.copies, "exact copies"), (result.out_of_order, "out of order, which is no fault"),
        (result.other_messages, "other messages passed over"), (result.older, "from before there were signatures"),
    ]  # fmt: skip
    asides = "".join(f", {count} {what}" for count, what in counted if count)
    outcome = f"{findings} findings" if findings else "all signatures and chains hold"
    return f"{result.verdicts} signed verdicts{asides}: {outcome}"


def _line(name: str, finding: Finding) -> str:
    place = name if finding.line is None else f"{name}:{finding.line}"
    what = "" if finding.seq is None else f"{finding.source} {finding.epoch} {finding.seq}: "
    return f"{place}: {finding.kind}: {what}{finding.text}"
