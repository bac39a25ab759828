"""`station check`: verdicts on baskets from a file or another program, without any hardware."""

import argparse
import hashlib
import sys
from pathlib import Path

import msgspec

from station import __version__, catalogue_rows, clitools
from station.check import Checker
from station.core.beliefs import Beliefs
from station.core.store_policy import Policy
from station.core.verdict import Versions

HASH_DIGITS = 16
ROWS_SHOWN = 10  # of those that cannot be used


def add_command(commands: clitools.Subparsers, options: clitools.Options) -> None:
    """Add `check`; `options` yields the drivers there are, which a configuration may name."""
    parser = clitools.add_command(
        commands, "check", lambda given: _check(given, options),
        "judge baskets: JSON Lines on stdin, verdicts as JSON Lines on stdout",
    )  # fmt: skip
    parser.add_argument("--catalogue", required=True, metavar="FILE", help="products, CSV or JSON Lines")
    parser.add_argument("--config", metavar="FILE", help="take the policy from this configuration")
    parser.add_argument("--learn", action="store_true", help="refused: this version does not learn yet")
    parser.add_argument("--state", metavar="DIR", help="refused: this version does not learn yet")


def _check(arguments: argparse.Namespace, options: clitools.Options) -> int:
    if arguments.learn or arguments.state:
        raise clitools.CommandError("--learn and --state are not supported by this version", clitools.USAGE)
    policy = clitools.configuration(arguments, options).policy if arguments.config else Policy()
    path = Path(arguments.catalogue)
    beliefs = _beliefs(path, policy)
    checker = Checker(beliefs, policy, _versions(path, policy))
    for answer in checker.answers(sys.stdin.buffer):
        sys.stdout.buffer.write(answer + b"\n")
        sys.stdout.buffer.flush()
    return clitools.OK


def _beliefs(path: Path, policy: Policy) -> Beliefs:
    try:
        found = catalogue_rows.read(path)
    except catalogue_rows.CatalogueError as error:
        raise clitools.CommandError(f"catalogue: {error}", clitools.USAGE) from error
    for row in found.errors[:ROWS_SHOWN]:
        clitools.complain(f"{path}:{row.line}: {row.text}")
    if (more := len(found.errors) - ROWS_SHOWN) > 0:
        clitools.complain(f"{path}: {more} more rows cannot be used")
    return Beliefs.of(found.products, policy.departments)


def _versions(path: Path, policy: Policy) -> Versions:
    return Versions(software=__version__, catalogue=_hash(path.read_bytes()), policy=_hash(msgspec.json.encode(policy)))


def _hash(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()[:HASH_DIGITS]}"
