"""The posterior: all explanations of one basket weighed against each other.

Log weights of every branch are normalised together, so the probabilities of all explanations sum to one, whatever the
scale of the densities. From it come the explanations told to the outside and the mean loss if the basket is released.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec.structs import replace

from station.core.beliefs import Beliefs
from station.core.cases import NOBODY, Branch, Case
from station.core.density import Floats
from station.core.hypotheses import branches
from station.core.verdict import Explanation, Kind

TOLD_MAX = 10
COVER = 0.999  # of the probability; then the rest is not worth a line
FAR = -100.0  # log weights below count as this: nothing, without the slowness of denormal numbers
FINEST = 1e-5  # less than this is not told


@dataclass(frozen=True)
class Found:
    """One explanation with its posterior; numbers as in `Branch`."""

    kind: Kind
    p: float
    loss_minor: float
    value_minor: float
    line: int
    product: int
    other: int
    units: int


@dataclass(frozen=True, eq=False)
class Posterior:
    """All branches with the probabilities of their entries."""

    case: Case
    branches: tuple[Branch, ...]
    p: tuple[Floats, ...]
    loss_minor: float  # what release would cost on average

    @property
    def p_as_claimed(self) -> float:
        """Probability that the whole basket is as claimed."""
        return float(self.p[0][0])

    def of_kind(self, kind: Kind) -> float:
        """Probability of a whole family."""
        return float(sum(p.sum() for p, branch in zip(self.p, self.branches, strict=True) if branch.kind == kind))

    def top(self, count: int) -> list[Found]:
        """Return the likeliest entries of all branches, best first; at most `count`."""
        best = [
            _found(branch, p, int(at))
            for p, branch in zip(self.p, self.branches, strict=True)
            for at in _largest(p, count)
        ]
        return sorted(best, key=lambda found: -found.p)[:count]


def posterior(case: Case, trust: float) -> Posterior:
    """Weigh all explanations of the case."""
    families = branches(case, trust)
    highest = max(float(branch.log_w.max()) for branch in families)
    weights = [np.exp(np.maximum(branch.log_w - highest, FAR)) for branch in families]
    total = math.fsum(float(weight.sum()) for weight in weights)
    p = tuple(weight / total for weight in weights)
    # Not `@`: for a large catalogue it would start threads.
    pairs = zip(p, families, strict=True)
    loss_minor = math.fsum(float((share * branch.loss_minor).sum()) for share, branch in pairs)
    return Posterior(case, tuple(families), p, loss_minor)


def _largest(p: Floats, count: int) -> list[int]:
    some = np.flatnonzero(p >= FINEST / 10)
    if some.size > count:
        some = some[np.argpartition(p[some], some.size - count)[some.size - count :]]
    return [int(at) for at in some]


def _found(branch: Branch, p: Floats, at: int) -> Found:
    return Found(
        branch.kind, float(p[at]), float(branch.loss_minor[at]), float(branch.value_minor[at]),
        int(branch.line[at]), int(branch.product[at]), int(branch.other[at]), int(branch.units[at]),
    )  # fmt: skip


def explanations(result: Posterior) -> tuple[Explanation, ...]:
    """Return the explanations to tell, best first: all but a thousandth of the probability, or ten."""
    told: list[Explanation] = []
    covered = 0.0
    for found in result.top(TOLD_MAX):
        if covered >= COVER or (found.p < FINEST and told):
            break
        told.append(explain(found, result.case))
        covered += found.p
    return tuple(told)


def explain(found: Found, case: Case) -> Explanation:
    """Put one explanation into the words of the contract."""
    claimed = case.basket.lines[found.line].gtin if found.line != NOBODY else None
    base = Explanation(kind=found.kind, p=found.p, gtin=claimed, value_minor=round(found.value_minor))
    return replace(base, **_DETAILS[found.kind](found, case.beliefs))


def _unscanned(found: Found, beliefs: Beliefs) -> dict[str, Any]:
    return {"gtin": beliefs.gtins[found.product], "quantity": 1}


def _swapped(found: Found, beliefs: Beliefs) -> dict[str, Any]:
    return {"actual_gtin": beliefs.gtins[found.other] if found.other != NOBODY else None, "quantity": 1}


def _several(found: Found, beliefs: Beliefs) -> dict[str, Any]:
    parts = tuple(
        Explanation(
            kind="unscanned", p=found.p, gtin=beliefs.gtins[place], quantity=1,
            value_minor=round(float(beliefs.price_minor[place])),
        )
        for place in (found.product, found.other) if place != NOBODY
    )  # fmt: skip
    return {"quantity": found.units, "parts": parts or None}


# What a kind tells besides claimed line, probability and value.
_DETAILS: dict[Kind, Callable[[Found, Beliefs], dict[str, Any]]] = {
    "as_claimed": lambda _found, _beliefs: {"value_minor": None},
    "unscanned": _unscanned,
    "missing": lambda found, _beliefs: {"quantity": -found.units},
    "quantity": lambda found, _beliefs: {"delta": found.units},
    "swapped": _swapped,
    "several": _several,
    "unknown_object": lambda _found, _beliefs: {},
    "foreign_load": lambda _found, _beliefs: {"value_minor": None},
}
