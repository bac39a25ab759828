"""What a station learns from baskets that were passed, starting from labels alone: `python -m benchmarks.learning`.

The teaching households' baskets come in an order of chance, 4 % of them with an item left out. All of them were let
go; the checker judges each and learns from it by its own probability, as the daemon would. Then it judges baskets of
the other households, beside: labels alone; the exact Gaussian learner, told which of the stream were honest; and all
means known. All of them weigh explanations by the same checker; only the beliefs differ. Detection is of one unscanned
item at 1 % of honest baskets questioned, the differences are paired, with bootstrap intervals over the judged baskets.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.basket_world import Case, World, world
from benchmarks.exact_learner import ExactLearner
from benchmarks.scores import TRUST, calibration_error, detection, log_loss, paired
from station.core.basket import Basket, weigh
from station.core.beliefs import Beliefs
from station.core.cases import case_of
from station.core.density import Floats
from station.core.fusion import posterior
from station.core.learning import Learner
from station.core.learning_settings import LearningSettings
from station.core.lesson import lesson_of, number_of
from station.core.policy import consider
from station.core.policy_costs import costs
from station.core.sights import nothing_seen
from station.core.store_policy import Policy

WRONG = 0.04

Weigh = Callable[[Case], Basket]


@dataclass(frozen=True)
class Stream:
    """How the teaching went."""

    accepted: int
    accepted_wrong: int
    wrong: int
    ms_per_lesson: float
    quarantined: int


def teach(labels: Beliefs, cases: Sequence[Case], policy: Policy) -> tuple[Learner, Stream]:
    """Judge the stream case by case and learn from it."""
    learner = Learner(labels, LearningSettings())
    accepted = accepted_wrong = 0
    spent_s = 0.0
    for number, case in enumerate(cases):
        result = consider(case.claim, case.reading, None, learner.beliefs, policy)
        if costs(policy, result.p_as_claimed, result.loss_minor).decision == "accept":
            accepted, accepted_wrong = accepted + 1, accepted_wrong + (not case.honest)
        started_s = time.perf_counter()
        lesson = lesson_of(
            result.case.basket, learner.beliefs, f"T{number}", result.p_as_claimed,
            shopper=number_of(case.claim.shopper),
        )  # fmt: skip
        if lesson is not None:
            learner.learn(lesson)
        spent_s += time.perf_counter() - started_s
    learner.refine()
    wrong = sum(not case.honest for case in cases)
    quarantined = int(learner.state.shifts.changing.sum())
    return learner, Stream(accepted, accepted_wrong, wrong, spent_s * 1000 / max(len(cases), 1), quarantined)


def scores(cases: Sequence[Case], weighed: Weigh, beliefs: Beliefs, policy: Policy) -> Floats:
    """Return the log odds against "as claimed" of each case."""
    return np.array([_score(weighed(case), beliefs, policy) for case in cases])


def _score(basket: Basket, beliefs: Beliefs, policy: Policy) -> float:
    result = posterior(case_of(basket, nothing_seen(len(basket.lines), 5), beliefs, policy), TRUST)
    others = sum(float(p.sum()) for p in result.p[1:])
    return float(np.log(max(others, 1e-300)) - np.log(max(result.p_as_claimed, 1e-300)))


def exactly(learner: ExactLearner, beliefs: Beliefs, policy: Policy) -> Weigh:
    """Weigh with the exact learner's variance of the whole basket."""

    def weighed(case: Case) -> Basket:
        basket = weigh(case.claim, case.reading, beliefs, policy)
        apart = float((basket.quantity * basket.together * basket.tau2_g2).sum())
        change = learner.mean_variance_g2(case) - apart
        return replace(
            basket, variance_g2=basket.variance_g2 + change, expected_g2=basket.expected_g2 + change,
        )  # fmt: skip

    return weighed


