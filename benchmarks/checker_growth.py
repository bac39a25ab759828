"""How the checker's time grows with the catalogue and with the basket, and what it weighs in memory.

Made-up products (log-normal weights around 350 g, Zipf sales) and honest baskets whose sum the scale shows; one whole
judgement each, looks and smallest visible item included, on one core. The limits are held against processor time, for
wall time also measures who else uses the machine; both are told. With a camera: half of the goods are seen, each named
with 0.8 among three look-alikes. Each catalogue is judged in a process of its own, so that its memory is its own: the
resident set with beliefs and grids at rest, less the same process before it read any product.

    python -m benchmarks.checker_growth [--rounds 40] [--quick] [--json]
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from station.core.beliefs import Beliefs
from station.core.claim import Claim, Line, Tare
from station.core.density import Floats
from station.core.evidence import Evidence, Reading, Sighting
from station.core.gtin import check_digit
from station.core.policy import judge
from station.core.product import Product
from station.core.store_policy import Policy

PRODUCTS = (1_000, 10_000, 67_000, 250_000, 1_000_000)
LINES = (1, 5, 20, 50, 100, 200)
USUAL_PRODUCTS, USUAL_LINES = 67_000, 20
LIMIT_P50_MS, LIMIT_P99_MS, LIMIT_MILLION_MS, LIMIT_MB = 10.0, 40.0, 200.0, 60.0
MB = 1e6
DEPARTMENTS = ("dairy", "canned", "fruit", "drinks", "bakery", "household")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; status 1 where a limit is exceeded."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40, help="judgements for each cell of the table")
    parser.add_argument("--quick", action="store_true", help="up to 67 000 products only")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", type=int, metavar="PRODUCTS", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.one:
        print(json.dumps(measure(given.one, given.rounds)))
        return 0
    sizes = [size for size in PRODUCTS if size <= USUAL_PRODUCTS or not given.quick]
    rows = [_apart(size, given.rounds) for size in sizes]
    result = {"rows": rows, "kept": _kept(rows)}
    print(json.dumps(result)) if given.json else show(result)
    return 0 if result["kept"] else 1


def _apart(products: int, rounds: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.checker_growth", "--one", str(products), "--rounds", str(rounds)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    row: dict[str, Any] = json.loads(done.stdout)
    return row


def measure(products: int, rounds: int) -> dict[str, Any]:
    """Return memory, set-up time and the times of judgements over this catalogue."""
    rng = np.random.default_rng(products)
    policy = Policy()
    Beliefs.of(_products(1000, rng))  # what numpy loads on first use is not the catalogue's
    before = _resident()
    rows = _products(products, rng)
    started_s = time.perf_counter()
    beliefs = Beliefs.of(rows)
    built_s = time.perf_counter() - started_s
    del rows
    gc.collect()
    memory = _resident() - before
    usual = min(USUAL_LINES, products)
    times = {f"{lines} lines": _times(beliefs, policy, rng, lines, rounds, seen=False) for lines in LINES}
    times["camera"] = _times(beliefs, policy, rng, usual, rounds, seen=True)
    more = _times(beliefs, policy, rng, usual, 8 * rounds, seen=False)
    return {
        "products": products, "memory_mb": memory / MB, "build_s": built_s,
        "p50_ms": {name: float(np.percentile(taken[0], 50)) for name, taken in times.items()},
        "usual_ms": {str(p): float(np.percentile(more[0], p)) for p in (50, 95, 99)},
        "usual_wall_ms": {str(p): float(np.percentile(more[1], p)) for p in (50, 95, 99)},
    }  # fmt: skip


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _products(count: int, rng: np.random.Generator) -> list[Product]:
    weight_g = np.exp(rng.normal(np.log(350), 0.8, count))
    sales = 1 / (1 + rng.permutation(count))
    sales *= 1000 / sales.sum()
    price = np.maximum(rng.lognormal(np.log(250), 0.7, count), 1).astype(int)
    return [
        Product(
            gtin=_gtin(at), name=f"Product {at}", department=DEPARTMENTS[at % len(DEPARTMENTS)],
            unit_price_minor=int(price[at]), net_g=float(weight_g[at]) * 0.92, weight_g=float(weight_g[at]),
            weight_sd_g=0.01 * float(weight_g[at]) + 1, weight_n=30, sales_per_1000=float(sales[at]),
        )
        for at in range(count)
    ]  # fmt: skip


def _gtin(number: int) -> str:
    digits = f"0400{number:09d}"
    return digits + str(check_digit(digits))


def _times(
    beliefs: Beliefs, policy: Policy, rng: np.random.Generator, lines: int, rounds: int, *, seen: bool
) -> Floats:
    """Return (2, rounds): milliseconds of processor and wall time of each judgement."""
    taken_ms = []
    for _ in range(rounds):
        claim, reading, evidence = _case(beliefs, rng, min(lines, len(beliefs)), seen=seen)
        started_s, begun_s = time.process_time(), time.perf_counter()
        judge(claim, reading, evidence, beliefs, policy)
        taken_ms.append(((time.process_time() - started_s) * 1000, (time.perf_counter() - begun_s) * 1000))
    return np.array(taken_ms).T


def _case(
    beliefs: Beliefs, rng: np.random.Generator, lines: int, *, seen: bool
) -> tuple[Claim, Reading, Evidence | None]:
    places = rng.choice(len(beliefs), size=lines, replace=False)
    units = 1 + rng.poisson(0.4, lines)
    claim = Claim(
        transaction_id="growth", revision=1, tare=Tare(kind="basket", weight_g=600, sd_g=8),
        lines=tuple(
            Line(line=number, gtin=beliefs.gtins[place], quantity=int(count))
            for number, (place, count) in enumerate(zip(places, units, strict=True), start=1)
        ),
    )  # fmt: skip
    goods_g = float(rng.normal(units * beliefs.mean_g[places], np.sqrt(units) * beliefs.unit_sd_g[places]).sum())
    evidence = _seen(beliefs, rng, places) if seen else None
    return claim, Reading(t_ns=0, gross_g=600 + goods_g + rng.normal(0, 8), sd_g=2.0), evidence


def _seen(beliefs: Beliefs, rng: np.random.Generator, places: "np.typing.NDArray[np.int64]") -> Evidence:
    sightings = []
    for place in places[rng.random(places.size) < 0.5]:
        others = rng.choice(len(beliefs), size=3)
        candidates = (
            (beliefs.gtins[place], 0.8),
            *((beliefs.gtins[other], 0.05) for other in others if other != place),
        )
        sightings.append(Sighting(camera="top", candidates=candidates, unknown=0.03))
    return Evidence(sightings=tuple(sightings), visibility=0.5, cameras=1, gallery_size=len(beliefs))


def _kept(rows: list[dict[str, Any]]) -> bool:
    limits_ms = {USUAL_PRODUCTS: {"50": LIMIT_P50_MS, "99": LIMIT_P99_MS}, PRODUCTS[-1]: {"50": LIMIT_MILLION_MS}}
    return all(
        row["usual_ms"][name] <= limit_ms
        for row in rows for name, limit_ms in limits_ms.get(row["products"], {}).items()
    ) and all(row["memory_mb"] <= LIMIT_MB for row in rows if row["products"] == USUAL_PRODUCTS)  # fmt: skip


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    table = Table(
        title="One judgement, median ms of processor time by lines of the claim; weight alone but for the camera's (20)"
    )
    for head in (
        "products",
        *(f"{lines} lines" for lines in LINES),
        "20 lines, camera",
        "20 lines p50, p99",
        "wall p50, p99",
        "MB",
        "set up s",
    ):
        table.add_column(head, justify="right")
    for row in result["rows"]:
        table.add_row(
            f"{row['products']:,}", *(f"{value:.1f}" for value in row["p50_ms"].values()),
            f"{row['usual_ms']['50']:.1f}, {row['usual_ms']['99']:.1f}",
            f"{row['usual_wall_ms']['50']:.1f}, {row['usual_wall_ms']['99']:.1f}",
            f"{row['memory_mb']:.0f}", f"{row['build_s']:.2f}",
        )  # fmt: skip
    console = Console(width=170)
    console.print(table)
    console.print(
        f"limits: {USUAL_PRODUCTS:,} products, 20 lines: p50 {LIMIT_P50_MS:.0f} ms, p99 {LIMIT_P99_MS:.0f} ms, "
        f"{LIMIT_MB:.0f} MB; a million products {LIMIT_MILLION_MS:.0f} ms: {'kept' if result['kept'] else 'NOT KEPT'}"
    )


if __name__ == "__main__":
    sys.exit(main())
