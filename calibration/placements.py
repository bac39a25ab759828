"""Captures in order: which count, what the empty platform read around each, and what a load adds to it.

A capture that another one replaces, or that was skipped, is left out. Zero at the time of a load is interpolated
between the empty captures before and after it, where both are within half an hour; so a steady drift drops out (as in
cg-18's method 3). Creep has zeros of its own: what a half hour's load leaves behind is no drift. An instrument that
knows grams only is one cell of one count a gram.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from calibration.captures import Capture, CellCounts

NEAR_NS = 1_800_000_000_000
CORNERS = frozenset({"FL", "FR", "BR", "BL"})
CORRELATED = 4.0  # neighbouring samples that tell no more than one


class Zero(NamedTuple):
    """The empty platform at one instant: each cell's counts, and how uncertain they are."""

    counts: tuple[float, ...]
    sds: tuple[float, ...]
    spans_ns: int  # between the two captures that it lies between, 0 for one
    step_counts: tuple[float, ...]  # by which it changed from the one to the other


class Placement(NamedTuple):
    """One load at rest: counts beyond the zero of that moment, a cell each, and their standard uncertainties."""

    capture: Capture
    net: tuple[float, ...]
    sds: tuple[float, ...]
    zero: Zero

    @property
    def load_g(self) -> float:
        """Return what lay there."""
        return self.capture.load_g

    @property
    def centred(self) -> bool:
        """Tell whether it lay in the middle."""
        return self.capture.position in {None, "C"}

    def grams(self, g_per_count: Sequence[float]) -> float:
        """Return the plain sum by these gains."""
        return sum(count * gain for count, gain in zip(self.net, g_per_count, strict=True))

    def sd_g(self, g_per_count: Sequence[float]) -> float:
        """Return the noise of that sum."""
        return math.hypot(*(sd * gain for sd, gain in zip(self.sds, g_per_count, strict=True)))


class Sorted(NamedTuple):
    """A session's captures that count: all, empty ones, loads, and corners that somebody pressed on by hand."""

    used: tuple[Capture, ...]
    zeros: tuple[Capture, ...]
    placements: tuple[Placement, ...]
    presses: tuple[Placement, ...] = ()

    def of(self, *steps: str) -> tuple[Placement, ...]:
        """Return the loads of these steps."""
        return tuple(placement for placement in self.placements if placement.capture.step in steps)


def sort(captures: Sequence[Capture]) -> Sorted:
    """Return what counts, in the order of taking; loads without any zero are left out."""
    replaced = {capture.replaces for capture in captures}
    used = tuple(
        capture
        for capture in sorted(captures, key=lambda capture: capture.number)
        if capture.number not in replaced and capture.skipped is None and readings(capture)
    )
    cells = max((len(readings(capture)) for capture in used), default=0)
    used = tuple(capture for capture in used if len(readings(capture)) == cells)
    zeros = tuple(capture for capture in used if is_zero(capture))
    pressed = [capture for capture in used if capture.step == "diagnose" and capture.position not in {None, "C"}]
    loaded = [capture for capture in used if capture.load_g > 0 and capture.step not in {"diagnose", "exercise"}]
    return Sorted(used, zeros, _placements(loaded, zeros), _placements(pressed, zeros))


def _placements(captures: Sequence[Capture], zeros: Sequence[Capture]) -> tuple[Placement, ...]:
    found = ((capture, zero_at(capture, zeros)) for capture in captures)
    return tuple(_placement(capture, zero) for capture, zero in found if zero is not None)


def reach_all(rows: Sequence[Placement]) -> bool:
    """Tell whether loads reached every cell: one in the middle, or one at each corner.

    A load near one corner lifts the opposite one, which then reads less though nothing is wrong with it.
    """
    return any(row.centred for row in rows) or {row.capture.position for row in rows} >= CORNERS


def is_zero(capture: Capture) -> bool:
    """Tell whether the platform was empty and nobody pressed on it."""
    return capture.load_g == 0 and capture.position in {None, "C"} and capture.step != "exercise"


def readings(capture: Capture) -> tuple[CellCounts, ...]:
    """Return the cells' counts, or the one indication."""
    return capture.cells if capture.indicated_g is None else (capture.indicated_g,)


def mean_sd(cell: CellCounts) -> float:
    """Return the standard uncertainty of a capture's mean by its noise."""
    return cell.sd * math.sqrt(min(CORRELATED / max(cell.n, 1), 1.0))


def zero_at(capture: Capture, zeros: Sequence[Capture]) -> Zero | None:
    """Return the empty platform when this was taken; None where there is none at all."""
    own = [zero for zero in zeros if (zero.step == "creep") == (capture.step == "creep")] or list(zeros)
    if capture.step == "creep":
        before = [zero for zero in zeros if zero.number < capture.number]
        return _one(before[-1]) if before else None
    before = [zero for zero in own if zero.number < capture.number][-1:]
    after = [zero for zero in own if zero.number > capture.number][:1]
    both = before + after
    if len(both) == 2 and 0 < after[0].start_ns - before[0].start_ns <= NEAR_NS:  # noqa: PLR2004 - before and after
        return _between(capture, before[0], after[0])
    near = sorted(both, key=lambda zero: abs(zero.start_ns - capture.start_ns))
    return _one(near[0]) if near else None


def _one(zero: Capture) -> Zero:
    cells = readings(zero)
    still = (0.0,) * len(cells)
    return Zero(tuple(cell.mean for cell in cells), tuple(mean_sd(cell) for cell in cells), 0, still)


def _between(capture: Capture, before: Capture, after: Capture) -> Zero:
    span_ns = after.start_ns - before.start_ns
    part = min(max((capture.start_ns - before.start_ns) / span_ns, 0.0), 1.0)
    pairs = list(zip(readings(before), readings(after), strict=True))
    return Zero(
        counts=tuple(a.mean + part * (b.mean - a.mean) for a, b in pairs),
        sds=tuple(math.hypot((1 - part) * mean_sd(a), part * mean_sd(b)) for a, b in pairs),
        spans_ns=span_ns,
        step_counts=tuple(b.mean - a.mean for a, b in pairs),
    )


def _placement(capture: Capture, zero: Zero) -> Placement:
    cells = readings(capture)
    return Placement(
        capture=capture,
        net=tuple(cell.mean - empty for cell, empty in zip(cells, zero.counts, strict=True)),
        sds=tuple(math.hypot(mean_sd(cell), sd) for cell, sd in zip(cells, zero.sds, strict=True)),
        zero=zero,
    )
