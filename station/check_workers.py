"""Judging a stream on several processor cores: order kept, a bounded number of lines in flight.

One process reads, hands portions of lines to workers, and gives out their answers in the order of the input. Workers
are forked, so they share the catalogue's memory; each works on one portion at a time, a new one as soon as it has
answered. Nothing is read while too many answers wait for an earlier one or nobody is free, so memory does not grow
with the stream, and who reads the answers slowly slows the reading down.
"""

import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Self

from station.check_lines import CHUNK_BYTES, Splitter

PORTION_LINES = 16  # tens of milliseconds of work
AHEAD = 4  # portions in flight, for each worker
END_S = 5.0  # a worker ends within this time once it is no longer needed

Work = Callable[[int, Sequence[bytes]], bytes]  # (number of the first line, lines) to the bytes to write


class WorkerError(RuntimeError):
    """A worker ended before it had answered."""


@dataclass(frozen=True)
class Portion:
    """Some lines, the number of the first of them, and the portion's own number."""

    number: int
    first: int
    lines: tuple[bytes, ...]


class _Worker:
    """One process, and this end of the pipe to it."""

    def __init__(self, work: Work, others: Sequence["_Worker"]) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, far = context.Pipe()
        near = [other.pipe for other in others] + [self.pipe]
        self.process = context.Process(target=_serve, args=(work, far, near), daemon=True)
        self.process.start()
        far.close()
        self.portion: Portion | None = None

    def give(self, portion: Portion) -> None:
        """Hand over a portion; the worker must be free."""
        self.portion = portion
        try:
            self.pipe.send_bytes(b"%d\n" % portion.first + b"\n".join(portion.lines))
        except OSError as error:
            raise self._lost(portion) from error

    def take(self) -> tuple[int, bytes]:
        """Return the number of the portion and its answer; the worker is free again."""
        portion = self.portion
        assert portion is not None, "only a worker with a portion is listened to"  # noqa: S101 - states the protocol
        try:
            answer = self.pipe.recv_bytes()
        except (EOFError, OSError) as error:
            raise self._lost(portion) from error
        self.portion = None
        return portion.number, answer

    def _lost(self, portion: Portion) -> WorkerError:
        self.process.join(END_S)
        code = self.process.exitcode
        how = "" if code is None else f" with status {code}" if code >= 0 else f" by signal {-code}"
        last = portion.first + len(portion.lines) - 1
        return WorkerError(
            f"a worker was ended{how} while it judged lines {portion.first} to {last}; answers end before them: "
            "see whether memory ran short, or use fewer workers"
        )


class Crew:
    """Some workers, ready from the beginning to the end of the `with` block."""

    def __init__(self, work: Work, count: int) -> None:
        self._work, self._count = work, count
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        gc.freeze()  # what the collector does not touch stays shared
        for _ in range(self._count):
            self._workers.append(_Worker(self._work, self._workers))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.pipe.close()
            if kind is not None:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(END_S)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()

    def answers(self, source: int, most: int, note: Callable[[int, int], None]) -> Iterator[bytes]:
        """Yield the answers to the lines of a file descriptor in their order; see `check_lines` for `most`, `note`."""
        reader, done = _Reader(source, most, note), dict[int, bytes]()
        told = 0
        while True:
            for worker in self._workers:
                if worker.portion is None and reader.portions:
                    worker.give(reader.portions.popleft())
            busy = {worker.pipe: worker for worker in self._workers if worker.portion is not None}
            if not busy and reader.ended:
                return
            hungry = not reader.portions and reader.number - told < AHEAD * self._count
            for ready in wait([*busy, *([source] if hungry and not reader.ended else [])]):
                if isinstance(ready, Connection):
                    number, answer = busy[ready].take()
                    done[number] = answer
                else:
                    reader.read()
            while told in done:
                yield done.pop(told)
                told += 1


class _Reader:
    """Reads a file descriptor piece by piece and makes portions of its lines."""

    def __init__(self, source: int, most: int, note: Callable[[int, int], None]) -> None:
        self._source, self._note, self._splitter = source, note, Splitter(most)
        self._line = 1  # number of the next one
        self.number = 0  # of the next portion
        self.portions: deque[Portion] = deque()
        self.ended = False

    def read(self) -> None:
        """Read once; waits only where there is nothing yet."""
        chunk = os.read(self._source, CHUNK_BYTES)
        self.ended = not chunk
        lines = self._splitter.feed(chunk) if chunk else self._splitter.end()
        for start in range(0, len(lines), PORTION_LINES):
            some = tuple(lines[start : start + PORTION_LINES])
            self.portions.append(Portion(self.number, self._line, some))
            self.number += 1
            self._line += len(some)
        self._note(len(chunk), len(lines))


def _serve(work: Work, pipe: Connection, near: Sequence[Connection]) -> None:
    """Answer portions until the other end closes; the body of a worker's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the first process ends the others
    for end in near:
        end.close()  # else no pipe would ever be seen to end
    with suppress(EOFError, OSError):
        while True:
            first, *lines = pipe.recv_bytes().split(b"\n")
            pipe.send_bytes(work(int(first), lines))
