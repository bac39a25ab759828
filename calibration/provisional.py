"""Grams for the technician's eyes while nothing is calibrated yet, and what a first load says of the cells.

As soon as a session has an empty platform and a known load, the sum is scaled to them: the shares of the cells are
those of the calibration in force, else all gains are alike, with the sign of each cell's own answer. That is right to
some per cent, enough to see a wrong weight, a wrong unit or a slipped digit, and to judge half an interval of unrest.
"""

from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

from calibration.captures import Capture
from calibration.capturing import FULL_SCALE_COUNTS, OVERSIZE, RATED_SHARE, Weigher, grams_only, nominal
from calibration.model import Calibration

LEAST_PART = 0.01  # of capacity: lighter loads say little of the gain
USUAL = (0.9, 8.0)  # a cell's implied rating over its even share of the capacity


class Implied(msgspec.Struct, frozen=True, kw_only=True):
    """What a load says: sensitivity, the cells that would have it (2 mV/V, gain 128), where the converter ends."""

    load_g: float
    counts_per_g: float
    rated_g: float
    ends_g: float
    usual: bool


def weigher(
    captures: Iterable[Capture], prior: Calibration | None, capacity_g: float, seen: Sequence[float] | None
) -> Weigher | None:
    """Return how to weigh for now; `seen` is what the scale says at present. None before anything was seen."""
    made = [capture for capture in captures if capture.skipped is None and capture.cells]
    zero = next((_means(capture) for capture in reversed(made) if _is_zero(capture)), None)
    loaded = [pair for pair in _pairs(made) if pair[0].load_g >= LEAST_PART * capacity_g]
    if prior is not None and (zero or seen) and len(prior.cells) != len(zero or seen or ()):
        prior = None  # another number of cells than when it was made
    if loaded and zero is not None:
        return _from_loads(loaded, zero, prior)
    if prior is not None:
        zeros = zero or tuple(cell.zero_counts for cell in prior.cells)
        return Weigher(zeros=zeros, per_gram=tuple(cell.counts_per_g for cell in prior.cells), source="record")
    at_first = zero or (None if seen is None else tuple(seen))
    return None if at_first is None else nominal(capacity_g, at_first)


def instrument(captures: Iterable[Capture]) -> Weigher:
    """Return how to weigh with an instrument that gives grams: from its last empty reading."""
    zero = [c.indicated_g.mean for c in captures if c.indicated_g is not None and c.load_g == 0 and c.skipped is None]
    return Weigher(zeros=(zero[-1] if zero else 0.0,), per_gram=(1.0,), source="instrument") if zero else grams_only()


def implied(load: Capture, zero: Capture, capacity_g: float) -> Implied:
    """Return what a load on the empty platform says of its cells, taken as alike."""
    sums = sum(abs(a.mean - b.mean) for a, b in zip(load.cells, zero.cells, strict=True))
    gain = sums / load.load_g
    share_g = capacity_g / len(load.cells)
    rated_g = RATED_SHARE * FULL_SCALE_COUNTS / gain if gain > 0 else float("inf")
    ends_g = FULL_SCALE_COUNTS / gain if gain > 0 else float("inf")
    usual = USUAL[0] <= rated_g / share_g <= USUAL[1]
    return Implied(load_g=load.load_g, counts_per_g=gain, rated_g=rated_g, ends_g=ends_g, usual=usual)


def expected_rating_g(capacity_g: float, cells: int) -> float:
    """Return the rating that cells of such a platform usually have."""
    return OVERSIZE * capacity_g / cells


def last_implied(captures: Sequence[Capture], capacity_g: float) -> Implied | None:
    """Return what the newest load says, None where the newest capture is none."""
    made = [capture for capture in captures if capture.skipped is None and capture.cells]
    if not made or made[-1].load_g <= 0:
        return None
    pairs = _pairs(made)
    return implied(*pairs[-1], capacity_g) if pairs and pairs[-1][0] is made[-1] else None


def _is_zero(capture: Capture) -> bool:
    return capture.load_g == 0 and capture.stable and capture.position is None


def _pairs(made: Sequence[Capture]) -> list[tuple[Capture, Capture]]:
    """Return each load with the empty platform before it."""
    found: list[tuple[Capture, Capture]] = []
    zero: Capture | None = None
    for capture in made:
        if _is_zero(capture):
            zero = capture
        elif capture.load_g > 0 and zero is not None and len(zero.cells) == len(capture.cells):
            found.append((capture, zero))
    return found


def _means(capture: Capture) -> tuple[float, ...]:
    return tuple(cell.mean for cell in capture.cells)


def _from_loads(
    loaded: Sequence[tuple[Capture, Capture]], zero: tuple[float, ...], prior: Calibration | None
) -> Weigher | None:
    steps = [
        (capture.load_g, [a - b for a, b in zip(_means(capture), _means(empty), strict=True)])
        for capture, empty in loaded
    ]
    shape = [1.0] * len(zero) if prior is None else [cell.counts_per_g for cell in prior.cells]
    if prior is None:
        answers = [sum(step[cell] for _, step in steps) for cell in range(len(zero))]
        shape = [-1.0 if answer < 0 else 1.0 for answer in answers]
    felt = [sum(a / b for a, b in zip(step, shape, strict=True)) / load_g for load_g, step in steps]
    scale = median(felt)
    if scale == 0:
        return None
    return Weigher(zeros=zero, per_gram=tuple(part * scale for part in shape), source="session")
