"""What cameras add to the weight: `python -m benchmarks.sightings`.

One honest basket in a hundred is questioned, by every method alike; the share of each kind of deviation that is then
found, and of all by their base rates. Vision alone, weight alone, both together as the checker weighs them, and a test
that knows all about weights, sightings and shoppers. The same cases for all; differences are paired, with 95 %
intervals from a thousand bootstraps. All means are known.

    python -m benchmarks.sightings [--cases 10000] [--visibility 0.3 0.5 0.8] [--cameras 1 2 3] [--workers 2] [--json]
"""

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.basket_world import world
from benchmarks.baskets import score_of
from benchmarks.scores import TRUST, calibration_error, log_loss, mapped, percent, points
from benchmarks.sightings_truth import SeenOracle
from benchmarks.sightings_world import ALIKE, KINDS, Recogniser, SeenWorld, Setting
from station.core.basket import weigh
from station.core.beliefs import Beliefs
from station.core.cases import Case, case_of
from station.core.density import Floats
from station.core.fusion import posterior
from station.core.hypotheses import UPS
from station.core.policy_costs import costs
from station.core.sights import look, nothing_seen
from station.core.singles import missing_prior, quantity_prior
from station.core.store_policy import Policy

METHODS = "vision alone", "weight alone", "this checker", "knows the truth"
WRONG_SHARE = 0.4  # deviating cases beside the honest ones
BOOTSTRAPS = 1000
FALSE_REVIEW = 0.01
SAMPLE = 400  # cases from which the truth-knowing test learns how often an unscanned unit is of a claimed product

Row = dict[str, Any]


def judging(seen: SeenWorld, oracle: SeenOracle, beliefs: Beliefs, policy: Policy) -> Callable[[tuple[int, str]], Row]:
    """Return a function that draws a case and scores it by every method."""

    def judge(which: tuple[int, str]) -> Row:
        number, kind = which
        case = seen.case(number, kind or None)
        basket = weigh(case.claim, case.reading, beliefs, policy)
        sights = look(case.evidence, basket, beliefs, policy.sights, UPS)
        fused = case_of(basket, sights, beliefs, policy)
        ours = posterior(fused, TRUST)
        weight = posterior(case_of(basket, nothing_seen(len(basket.lines), UPS), beliefs, policy), TRUST)
        stopped = costs(policy, ours.p_as_claimed, ours.loss_minor).decision != "accept"
        return {
            "kind": kind, "stopped": stopped, "vision alone": vision_alone(fused),
            "weight alone": score_of(weight), "this checker": score_of(ours), "knows the truth": oracle.score(case),
        }  # fmt: skip

    return judge


def vision_alone(case: Case) -> float:
    """Score by what the sightings say of all single deviations, each by its base rate; the weight says nothing."""
    seen, rates = case.seen, case.policy.base_rates
    named = case.prior[seen.named]
    one_more = float((named * seen.named_more).sum()) + max(1 - float(named.sum()), 0.0) * seen.other_more
    terms = [(rates.unscanned, one_more), (rates.unknown_object, seen.unknown_more)]
    quantity = case.basket.quantity
    if quantity.size:
        _, prior = quantity_prior(case)
        downs = np.broadcast_to(np.arange(1, UPS + 1)[:, None], (UPS, quantity.size))
        ratio = np.concatenate([seen.line_more, seen.less(downs)])
        other = max(1 - float(named.sum()), 0.0)
        swap = (seen.swap_named * named).sum(axis=1) + other * seen.swap_other
        terms += [
            (rates.quantity, float((prior * ratio).sum())),
            (rates.missing, float((missing_prior(case) * seen.less(quantity)).sum())),
            (rates.swapped, float((quantity / quantity.sum() * swap).sum())),
        ]
    return float(np.log(sum(rate * like for rate, like in terms) / sum(rate for rate, _ in terms)))


def measure(seen: SeenWorld, beliefs: Beliefs, policy: Policy, cases: int, workers: int) -> Row:
    """Judge all cases of one setting; return the figures."""
    drawn = [seen.case(number, "unscanned") for number in range(SAMPLE)]
    same = float(np.mean([case.still_claimed for case in drawn]))
    oracle = SeenOracle(seen, same)
    rng, kinds = np.random.default_rng(cases), [*KINDS, ALIKE]
    rates = np.array([*KINDS.values(), KINDS["swapped"]])
    wrong = rng.choice(len(kinds), int(WRONG_SHARE * cases), p=np.sqrt(rates) / np.sqrt(rates).sum())
    which = [(number, "") for number in range(cases)] + [(number, kinds[at]) for number, at in enumerate(wrong)]
    found = mapped(judging(seen, oracle, beliefs, policy), which, workers)
    return figures(found, kinds)