def measure(truth: World, lessons: int, cases: int, seed: int, *, named: bool) -> tuple[list[dict[str, Any]], Stream]:
    """Teach, then judge with every belief; return the rows of the table."""
    policy = Policy(trust=TRUST)
    labels = Beliefs.of(truth.products("label"), policy.departments)
    stream = list(truth.passed(lessons, wrong=WRONG, seed=seed, named=named))
    learner, told = teach(labels, stream, policy)
    exact = ExactLearner(truth, labels, stream)
    everything = np.arange(len(labels))
    exact_beliefs = labels.own()
    exact_beliefs.teach(everything, exact.mean_g, exact.variance_g2, truth.sigma_g**2, labels.freedom * 0 + 1e6)
    exact_beliefs = exact_beliefs.own()
    known = Beliefs.of(truth.products("known"), policy.departments)

    def plain(beliefs: Beliefs) -> tuple[Weigh, Beliefs]:
        return (lambda case: weigh(case.claim, case.reading, beliefs, policy)), beliefs

    ways = {
        "labels only": plain(labels), "learned": plain(learner.beliefs),
        "exact learner, told who was honest": (exactly(exact, exact_beliefs, policy), exact_beliefs),
        "all means known": plain(known),
    }  # fmt: skip
    honest, unscanned = (list(truth.cases(cases, honest=good, seed=seed)) for good in (True, False))
    found = {
        name: (scores(honest, weighed, beliefs, policy), scores(unscanned, weighed, beliefs, policy))
        for name, (weighed, beliefs) in ways.items()
    }
    return [_row(name, pair, found, seed) for name, pair in found.items()], told


def _row(name: str, pair: tuple[Floats, Floats], found: dict[str, tuple[Floats, Floats]], seed: int) -> dict[str, Any]:
    *_, exact, known = found.values()
    return {
        "beliefs": name, "detection": detection(*pair), "ece": calibration_error(*pair), "log_loss": log_loss(*pair),
        "log_loss_ratio": log_loss(*pair) / log_loss(*known),
        "log_loss_to_exact": log_loss(*pair) / log_loss(*exact), "to_exact": paired(pair, exact, seed),
        "to_known": paired(pair, known, seed),
    }  # fmt: skip


def show(rows: list[dict[str, Any]], facts: dict[str, Any]) -> None:
    """Print the table."""
    table = Table(title="Learned from passed baskets; one unscanned item, weight only")
    heads = (
        "beliefs",
        "detection at 1 %",
        "points to the exact learner",
        "to all known",
        "ECE",
        "log loss / known",
        "/ exact",
    )
    for head in heads:
        table.add_column(head, justify="left" if head == "beliefs" else "right")
    for row in rows:
        differences = [
            f"{100 * value:+.2f} ({100 * low:+.2f} … {100 * high:+.2f})"
            for value, low, high in (row["to_exact"], row["to_known"])
        ]
        table.add_row(
            row["beliefs"], f"{100 * row['detection']:.2f} %", *differences, f"{100 * row['ece']:.2f} %",
            f"{row['log_loss_ratio']:.2f}", f"{row['log_loss_to_exact']:.2f}",
        )  # fmt: skip
    console = Console()
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lessons", type=int, default=20_000, help="passed baskets in the stream")
    parser.add_argument("--cases", type=int, default=10_000, help="honest baskets judged, and as many with one more")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--anonymous", action="store_true", help="the claims carry no shopper's pseudonym")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    given = parser.parse_args()
    rows, stream = measure(world(given.seed), given.lessons, given.cases, given.seed, named=not given.anonymous)
    facts = {"lessons": given.lessons, "cases_each": given.cases, "seed": given.seed, "named": not given.anonymous}
    facts |= {name: round(value, 2) for name, value in vars(stream).items()}
    if given.json:
        print(json.dumps({"rows": rows, **facts}))
    else:
        show(rows, facts)


if __name__ == "__main__":
    main()
