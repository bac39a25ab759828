"""Everything breaks at random while verdicts are made; at the end all of them are stored, once, in order, unharmed.

Real processes: stations (outbox, delivery, link), mosquitto, `station.client` with SQLite; beside them publishers and a
subscriber on plain paho with QoS 1, which meet the same strikes at the same moments. As root it runs in a network and
with mounts of its own, so that disks can be full and packets lost; what is not possible is left out, and said.

`--control` lets the stations take the broker's PUBACK for the backend's word: then verdicts must get lost.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec

from benchmarks import chaos_check
from benchmarks.chaos_check import Count
from benchmarks.chaos_parts import enter
from benchmarks.chaos_strikes import Strike, deck
from benchmarks.chaos_world import Plan, World

REST_S = (0.0, 0.6)
GRACE_S = 240.0
SETTLE_S = 3.0


class Result(msgspec.Struct):
    """What came of it."""

    plan: Plan
    seconds: float
    strikes: dict[str, int]
    product: Count
    plain: Count
    settled: bool  # every station's outbox is confirmed


def main() -> int:
    """Let it storm, and print what came through."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--verdicts", type=int, default=5100)
    parser.add_argument("--stations", type=int, default=3)
    parser.add_argument("--per-s", type=float, default=12.0, help="verdicts of each station")
    parser.add_argument("--queue", type=int, default=50, help="of the broker for each absent client")
    parser.add_argument("--strikes", type=int, default=0, help="at most so many; 0: until all verdicts are made")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--grace", type=float, default=GRACE_S, help="seconds after the storm until all must be there")
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    enter("benchmarks.chaos")
    plan = Plan(given.verdicts, given.stations, given.per_s, given.seed, given.queue, "puback" if given.control else "")
    with tempfile.TemporaryDirectory() as folder:
        result = storm(Path(folder), plan, given.strikes, given.grace, quiet=given.json)
    if given.json:
        print(msgspec.json.encode(result).decode())
    else:
        show(result)
    if given.control:
        return int(result.product.lost == 0)
    return int(not (result.product.clean and result.settled))


def storm(folder: Path, plan: Plan, most: int, grace_s: float, *, quiet: bool) -> Result:
    """Strike until all verdicts are made, heal, wait for what is under way, and compare."""
    draw, world = random.Random(plan.seed), World(folder, plan)
    began_s, strikes = time.monotonic(), Counter[str]()
    cards: list[Strike] = []
    world.start()
    try:
        while sum(lane.made() for lane in world.lanes) < plan.total // plan.stations * plan.stations:
            if most and strikes.total() >= most:
                world.wait(0.2)
                continue
            cards = cards or deck(world, draw)
            strike = cards.pop()
            if not quiet:
                print(f"{time.monotonic() - began_s:7.1f} s  {strike.name}, {strike.seconds:.1f} s", flush=True)
            strikes[strike.name] += 1
            strike.begin()
            world.wait(strike.seconds)
            strike.end()
            world.wait(draw.uniform(*REST_S))
        settled = _settle(world, grace_s)
        world.stop()
        counts = chaos_check.product(world), chaos_check.plain(world)
    finally:
        world.close()
    return Result(plan, time.monotonic() - began_s, dict(strikes), *counts, settled)


def _settle(world: World, grace_s: float) -> bool:
    """Wait until every station is done, and the plain ones likewise; say whether the product's are."""
    end_s = time.monotonic() + grace_s
    while time.monotonic() < end_s and not world.backend.crashes:
        if all(lane.station.done and (lane.plain.done or lane.plain.crashes) for lane in world.lanes):
            break
        world.wait(0.2)
    world.wait(SETTLE_S)
    return all(lane.station.done for lane in world.lanes)


def show(result: Result) -> None:
    """Print the table."""
    plan = result.plan
    print(
        f"\nseed {plan.seed}, {plan.stations} stations, {sum(result.strikes.values())} strikes, {result.seconds:.0f} s"
    )
    for name, times in sorted(result.strikes.items()):
        print(f"  {times:3} {name}")
    sides = (("this station", result.product), ("paho, QoS 1", result.plain))
    columns = ("made", "stored", "lost", "gaps", "corrupt", "misordered", "duplicates", "differing", "crashes")
    print(f"\n{'':14}" + "".join(f"{column:>12}" for column in columns))
    for name, count in sides:
        print(f"{name:14}" + "".join(f"{getattr(count, column):12}" for column in columns))
    for note in result.product.notes:
        print(note)
    if not result.settled:
        print("not every verdict was confirmed in time")


if __name__ == "__main__":
    sys.exit(main())