def figures(found: list[Row], kinds: list[str]) -> Row:
    """Return detection by method and kind, differences to the truth, and calibration."""
    kind = np.array([row["kind"] for row in found])
    scores = {name: np.array([row[name] for row in found]) for name in METHODS}
    share = np.array([KINDS.get(name, 0.0) for name in kinds]) / sum(KINDS.values())
    good = kind == ""
    stopped = np.array([row["stopped"] for row in found])
    each = {name: _found(scores[name], kind, kinds, share) for name in METHODS}
    weight = np.array([share[kinds.index(name)] / (kind == name).sum() if name else 0.0 for name in kind])
    draw = np.random.default_rng(1).choice(len(found), 20_000, p=weight / weight.sum())
    ours, truth = scores["this checker"], scores["knows the truth"]
    return {
        "methods": {name: {"all": float(detected[-1]), **dict(zip(kinds, detected.tolist(), strict=False))}
                    for name, detected in each.items()},
        "to_truth": {name: _paired(scores[name], truth, kind, kinds, share) for name in METHODS[:-1]},
        "ece": calibration_error(ours[good], ours[draw]),
        "ece_truth": calibration_error(truth[good], truth[draw]),
        "log_loss_ratio": log_loss(ours[good], ours[draw]) / log_loss(truth[good], truth[draw]),
        "honest_questioned": float(stopped[good].mean()), "caught": float(stopped[draw].mean()),
        "counts": {name or "honest": int((kind == name).sum()) for name in ("", *kinds)},
    }  # fmt: skip


def _found(score: Floats, kind: "np.typing.NDArray[np.str_]", kinds: list[str], share: Floats) -> Floats:
    """Return detection of each kind, and last of all by their shares."""
    limit = np.quantile(score[kind == ""], 1 - FALSE_REVIEW)
    each = np.array([(score[kind == name] > limit).mean() for name in kinds])
    return np.append(each, (each * share).sum())


def _paired(
    ours: Floats, truth: Floats, kind: "np.typing.NDArray[np.str_]", kinds: list[str], share: Floats
) -> dict[str, tuple[float, float, float]]:
    rng, apart = np.random.default_rng(2), []
    places = [np.flatnonzero(kind == name) for name in ("", *kinds)]
    for _ in range(BOOTSTRAPS):
        drawn = np.concatenate([rng.choice(at, at.size) for at in places])
        apart.append(_found(ours[drawn], kind[drawn], kinds, share) - _found(truth[drawn], kind[drawn], kinds, share))
    low, high = np.percentile(apart, [2.5, 97.5], axis=0)
    middle = _found(ours, kind, kinds, share) - _found(truth, kind, kinds, share)
    return {name: (float(middle[at]), float(low[at]), float(high[at])) for at, name in enumerate([*kinds, "all"])}


def show(rows: list[Row], facts: Row) -> None:
    """Print the table."""
    table = Table(title="Deviations found where 1 % of honest baskets is questioned; all means known")
    for head in ("v", "cameras", "method", "all", *KINDS, ALIKE, "points to the truth", "ECE", "log loss / truth",
                 "honest questioned, caught by default"):  # fmt: skip
        table.add_column(head, justify="left" if head == "method" else "right")
    for row in rows:
        for name, found in row["methods"].items():
            mine, of_kinds = name == "this checker", [percent(found[kind]) for kind in ("all", *KINDS, ALIKE)]
            table.add_row(
                f"{row['visibility']}", f"{row['cameras']}", name, *of_kinds,
                points(row["to_truth"][name]["all"]) if name in row["to_truth"] else "",
                percent(row["ece"], 2) if mine else "", f"{row['log_loss_ratio']:.3f}" if mine else "",
                f"{percent(row['honest_questioned'], 2)}, {percent(row['caught'])}" if mine else "",
            )  # fmt: skip
    console = Console(width=220)
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000, help="honest baskets of each setting")
    parser.add_argument("--visibility", type=float, nargs="+", default=[0.3, 0.5, 0.8])
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--untold", action="store_true", help="nobody told the checker what is in the gallery")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    given = parser.parse_args()
    truth, policy, rows = world(given.seed), Policy(trust=TRUST), []
    recogniser = Recogniser.of(len(truth.gtins), given.seed)
    beliefs = Beliefs.of(truth.products("known"), policy.departments)
    for cameras in given.cameras:
        for visibility in given.visibility:
            seen = SeenWorld(truth, recogniser, Setting(visibility, cameras, not given.untold), given.seed)
            rows.append(
                {"visibility": visibility, "cameras": cameras}
                | measure(seen, beliefs, policy, given.cases, given.workers)
            )
    facts = {"products": len(truth.gtins), "gallery": recogniser.gallery.size, "honest_each": given.cases,
             "seed": given.seed}  # fmt: skip
    if given.json:
        print(json.dumps({"rows": rows, **facts}))
    else:
        show(rows, facts)


if __name__ == "__main__":
    main()
