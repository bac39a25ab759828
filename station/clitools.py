"""What all commands share: how errors are told, how a configuration is found, how results are printed."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from station import config

if TYPE_CHECKING:  # argparse gives the class no public name
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - as typeshed names it
else:
    Subparsers = Any

OK, FAILED, USAGE = 0, 1, 2  # a command's exit status: fine, a check failed, wrong usage or bad configuration

INTERRUPTED = 130  # as a shell says it of a program that Ctrl-C ended

Run = Callable[[argparse.Namespace], int]
Options = Callable[[], config.DriverOptions]  # called only by commands that need the drivers' keys


class CommandError(Exception):
    """A command cannot go on; the message is for people, `status` is the exit status."""

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


def add_command(commands: Subparsers, name: str, run: Run, summary: str) -> argparse.ArgumentParser:
    """Add a command whose parsed arguments carry `run`; return its parser for more arguments."""
    parser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(run=run)
    return parser


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """Add `--config FILE`; read it with `configuration`."""
    parser.add_argument(
        "--config", metavar="FILE", help=f"configuration (default: $STATION_CONFIG, then {config.DEFAULT_PATH})"
    )


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print machine-readable JSON")


def configuration(arguments: argparse.Namespace, options: Options) -> config.Config:
    """Return the configuration that the arguments name, or raise `config.ConfigError`."""
    return config.load(config.find(arguments.config), options())


def state_dir(arguments: argparse.Namespace, options: Options) -> Path:
    """Return the directory given with `--state`, else that of the configuration."""
    if getattr(arguments, "state", None):
        return Path(arguments.state)
    return Path(configuration(arguments, options).station.state_dir)


def print_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    print(msgspec.json.encode(value).decode())


def complain(message: str) -> None:
    """Print an error to stderr."""
    print(message, file=sys.stderr)


def run(parser: argparse.ArgumentParser, arguments: list[str] | None = None) -> int:
    """Parse, run the chosen command and return its exit status; errors become lines on stderr."""
    chosen = parser.parse_args(arguments)
    try:
        status: int = chosen.run(chosen)
        if sys.stdout is not None:  # closed by whoever started us
            sys.stdout.flush()
    except config.ConfigError as error:
        complain(str(error))
        return USAGE
    except CommandError as error:
        complain(f"{parser.prog}: {error}")
        return error.status
    except BrokenPipeError:  # whoever read our output has enough; the rest of the buffer is flushed to nobody
        _silence_stdout()
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:  # what has no words of its own: most often stdout that cannot be written
        complain(f"{parser.prog}: {error.strerror or error}; check the disk and where the output goes")
        _silence_stdout()
        return FAILED
    return status


def _silence_stdout() -> None:
    """Let what is still buffered go nowhere, so that the end of the program does not fail over it."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
