"""`station run`: the daemon from a configuration file, until a signal ends it."""

import argparse
import faulthandler
import os
import signal
import sys
import threading
from pathlib import Path

from station import clitools, config, config_good, config_remote, logs, wiring
from station.daemon import RESTART, Crashed, Stop
from station.signing_keys import SigningError

UMASK = 0o077  # what the station keeps is nobody else's business


def add_command(commands: clitools.Subparsers) -> None:
    """Add `run`."""
    parser = clitools.add_command(commands, "run", _run, "run the station")
    clitools.add_config_option(parser)


def _run(arguments: argparse.Namespace) -> int:
    """Choose the configuration, take the state directory, build, run; the mirror of it happens in `Daemon.run`."""
    logs.speak()
    faulthandler.enable()  # what the watchdog's SIGABRT finds goes into the journal: the stack of every thread
    os.umask(UMASK)
    path = config.find(arguments.config)
    choice = config_good.choose_to_run(path, wiring.driver_options())
    if choice.problem is not None:
        clitools.complain(choice.problem)
        clitools.complain("running on the last good configuration")
    try:
        lock = wiring.claim_state_dir(Path(choice.config.station.state_dir))
    except wiring.StateError as error:
        raise clitools.CommandError(str(error)) from error
    if not choice.on_trial:
        wiring.prove(choice)
    try:
        try:
            daemon, inbox = wiring.build(choice, path)
        except SigningError as error:
            raise clitools.CommandError(str(error), clitools.FAILED if error.passing else clitools.USAGE) from error
        threading.excepthook = lambda given: inbox.put(
            Crashed(thread=given.thread.name if given.thread else "?", error=given.exc_value or given.exc_type())
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda given, _frame: inbox.put(Stop(signal.Signals(given).name)))
        status = daemon.run()
    finally:
        os.close(lock)
    if status == 0:
        config_remote.ended_well(Path(choice.config.station.state_dir))
    if status == RESTART:  # in a new image, so that nothing of the old configuration is left, no thread and no file
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - itself, as it was called
    return status
