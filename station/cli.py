"""`station`: the command line. Every command is a module of its own, loaded only when its command is given."""

import argparse
import os
import sys
from typing import NoReturn

from station import __version__, clitools
from station.config import DriverOptions


class _Parser(argparse.ArgumentParser):
    """argparse with errors of one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(clitools.USAGE, f"{self.prog}: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads for small matrices cost 80 ms on a busy machine
    given = sys.argv[1:] if arguments is None else arguments
    return clitools.run(_parser(given[0] if given else ""), given)


def _parser(first: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _Parser(prog="station", description="The checkout validation station.")
    parser.add_argument("--version", action="version", version=f"station {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in MOUNTS if first not in MOUNTS else (first,):
        MOUNTS[name](commands)
    return parser


def _options() -> DriverOptions:
    from station import wiring

    return wiring.driver_options()


def _run(commands: clitools.Subparsers) -> None:
    from station import running

    running.add_command(commands)


def _demo(commands: clitools.Subparsers) -> None:
    from station.demo import command

    command.add_command(commands)


def _config(commands: clitools.Subparsers) -> None:
    from station import config_cli

    config_cli.add_commands(commands, _options)


def _catalogue(commands: clitools.Subparsers) -> None:
    from station import catalogue_cli

    catalogue_cli.add_commands(commands, _options)


def _gallery(commands: clitools.Subparsers) -> None:
    from station import gallery_cli

    gallery_cli.add_commands(commands, _options)


def _model(commands: clitools.Subparsers) -> None:
    from station import model_cli

    model_cli.add_commands(commands, _options)


def _check(commands: clitools.Subparsers) -> None:
    from station import check_cli

    check_cli.add_command(commands, _options)


def _audit(commands: clitools.Subparsers) -> None:
    from station import audit_cli

    audit_cli.add_commands(commands, _options)


def _keys(commands: clitools.Subparsers) -> None:
    from station import signing_cli

    signing_cli.add_commands(commands, _options)


def _doctor(commands: clitools.Subparsers) -> None:
    from station.doctor import command

    command.add_command(commands)


def _provision(commands: clitools.Subparsers) -> None:
    from station.provision import command

    command.add_commands(commands)


def _fleet(commands: clitools.Subparsers) -> None:
    from station.fleet import command

    command.add_command(commands)


def _replay(commands: clitools.Subparsers) -> None:
    from station.records import command

    command.add_replay(commands, _options)


def _records(commands: clitools.Subparsers) -> None:
    from station.records import command

    command.add_records(commands, _options)


def _schema(commands: clitools.Subparsers) -> None:
    from station import schema_cli

    schema_cli.add_command(commands)


MOUNTS = {
    "run": _run,
    "demo": _demo,
    "fleet": _fleet,
    "config": _config,
    "check": _check,
    "doctor": _doctor,
    "provision": _provision,
    "catalogue": _catalogue,
    "gallery": _gallery,
    "model": _model,
    "schema": _schema,
    "audit": _audit,
    "replay": _replay,
    "records": _records,
    "keys": _keys,
}
