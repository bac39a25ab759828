"""How far a stream is, as a bar on the terminal: on stderr, so that it never mixes with the answers."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Note = Callable[[int, int], None]  # so many more bytes, so many more lines


def wanted(*, asked: bool) -> bool:
    """Tell whether to show it: when asked to; else for a file, on a terminal that shows nothing else."""
    return asked or (sys.stderr.isatty() and not sys.stdout.isatty() and left_bytes() is not None)


def left_bytes() -> int | None:
    """Return how much of stdin is still to be read, None where nobody can know."""
    try:
        source = sys.stdin.buffer.fileno()
        found = os.fstat(source)
        return found.st_size - os.lseek(source, 0, os.SEEK_CUR) if stat.S_ISREG(found.st_mode) else None
    except OSError:  # a pipe, or no file at all
        return None


@contextmanager
def shown(*, asked: bool) -> Iterator[Note]:
    """Show the progress of what the yielded function is told, where it is wanted."""
    if not wanted(asked=asked):
        yield lambda _size, _lines: None
        return
    columns = (
        BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[lines]:,} lines"), TimeElapsedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(*columns, console=console, redirect_stdout=False, redirect_stderr=False) as progress:
        task, lines = progress.add_task("", total=left_bytes(), lines=0), 0

        def note(size: int, more: int) -> None:
            nonlocal lines
            lines += more
            progress.update(task, advance=size, lines=lines)

        yield note
