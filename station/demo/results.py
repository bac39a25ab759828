"""What the demo learns of each verdict: what it should have been, and where the time went."""

from typing import Any

import msgspec

from station.demo.shoppers import Shopper

MS_NS = 1e6
STAGES = ("settle", "capture", "vision", "fusion", "commit", "publish", "total")


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from the last touch of platform or phone to the broker's acknowledgement.

    `settle` is the physics and the wait for stillness; `inference` is the model's part of `vision`.
    """

    settle: float
    capture: float
    vision: float
    inference: float
    fusion: float
    commit: float
    publish: float
    total: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict beside the truth; `named`: whether a doubt pointed at the products concerned, None without such."""

    shopper: int
    kind: str
    did: str
    step: int
    should: tuple[str, ...]
    right: bool
    named: bool | None
    latency_ms: Latency | None
    verdict: dict[str, Any]


def result(
    shopper: Shopper, step: int, event: dict[str, Any], touched_ns: int, journal: dict[str, Any] | None
) -> Result:
    """Compare a verdict with the truth; `journal` is the daemon's own account of its timing."""
    verdict = event["data"]
    doubted = bool(shopper.concerned) and verdict["decision"] in {"review", "reject"}
    return Result(
        shopper=shopper.number,
        kind=shopper.kind,
        did=shopper.did,
        step=step,
        should=tuple(sorted(shopper.just[step])),
        right=verdict["decision"] in shopper.just[step],
        named=_names(verdict, shopper.concerned) if doubted else None,
        latency_ms=None if journal is None else _latency(journal, touched_ns),
        verdict=verdict,
    )


def _names(verdict: dict[str, Any], concerned: frozenset[str]) -> bool:
    """Return whether the best explanation, or what staff is asked to look at, is about one of the products."""
    doubts = [each for each in verdict["explanations"] if each["kind"] != "as_claimed"]
    told = [*_gtins(doubts[:1]), *(look["gtin"] for look in (*verdict["recheck"], *verdict["look_for"]))]
    return bool(concerned & set(told))


def _gtins(explanations: list[dict[str, Any]]) -> list[str]:
    """Return all products that explanations speak of."""
    found = [each[key] for each in explanations for key in ("gtin", "actual_gtin") if each.get(key)]
    return found + [gtin for each in explanations for gtin in _gtins(each.get("parts") or [])]


def _latency(journal: dict[str, Any], touched_ns: int) -> Latency:
    """Take the daemon's stages, with the settling counted from the last touch instead of the first movement."""
    stages: dict[str, float] = journal["timing_ms"]
    after_ms = stages["total"] - stages["settle"]
    settled_ns = journal["monotonic_ns"] - after_ms * MS_NS
    settle_ms = round(max((settled_ns - touched_ns) / MS_NS, 0.0), 2)
    total_ms = round((journal["monotonic_ns"] - touched_ns) / MS_NS, 2)
    parts = {name: stages[name] for name in ("capture", "vision", "inference", "fusion", "commit", "publish")}
    return Latency(settle=settle_ms, total=total_ms, **parts)
