"""Faults met while calibrating: how often each is found, named with its place, and accepted all the same.

Every fault on many random platforms (`drivers/sim/platform.py`), with the full and the routine procedure; sizes are
drawn: a corner that binds passes 3 to 30 % of its force by and keeps 0.3 to 2 % in friction, a loose foot moves 60 to
600 g between the diagonals, a test weight is off by 15 g to 1 kg either way, something that touches on one side bears 2
to 30 % of what presses there beyond its first kilograms, a third of that differently each time. A side counts as named
by one of its corners, too. Sound platforms count false findings.
"""

import argparse
import json
import math
import random
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.calibration_world import NOMINALS_G, Technician, technician
from calibration.evaluation import evaluate
from calibration.mechanics import where
from calibration.results import Evaluation

SIDES = {"left": (-1.0, 0.0), "right": (1.0, 0.0), "front": (0.0, -1.0), "back": (0.0, 1.0)}


class Scene(NamedTuple):
    """A technician about to begin, and the findings (code, place) that would be right."""

    man: Technician
    right: frozenset[tuple[str, str]]


Make = Callable[[int, str, random.Random], Scene]


def _cell(man: Technician, cell: int) -> str:
    return where(man.session, 4, cell)


def dead(seed: int, kind: str, chance: random.Random) -> Scene:
    """Let one cell say nothing of its load."""
    cell = chance.randrange(4)
    man = technician(seed, kind, dead=cell)
    return Scene(man, frozenset({("no-response", _cell(man, cell))}))


def reversed_wires(seed: int, kind: str, chance: random.Random) -> Scene:
    """Exchange one cell's signal wires."""
    cell = chance.randrange(4)
    man = technician(seed, kind, reversed_wires=cell)
    return Scene(man, frozenset({("wrong-sign", _cell(man, cell))}))


def exchanged(seed: int, kind: str, chance: random.Random) -> Scene:
    """Exchange two cells' cables."""
    one, other = chance.sample(range(4), 2)
    man = technician(seed, kind, exchanged=(one, other))
    return Scene(man, frozenset({("cells-exchanged", _cell(man, cell)) for cell in (one, other)}))


def bound(seed: int, kind: str, chance: random.Random) -> Scene:
    """Let one corner bind."""
    cell = chance.randrange(4)
    man = technician(
        seed, kind, bound=cell, bound_part=chance.uniform(0.03, 0.3), bound_keeps=chance.uniform(0.003, 0.02)
    )  # fmt: skip
    return Scene(man, frozenset({("bound-corner", _cell(man, cell)), ("gain-spread", _cell(man, cell))}))


def loose(seed: int, kind: str, chance: random.Random) -> Scene:
    """Let one foot be loose."""
    man = technician(seed, kind, rocks_g=math.exp(chance.uniform(math.log(60), math.log(600))))
    return Scene(man, frozenset({("loose-foot", "feet")}))


def wrong_weight(seed: int, kind: str, chance: random.Random) -> Scene:
    """Let one test weight be off."""
    man = technician(seed, kind)
    name = chance.choice(sorted(NOMINALS_G))
    man.true_g[name] += chance.choice((-1, 1)) * math.exp(chance.uniform(math.log(15), math.log(1000)))
    return Scene(man, frozenset({("weight-inconsistent", name)}))


def wall(seed: int, kind: str, chance: random.Random) -> Scene:
    """Let something touch on one side all the time."""
    side = chance.choice(sorted(SIDES))
    man = technician(
        seed, kind, shunt=SIDES[side], shunt_from_g=chance.uniform(0, 3000), shunt_part=chance.uniform(0.02, 0.3),
        shunt_friction=0.3,
    )  # fmt: skip
    return Scene(man, frozenset({("force-shunt", side)}))


def cart(seed: int, kind: str, chance: random.Random) -> Scene:
    """Let the real cart, with which corners are verified at the end, touch the wall."""
    side = chance.choice(sorted(SIDES))
    man = technician(seed, kind)
    man.at_last = {
        "shunt": SIDES[side], "shunt_from_g": chance.uniform(0, 3000), "shunt_part": chance.uniform(0.02, 0.3),
        "shunt_friction": 0.3,
    }  # fmt: skip
    return Scene(man, frozenset({("force-shunt", side)}))


def overdue(seed: int, kind: str, chance: random.Random) -> Scene:
    """Let one test weight's certificate be out of date."""
    man = technician(seed, kind)
    name = chance.choice(sorted(NOMINALS_G))
    weights = tuple(
        msgspec.structs.replace(weight, due="2026-05-03") if weight.weight_id == name else weight
        for weight in man.session.weights
    )
    man.session = msgspec.structs.replace(man.session, weights=weights)
    return Scene(man, frozenset({("weight-overdue", name)}))


def sound(seed: int, kind: str, _chance: random.Random) -> Scene:
    """Let nothing be wrong."""
    return Scene(technician(seed, kind), frozenset())


FAULTS: dict[str, Make] = {
    "dead cell": dead, "signal wires exchanged": reversed_wires, "two cells' cables exchanged": exchanged,
    "corner binds": bound, "loose foot": loose, "wrong test weight": wrong_weight,
    "something touches a side": wall, "cart touches the wall": cart,
    "test weight overdue": overdue, "sound": sound,
}  # fmt: skip


def judged(make: Make, seed: int, kind: str) -> tuple[Scene, Evaluation]:
    """Let a technician do the whole procedure, and evaluate it."""
    scene = make(seed, kind, random.Random(seed * 7 + 1))
    (scene.man.full if kind == "full" else scene.man.routine)()
    scene.man.with_cart()
    return scene, evaluate(scene.man.session, scene.man.captures, None)


def trial(name: str, kind: str, trials: int, seed: int) -> tuple[dict[str, float | str], Counter[str]]:
    """Return how often a fault was found, named rightly, and accepted; and what was said instead."""
    found = right = advised = first = accepted = 0
    said: Counter[str] = Counter()
    for number in range(trials):
        scene, result = judged(FAULTS[name], seed + number, kind)
        fails = [(finding.code, finding.where) for finding in result.findings if finding.severity == "fail"]
        found += bool(fails)
        named = any(code == other and place in at for code, at in fails for other, place in scene.right)
        right += named
        advised += bool({code for code, _ in scene.right} & {code for code, _ in fails})
        first += bool(fails) and fails[0][0] in {code for code, _ in scene.right}
        accepted += result.may_accept
        if scene.right and not named:
            said.update({code for code, _ in fails} or ["nothing"])
        if not scene.right:
            said.update({code for code, _ in fails})
    row: dict[str, float | str] = {"fault": name, "procedure": kind, "trials": trials}
    row |= {
        "found": found / trials,
        "named": advised / trials,
        "and its place": right / trials,
        "first": first / trials,
        "accepted": accepted / trials,
    }
    return row, said


def main() -> None:
    """Run all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100, help="platforms for each fault and procedure")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=sorted(FAULTS))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    names = [given.only] if given.only else list(FAULTS)
    results = [trial(name, kind, given.trials, given.seed) for name in names for kind in ("full", "routine")]
    rows = [row | {"otherwise": ", ".join(f"{code} {n}" for code, n in said.most_common())} for row, said in results]
    if given.json:
        print(json.dumps(rows))
        return
    table = Table(*rows[0], title="Faults while calibrating (aim: all found and named, none accepted)")
    for row in rows:
        table.add_row(*(f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
