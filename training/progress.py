"""A progress bar on stderr: one line, rewritten in place; a line a tenth where it is no terminal."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

WIDTH = 30

Item = TypeVar("Item")


def bar(name: str, items: Iterable[Item], count: int) -> Iterator[Item]:
    """Yield the items, of which there are `count`, and show how many are done, in what time."""
    start, shown = time.monotonic(), 0
    terminal = sys.stderr.isatty()
    for done, item in enumerate(items, 1):
        yield item
        part = done * (100 if terminal else 10) // count
        if part != shown:
            shown = part
            full = WIDTH * done // count
            line = f"{name:24s} [{'#' * full}{' ' * (WIDTH - full)}] {done}/{count} {time.monotonic() - start:.0f} s"
            sys.stderr.write(line + ("\r" if terminal and done < count else "\n"))
            sys.stderr.flush()
