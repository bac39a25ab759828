"""How right the checker is on real supermarket baskets, by weight alone: `python -m benchmarks.baskets`.

Detection is the share of one-unscanned baskets questioned when one honest basket in a hundred is: every method gets
the threshold that does just that on the honest cases. Beside it what the default policy does: how many honest baskets
it stops, and how many of the others. All methods judge the same cases; differences are paired, with 95 % intervals
from a thousand bootstraps over baskets. "Culprit": of the anomalies caught at that threshold, how often the product
left out leads the explanations, and how often it is among the first three or the looks asked for; in brackets the
truth-knowing test's own ranking of the same cases.

    python -m benchmarks.baskets [--cases 10000] [--workers 2] [--json]
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.basket_world import TARES, USUAL_TARE_SD_G, Case, World, world
from benchmarks.scores import (
    FALSE_REVIEW,
    TRUST,
    Interval,
    calibration_error,
    detection,
    half_width,
    log_loss,
    mapped,
    paired,
    paired_mean,
    percent,
    points,
)  # fmt: skip
from benchmarks.truth import NOTHING, Oracle
from station.core.basket import weigh
from station.core.beliefs import Beliefs
from station.core.density import Floats
from station.core.fusion import Posterior
from station.core.policy import consider
from station.core.policy_costs import costs
from station.core.recheck import looks
from station.core.store_policy import Policy

STATES = {"label": "labels only", "weighed": "5 weighings of each", "known": "all known"}
LIKELY = -6.0  # log odds against as claimed from which a case may count as caught

Score = Callable[[Case], float]  # the higher, the less as claimed


@dataclass(frozen=True)
class Said:
    """The checker's word on one case."""

    score: float
    stopped: bool  # by the default policy
    first: bool = False  # the product left out leads the explanations ...
    among: bool = False  # ... or is among three of them, or of the looks


@dataclass(frozen=True)
class Result:
    """One row of the table."""

    tare_sd_g: float
    method: str
    knowledge: str
    detection: float
    interval: float  # half width of the 95 % interval
    to_truth: Interval | None = None
    ece: float | None = None
    log_loss_ratio: float | None = None
    questioned: float | None = None  # of honest baskets, with the default policy
    caught: float | None = None  # of one-unscanned ones, likewise
    first: float | None = None
    among: float | None = None
    truth_first: float | None = None
    truth_among: float | None = None
    first_to_truth: Interval | None = None
    among_to_truth: Interval | None = None


def score_of(result: Posterior) -> float:
    """Return the log odds against as claimed, which keeps what is far from both ends apart."""
    others = sum(float(p.sum()) for p in result.p[1:])
    return float(np.log(max(others, NOTHING)) - np.log(max(result.p_as_claimed, NOTHING)))


def checker(beliefs: Beliefs, policy: Policy) -> Callable[[Case], Said]:
    """Judge by our posterior and the policy's costs."""

    def judge(case: Case) -> Said:
        result = consider(case.claim, case.reading, None, beliefs, policy)
        score = score_of(result)
        stopped = costs(policy, result.p_as_claimed, result.loss_minor).decision != "accept"
        if case.dropped is None or score < LIKELY:
            return Said(score, stopped)
        return Said(score, stopped, *named(result, beliefs.gtins[case.dropped]))

    return judge


def named(result: Posterior, gtin: str) -> tuple[bool, bool]:
    """Return whether one more of a product is the first explanation of a deviation, and whether it is named at all."""
    ranked = []
    for found in result.top(4):
        if found.kind == "as_claimed":
            continue
        part = found.parts[0] if found.kind in {"unscanned", "quantity"} and found.parts else None
        if part is None or part.units != 1:
            ranked.append("")
        else:
            ranked.append(result.case.beliefs.gtins[part.product] if part.product >= 0
                          else result.case.basket.lines[part.line].gtin)  # fmt: skip
    asked = looks(result)
    looked = {line.gtin for line in asked.lines} | {product.gtin for product in asked.products}
    among = gtin in {*ranked[:3], *looked}
    return ranked[:1] == [gtin], among


def fixed_tolerance(beliefs: Beliefs, policy: Policy) -> Score:
    """Score by the difference in grams."""
    return lambda case: abs(weigh(case.claim, case.reading, beliefs, policy).residual_g)


def relative_tolerance(beliefs: Beliefs, policy: Policy) -> Score:
    """Score by the difference as a share of what the goods should weigh."""

    def score(case: Case) -> float:
        basket = weigh(case.claim, case.reading, beliefs, policy)
        return abs(basket.residual_g) / max(basket.expected_g - basket.tare_g, 1.0)

    return score


def z_test(beliefs: Beliefs, policy: Policy) -> Score:
    """Score by the difference in standard deviations."""

    def score(case: Case) -> float:
        basket = weigh(case.claim, case.reading, beliefs, policy)
        return abs(basket.residual_g) / float(basket.variance_g2**0.5)

    return score


BASELINES = {"fixed tolerance": fixed_tolerance, "relative tolerance": relative_tolerance, "z-test": z_test}


