"""What the daemon costs a small machine: its start, its memory after many transactions, its idle processor time.

The station of `station demo` (four simulated load cells at 82 conversions a second, one camera, int8 inference),
watched from outside through /proc. Start: from the process's creation until the backend hears `online`. Memory: the
resident set after all transactions, and its growth from a fifth of them on. The platform of the transactions is
damped and the weighing window short, so that they come quickly; everything else is as always.

    python -m benchmarks.footprint [--transactions 1000] [--seed 1] [--json]
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Table

from drivers.sim.world import PlatformSpec
from station.demo import processes
from station.demo.backend import Backend
from station.demo.setting import Setting, setting
from station.demo.shoppers import shoppers
from station.demo.show import ROOT, begin

STARTS = 5
IDLE_S = 20.0
QUIET_S = 2.0  # after the start, before idling is measured
PATIENCE_S = 30.0
SPEC = PlatformSpec(damping=0.9, empty_hz=40.0, creep=())
WEIGHING = "\n[weighing]\nwindow_s = 0.2\n"
RAMP_S = 0.05
SAMPLES = 20  # of memory, on each side of the growth
LIMIT_START_S, LIMIT_RSS_MB, LIMIT_GROWTH_MB, LIMIT_IDLE = 1.5, 150.0, 3.0, 5.0
MB = 1e6


class Figure(NamedTuple):
    """One measured figure with its limit."""

    name: str
    value: float
    unit: str
    limit: float

    @property
    def kept(self) -> bool:
        """Return whether it is within its limit."""
        return self.value <= self.limit


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; status 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description="start-up, memory and idle processor time of the daemon")
    parser.add_argument("--transactions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    figures = measure(given.transactions, given.seed, quiet=given.json)
    if given.json:
        print(json.dumps([{**figure._asdict(), "kept": figure.kept} for figure in figures]))
    else:
        Console().print(table(figures))
    return 0 if all(figure.kept for figure in figures) else 1


def measure(transactions: int, seed: int, *, quiet: bool) -> list[Figure]:
    """Start the station a few times, let it idle, then give it work."""
    with (
        tempfile.TemporaryDirectory(prefix="footprint-") as folder,
        setting(Path(folder), seed, lambda _done, _of: None, SPEC, WEIGHING) as stage,
    ):
        backend = Backend(stage.port, ROOT, stage.require)
        try:
            facts = begin(stage, backend)
            time.sleep(QUIET_S)
            pid = stage.station.process.pid
            idle = processor_share(pid, IDLE_S)
            memory = work(stage, backend, transactions, seed, quiet=quiet)
        finally:
            backend.close()
        starts_s = [float(str(facts["online_ms"])) / 1000, *(start_s(stage) for _ in range(STARTS - 1))]
    fifth = len(memory) // 5
    growth = statistics.median(memory[-SAMPLES:]) - statistics.median(memory[fifth : fifth + SAMPLES])
    return [
        Figure("process start to online, median", statistics.median(starts_s), "s", LIMIT_START_S),
        Figure(f"resident memory after {len(memory)} transactions", memory[-1], "MB", LIMIT_RSS_MB),
        Figure("its growth over the last four fifths", growth, "MB", LIMIT_GROWTH_MB),
        Figure("idle, of one core", 100 * idle, "%", LIMIT_IDLE),
    ]


def start_s(stage: Setting) -> float:
    """Stop the station, start it again, and return how long that takes until it is heard."""
    stage.station.stop()
    gone = Backend(stage.port, ROOT, stage.broker.require)
    gone.wait(lambda: gone.last("st/conn").get("state") == "offline", "the station to leave", PATIENCE_S)
    began_s = time.monotonic()
    station = processes.start_station(stage.config, stage.folder)
    try:
        gone.wait(lambda: gone.last("st/conn").get("state") == "online", "the station", PATIENCE_S)
        return time.monotonic() - began_s
    finally:
        gone.close()
        station.stop()


def work(stage: Setting, backend: Backend, transactions: int, seed: int, *, quiet: bool) -> list[float]:
    """Let so many baskets be judged; return the resident memory after each, in MB."""
    chance, baskets, memory = random.Random(seed), shoppers(50, seed), []
    pid = stage.station.process.pid
    for number in track(range(transactions), description="Transactions", disable=quiet, transient=True):
        shopper = replace(chance.choice(baskets), number=number + 1)
        lines = [{"line": n, "gtin": g, "quantity": q} for n, (g, q) in enumerate(shopper.claimed.items(), 1)]
        backend.claim(shopper.transaction_id, lines)
        with stage.world.now() as world:
            for thing in shopper.things:
                world.place(thing, ramp_s=RAMP_S)
        wait(backend, lambda name=shopper.transaction_id: bool(backend.verdicts(name)))  # type: ignore[misc]
        verdict = backend.verdicts(shopper.transaction_id)[-1]["data"]
        if verdict["decision"] != "accept":
            backend.release(shopper.transaction_id)
        with stage.world.now() as world:
            world.clear()
        wait(backend, lambda visit=verdict["visit_id"]: backend.closed(visit))  # type: ignore[misc]
        memory.append(resident_mb(pid))
    return memory


def wait(backend: Backend, done: Callable[[], bool]) -> None:
    """Listen until `done`."""
    backend.wait(done, "a transaction's next step", PATIENCE_S)


def resident_mb(pid: int) -> float:
    """Return a process's resident memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def processor_share(pid: int, seconds: float) -> float:
    """Return the share of one core that a process uses while so much time passes."""
    before, began_s = _ticks(pid), time.monotonic()
    time.sleep(seconds)
    return (_ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began_s)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])  # utime, stime


def table(figures: Sequence[Figure]) -> Table:
    """Return the figures with their limits beside them."""
    made = Table(title="What the daemon costs", title_justify="left")
    for head in ("", "measured", "limit"):
        made.add_column(head, justify="right" if head else "left")
    for figure in figures:
        style = "" if figure.kept else "bold red"
        made.add_row(
            figure.name, f"{figure.value:.2f} {figure.unit}", f"<= {figure.limit:g} {figure.unit}", style=style
        )
    return made


if __name__ == "__main__":
    sys.exit(main())
