"""What the daemon writes to its card: at rest, and for each visit.

The station of `station demo`, as in `footprint`, with the outbox, lessons and records it has by default. Counted is
`write_bytes` of /proc/PID/io: what the process caused to be handed to the disk, synced or not. The file system's own
journal and the card's own rewriting come on top. Nothing is counted on a file system in memory: --folder chooses.

    python -m benchmarks.card [--transactions 100] [--seed 1] [--folder DIR] [--json]
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.footprint import SPEC, WEIGHING, Figure, table, work
from station.demo.backend import Backend
from station.demo.setting import setting
from station.demo.show import ROOT, begin

REST_S = 60.0
DAY_S, DAY_VISITS = 86_400, 2_000
MB = 1e6
LIMIT_REST_MB, LIMIT_VISIT_KB, LIMIT_DAY_MB = 100.0, 400.0, 1_000.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; status 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description="bytes written to the card")
    parser.add_argument("--transactions", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="on the disk that is meant (default: the one for temporary files)")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    figures = measure(given.transactions, given.seed, given.folder, quiet=given.json)
    if given.json:
        print(json.dumps([{**figure._asdict(), "kept": figure.kept} for figure in figures]))
    else:
        Console().print(table(figures))
    return 0 if all(figure.kept for figure in figures) else 1


def measure(transactions: int, seed: int, folder: Path | None, *, quiet: bool) -> list[Figure]:
    """Let the station rest, then give it work."""
    with (
        tempfile.TemporaryDirectory(prefix="card-", dir=folder) as place,
        setting(Path(place), seed, lambda _done, _of: None, SPEC, WEIGHING) as stage,
    ):
        backend = Backend(stage.port, ROOT, stage.require)
        try:
            begin(stage, backend)
            pid = stage.station.process.pid
            work(stage, backend, 1, seed, quiet=True)  # what is made only once
            began_bytes = written(pid)
            time.sleep(REST_S)
            rest = written(pid) - began_bytes
            before = written(pid)
            done = len(work(stage, backend, transactions, seed + 1, quiet=quiet))
            visit = (written(pid) - before) / done
        finally:
            backend.close()
    rest_day = rest / REST_S * DAY_S
    return [
        Figure("at rest, a day", rest_day / MB, "MB", LIMIT_REST_MB),
        Figure("a visit", visit / 1e3, "kB", LIMIT_VISIT_KB),
        Figure(f"a day of {DAY_VISITS} visits", (rest_day + DAY_VISITS * visit) / MB, "MB", LIMIT_DAY_MB),
    ]


def written(pid: int) -> int:
    """Return the bytes that a process has caused to be written."""
    lines = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))


if __name__ == "__main__":
    sys.exit(main())
