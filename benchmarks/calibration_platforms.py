"""How truly a platform weighs after calibration, beside simpler ways, and whether the stated uncertainty holds.

Simulated platforms (`drivers/sim/platform.py`): gains 5 % apart either way, any twist stiffness, noise, creep, curved
and hysteretic cells, drift, temperature, a deck that leans. A technician does the full and the routine procedure on
each with class M1 weights; then goods are weighed all over the platform, up to two months later, a few kelvin off.
From the same captures: one common gain (least squares over all loads), shares by contribution (each cell is taken to
bear its part of all counts), and two points (tare, and one span load in the middle). The ideal tool states, for its
load and age, the interval that holds 95 % of the errors that really occur.
"""

import argparse
import json
import math
import random
import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.calibration_world import CAPACITY_G, Technician, technician
from calibration.evaluation import evaluate
from calibration.model import Calibration
from calibration.placements import Placement, sort
from drivers.sim.platform import Load

SWING_K, DRIFT_PER_YEAR, AGE_DAYS = 3.0, 2e-4, 60.0
NORMAL_95 = 1.959964
LOADS_G = (500.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0, 35_000.0, CAPACITY_G)
ONE_SECOND = 80


class Weighing(NamedTuple):
    """Goods weighed: what they weigh, the age of the calibration, ours with its uncertainty, and the other ways."""

    grams: float
    age_days: float
    error_g: float
    half_g: float
    others_g: tuple[float, float, float]


def common_gain(rows: Sequence[Placement]) -> list[float]:
    """Return one gain for all cells, by least squares over all loads."""
    sums = [sum(row.net) for row in rows]
    gain = sum(s * row.load_g for s, row in zip(sums, rows, strict=True)) / sum(s * s for s in sums)
    return [gain] * len(rows[0].net)


def by_contribution(rows: Sequence[Placement]) -> list[float]:
    """Return each cell's gain as if it bore its part of all counts of each load."""
    cells = range(len(rows[0].net))
    borne = [[row.load_g * row.net[cell] / sum(row.net) for row in rows] for cell in cells]
    return [
        sum(f * row.net[cell] for f, row in zip(borne[cell], rows, strict=True))
        / sum(row.net[cell] ** 2 for row in rows)
        for cell in cells
    ]


def two_points(rows: Sequence[Placement]) -> list[float]:
    """Return one gain from the tare and the first span load."""
    span = next(row for row in rows if row.capture.step == "span")
    return [span.load_g / sum(span.net)] * len(span.net)


WAYS: tuple[tuple[str, Callable[[Sequence[Placement]], list[float]]], ...] = (
    ("one common gain", common_gain), ("shares by contribution", by_contribution), ("two points", two_points),
)  # fmt: skip


def goods(man: Technician) -> list[Load]:
    """Return one to six things all over the platform, half a kilogram to capacity; no cell above its rating."""
    while True:
        loads = _drawn(man.chance)
        man.platform.put(*loads)
        if max(man.platform.borne_g) <= man.platform.traits.cells[0].rated_g:
            man.platform.put()
            return loads


def _drawn(chance: random.Random) -> list[Load]:
    total_g = math.exp(chance.uniform(math.log(LOADS_G[0]), math.log(CAPACITY_G)))
    parts = [chance.uniform(0.1, 1.0) for _ in range(chance.choice((1, 1, 2, 4, 6)))]
    return [
        Load(total_g * part / sum(parts), chance.uniform(-0.8, 0.8), chance.uniform(-0.8, 0.8)) for part in parts
    ]  # fmt: skip


def weigh(
    man: Technician, calibration: Calibration, others: Sequence[Sequence[float]], harshness: float = 1.0
) -> Weighing:
    """Weigh goods some time after calibrating."""
    platform, chance = man.platform, man.chance
    age_days = chance.uniform(0, AGE_DAYS)
    platform.away_k = chance.gauss(0, harshness * SWING_K)
    platform.span_drift = chance.gauss(0, harshness * DRIFT_PER_YEAR * math.sqrt(age_days / 365.25))
    loads = goods(man)
    platform.wait(chance.uniform(20, 600))
    zero = [cell.mean for cell in platform.look(1.0)]
    platform.put(*loads)
    platform.wait(chance.uniform(0.5, 4.0))
    seen = platform.look(1.0)
    net = [cell.mean - empty for cell, empty in zip(seen, zero, strict=True)]
    forces = [count / cell.counts_per_g for count, cell in zip(net, calibration.cells, strict=True)]
    gross_g = sum(forces) + calibration.correction_g(sum(forces))
    true_g = sum(load.grams for load in loads)
    shares = [force / sum(forces) for force in forces]
    noise_g = math.sqrt(2 / ONE_SECOND) * math.hypot(
        *(cell.sd / known.counts_per_g for cell, known in zip(seen, calibration.cells, strict=True))
    )
    sd_g = math.hypot(calibration.span_sd_g(gross_g, shares, age_days=age_days), noise_g)
    wrong = [sum(c * g for c, g in zip(net, gains, strict=True)) - true_g for gains in others]
    return Weighing(true_g, age_days, gross_g - true_g, NORMAL_95 * sd_g, (wrong[0], wrong[1], wrong[2]))


