"""What passed baskets teach, in a plain test on many baskets: `python -m benchmarks.learning_plain`.

The stream is that of `benchmarks.learning`: the checker judges each basket of the teaching households, 4 % of them with
an item left out, and learns from it. But the baskets of the other households are then judged by one formula, the same
for all beliefs: the density of the difference if nothing is wrong, beside that if one more item of the catalogue lies
there. That takes no time, so that tens of thousands narrow the intervals. "Behind" is the solution of all lessons
before voices hold it back: the price of the promise that one shopper teaches nothing. The rate of honest baskets
questioned is the checker's own, with the default policy.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.basket_world import SCALE_SD_G, USUAL_TARE_SD_G, Case, World, world
from benchmarks.exact_learner import ExactLearner
from benchmarks.learning import WRONG, teach
from benchmarks.scores import TRUST, calibration_error, detection, log_loss, paired
from station.core.beliefs import Beliefs
from station.core.density import Floats, log_t
from station.core.policy import consider
from station.core.policy_costs import costs
from station.core.store_policy import Policy

FIXED_G2 = SCALE_SD_G**2 + USUAL_TARE_SD_G**2
STRAY = 1e-9  # a gram
SURE = 1e6  # degrees of freedom of a scatter that is known

Scores = tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class Rows:
    """Baskets as flat arrays: a term for each line."""

    row: NDArray[np.int64]
    place: NDArray[np.int64]
    units: Floats
    goods_g: Floats

    @classmethod
    def of(cls, cases: Sequence[Case], index: dict[str, int]) -> "Rows":
        """Lay out the claims."""
        lines = [(at, index[line.gtin], line.quantity) for at, case in enumerate(cases) for line in case.claim.lines]
        row, place, units = (np.array(column) for column in zip(*lines, strict=True))
        carrier_g = [0.0 if case.claim.tare is None else case.claim.tare.weight_g for case in cases]
        goods_g = np.array([case.reading.gross_g for case in cases]) - np.array(carrier_g)
        return cls(row, place, units.astype(np.float64), goods_g)

    def sums(self, terms: Floats) -> Floats:
        """Add up the terms of each basket."""
        return np.asarray(np.bincount(self.row, terms, self.goods_g.size), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Way:
    """Means, their variances, scatter and freedom of all products; `beliefs` know what else may lie there."""

    mean_g: Floats
    mean_g2: Floats
    unit_g2: Floats
    freedom: Floats
    beliefs: Beliefs

    def scores(self, rows: Rows) -> Floats:
        """Return the log odds against as claimed of each basket."""
        at, units = rows.place, rows.units
        apart_g = rows.goods_g - rows.sums(units * self.mean_g[at])
        means_g2, units_g2 = units**2 * self.mean_g2[at], units * self.unit_g2[at]
        variance = rows.sums(means_g2 + units_g2) + FIXED_G2
        fourth = rows.sums((means_g2**2 + units_g2**2) / self.freedom[at])
        honest = log_t(apart_g, variance, np.maximum(variance**2 / np.maximum(fourth, 1e-9), 3.0))
        more = np.log(self.beliefs.sums[0].smoothed(apart_g, variance) + STRAY)
        return np.asarray(more - honest + np.log((1 - TRUST) / TRUST), dtype=np.float64)


def way(beliefs: Beliefs) -> Way:
    """Return beliefs as they are."""
    return Way(beliefs.mean_g, beliefs.mean_sd_g**2, beliefs.unit_sd_g**2, beliefs.freedom, beliefs)


def questioned(cases: Sequence[Case], beliefs: Beliefs, policy: Policy) -> float:
    """Return the share of baskets that the checker does not accept."""
    found = [consider(case.claim, case.reading, None, beliefs, policy) for case in cases]
    return float(np.mean([costs(policy, each.p_as_claimed, each.loss_minor).decision != "accept" for each in found]))


def measure(truth: World, given: argparse.Namespace) -> dict[str, Any]:
    """Teach, then judge with every belief."""
    policy = Policy(trust=TRUST)
    labels, known = (Beliefs.of(truth.products(state), policy.departments) for state in ("label", "known"))
    stream = list(truth.passed(given.lessons, wrong=WRONG, seed=given.seed, named=not given.anonymous))
    learner, told = teach(labels, stream, policy)
    exact, state, learned = ExactLearner(truth, labels, stream), learner.state, learner.beliefs
    sure, scatter_g2 = np.full(len(labels), SURE), truth.sigma_g**2
    ways = {
        "labels only": way(labels), "learned": way(learned),
        "behind": Way(state.mean_g, state.tau_g2 + state.wide_g2, learned.unit_sd_g**2, learned.freedom, learned),
        "exact learner, told who was honest": Way(exact.mean_g, exact.variance_g2, scatter_g2, sure, known),
        "all means known": Way(truth.mean_g, np.zeros(len(labels)), scatter_g2, sure, known),
    }  # fmt: skip
    cases = [list(truth.cases(given.cases, honest=good, seed=given.seed)) for good in (True, False)]
    good, bad = (Rows.of(some, dict(labels.index)) for some in cases)
    found = {name: (each.scores(good), each.scores(bad)) for name, each in ways.items()}
    *_, by_exact, by_truth = found.values()
    rows = [
        {
            "beliefs": name, "detection": detection(*pair), "to_exact": paired(pair, by_exact, given.seed),
            "ece": calibration_error(*pair), "log_loss_ratio": log_loss(*pair) / log_loss(*by_truth),
            "log_loss_to_exact": log_loss(*pair) / log_loss(*by_exact),
        } for name, pair in found.items()
    ]  # fmt: skip
    some = cases[0][: given.judged]
    rates = {"labels only": questioned(some, labels, Policy()), "learned": questioned(some, learned, Policy())}
    return {"rows": rows, "questioned": rates, "stream": vars(told)}


def show(found: dict[str, Any]) -> None:
    """Print the table."""
    table = Table(title="Learned from passed baskets, by a plain test; one unscanned item, weight only")
    for head in ("beliefs", "detection at 1 %", "points to the exact learner", "ECE", "log loss / known", "/ exact"):
        table.add_column(head, justify="left" if head == "beliefs" else "right")
    for row in found["rows"]:
        table.add_row(
            row["beliefs"], f"{100 * row['detection']:.2f} %",
            "{:+.2f} ({:+.2f} … {:+.2f})".format(*(100 * value for value in row["to_exact"])),
            f"{100 * row['ece']:.2f} %", f"{row['log_loss_ratio']:.2f}", f"{row['log_loss_to_exact']:.2f}",
        )  # fmt: skip
    console = Console()
    console.print(table)
    rates = ", ".join(f"{name} {100 * rate:.2f} %" for name, rate in found["questioned"].items())
    console.print(f"honest baskets questioned by default: {rates}")
    console.print(", ".join(f"{name} {value:.6g}" for name, value in found["stream"].items()))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lessons", type=int, default=20_000, help="passed baskets in the stream")
    parser.add_argument("--cases", type=int, default=40_000, help="honest baskets judged, and as many with one more")
    parser.add_argument("--judged", type=int, default=3_000, help="of the honest ones, by the checker itself")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--anonymous", action="store_true", help="the claims carry no shopper's pseudonym")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    given = parser.parse_args()
    found = measure(world(given.seed), given)
    if given.json:
        print(json.dumps(found))
    else:
        show(found)


if __name__ == "__main__":
    main()
