"""`station check`: verdicts on baskets from a file or another program, without any hardware."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from io import BufferedReader
from operator import attrgetter
from pathlib import Path
from typing import cast

from station import __version__, catalogue, catalogue_rows, check_progress, clitools, lessons
from station.check import MAX_LINE_BYTES, Checker
from station.check_lines import lines_of
from station.check_workers import Crew, WorkerError
from station.core import gtin, store_policy
from station.core.beliefs import Beliefs
from station.core.learned_snapshot import SnapshotError
from station.core.learning_settings import LearningSettings
from station.core.product import Product
from station.core.store_policy import Policy
from station.core.verdict import Versions
from station.lessons import LessonStore
from station.school import School

ROWS_SHOWN = 10  # of those that cannot be used
WORKERS_MAX = 256


def add_command(commands: clitools.Subparsers, options: clitools.Options) -> None:
    """Add `check`; `options` yields the drivers there are, which a configuration may name."""
    parser = clitools.add_command(
        commands, "check", lambda given: _check(given, options),
        "judge baskets: JSON Lines on stdin, verdicts as JSON Lines on stdout",
    )  # fmt: skip
    parser.add_argument("--catalogue", required=True, metavar="FILE", help="products, CSV or JSON Lines")
    parser.add_argument("--config", metavar="FILE", help="take policy and learning from this configuration")
    parser.add_argument(
        "--gallery", metavar="FILE", help="what cameras can name: GTINs, one a line (default: not known)"
    )
    parser.add_argument("--learn", action="store_true", help="learn from accepted cases and from feedback")
    parser.add_argument(
        "--state", metavar="DIR", help="where what is learned is kept (default: in memory); without --learn it is used "
        "as it is",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="judge on so many processor cores")
    parser.add_argument("--progress", action="store_true", help="show progress on stderr even if it is no terminal")


def _check(arguments: argparse.Namespace, options: clitools.Options) -> int:
    configured = clitools.configuration(arguments, options) if arguments.config else None
    policy = Policy() if configured is None else configured.policy
    _refuse_what_does_not_fit(arguments)
    path = Path(arguments.catalogue)
    products = _products(path)
    versions = Versions(
        software=__version__,
        catalogue=catalogue.version_of(sorted(products, key=attrgetter("gtin"))),
        policy=store_policy.version_of(policy),
    )
    beliefs = Beliefs.of(products, policy.departments)
    settings = LearningSettings() if configured is None else configured.learning
    if arguments.state and arguments.learn:
        _keep(Path(arguments.state), products)
    school = _school(arguments.state, policy, settings, beliefs, learns=arguments.learn)
    gallery = _gallery(Path(arguments.gallery)) if arguments.gallery else None
    checker = Checker(beliefs, policy, versions, school, arguments.learn, gallery)
    try:
        _judge(checker, arguments.workers, progress=arguments.progress)
    except WorkerError as error:
        raise clitools.CommandError(str(error)) from error
    finally:
        if school is not None and arguments.learn:
            _end(school)
    return clitools.OK


def _refuse_what_does_not_fit(arguments: argparse.Namespace) -> None:
    if sys.stdin is None:
        raise clitools.CommandError("stdin is closed; the cases are read from there", clitools.USAGE)
    if not 1 <= arguments.workers <= WORKERS_MAX:
        raise clitools.CommandError(f"--workers must be 1 to {WORKERS_MAX}", clitools.USAGE)
    if arguments.learn and arguments.workers > 1:
        raise clitools.CommandError("--learn judges one case after the other; leave out --workers", clitools.USAGE)


def _judge(checker: Checker, workers: int, *, progress: bool) -> None:
    """Answer stdin on stdout, one line as soon as it is judged; with several workers, some lines at a time."""
    if workers == 1:
        with check_progress.shown(asked=progress) as note:
            lines = lines_of(cast(BufferedReader, sys.stdin.buffer).read1, MAX_LINE_BYTES, note)
            _write(answer + b"\n" for answer in checker.answers(lines))
        return

    def work(first: int, lines: Sequence[bytes]) -> bytes:
        return b"".join(answer + b"\n" for answer in checker.answers(lines, first))

    # The bar has a thread of its own, so it starts once the workers are forked.
    with Crew(work, workers) as crew, check_progress.shown(asked=progress) as note:
        _write(crew.answers(sys.stdin.fileno(), MAX_LINE_BYTES, note))


def _write(answers: Iterator[bytes]) -> None:
    for answer in answers:
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


def _school(
    state: str | None, policy: Policy, settings: LearningSettings, beliefs: Beliefs, *, learns: bool
) -> School | None:  # fmt: skip
    """Return a school of this catalogue that goes on from the state directory, if there is one.

    Where nothing is to be learned the directory is only read; None where there is nothing to read.
    """
    if not learns and state is None:
        return None
    path = None if state is None else lessons.path_in(Path(state))
    if not learns and path is not None and not path.exists():
        clitools.complain(f"nothing was learned in {state}; the catalogue alone is used")
        return None
    try:
        store = None if path is None else LessonStore(path, read_only=not learns)
        school = School(policy, settings, store)
        school.open(beliefs)
    except (lessons.LessonsError, SnapshotError) as error:
        raise clitools.CommandError(str(error)) from error
    if not learns:
        school.close()  # all is in memory
    return school


def _keep(state: Path, products: list[Product]) -> None:
    """Keep the products beside what is learned of them, for `station catalogue show`; a catalogue there stays."""
    if not catalogue.path_in(state).exists():
        try:
            catalogue.store(catalogue.path_in(state), products)
        except catalogue_rows.CatalogueError as error:
            raise clitools.CommandError(str(error)) from error


def _end(school: School) -> None:
    """Close the school, and tell what went wrong with its store."""
    school.close()
    for alarm in school.alarms():
        if alarm.raised:
            clitools.complain(f"{alarm.message}; {alarm.remedy}")


def _gallery(path: Path) -> frozenset[str]:
    """Return the GTINs of a file; empty lines are none."""
    found = set()
    try:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if line.strip():
                found.add(_gtin(path, number, line.strip()))
    except (OSError, UnicodeDecodeError) as error:
        raise clitools.CommandError(f"gallery: {path}: {error}", clitools.USAGE) from error
    if not found:
        raise clitools.CommandError(f"gallery: {path} names no product", clitools.USAGE)
    return frozenset(found)


def _gtin(path: Path, number: int, text: str) -> str:
    try:
        return gtin.normalise(text)
    except gtin.GtinError as error:
        raise clitools.CommandError(f"gallery: {path}:{number}: {error}", clitools.USAGE) from error


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
