"""Power cuts below SQLite: what a station told anyone must be in its outbox, whatever the disk had not yet synced.

The product's delivery runs against a real broker and a backend that acknowledges; it is killed and started again, and
its outbox is pruned. strace records every call that touches its files, and all it says. Then the disk is played from
the record, cut off at random moments, and what `power_disk` leaves of it is opened by the product's own recovery.
Controls must lose: SQLite's `synchronous` NORMAL and OFF, and a disk that ignores syncs.
"""

import argparse
import contextlib
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks import power_calls
from benchmarks.delivering import STORE, Task
from benchmarks.power_calls import Call
from benchmarks.power_disk import Disk, Fate
from benchmarks.power_told import Found, Told, look
from station.wire import Station
from tests.support.backend import Backend, Heard
from tests.support.mosquitto import Mosquitto

ID = "vs-1"
KEPT_BYTES = 1_000_000  # beyond it the outbox drops what is confirmed
PRUNE_EVERY = 60
WAIT_S = 60.0
SETTINGS = ("full", "full, after cuts and restarts", "normal", "off", "full on a disk that ignores syncs")


class Acknowledging(Backend):
    """Acknowledges the contiguous prefix of what it hears, with a delay of some verdicts."""

    def __init__(self, port: int, heard: frozenset[int] = frozenset()) -> None:
        super().__init__(port, Station(STORE, ID).root)
        self.heard_seqs = set(heard)
        self._prefix = 0

    def on_heard(self, heard: Heard) -> None:
        """Note a verdict."""
        if not heard.topic.endswith("evt/verdict"):
            return
        event = heard.event
        self.heard_seqs.add(event["seq"])
        while self._prefix + 1 in self.heard_seqs:
            self._prefix += 1
        self.acknowledge(event["epoch"], self._prefix)


class Record(msgspec.Struct):
    """The calls of each life of the station, on one disk."""

    root: Path
    lives: list[Path]
    heard: frozenset[int] = frozenset()  # by the backend
    begin: dict[str, bytes | None] = {}  # what lay on the disk before
    known: Told | None = None  # what was told before

    def calls(self) -> Iterator[Call | None]:
        """Yield all calls in order; None where a life ends."""
        for life in self.lives:
            with life.open(encoding="ascii") as lines:
                yield from power_calls.calls(lines)
            yield None


class Result(msgspec.Struct):
    """What came of the cuts through one record, by fate."""

    setting: str
    calls: int = 0
    told: int = 0
    published: int = 0
    cuts: Counter[str] = msgspec.field(default_factory=Counter)
    taken: int = 0  # changes that were on their way at a cut, in all
    wrong: Counter[str] = msgspec.field(default_factory=Counter)  # cuts with anything wrong, by fate
    missing: int = 0
    changed: int = 0
    gaps: int = 0
    findings: int = 0
    damaged: int = 0
    refused: int = 0
    worst: str = ""

    @property
    def cut(self) -> int:
        """The number of cuts."""
        return self.cuts.total()

    def add(self, fate: Fate, found: Found, where: str) -> None:
        """Count one cut."""
        self.cuts[fate.value] += 1
        self.wrong[fate.value] += found.wrong
        self.missing += found.missing
        self.changed += found.changed
        self.gaps += found.gaps
        self.findings += len(found.findings)
        self.damaged += found.damaged
        self.refused += bool(found.refused)
        if found.wrong and not self.worst:
            self.worst = f"{where}: {found}"


