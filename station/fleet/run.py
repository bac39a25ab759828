"""The course of a run: provide, connect all at once, load, cut all at once, wait for what is outstanding, sum up."""

import contextlib
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from pathlib import Path

import msgspec

from station.fleet import worker
from station.fleet.backend import Backend
from station.fleet.options import FleetOptions, Result, Status, Storm

READY_S = 120.0
BACKEND_S = 20.0  # two attempts: whoever mistyped the port is not to wait for long
OUTSTANDING_S = 60.0
STOP_S = 20.0
BRIEF_S = 0.5  # between two lines of progress

Tell = Callable[[str], None]


class FleetError(Exception):
    """The run cannot go on; the message is one line for people."""


class _Process:
    """One process of stations, and what it said last."""

    def __init__(self, options: FleetOptions, numbers: range, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        arguments = (options, numbers, folder, theirs)
        self.process = context.Process(target=worker.main, args=arguments, daemon=True)
        self.process.start()
        theirs.close()
        self.status: Status | None = None

    def say(self, word: bytes) -> None:
        self.pipe.send_bytes(word)

    def hear(self) -> None:
        """Take everything that it has said; raise `FleetError` when it has ended."""
        try:
            while self.pipe.poll():
                self.status = msgspec.json.decode(self.pipe.recv_bytes(), type=Status)
        except (EOFError, OSError) as error:
            raise FleetError("a process of stations has ended by itself; its message stands above") from error


class Run:
    """One run; `tell` is given progress. Use `go` once, then `close`."""

    def __init__(self, options: FleetOptions, folder: Path, tell: Tell) -> None:
        self._options = options
        self._tell = tell
        self._backend = Backend(options)
        each = -(-options.stations // options.processes)
        starts = range(0, options.stations, each)
        self._processes = [
            _Process(options, range(start, min(start + each, options.stations)), folder) for start in starts
        ]
        self._storms: list[Storm] = []
        self._all_up = False
        self._down_ns = 0  # since when one is lacking
        self._cause = "start"
        self._most_down = options.stations
        self._told_s = 0.0

    def go(self) -> Result:
        """Do all of it and return what it has shown; raise `FleetError`."""
        self._backend.start()
        self._until(lambda: all(each.status for each in self._processes), READY_S, "making stations")
        patience_s = min(BACKEND_S, self._options.patience_s)
        self._until(lambda: self._backend.trouble is None, patience_s, "connecting the backend")
        if self._backend.trouble is not None:
            raise FleetError(self._backend.trouble)
        self._storm("start", b"go")
        began_s = time.monotonic()
        self._load()
        seconds = time.monotonic() - began_s
        self._until(self._done, OUTSTANDING_S, "waiting for what is outstanding")
        before = self._backend.tally.verdicts
        for _ in range(self._options.storms):
            self._storm("all cut at once", b"cut")
        self._until(self._done, OUTSTANDING_S, "waiting for what is outstanding")
        return self._result(seconds, before)

    def close(self) -> None:
        """End all processes."""
        for each in self._processes:
            with contextlib.suppress(OSError):  # it has ended already
                each.say(b"stop")
        for each in self._processes:
            each.process.join(STOP_S)
            if each.process.is_alive():
                each.process.kill()
            each.pipe.close()
        self._backend.close()

    # -- inside

    def _load(self) -> None:
        began_s, made = time.monotonic(), 0
        while (passed_s := time.monotonic() - began_s) < self._options.duration_s:
            while made < passed_s * self._options.rate_per_s:
                made += 1
                self._backend.claim()
            self._turn(f"claims for {self._options.duration_s - passed_s:.0f} s more")

    def _storm(self, cause: str, word: bytes) -> None:
        """Let all connect at once, and wait until they have."""
        self._all_up, self._cause = False, cause
        self._down_ns, self._most_down = time.monotonic_ns(), self._options.stations
        count = len(self._storms)
        for each in self._processes:
            each.status = None if each.status is None else msgspec.structs.replace(each.status, online=0)
            each.say(word)
        if not self._until(lambda: len(self._storms) > count, self._options.patience_s, f"storm: {cause}"):
            self._storms.append(Storm(cause=cause, stations=self._options.stations, seconds=None))

    def _until(self, done: Callable[[], bool], limit_s: float, what: str) -> bool:
        end_s = time.monotonic() + limit_s
        while not done():
            if time.monotonic() > end_s:
                return False
            self._turn(what)
        return True

    def _turn(self, what: str) -> None:
        self._backend.turn()
        pipes: dict[Connection, _Process] = {each.pipe: each for each in self._processes}
        for pipe in wait(list(pipes), 0):
            pipes[pipe].hear()  # type: ignore[index] # pipes only
        self._watch()
        if time.monotonic() - self._told_s > BRIEF_S:
            self._told_s = time.monotonic()
            tally = self._backend.tally
            self._tell(
                f"{what}: {self._online()} of {self._options.stations} online, {len(self._backend.claimed)} claims, "
                f"{tally.verdicts} verdicts, {self._backend.missing()} outstanding"
            )

    def _statuses(self) -> list[Status]:
        return [each.status for each in self._processes if each.status is not None]

    def _online(self) -> int:
        return sum(status.online for status in self._statuses())

    def _watch(self) -> None:
        """Note when all are online again after one was not, whatever the cause was."""
        online, wanted = self._online(), self._options.stations
        if self._all_up and online < wanted:
            self._all_up, self._down_ns, self._cause = False, time.monotonic_ns(), "connections were lost"
            self._most_down = 0
        if self._all_up or not self._down_ns:
            return
        self._most_down = max(self._most_down, wanted - online)
        latest_ns = max((status.last_up_ns for status in self._statuses()), default=0)
        if online == wanted and latest_ns > self._down_ns:
            self._all_up = True
            seconds = (latest_ns - self._down_ns) / 1e9
            self._storms.append(Storm(cause=self._cause, stations=self._most_down, seconds=round(seconds, 2)))

    def _done(self) -> bool:
        unconfirmed = sum(status.unconfirmed for status in self._statuses())
        return self._backend.missing() == 0 and unconfirmed == 0

    def _result(self, seconds: float, before: int) -> Result:
        backend, tally, statuses = self._backend, self._backend.tally, self._statuses()
        counts: Counter[str] = Counter()
        troubles: Counter[str] = Counter()
        for status in statuses:
            counts.update(status.counts)
            troubles.update(status.troubles)
        return Result(
            stations=self._options.stations, processes=len(self._processes),
            tls=self._options.certificates is not None, seconds=round(seconds, 2), claims=len(backend.claimed),
            answers=dict(backend.answers), verdicts=tally.verdicts, verdicts_per_s=round(before / seconds, 1),
            late=tally.late, duplicates=tally.duplicates, differing=tally.differing, gaps=tally.gaps(),
            missing=backend.missing(), latency_ms=tally.latency_ms(), storms=tuple(self._storms),
            published=counts["published"], refused=counts["refused"],
            unconfirmed=sum(status.unconfirmed for status in statuses), troubles=dict(troubles.most_common(10)),
            processor_s=round(sum(status.processor_s for status in statuses), 2),
        )  # fmt: skip
