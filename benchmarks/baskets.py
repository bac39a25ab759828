"""How right and how fast the checker is, on real supermarket baskets: `python -m benchmarks.baskets`.

Detection is the share of one-unscanned baskets questioned when one honest basket in a hundred is: every method gets
the threshold that does just that on the honest cases. The oracle knows every product's true mean and scatter, the true
tare and scale noise, how often each product is sold and how often the unit left out is of a claimed product.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.basket_world import Case, World, world
from station.core.basket import weigh
from station.core.beliefs import Beliefs
from station.core.cases import case_of
from station.core.density import Floats, gauss
from station.core.fusion import posterior
from station.core.policy import judge
from station.core.sights import nothing_seen
from station.core.store_policy import Policy

FALSE_REVIEW = 0.01
TRUST = 0.97
BINS = 10
STATES = {"label": "labels only", "weighed": "5 weighings of each", "known": "all known"}

Score = Callable[[Case], float]  # the higher, the less as claimed


@dataclass(frozen=True)
class Result:
    """One row of the table."""

    method: str
    knowledge: str
    detection: float
    interval: float  # half width of the 95 % interval
    ece: float | None = None
    questioned: float | None = None  # of honest baskets, with the default policy
    caught: float | None = None  # of one-unscanned ones, likewise


def bayes(beliefs: Beliefs, policy: Policy) -> Score:
    """Score by our posterior: 1 - p_as_claimed, as log odds to keep what is far from both ends apart."""

    def score(case: Case) -> float:
        basket = weigh(case.claim, case.reading, beliefs, policy)
        result = posterior(case_of(basket, nothing_seen(len(basket.lines), 5), beliefs, policy), TRUST)
        others = sum(float(p.sum()) for p in result.p[1:])
        return float(np.log(max(others, 1e-300)) - np.log(max(result.p_as_claimed, 1e-300)))

    return score


def tolerance(beliefs: Beliefs, policy: Policy) -> Score:
    """Score by the difference in grams."""
    return lambda case: abs(weigh(case.claim, case.reading, beliefs, policy).residual_g)


def z_test(beliefs: Beliefs, policy: Policy) -> Score:
    """Score by the difference in standard deviations."""

    def score(case: Case) -> float:
        basket = weigh(case.claim, case.reading, beliefs, policy)
        return abs(basket.residual_g) / float(basket.variance_g2**0.5)

    return score


def oracle(truth: World, same_product: float) -> Score:
    """Score by the true likelihood ratio; `same_product`: how often the unit left out is of a claimed product."""
    share, place = truth.sales / truth.sales.sum(), {gtin: at for at, gtin in enumerate(truth.gtins)}

    def score(case: Case) -> float:
        at = np.array([place[line.gtin] for line in case.claim.lines], dtype=np.int64)
        units = np.array([line.quantity for line in case.claim.lines], dtype=np.float64)
        tare = case.claim.tare
        assert tare is not None
        rest_g = case.reading.gross_g - tare.weight_g - float(units @ truth.mean_g[at])
        variance = float(units @ truth.sigma_g[at] ** 2) + tare.sd_g**2 + case.reading.sd_g**2
        honest = gauss(np.array([rest_g]), np.array([variance]))[0]
        more = gauss(rest_g - truth.mean_g, variance + truth.sigma_g**2)
        left_out = (1 - same_product) * float(share @ more)
        if units.size:
            left_out += same_product * float(units @ more[at]) / float(units.sum())
        return float(np.log(max(left_out, 1e-300)) - np.log(max(honest, 1e-300)))

    return score


def detection(score: Score, honest: list[Case], unscanned: list[Case]) -> tuple[float, float, Floats, Floats]:
    """Return (detection at the false review rate, half its 95 % interval, scores of both)."""
    good = np.array([score(case) for case in honest])
    bad = np.array([score(case) for case in unscanned])
    share = float((bad > np.quantile(good, 1 - FALSE_REVIEW)).mean())
    return share, 1.96 * float(np.sqrt(share * (1 - share) / bad.size)), good, bad


def calibration_error(good: Floats, bad: Floats) -> float:
    """Return the expected calibration error of p_as_claimed in a world with the claims' trust (weighted cases)."""
    p = 1 / (1 + np.exp(np.clip(np.concatenate([good, bad]), -700, 700)))
    weight = np.concatenate([np.full(good.size, TRUST / good.size), np.full(bad.size, (1 - TRUST) / bad.size)])
    truth = np.concatenate([np.ones(good.size), np.zeros(bad.size)])
    bins = np.minimum((p * BINS).astype(np.int64), BINS - 1)
    gap = np.bincount(bins, weight * (truth - p), BINS)
    return float(np.abs(gap).sum())