def record(
    folder: Path, *, total: int, lives: int, seed: int, control: Literal["", "normal", "off"] = "",
    after: Record | None = None,
) -> Record:  # fmt: skip
    """Let the station deliver so many verdicts over so many lives, `after` a cut; return what it did."""
    draw, root, before = random.Random(seed), folder / "state", after or Record(folder, [])
    root.mkdir()
    put_back(root, before.begin)
    logs = [folder / f"calls-{life}" for life in range(lives)]
    with Mosquitto(folder) as broker, Acknowledging(broker.port, before.heard) as backend:
        given, total = total, total + max(before.heard, default=0)
        task = Task(str(root), ID, broker.port, total, 400.0, KEPT_BYTES, PRUNE_EVERY, control)
        ends = sorted(draw.randrange(total - 19 * given // 20, total) for _ in range(lives - 1))
        for log, end in zip(logs, [*ends, None], strict=True):
            _live(log, task, end)
        if len(backend.heard_seqs) < total:
            raise RuntimeError(f"the backend heard {len(backend.heard_seqs)} of {total} verdicts")
    return Record(root, logs, frozenset(backend.heard_seqs), before.begin, before.known)


def _live(log: Path, task: Task, end: int | None) -> None:
    """Run the station until it has stored verdict `end`, and kill it; None: until it is done."""
    program = [sys.executable, "-m", "benchmarks.delivering", msgspec.json.encode(task).decode()]
    command = power_calls.command(log, program)
    pid = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as station:
        assert station.stdout is not None
        for line in station.stdout:
            kind, *words = line.split()
            if kind == "up":
                pid = words[0]
            elif kind == "verdict" and end is not None and int(words[1]) >= end:
                subprocess.run(["kill", "-KILL", pid], check=True)
                break
    if end is None and station.returncode:
        raise RuntimeError(f"the station ended with {station.returncode}")


def cut(recorded: Record, result: Result, *, cuts: int, seed: int) -> Result:
    """Cut the power so often, at calls drawn from the seed, and look at each disk that is left."""
    draw, fates, setting = random.Random(seed), tuple(Fate), result.setting
    disk, told = _beginning(recorded, setting)
    calls = list(recorded.calls())
    result.calls += len(calls)
    moments = Counter(draw.choices(range(len(calls)), k=cuts))
    for number, call in enumerate(calls):
        if call is None:
            disk.end_process()
        else:
            disk.take(call)
            told.take(call)
        for _ in range(moments[number]):
            fate = fates[result.cut % len(fates)]
            result.taken += disk.pending
            found = _look_after(disk.after_cut(fate, draw), told)
            result.add(fate, found, f"call {number} ({call.name if call else 'end'}), {fate.name}")
    result.told, result.published = len(told.verdicts), told.published
    return result


def _beginning(recorded: Record, setting: str = "") -> tuple[Disk, Told]:
    told = Told(ID) if recorded.known is None else recorded.known.copy()
    return Disk(recorded.root, recorded.begin, lies="ignores" in setting), told


def stop_at(recorded: Record, share: float, seed: int) -> Record:
    """Return what is left after one cut when such a share of the calls was made, for a station to go on with."""
    draw, (disk, told) = random.Random(seed), _beginning(recorded)
    calls = list(recorded.calls())
    for call in calls[: int(share * len(calls))]:
        if call is None:
            disk.end_process()
        else:
            disk.take(call)
            told.take(call)
    files = disk.after_cut(draw.choice(list(Fate)), draw)
    heard = frozenset(seq for _, seq in told.verdicts) | frozenset(range(1, told.confirmed + 1))
    return Record(recorded.root, [], heard, files, told.copy())


def _look_after(files: dict[str, bytes | None], told: Told) -> Found:
    with restored(files) as folder:
        return look(folder, told)


@contextlib.contextmanager
def restored(files: dict[str, bytes | None]) -> Iterator[Path]:
    """Yield a folder that holds what was found after a cut."""
    with tempfile.TemporaryDirectory(dir=_memory()) as name:
        put_back(Path(name), files)
        yield Path(name)


def put_back(folder: Path, files: dict[str, bytes | None]) -> None:
    """Write what was found after a cut into a folder."""
    for path, content in files.items():
        if content is None:
            (folder / path).mkdir(mode=0o700)
        else:
            (folder / path).write_bytes(content)
            (folder / path).chmod(0o600)


def _memory() -> str | None:
    """Return where files need no disk, if there is such a place with room."""
    place = Path("/dev/shm")  # noqa: S108 - a memory file system; the folder below has a random name
    return str(place) if place.is_dir() and shutil.disk_usage(place).free > 64 * 1024 * 1024 else None


def measure(folder: Path, *, total: int, lives: int, cuts: int, seed: int, again: int) -> list[Result]:
    """Return the results of all settings; the controls get a tenth of the cuts each."""
    places = iter([folder / str(number) for number in range(again + len(SETTINGS))])
    full = record(_made(next(places)), total=total, lives=lives, seed=seed)
    results = [cut(full, Result(SETTINGS[0]), cuts=cuts, seed=seed)]
    later, draw, before = Result(SETTINGS[1]), random.Random(seed), full
    for number in range(again):
        left = stop_at(before, draw.uniform(0.1, 1), seed + number)
        before = record(_made(next(places)), total=max(30, total // 10), lives=2, seed=seed + number, after=left)
        cut(before, later, cuts=cuts // 2 // again, seed=seed + number)
    results.append(later)
    controls: tuple[Literal["normal", "off"], ...] = ("normal", "off")
    for control in controls:
        recorded = record(_made(next(places)), total=total // 3, lives=lives, seed=seed, control=control)
        results.append(cut(recorded, Result(control), cuts=cuts // 10, seed=seed))
    results.append(cut(full, Result(SETTINGS[-1]), cuts=cuts // 10, seed=seed))
    return results


def _made(place: Path) -> Path:
    place.mkdir()
    return place


def main() -> int:
    """Print a table; fail if anything told was missing, or if a control lost nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.power_cuts", description=__doc__)
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--verdicts", type=int, default=1500)
    parser.add_argument("--lives", type=int, default=6, help="starts of the station within one record")
    parser.add_argument("--again", type=int, default=10, help="times that it goes on with what a cut left")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        results = measure(
            Path(name), total=given.verdicts, lives=given.lives, cuts=given.cuts, seed=given.seed, again=given.again
        )
    if given.json:
        print(msgspec.json.encode(results).decode())
    else:
        show(results, given.seed)
    kept, later, *controls = results
    return int(any((kept.wrong + later.wrong).values()) or not all(control.missing for control in controls))


def show(results: list[Result], seed: int) -> None:
    """Print what was found."""
    print(f"Power cuts, seed {seed}; wrong: cuts after which something told was missing, changed, or did not verify")
    print(f"{'synchronous':36}{'cuts':>6}{'wrong':>7}{'missing':>9}{'changed':>9}{'gaps':>6}{'audit':>7}{'damaged':>9}")
    for result in results:
        print(
            f"{result.setting:36}{result.cut:6}{sum(result.wrong.values()):7}{result.missing:9}{result.changed:9}"
            f"{result.gaps:6}{result.findings:7}{result.damaged + result.refused:9}"
        )
    full = results[0]
    print(
        f"\nfull: {full.calls} calls, {full.told} verdicts told, {full.taken} unsynced changes met by a cut; by fate:"
    )
    for fate, count in full.cuts.items():
        print(f"  {fate:40}{count:6} cuts, {full.wrong[fate]} wrong")
    for result in results[:2]:
        if result.worst:
            print(f"\nfirst, {result.setting}: {result.worst}")


if __name__ == "__main__":
    sys.exit(main())
