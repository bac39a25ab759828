"""One process of a fleet: its stations, its loop, and a pipe to whoever started it.

Through the pipe come `go` (connect), `cut` (drop every connection at once) and `stop`; a `Status` goes back as
soon as it stands, then several times a second. The end of the pipe is the end of the process.
"""

import random
import resource
import signal
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from station.clock import Clock
from station.delivery import Connect
from station.fleet.light import LightStation
from station.fleet.link import FleetLink
from station.fleet.loop import Loop
from station.fleet.options import FleetOptions, Status

TICK_S = 1.0
BRIEF_S = 0.1
WHOLE = 10  # every so many reports the counters, too: they take a while to add up
FILES_EACH = 5  # a socket, and SQLite's database, log, shared memory; and one to spare


def main(options: FleetOptions, numbers: range, folder: Path, pipe: Connection) -> None:
    """Serve these stations until told to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us says when
    raise_files(len(numbers) * FILES_EACH + 200)
    Worker(options, numbers, folder, pipe).run()


def raise_files(wanted: int) -> None:
    """Allow this process so many open files, as far as the system does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard > 0 else wanted, hard))


class Worker:
    """See the module."""

    def __init__(self, options: FleetOptions, numbers: range, folder: Path, pipe: Connection) -> None:
        self._pipe = pipe
        self._loop = Loop()
        self._links: list[FleetLink] = []
        self._running = True
        self._reports = 0
        self._totals = Status(online=0, last_up_ns=0)
        clock = Clock()
        self._stations = [
            LightStation(
                who := options.station(number), folder / f"{who.id}.db", options.link(who.id), self._connect(), clock,
                options.seed, lean=options.lean,
            )
            for number in numbers
        ]  # fmt: skip

    def run(self) -> None:
        """Serve until told to stop."""
        self._loop.listen(self._pipe, self._hear)
        self._tell(self.status())
        while self._running:
            self._loop.turn()
        for station in self._stations:
            station.close()
        self._loop.close()

    def status(self) -> Status:
        """Return the state of all stations."""
        counts: Counter[str] = Counter()
        troubles: Counter[str] = Counter()
        for station in self._stations:
            counts.update(station.counters)
            troubles.update(station.troubles)
        unconfirmed = sum(station.unconfirmed() for station in self._stations)
        return Status(
            **self._brief(), counts=dict(counts), troubles=dict(troubles), unconfirmed=unconfirmed,
            processor_s=time.process_time(),
        )  # fmt: skip

    def _connect(self) -> Connect:
        def connect(*given: object) -> FleetLink:
            self._links.append(FleetLink(self._loop, *given))  # type: ignore[arg-type] # as `Connect` says
            return self._links[-1]

        return connect

    def _brief(self) -> dict[str, int]:
        ups = [station.up_ns for station in self._stations if station.up_ns is not None]
        return {"online": len(ups), "last_up_ns": max(ups, default=0)}

    def _hear(self) -> None:
        try:
            word = self._pipe.recv_bytes()
        except (EOFError, OSError):
            word = b"stop"
        if word == b"go":
            self._go()
        elif word == b"cut":
            for link in self._links:
                link.cut("the fleet was told to")
            self._report()
        elif word == b"stop":
            self._tell(self.status())
            self._running = False

    def _go(self) -> None:
        for station, link in zip(self._stations, self._links, strict=True):
            station.start()
            self._loop.later(random.uniform(0, TICK_S), lambda s=station, k=link: self._tick(s, k))  # type: ignore[misc]
        self._regularly()

    def _tick(self, station: LightStation, link: FleetLink) -> None:
        station.tick()
        self._loop.touch(link)  # which says to the broker in time that it is there
        self._loop.later(TICK_S, lambda: self._tick(station, link))

    def _regularly(self) -> None:
        self._report()
        self._loop.later(BRIEF_S, self._regularly)

    def _report(self) -> None:
        self._reports += 1
        if self._reports % WHOLE == 0:
            self._totals = self.status()
            self._tell(self._totals)
        else:
            self._tell(msgspec.structs.replace(self._totals, **self._brief()))

    def _tell(self, status: Status) -> None:
        try:
            self._pipe.send_bytes(msgspec.json.encode(status))
        except OSError:  # nobody is left to listen
            self._running = False
