"""How far one shopper with a plan moves what is believed of a weight: `python -m benchmarks.attack`.

A simulated shop (tests/learning/shop.py): 60 products known by their labels, learned from 600 baskets of 100 shoppers
but for one. Of that one so many honest shoppers have bought one or two units each; then one shopper brings 200 baskets
in which each of its units was made heavier (or lighter), and last others bring honest ones. Moves are of the mean that
the checker believes, in true standard deviations of one unit (about half of what the label law lets the station
expect); "beyond" is what goes beyond all that the others' lessons say by themselves. The worst of all fillings and
seeds. Beside it: the same by an exact Gaussian learner, which takes everybody at their word.
"""

import argparse
import json
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from station.core.learning import Learner
from station.core.learning_settings import LearningSettings
from station.core.solving import solve
from tests.learning.shop import Shop

PLACE, ATTACK = 7, 200
MORE_G = -45.0, -15.0, 8.0, 20.0, 45.0, 90.0
BUYERS = 0, 1, 2, 3, 5, 10, 30, 100


def basket(shop: Shop, shopper: str | None) -> Any:
    """Return a lesson about the product and two others."""
    others = [at for at in range(shop.products) if at != PLACE]
    return shop.lesson([PLACE, *(int(at) for at in shop.rng.choice(others, 2, replace=False))], shopper=shopper)


def unconstrained(learner: Learner) -> float:
    """Return the mean of the product that all kept lessons give when each is taken at its word."""
    kept, state = learner.kept, learner.state
    system = kept.equations(state.stated_g2, np.ones(kept.lessons))
    return float(solve(system, state.base_g, state.base_g2, state.mean_g)[0][PLACE])


def attacked(given: tuple[int | None, int, float, bool, int]) -> dict[str, float]:
    """Return how far the belief moved in the attack, and how far off it is after others came."""
    weighed, buyers, more_g, named, seed = given
    shop = Shop(weighed=weighed, seed=seed)
    learner = Learner(shop.beliefs(), LearningSettings())
    others = [at for at in range(shop.products) if at != PLACE]
    for number in range(600 if weighed is None else 0):
        places = shop.rng.choice(others, size=4, replace=False).tolist()
        learner.learn(shop.lesson(places, shopper=f"S-{number % 100}"))
    for number in range(buyers):
        learner.learn(basket(shop, f"before-{number}"))
    learner.refine()
    unit_g = float(shop.sigma_g[PLACE])
    before_g, exact_g = float(learner.beliefs.mean_g[PLACE]), unconstrained(learner)
    ends_g = sorted([before_g, float(learner.state.mean_g[PLACE])])
    honest_g = float(shop.mean_g[PLACE])
    shop.mean_g[PLACE] = honest_g + more_g
    means_g = []
    for _ in range(ATTACK):
        learner.learn(basket(shop, "one" if named else None))
        means_g.append(float(learner.beliefs.mean_g[PLACE]))
    learner.refine()
    sd_g, after_g = float(learner.beliefs.mean_sd_g[PLACE]), float(learner.beliefs.mean_g[PLACE])
    low_g, high_g = min([*means_g, after_g]), max([*means_g, after_g])
    exact_g = abs(unconstrained(learner) - exact_g)
    shop.mean_g[PLACE] = honest_g
    for number in range(60):
        learner.learn(basket(shop, f"later-{number}"))
    learner.refine()
    return {
        "moved": max(high_g - before_g, before_g - low_g) / unit_g,
        "beyond": max(high_g - ends_g[1], ends_g[0] - low_g, 0.0) / unit_g, "exact": exact_g / unit_g,
        "off_sd": abs(after_g - honest_g) / sd_g,
        "later": abs(float(learner.beliefs.mean_g[PLACE]) - honest_g) / unit_g,
    }  # fmt: skip


def row(name: str, weighed: int | None, buyers: int, seeds: int, *, named: bool = True) -> dict[str, Any]:
    """Return the worst of all fillings and seeds."""
    runs = [(weighed, buyers, more_g, named, seed) for more_g in MORE_G for seed in range(1, seeds + 1)]
    found = [attacked(run) for run in runs]
    return {"product": name} | {key: max(run[key] for run in found) for key in found[0]}


def measure(seeds: int) -> list[dict[str, Any]]:
    """Return a row for each kind of product."""
    rows = [row(f"label only, {buyers} other buyers", None, buyers, seeds) for buyers in BUYERS]
    rows += [row(f"{units} units weighed, no other buyer", units, 0, seeds) for units in (5, 30)]
    return [*rows, row("label only, no other buyer, no pseudonym", None, 0, seeds, named=False)]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    given = parser.parse_args()
    rows = measure(given.seeds)
    if given.json:
        print(json.dumps({"rows": rows}))
        return
    table = Table(title="One shopper's 200 doctored baskets, in sd of one unit")
    heads = "product", "belief moved by", "beyond", "an exact learner's", "truth off, stated sd", "off after 60 others"
    for head in heads:
        table.add_column(head, justify="left" if head == "product" else "right")
    for each in rows:
        table.add_row(each["product"], *(f"{each[key]:.2f}" for key in ("moved", "beyond", "exact", "off_sd", "later")))
    Console().print(table)


if __name__ == "__main__":
    main()
