"""How good is recognition? The figures of `station gallery evaluate` and of the benchmarks."""

import numpy as np
from numpy.typing import NDArray

BINS = 15

Numbers = NDArray[np.float64]


def calibration_error(stated: Numbers, right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error: how far stated probabilities are from what came true, over equal bins."""
    if not len(stated):
        return 0.0
    place = np.minimum((stated * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    gap = np.bincount(place, stated, BINS) - np.bincount(place, right, BINS)
    return float(np.abs(gap).sum() / count.sum())


def auroc(strange: Numbers, known: Numbers) -> float | None:
    """Return the chance that a stranger's score is above a known one's (ties count half); None without either."""
    if not len(strange) or not len(known):
        return None
    ordered = np.sort(known)
    below = np.searchsorted(ordered, strange, "left")
    ties = np.searchsorted(ordered, strange, "right") - below
    return float((below + ties / 2).sum() / (len(strange) * len(known)))
