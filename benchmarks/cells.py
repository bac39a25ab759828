"""How soon a faulty load cell is found and named, and how often honest loads raise an alarm, beside a fixed limit.

Settled loads of 0.3 to 30 kg on a four-cell platform whose gains are a percent off, one a minute, with noise and
wandering zeros: single things anywhere, or several spread out. The deck passes on kappa of the bilinear term. Ours
begins without knowing anything and is given 200 sound loads before each fault. The fixed limit is 10 e for what the
parity of a settled load lies off kappa W u v; it is told the true kappa. Frozen cells, which samples show, are timed
in samples.
"""

import argparse
import json
import math
import random
import statistics
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from calibration.model import Calibration, Cell
from calibration.platform import UNIT_SQUARE, Platform, expected_parity_g
from station.core.cell_signal import CellSignals
from station.core.cell_words import Trouble
from station.core.cells import CellMonitor

DIVISION_G, CAPACITY_G = 5.0, 50_000.0
NOISE_G, GAIN_SD, WANDER_G = 0.1, 0.01, 0.08
MINUTE_NS = 60_000_000_000
KAPPAS = (0.0, 0.3, 0.6, 1.0)
LEARNED, PATIENCE = 200, 150
LIMIT_G = 10 * DIVISION_G
BAD = 2  # the cell that breaks
SQUARE = Platform(UNIT_SQUARE)
CALIBRATION = Calibration(cells=(Cell(zero_counts=0.0, counts_per_g=200.0),) * 4)

Forces = list[float]
Rows = list[dict[str, str | float | None]]


class Visit(NamedTuple):
    """The cells on the empty platform, and what a load adds to each."""

    zeros: Forces
    forces: Forces


class Store:
    """Loads, one after the other; faults change what the cells say of them."""

    def __init__(self, seed: int, kappa: float, *, several: bool) -> None:
        self.random = random.Random(seed)
        self.kappa = kappa
        self._several = several
        self._gains = [1 + self.random.gauss(0, GAIN_SD) for _ in range(4)]
        self._zeros = [0.0] * 4

    def visit(self) -> Visit:
        """Return the next visit, all cells sound."""
        self._zeros = [zero + self.random.gauss(0, WANDER_G) for zero in self._zeros]
        forces = [gain * force for gain, force in zip(self._gains, self._load(), strict=True)]
        return Visit(list(self._zeros), forces)

    def _load(self) -> Forces:
        total_g = math.exp(self.random.uniform(math.log(300), math.log(30_000)))
        parts = [self.random.uniform(0.1, 1) for _ in range(self.random.choice((1, 2, 3, 6)) if self._several else 1)]
        forces = [0.0] * 4
        for part in parts:
            u, v = self.random.uniform(-0.9, 0.9), self.random.uniform(-0.9, 0.9)
            for cell, (x, y) in enumerate(UNIT_SQUARE):
                share = (1 + u * x + v * y + self.kappa * u * v * x * y) / 4
                forces[cell] += total_g * part / sum(parts) * share
        return forces


Harm = Callable[[Visit, int, random.Random], Visit]


class Fault(NamedTuple):
    """A fault, the troubles that name it rightly, and what it does to the nth visit since it began."""

    name: str
    right: tuple[Trouble, ...]
    harm: Harm


def scaled(part: float) -> Harm:
    """Let the bad cell say only a part of its load."""
    return lambda visit, _n, _r: Visit(visit.zeros, [part * f if c == BAD else f for c, f in enumerate(visit.forces)])


def kept(visit: Visit, _n: int, chance: random.Random) -> Visit:
    """Let the bad cell keep a percent or so of its load."""
    visit.zeros[BAD] += chance.uniform(-0.02, 0.02) * abs(visit.forces[BAD]) + chance.choice((-30, 30))
    return visit


def drifting(visit: Visit, n: int, _chance: random.Random) -> Visit:
    """Let the bad cell's zero wander by a gram a minute."""
    visit.zeros[BAD] += n
    return visit


def seated(twist_g: float, *, rocks: bool) -> Harm:
    """Shift force across the diagonals, for good or to and fro."""

    def harm(visit: Visit, _n: int, chance: random.Random) -> Visit:
        zeros_g, loaded_g = (twist_g * (chance.choice((-1, 1)) if rocks else 1) for _ in range(2))
        signs = SQUARE.parity_weights or ()
        zeros = [zero + zeros_g * sign for zero, sign in zip(visit.zeros, signs, strict=True)]
        forces = [f + (loaded_g - zeros_g) * sign for f, sign in zip(visit.forces, signs, strict=True)]
        return Visit(zeros, forces)

    return harm


FAULTS = (
    Fault("no response, noise as usual", (Trouble.NO_RESPONSE,), scaled(0.0)),
    Fault("signal wires exchanged", (Trouble.WRONG_SIGN,), scaled(-1.0)),
    Fault("half of its load", (Trouble.SHORT, Trouble.NO_RESPONSE), scaled(0.5)),
    Fault("85 % of its load", (Trouble.SHORT,), scaled(0.85)),
    Fault("keeps part of its load", (Trouble.BOUND, Trouble.DRIFTING), kept),
    Fault("drifts by 1 g/min", (Trouble.DRIFTING,), drifting),
    Fault("platform rocks by 60 g", (Trouble.ROCKING, Trouble.UNEVEN), seated(60.0, rocks=True)),
    Fault("foot stands otherwise, 60 g", (Trouble.UNEVEN,), seated(60.0, rocks=False)),
)