@dataclass(frozen=True)
class Trial:
    """The same cases for every method, and what the truth-knowing test said of them."""

    tare_sd_g: float
    honest: list[Case]
    unscanned: list[Case]
    truth: tuple[Floats, Floats]  # scores
    first: Floats
    among: Floats
    seed: int
    workers: int

    @classmethod
    def of(cls, truth: World, tare_sd_g: float, cases: tuple[int, int], seed: int, workers: int) -> "Trial":
        """Draw so many honest baskets and baskets with an item left out."""
        honest, unscanned = (
            list(truth.cases(count, honest=good, seed=seed, tare_sd_g=tare_sd_g))
            for count, good in zip(cases, (True, False), strict=True)
        )
        same = np.mean([truth.gtins[case.dropped or 0] in {x.gtin for x in case.claim.lines} for case in unscanned])
        judge = Oracle(truth, float(same)).judge
        good, bad = mapped(judge, honest, workers), mapped(judge, unscanned, workers)
        return cls(
            tare_sd_g, honest, unscanned, (_array(good, "score"), _array(bad, "score")),
            _array(bad, "first"), _array(bad, "among"), seed, workers,
        )  # fmt: skip

    def rows(self, beliefs: Beliefs, policy: Policy, knowledge: str) -> list[Result]:
        """Return a row for each method at one state of knowledge."""
        rows = []
        for method, make in BASELINES.items():
            score = make(beliefs, policy)
            pair = np.array([score(case) for case in self.honest]), np.array([score(case) for case in self.unscanned])
            rows.append(self._row(method, knowledge, pair))
        return [*rows, self._ours(beliefs, policy, knowledge)]

    def last(self) -> Result:
        """Return the truth-knowing test's own row."""
        caught = self.truth[1] > np.quantile(self.truth[0], 1 - FALSE_REVIEW)
        return self._row(
            "knows the truth", "the truth", self.truth, ece=calibration_error(*self.truth), log_loss_ratio=1.0,
            truth_first=float(self.first[caught].mean()), truth_among=float(self.among[caught].mean()),
        )  # fmt: skip

    def _ours(self, beliefs: Beliefs, policy: Policy, knowledge: str) -> Result:
        judge = checker(beliefs, policy)
        good, bad = mapped(judge, self.honest, self.workers), mapped(judge, self.unscanned, self.workers)
        pair = _array(good, "score"), _array(bad, "score")
        caught = pair[1] > np.quantile(pair[0], 1 - FALSE_REVIEW)
        first, among = _array(bad, "first")[caught], _array(bad, "among")[caught]
        return self._row(
            "this checker", knowledge, pair, ece=calibration_error(*pair),
            log_loss_ratio=log_loss(*pair) / log_loss(*self.truth),
            questioned=float(_array(good, "stopped").mean()), caught=float(_array(bad, "stopped").mean()),
            first=float(first.mean()), among=float(among.mean()),
            truth_first=float(self.first[caught].mean()), truth_among=float(self.among[caught].mean()),
            first_to_truth=paired_mean(first, self.first[caught], self.seed),
            among_to_truth=paired_mean(among, self.among[caught], self.seed),
        )  # fmt: skip

    def _row(self, method: str, knowledge: str, pair: tuple[Floats, Floats], **more: Any) -> Result:
        share = detection(*pair)
        to_truth = None if pair is self.truth else paired(pair, self.truth, self.seed)
        return Result(self.tare_sd_g, method, knowledge, share, half_width(share, pair[1].size), to_truth, **more)


def _array(said: list[Any], name: str) -> Floats:
    return np.array([getattr(each, name) for each in said], dtype=np.float64)


def show(rows: list[Result], facts: dict[str, Any]) -> None:
    """Print the table."""
    table = Table(title="One unscanned item, real baskets, simulated weights, weight only")
    for head in (
        "tare sd g", "knowledge", "method", "detection at 1 %", "points to the truth", "ECE", "log loss / truth",
        "honest questioned", "caught", "culprit first (truth)", "culprit named (truth)",
    ):  # fmt: skip
        table.add_column(head, justify="left" if head in {"method", "knowledge"} else "right")
    for row in rows:
        table.add_row(
            f"{row.tare_sd_g:.0f}", row.knowledge, row.method, f"{percent(row.detection)} ± {percent(row.interval)}",
            points(row.to_truth), percent(row.ece, 2),
            "" if row.log_loss_ratio is None else f"{row.log_loss_ratio:.3f}",
            percent(row.questioned, 2), percent(row.caught), _beside(row.first, row.truth_first),
            _beside(row.among, row.truth_among),
        )  # fmt: skip
    console = Console(width=210)
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()))


def _beside(ours: float | None, truth: float | None) -> str:
    return "" if truth is None else f"{percent(ours)} ({percent(truth)})"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000, help="honest baskets; half as many with an item left out")
    parser.add_argument("--tares", type=float, nargs="+", choices=list(TARES), default=list(TARES), metavar="SD_G")
    parser.add_argument("--states", nargs="+", choices=list(STATES), default=list(STATES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    given = parser.parse_args()
    truth, policy = world(given.seed), Policy(trust=TRUST)
    states = {name: Beliefs.of(truth.products(name), policy.departments) for name in given.states}
    rows: list[Result] = []
    for tare_sd_g in given.tares:
        trial = Trial.of(truth, tare_sd_g, (given.cases, max(given.cases // 2, 1)), given.seed, given.workers)
        for name, beliefs in states.items():
            rows += trial.rows(beliefs, policy, STATES[name])
        rows.append(trial.last())
    facts = {"products": len(truth.gtins), "honest": given.cases, "unscanned": max(given.cases // 2, 1),
             "seed": given.seed, "usual_tare_sd_g": USUAL_TARE_SD_G}  # fmt: skip
    if given.json:
        print(json.dumps({"rows": [vars(row) for row in rows], **facts}))
    else:
        show(rows, facts)


if __name__ == "__main__":
    main()