def measure(truth: World, cases: int, seed: int) -> tuple[list[Result], dict[str, Any]]:
    """Run every method over the same cases; return the rows and the speed."""
    honest = list(truth.cases(cases, honest=True, seed=seed))
    unscanned = list(truth.cases(cases, honest=False, seed=seed))
    same = float(np.mean([truth.gtins[case.dropped or 0] in {x.gtin for x in case.claim.lines} for case in unscanned]))
    policy, rows = Policy(trust=TRUST), []
    speed: dict[str, Any] = {}
    for name, told in STATES.items():
        beliefs = Beliefs.of(truth.products(name), policy.departments)
        for method, make in (("fixed tolerance", tolerance), ("z-test", z_test)):
            share, half, _, _ = detection(make(beliefs, policy), honest, unscanned)
            rows.append(Result(method, told, share, half))
        share, half, good, bad = detection(bayes(beliefs, policy), honest, unscanned)
        some = max(cases // 5, 1)
        speed, asked = _verdicts(honest[:some], beliefs, policy)
        _, caught = _verdicts(unscanned[:some], beliefs, policy)
        rows.append(Result("Bayes (ours)", told, share, half, calibration_error(good, bad), asked, caught))
    share, half, _, _ = detection(oracle(truth, same), honest, unscanned)
    rows.append(Result("oracle", "the truth", share, half))
    return rows, speed | {"products": len(truth.gtins), "cases_each": cases, "seed": seed}


def _verdicts(cases: list[Case], beliefs: Beliefs, policy: Policy) -> tuple[dict[str, Any], float]:
    """Return the speed of whole judgements, and the share of them that are no release."""
    taken_ms, stopped = [], 0
    for case in cases:
        started_s = time.perf_counter()
        judgement = judge(case.claim, case.reading, None, beliefs, policy)
        taken_ms.append((time.perf_counter() - started_s) * 1000)
        stopped += judgement.decision != "accept"
    p50, p95, p99 = np.percentile(taken_ms, [50, 95, 99])
    speed = {"verdicts_per_s": 1000 / float(np.mean(taken_ms)), "p50_ms": p50, "p95_ms": p95, "p99_ms": p99}
    return {name: round(float(value), 2) for name, value in speed.items()}, stopped / len(cases)


def _percent(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{100 * value:.{digits}f} %"


def show(rows: list[Result], facts: dict[str, Any]) -> None:
    """Print the table."""
    table = Table(title="One unscanned item, real baskets, simulated weights, weight only")
    for head in (
        "method", "knowledge", "detection at 1 % false review", "± 95 %", "ECE of p_as_claimed",
        "honest questioned (policy)", "caught (policy)",
    ):  # fmt: skip
        table.add_column(head, justify="left" if head in {"method", "knowledge"} else "right")
    for row in rows:
        table.add_row(
            row.method, row.knowledge, _percent(row.detection), _percent(row.interval), _percent(row.ece, 2),
            _percent(row.questioned, 2), _percent(row.caught),
        )  # fmt: skip
    console = Console()
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=4000, help="honest baskets, and as many with one unscanned item")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    given = parser.parse_args()
    rows, facts = measure(world(given.seed), given.cases, given.seed)
    if given.json:
        print(json.dumps({"rows": [vars(row) for row in rows], **facts}))
    else:
        show(rows, facts)


if __name__ == "__main__":
    main()