class Told(NamedTuple):
    """What a visit made ours and the fixed limit say."""

    troubles: tuple[tuple[Trouble, int | None], ...]
    fixed: bool


def watch(store: Store, visits: int, harm: Harm | None = None, after: int = 0) -> Iterator[Told]:
    """Let the visits come; yield what each leads to."""
    monitor = CellMonitor(CALIBRATION, CAPACITY_G, DIVISION_G)
    sds = (NOISE_G,) * 4
    for number in range(visits):
        visit = store.visit()
        if harm is not None and number >= after:
            visit = harm(visit, number - after, store.random)
        empty = tuple(store.random.gauss(zero, NOISE_G) for zero in visit.zeros)
        loaded = tuple(
            store.random.gauss(zero + force, NOISE_G) for zero, force in zip(visit.zeros, visit.forces, strict=True)
        )
        monitor.emptied(number * MINUTE_NS, empty)
        before = monitor.found
        monitor.settled(loaded, sds)
        troubles = {(found.trouble, found.cell): None for found in (*before, *monitor.found)}
        yield Told(tuple(troubles), fixed_limit([b - a for a, b in zip(empty, loaded, strict=True)], store.kappa))


def fixed_limit(forces: Forces, kappa: float) -> bool:
    """Return whether a parity limit of ten divisions is passed."""
    u, v = SQUARE.offset(forces)
    return abs(SQUARE.parity_g(forces) - expected_parity_g(sum(forces), u, v, kappa)) > LIMIT_G


def honest(loads: int, seed: int) -> Rows:
    """Return how many of so many honest loads raise an alarm."""
    rows: Rows = []
    for several in (False, True):
        for kappa in KAPPAS:
            told = list(watch(Store(seed, kappa, several=several), loads))
            row: dict[str, str | float | None] = {
                "goods": "several" if several else "single",
                "kappa": kappa,
                "loads": loads,
            }
            rows.append(row | {"ours": sum(bool(t.troubles) for t in told), "fixed": sum(t.fixed for t in told)})
    return rows


def delay(fault: Fault, seed: int, kappa: float, *, several: bool) -> tuple[int | None, bool, int | None]:
    """Return the loads until ours says anything, whether that is right, and until the fixed limit does."""
    store = Store(seed, kappa, several=several)
    ours: int | None = None
    fixed: int | None = None
    right = False
    for number, told in enumerate(watch(store, LEARNED + PATIENCE, fault.harm, LEARNED), 1 - LEARNED):
        if number < 1:
            continue
        if ours is None and told.troubles:
            trouble, cell = told.troubles[0]
            ours, right = number, trouble in fault.right and cell in {BAD, None}
        fixed = number if fixed is None and told.fixed else fixed
        if ours is not None and fixed is not None:
            break
    return ours, right, fixed


def detection(trials: int, seed: int) -> Rows:
    """Return for every fault how soon it is found."""
    rows: Rows = []
    for fault in FAULTS:
        for several, kappa in ((False, 0.0), (False, 0.3), (True, 0.3), (True, 1.0)):
            found = [delay(fault, seed + n, kappa, several=several) for n in range(trials)]
            delays = [ours for ours, _, _ in found if ours is not None]
            fixed = [late for _, _, late in found if late is not None]
            rows.append({
                "fault": fault.name, "goods": "several" if several else "single", "kappa": kappa,
                "p50": statistics.median(delays) if delays else None, "most": max(delays, default=None),
                "found": len(delays) / trials, "right": sum(right for _, right, _ in found) / trials,
                "fixed p50": statistics.median(fixed) if fixed else None, "fixed found": len(fixed) / trials,
            })  # fmt: skip
    return rows


def frozen(trials: int, seed: int) -> dict[str, float]:
    """Return after how many samples a cell that repeats itself is known, looked at every sample."""
    chance, needed = random.Random(seed), []
    for _ in range(trials):
        signals, cell = CellSignals(4), chance.randrange(4)
        for number in range(200):
            row = [round(chance.gauss(50_000, 20)) for _ in range(4)]
            if number >= 100:
                row[cell] = 50_000
            signals.feed(number, tuple(row))
            signals.look(still=False)
            if signals.found:
                needed.append(number - 100 if set(signals.found) == {cell} and number >= 100 else math.nan)
                break
    return {"p50": statistics.median(needed), "most": max(needed), "found": len(needed) / trials}


def main() -> None:
    """Run all and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=10_000, help="honest ones, of each kind")
    parser.add_argument("--trials", type=int, default=20, help="of each fault")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    results: dict[str, Rows] = {
        "honest": honest(given.loads, given.seed),
        "detection": detection(given.trials, given.seed),
        "frozen": [dict(frozen(given.trials, given.seed))],
    }
    if given.json:
        print(json.dumps(results))
        return
    titles = {
        "honest": "Loads with an alarm though nothing is wrong (aim: 0 of ours)",
        "detection": "Loads from the fault to the first alarm",
        "frozen": "Samples until a frozen cell is known",
    }
    for name, rows in results.items():
        table = Table(title=titles[name])
        for heading in rows[0]:
            table.add_column(heading)
        for row in rows:
            table.add_row(
                *(
                    "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
                    for value in row.values()
                )
            )
        Console(width=120).print(table)


if __name__ == "__main__":
    main()
