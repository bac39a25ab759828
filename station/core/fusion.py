"""The posterior: all explanations of one basket weighed against each other.

Log weights of every branch are normalised together, so the probabilities of all explanations sum to one, whatever the
scale of the densities. From it come the explanations told to the outside and the mean loss if the basket is released.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec.structs import replace

from station.core.cases import NOBODY, Branch, Case, Part
from station.core.density import Floats
from station.core.hypotheses import branches
from station.core.verdict import Cause, Explanation, Kind

TOLD_MAX = 10
COVER = 0.999  # of the probability; then the rest is not worth a line
FAR = -100.0  # log weights below count as this: nothing, without the slowness of denormal numbers
FINEST = 1e-5  # less than this is not told


@dataclass(frozen=True)
class Found:
    """One explanation with its posterior, and its parts as far as they are known."""

    kind: Kind
    p: float
    loss_minor: float
    value_minor: float
    parts: tuple[Part, ...]
    cause: Cause | None


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
        best = [(float(p[at]), number, at) for number, p in enumerate(self.p) for at in _largest(p, count)]
        best.sort(key=lambda entry: -entry[0])
        return [_found(self.branches[number], self.p[number], at) for _, number, at in best[:count]]


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
    parts = (branch.first.at(at), branch.second.at(at))
    known = tuple(part for part in parts if part != Part(units=part.units))
    loss, value = float(branch.loss_minor[at]), float(branch.value_minor[at])
    return Found(branch.kind, float(p[at]), loss, value, known, branch.cause)


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
    base = Explanation(kind=found.kind, p=found.p, cause=found.cause)
    if found.kind in WORTHLESS:
        first = found.parts[0].line if found.parts else NOBODY
        return replace(base, gtin=case.basket.lines[first].gtin if first != NOBODY else None)
    base = replace(base, value_minor=round(found.value_minor))
    if found.kind == "several":
        return replace(base, quantity=_items(found), parts=_told_parts(found, case) or None)
    return replace(base, **_details(found.parts[0], case)) if found.parts else base


# No goods are at stake, or nobody can tell which: no value is told.
WORTHLESS = frozenset({"as_claimed", "foreign_load", "scale_fault", "stale_weight"})


def _items(found: Found) -> int | None:
    """Return how many products lie there besides, where nothing else is different."""
    only = found.parts and all(part.line == NOBODY for part in found.parts)
    return sum(part.units for part in found.parts) if only else None


def _told_parts(found: Found, case: Case) -> tuple[Explanation, ...]:
    if len(found.parts) == 1 and found.parts[0].product < 0:
        return ()  # two, three, four of which nothing is known
    return tuple(
        replace(Explanation(kind=part.kind(case.basket), p=found.p), **_details(part, case)) for part in found.parts
    )


def _details(part: Part, case: Case) -> dict[str, Any]:
    """Return what a part tells: whom it concerns, and of how many units."""
    basket, beliefs = case.basket, case.beliefs
    product = beliefs.gtins[part.product] if part.product >= 0 else None
    kind = part.kind(basket)
    if kind == "unscanned":
        return {"gtin": product, "quantity": part.units}
    claimed = basket.lines[part.line].gtin
    if kind == "swapped":
        return {"gtin": claimed, "actual_gtin": product, "quantity": 1}
    return {"gtin": claimed, "quantity": -part.units} if kind == "missing" else {"gtin": claimed, "delta": part.units}
