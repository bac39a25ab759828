"""`station demo`: the command line of the demo, and its clean end."""

import argparse
import contextlib
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from station import clitools
from station.demo.errors import DemoError

SHOPPERS = 12
SHOPPERS_MOST = 100_000


def add_command(commands: clitools.Subparsers) -> None:
    """Add `demo`."""
    parser = clitools.add_command(commands, "demo", _run, "run the whole station on simulated hardware")
    parser.add_argument(
        "--shoppers", metavar="N", type=_count, default=SHOPPERS,
        help=f"how many come (default: {SHOPPERS}; the first seven show one situation each)",
    )  # fmt: skip
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="other shoppers and other chance (default: 1)")
    parser.add_argument("--fast", action="store_true", help="quick hands, no pauses for reading; physics stays real")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="work in this new folder, and keep it")
    clitools.add_json_option(parser)


def _run(arguments: argparse.Namespace) -> int:
    """Run the demo; Ctrl-C and SIGTERM end it with what has been seen until then."""
    from station.demo.show import Show
    from station.demo.telling import JsonTeller, PlainTeller

    teller = JsonTeller() if arguments.json else PlainTeller()
    with _folder(arguments.keep) as folder, _interruptible():
        show = Show(folder, teller, arguments.seed, fast=arguments.fast)
        try:
            show.run(arguments.shoppers)
        except KeyboardInterrupt:
            teller.stopped()
        except DemoError as error:
            raise clitools.CommandError(str(error)) from error
        if (summary := show.summary()) is not None:
            summary.folder = None if arguments.keep is None else str(folder)
            teller.summary(summary)
    return clitools.OK


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= SHOPPERS_MOST:
        raise argparse.ArgumentTypeError(f"{value} is not within 1 to {SHOPPERS_MOST}")
    return value


@contextlib.contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """Yield the demo's folder: a new one that is kept, or one that goes with the demo unless there was trouble."""
    if kept is None:
        folder, wanted = Path(tempfile.mkdtemp(prefix="station-demo-")), False
        try:
            yield folder
        except clitools.CommandError:
            wanted = True  # its message names a log in there
            raise
        finally:
            if not wanted:
                shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        kept.mkdir(parents=True, exist_ok=True)
        if any(kept.iterdir()):
            raise clitools.CommandError(f"--keep {kept}: the folder is not empty; name a new one", clitools.USAGE)
    except OSError as error:
        raise clitools.CommandError(f"--keep {kept}: {error.strerror}; name a folder that can be made") from error
    yield kept


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM end the demo as Ctrl-C does, once: while it ends, neither may break in again."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
