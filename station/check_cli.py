"""`station check`: verdicts on baskets from a file or another program, without any hardware."""

import argparse
import sys
from operator import attrgetter
from pathlib import Path

from station import __version__, catalogue, catalogue_rows, clitools
from station.check import Checker
from station.core import store_policy
from station.core.beliefs import Beliefs
from station.core.product import Product
from station.core.store_policy import Policy
from station.core.verdict import Versions

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
    products = _products(path)
    versions = Versions(
        software=__version__,
        catalogue=catalogue.version_of(sorted(products, key=attrgetter("gtin"))),
        policy=store_policy.version_of(policy),
    )
    checker = Checker(Beliefs.of(products, policy.departments), policy, versions)
    for answer in checker.answers(sys.stdin.buffer):
        sys.stdout.buffer.write(answer + b"\n")
        sys.stdout.buffer.flush()
    return clitools.OK


def _products(path: Path) -> list[Product]:
    try:
        found = catalogue_rows.read(path)
    except catalogue_rows.CatalogueError as error:
        raise clitools.CommandError(f"catalogue: {error}", clitools.USAGE) from error
    for row in found.errors[:ROWS_SHOWN]:
        clitools.complain(f"{path}:{row.line}: {row.text}")
    if (more := len(found.errors) - ROWS_SHOWN) > 0:
        clitools.complain(f"{path}: {more} more rows cannot be used")
    return found.products
