"""All results of a demo in a few numbers."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from station.demo.results import Result

PERCENTS = (50, 95, 99)


class Row(msgspec.Struct):
    """The verdicts about one kind of shopper; `named` of those `doubted` that concerned certain products."""

    verdicts: int = 0
    right: int = 0
    doubted: int = 0
    named: int = 0
    decisions: dict[str, int] = msgspec.field(default_factory=dict)


class Summary(msgspec.Struct, kw_only=True):
    """What the demo says at its end. `unconfirmed` is the station's own count of verdicts nobody has stored."""

    shoppers: int
    verdicts: int
    right: int
    by_kind: dict[str, Row]
    latency_ms: dict[str, dict[str, float]]
    events: dict[str, int]
    acknowledged: int
    unconfirmed: int | None = None
    folder: str | None = None


def summarise(results: Sequence[Result], events: Counter[str], acknowledged: int) -> Summary:
    """Add up the results."""
    rows: dict[str, Row] = {}
    for each in results:
        _add(rows.setdefault(each.kind, Row()), each)
    return Summary(
        shoppers=len({each.shopper for each in results}),
        verdicts=len(results),
        right=sum(each.right for each in results),
        by_kind=rows,
        latency_ms=_latencies(results),
        events=dict(events),
        acknowledged=acknowledged,
    )


def _add(row: Row, each: Result) -> None:
    decision = each.verdict["decision"]
    row.verdicts += 1
    row.right += each.right
    row.doubted += each.named is not None
    row.named += bool(each.named)
    row.decisions[decision] = row.decisions.get(decision, 0) + 1


def _latencies(results: Sequence[Result]) -> dict[str, dict[str, float]]:
    """Return the percentiles of every stage, over the verdicts that were judged (an abstention waits for nothing)."""
    judged = [
        msgspec.to_builtins(each.latency_ms)
        for each in results
        if each.latency_ms is not None and each.verdict["decision"] != "abstain"
    ]
    stages: list[str] = list(judged[0]) if judged else []
    return {stage: percentiles([took[stage] for took in judged]) for stage in stages}


def percentiles(values: Sequence[float]) -> dict[str, Any]:
    """Return p50, p95 and p99 of values, the nearest rank."""
    ordered = sorted(values)
    return {f"p{percent}": ordered[round(percent / 100 * (len(ordered) - 1))] for percent in PERCENTS}
