"""Recorded visits made again: how many come out bit for bit, how large they are, and what recording costs.

Visits of a whole simulated day, one after the other, with honest and mistaken shoppers, learning as it goes: recorded
as the daemon does, and replayed from the shelf. Beside it the same visits without a recorder, for the time it costs.

    python -m benchmarks.replay [--visits 600] [--json]
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from station.records.book import read
from station.records.replay import replay
from tests.support.recorded import PRODUCTS, Recorded

DAY = 2000  # visits
MOST_LINES = 12
MISTAKEN = 0.1  # of the visits: something is on the platform that was not claimed


def visits(station: Recorded, count: int, seed: int) -> float:
    """Let shoppers come; return the seconds of processor time."""
    chance = random.Random(seed)
    began_s = time.process_time()
    for number in range(count):
        goods = [chance.randrange(len(PRODUCTS)) for _ in range(chance.randint(1, MOST_LINES))]
        station.shop(f"T-{number}", goods, also_g=chance.uniform(60, 900) if chance.random() < MISTAKEN else 0.0)
    return time.process_time() - began_s


def measure(count: int, seed: int) -> dict[str, float]:
    """Record and replay; return the figures."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        plain_s = visits(Recorded(Path(other), recording=False), count, seed)
        station = Recorded(Path(folder))
        recorded_s = visits(station, count, seed)
        began_s = time.process_time()
        ways: Counter[str] = Counter()
        same = verdicts = 0
        for kept in station.shelf.kept():
            result = replay(read(kept.path.read_bytes()), station.shelf)
            ways[result.way] += 1
            same += result.same
            verdicts += result.verdicts
        replay_s = time.process_time() - began_s
        shared = sum(path.stat().st_size for path in (Path(folder) / "records" / "shared").iterdir())
        size = sum(kept.size for kept in station.shelf.kept())
        return {
            "visits": count, "records": len(station.shelf.kept()), "verdicts": verdicts, "whole": ways["whole"],
            "identical": same, "record_kb": size / len(station.shelf.kept()) / 1000, "shared_kb": shared / 1000,
            "day_mb": size / count * DAY / 1e6, "recording_ms": (recorded_s - plain_s) / count * 1000,
            "replay_ms": replay_s / len(station.shelf.kept()) * 1000,
        }  # fmt: skip


def main() -> int:
    """Print the table; return 1 if a visit came out otherwise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("--visits", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.visits, given.seed)
    if given.json:
        print(json.dumps(found))
    else:
        table = Table(title="Recorded visits made again")
        table.add_column("figure")
        table.add_column("value", justify="right")
        for name, value in found.items():
            table.add_row(name, f"{round(value, 1):g}")
        Console().print(table)
    return 0 if found["identical"] == found["records"] else 1


if __name__ == "__main__":
    sys.exit(main())