class Outcome(NamedTuple):
    """A procedure on all platforms: what was decided, and the weighings after it."""

    decisions: dict[str, int]
    accepted: int
    weighings: list[Weighing]


def run(kind: str, platforms: int, each: int, seed: int, harshness: float = 1.0) -> Outcome:
    """Calibrate so many platforms and weigh on each."""
    decisions: dict[str, int] = {}
    weighings: list[Weighing] = []
    accepted = 0
    for number in range(platforms):
        man = technician(seed + number, kind)
        (man.full if kind == "full" else man.routine)()
        result = evaluate(man.session, man.captures, None)
        decisions[result.decision] = decisions.get(result.decision, 0) + 1
        accepted += result.may_accept
        if result.calibration is None or not result.may_accept:
            continue
        rows = sort(man.captures).of("corners", "span")
        others = [way(rows) for _, way in WAYS]
        weighings += [weigh(man, result.calibration, others, harshness) for _ in range(each)]
    return Outcome(decisions, accepted, weighings)


def cell_of(weighing: Weighing) -> tuple[int, bool]:
    """Return the class of load and age that an ideal tool tells apart."""
    return sum(weighing.grams > edge for edge in LOADS_G), weighing.age_days > AGE_DAYS / 3


def ideal_halves(weighings: Sequence[Weighing]) -> dict[tuple[int, bool], float]:
    """Return the half width that holds 95 % of the errors of each class."""
    groups: dict[tuple[int, bool], list[float]] = {}
    for weighing in weighings:
        groups.setdefault(cell_of(weighing), []).append(abs(weighing.error_g))
    return {key: float(np.quantile(errors, 0.95)) for key, errors in groups.items()}


def figures(kind: str, outcome: Outcome) -> dict[str, float | str]:
    """Return what matters of an outcome."""
    weighings = outcome.weighings
    ideal = ideal_halves(weighings)
    stated = statistics.mean(weighing.half_g for weighing in weighings)
    told = statistics.mean(ideal[cell_of(weighing)] for weighing in weighings)
    errors = [[abs(w.error_g), *(abs(g) for g in w.others_g)] for w in weighings]
    columns = [("ours", 0), *((name, n) for n, (name, _) in enumerate(WAYS, 1))]
    found: dict[str, float | str] = {"procedure": kind, "accepted": outcome.accepted, "weighings": len(weighings)}
    for name, column in columns:
        values = np.array([row[column] for row in errors])
        found[f"{name}: rms g"] = float(np.sqrt(np.mean(values**2)))
        found[f"{name}: p95 g"] = float(np.quantile(values, 0.95))
        found[f"{name}: most g"] = float(values.max())
    within = statistics.mean(abs(w.error_g) <= w.half_g for w in weighings)
    return found | {"within 95 %": within, "stated / ideal": stated / told, "stated g": stated}


def by_load(outcome: Outcome) -> list[dict[str, float | str]]:
    """Return coverage and widths load by load."""
    ideal = ideal_halves(outcome.weighings)
    rows: list[dict[str, float | str]] = []
    for low, high in pairwise(LOADS_G):
        chosen = [w for w in outcome.weighings if low < w.grams <= high]
        if chosen:
            rows.append({
                "load kg": f"{low / 1000:g} to {high / 1000:g}", "weighings": len(chosen),
                "rms g": math.sqrt(statistics.mean(w.error_g**2 for w in chosen)),
                "within 95 %": statistics.mean(abs(w.error_g) <= w.half_g for w in chosen),
                "stated g": statistics.mean(w.half_g for w in chosen),
                "ideal g": statistics.mean(ideal[cell_of(w)] for w in chosen),
            })  # fmt: skip
    return rows


def main() -> None:
    """Run both procedures and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--platforms", type=int, default=200)
    parser.add_argument("--weighings", type=int, default=12, help="on each platform")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--harshness", type=float, default=1.0, help="times the drift and temperature reckoned with")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    outcomes = {
        kind: run(kind, given.platforms, given.weighings, given.seed, given.harshness) for kind in ("full", "routine")
    }
    summary = [figures(kind, outcome) for kind, outcome in outcomes.items()]
    loads = {kind: by_load(outcome) for kind, outcome in outcomes.items()}
    if given.json:
        print(json.dumps({"summary": summary, "loads": loads}))
        return
    console = Console(width=120)
    table = Table("", *(str(row["procedure"]) for row in summary), title="After calibration (aim: 94 %, 1.3)")
    for name in [name for name in summary[0] if name != "procedure"]:
        table.add_row(name, *(_shown(row[name]) for row in summary))
    console.print(table)
    for kind, rows in loads.items():
        table = Table(*rows[0], title=f"By load, {kind} procedure")
        for row in rows:
            table.add_row(*(_shown(value) for value in row.values()))
        console.print(table)


def _shown(value: float | str) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
