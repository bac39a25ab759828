"""`station run`: the daemon from a configuration file, until a signal ends it."""

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import structlog

from station import clitools, config, config_good, wiring
from station.daemon import Crashed, Stop
from station.signing_keys import SigningError

UMASK = 0o077  # what the station keeps is nobody else's business


def add_command(commands: clitools.Subparsers) -> None:
    """Add `run`."""
    parser = clitools.add_command(commands, "run", _run, "run the station")
    clitools.add_config_option(parser)


def _run(arguments: argparse.Namespace) -> int:
    """Choose the configuration, take the state directory, build, run; the mirror of it happens in `Daemon.run`."""
    speak()
    os.umask(UMASK)
    choice = config_good.choose(config.find(arguments.config), wiring.driver_options())
    if choice.problem is not None:
        clitools.complain(choice.problem)
        clitools.complain("running on the last good configuration")
    try:
        lock = wiring.claim_state_dir(Path(choice.config.station.state_dir))
    except wiring.StateError as error:
        raise clitools.CommandError(str(error)) from error
    _remember(choice)
    try:
        try:
            daemon, inbox = wiring.build(choice.config, choice.problem)
        except SigningError as error:
            raise clitools.CommandError(str(error), clitools.FAILED if error.passing else clitools.USAGE) from error
        threading.excepthook = lambda given: inbox.put(
            Crashed(thread=given.thread.name if given.thread else "?", error=given.exc_value or given.exc_type())
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda given, _frame: inbox.put(Stop(signal.Signals(given).name)))
        return daemon.run()
    finally:
        os.close(lock)


def _remember(choice: config_good.Choice) -> None:
    """Keep a configuration that could be used, as far as the disk allows."""
    if choice.problem is None:
        try:
            config_good.remember_good(choice.config)
        except OSError as error:
            clitools.complain(f"the configuration could not be kept as the last good one: {error.strerror}")


def speak() -> None:
    """Log lines for people on a terminal, JSON for the journal; to stderr, so that stdout stays the program's own."""
    terminal = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
