"""How soon a fault that no single basket shows is named, and how often wrongly: `python -m benchmarks.diagnosis`.

Virtual days of a simulated store (tests/learning/stream.py): 150 products of known weights, 1 to 40 in a basket, four
kinds of carrier, 400 shoppers, 3 % of the baskets with something unnoticed. After `--before` honest transactions one
thing goes wrong; the delay is counted in transactions until its alarm, and what else is named within `--after` is
wrong. Beside it: a running mean of the last 100 differences, in sd, with its alarm at 4.5 standard errors of nothing;
it can name only "the scale".
"""

import argparse
import json
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.learning.shop import gtin_of
from tests.learning.stream import Store

PRODUCT = 3
NAIVE_ROWS, NAIVE_LIMIT = 100, 4.5


def _product(store: Store) -> None:
    store.shop.mean_g[PRODUCT] += 40.0


FAULTS: dict[str, tuple[str, Callable[[Store], None]]] = {
    "scale gain +0.4 %": ("gain", lambda store: setattr(store, "gain", 0.004)),
    "scale zero +25 g": ("zero", lambda store: setattr(store, "zero_g", 25.0)),
    "carts +40 g": ("cart", lambda store: store.carrier_g.update(cart=40.0)),
    "baskets +18 g": ("basket", lambda store: store.carrier_g.update(basket=18.0)),
    "a product +40 g": (gtin_of(PRODUCT), _product),
    "two shoppers slip": ("", lambda store: store.slips.update({"S-7": 300.0, "S-8": 150.0})),
}


def one(cause: str, breaks: Callable[[Store], None], before: int, after: int, seed: int) -> dict[str, Any]:
    """Run one store; return the delays, what was named wrongly, and what the running mean made of it."""
    store = Store(weighed=300, seed=seed)
    recent: deque[float] = deque(maxlen=NAIVE_ROWS)
    naive: list[int] = []
    high = False
    for number in range(before + after):
        if number == before:
            breaks(store)
        seen = store.visit()
        if seen is None:
            continue
        recent.append(float(np.clip(seen.z, -4, 4)))
        was, high = high, len(recent) == NAIVE_ROWS and abs(np.mean(recent)) * NAIVE_ROWS**0.5 > NAIVE_LIMIT
        if high and not was:
            naive.append(number + 1)
    return {
        "delay": next((at - before for name, at in store.raised if name == cause and at > before), None),
        "wrong": sum(name != cause or at <= before for name, at in store.raised),
        "naive_delay": next((at - before for at in naive if at > before), None) if cause in {"gain", "zero"} else None,
        "naive_wrong": len(naive) if cause not in {"gain", "zero"} else sum(at <= before for at in naive),
    }  # fmt: skip


def measure(before: int, after: int, runs: int, honest: int) -> list[dict[str, Any]]:
    """Return a row for each fault, and one for a store where nothing is wrong."""
    rows = []
    for name, (cause, breaks) in FAULTS.items():
        found = [one(cause, breaks, before, after, seed) for seed in range(1, runs + 1)]
        delays = sorted(run["delay"] for run in found if run["delay"] is not None)
        naive = sorted(run["naive_delay"] for run in found if run["naive_delay"] is not None)
        rows.append({
            "fault": name, "runs": runs, "named": len(delays) if cause else None, "median": _median(delays),
            "worst": delays[-1] if delays else None, "wrong": sum(run["wrong"] for run in found),
            "naive_median": _median(naive), "naive_wrong": sum(run["naive_wrong"] for run in found),
        })  # fmt: skip
    nothing = one("", lambda _: None, 0, honest, 99)
    rows.append({
        "fault": f"nothing, {honest} transactions", "runs": 1, "named": None, "median": None, "worst": None,
        "wrong": nothing["wrong"], "naive_median": None, "naive_wrong": nothing["naive_wrong"],
    })  # fmt: skip
    return rows


def _median(values: list[int]) -> float | None:
    return float(np.median(values)) if values else None


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    table = Table(title="Faults across transactions: transactions until the alarm")
    heads = "fault", "runs", "named", "median", "worst", "wrong alarms", "running mean: median", "its wrong alarms"
    for head in heads:
        table.add_column(head, justify="left" if head == "fault" else "right")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table)


def _cell(value: float | str | None) -> str:
    if isinstance(value, str):
        return value
    return "-" if value is None else f"{value:g}"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--before", type=int, default=300, help="honest transactions before the fault")
    parser.add_argument("--after", type=int, default=400, help="transactions with it")
    parser.add_argument("--runs", type=int, default=8, help="stores for each fault")
    parser.add_argument("--honest", type=int, default=20_000, help="transactions of the store where nothing is wrong")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    given = parser.parse_args()
    rows = measure(given.before, given.after, given.runs, given.honest)
    if given.json:
        print(json.dumps({"rows": rows}))
    else:
        show(rows)


if __name__ == "__main__":
    main()
