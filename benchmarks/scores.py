"""Figures from scores: detection at a rate of false reviews, calibration, log loss, and paired differences.

A score is the log odds against "as claimed": the higher, the more is wrong. `good` are those of honest cases, `bad`
those of cases with an anomaly; in the world meant, a share `TRUST` of all cases is honest.
"""

import multiprocessing
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from station.core.density import Floats

FALSE_REVIEW = 0.01
TRUST = 0.97
BINS = 10
BOOTSTRAPS = 1000

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Interval = tuple[float, float, float]  # value, and the ends of its 95 % interval

_kept: dict[str, Callable[[Any], Any]] = {}


def detection(good: Floats, bad: Floats) -> float:
    """Return the share of bad cases found where a hundredth of the good ones is questioned."""
    return float((bad > np.quantile(good, 1 - FALSE_REVIEW)).mean())


def half_width(share: float, count: int) -> float:
    """Return half the 95 % interval of a share."""
    return 1.96 * float(np.sqrt(share * (1 - share) / max(count, 1)))


def calibration_error(good: Floats, bad: Floats) -> float:
    """Return the expected calibration error of p_as_claimed in a world with the claims' trust (weighted cases)."""
    p = 1 / (1 + np.exp(np.clip(np.concatenate([good, bad]), -700, 700)))
    weight = np.concatenate([np.full(good.size, TRUST / good.size), np.full(bad.size, (1 - TRUST) / bad.size)])
    truth = np.concatenate([np.ones(good.size), np.zeros(bad.size)])
    bins = np.minimum((p * BINS).astype(np.int64), BINS - 1)
    gap = np.bincount(bins, weight * (truth - p), BINS)
    return float(np.abs(gap).sum())


def log_loss(good: Floats, bad: Floats) -> float:
    """Return the mean log loss of p_as_claimed in a world with the claims' trust."""
    return float(TRUST * np.logaddexp(0, good).mean() + (1 - TRUST) * np.logaddexp(0, -bad).mean())


def paired(ours: tuple[Floats, Floats], theirs: tuple[Floats, Floats], seed: int) -> Interval:
    """Return the difference of detection and its 95 % interval, over baskets drawn anew."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(BOOTSTRAPS):
        good, bad = rng.integers(ours[0].size, size=ours[0].size), rng.integers(ours[1].size, size=ours[1].size)
        found.append(detection(ours[0][good], ours[1][bad]) - detection(theirs[0][good], theirs[1][bad]))
    low, high = np.percentile(found, [2.5, 97.5])
    return detection(*ours) - detection(*theirs), float(low), float(high)


def paired_mean(ours: Floats, theirs: Floats, seed: int) -> Interval:
    """Return the difference of two means over the same cases and its 95 % interval."""
    difference = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    if not difference.size:
        return 0.0, 0.0, 0.0
    rng = np.random.default_rng(seed)
    means = [difference[rng.integers(difference.size, size=difference.size)].mean() for _ in range(BOOTSTRAPS)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(difference.mean()), float(low), float(high)


def mapped(function: Callable[[Item], Answer], items: Sequence[Item], workers: int) -> list[Answer]:
    """Return the function of all items, worked out in so many processes that share what it refers to."""
    if workers <= 1:
        return [function(item) for item in items]
    # The function itself reaches the processes by being there when they are forked, so it may be a closure.
    _kept["function"] = function
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        return pool.map(_call, items, chunksize=32)


def _call(item: Any) -> Any:
    return _kept["function"](item)


def percent(value: float | None, digits: int = 1) -> str:
    """Return a share for people; nothing for nothing."""
    return "" if value is None else f"{100 * value:.{digits}f} %"


def points(value: Interval | None) -> str:
    """Return a difference of shares in percentage points, with its interval."""
    return "" if value is None else "{:+.2f} ({:+.2f} … {:+.2f})".format(*(100 * each for each in value))
