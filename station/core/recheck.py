"""Which second look is worth most: claimed lines to scan again, unclaimed products to look for.

A look at a line settles what explanations say of that line, a look for a product what they say of that product; of an
explanation in two parts, its half each. The value of looks is what the way on would cost without them less what it
costs with them: what they settle is overlooked no more, and where they find something no full check need follow.
Looks are picked greedily, each the one that saves most beside the earlier ones. Where no money is at stake, knowing is
still worth something.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from station.core.cases import NOBODY, Part
from station.core.fusion import Found, Posterior
from station.core.policy_costs import costs
from station.core.verdict import Kind, LookFor, Recheck
from station.core.wording import why

Look: TypeAlias = tuple[Literal["line", "product"], int]

LOOKS_MAX = 3
CONSIDERED = 80  # explanations
WORTH_MIN = 0.05  # of what all looks together could settle
SETTLED_BY_LOOKS: frozenset[Kind] = frozenset({"unscanned", "missing", "swapped", "quantity", "several"})
KNOWING_MINOR = 1.0  # worth of knowing for certain
LIKELY_LEAST = 1e-3  # of all that what a look concerns is so; below, nobody is sent to look


@dataclass(frozen=True)
class Looks:
    """At most three looks, the part of the mean loss that they settle, and how likely they find nothing."""

    lines: tuple[Recheck, ...] = ()
    products: tuple[LookFor, ...] = ()
    settled_minor: float = 0.0
    p_open: float = 1.0


def looks(result: Posterior) -> Looks:
    """Return the looks most worth their while."""
    differing = [found for found in result.top(CONSIDERED) if found.kind in SETTLED_BY_LOOKS]
    by_look: dict[Look, list[int]] = {}
    for number, found in enumerate(differing):
        for look in _looks_of(found):
            by_look.setdefault(look, []).append(number)
    total = sum(_worth(found) for found in differing)
    worth = {look: sum(_worth(differing[at]) for at in of) for look, of in by_look.items()}
    likely = {look: sum(differing[at].p for at in of) for look, of in by_look.items()}
    left = {look for look, each in worth.items() if each >= WORTH_MIN * total and likely[look] >= LIKELY_LEAST}
    chosen: list[Look] = []
    settled, met = (0.0, 0.0), set[int]()
    while left and len(chosen) < LOOKS_MAX:
        more = {look: _with(settled, [(differing[at], at not in met) for at in by_look[look]]) for look in left}
        best = max(sorted(left), key=lambda look: _saved(result, *more[look]))
        if _saved(result, *more[best]) <= _saved(result, *settled):
            break
        chosen.append(best)
        left.remove(best)
        settled = more[best]
        met.update(by_look[best])
    return _told(result, differing, chosen, *settled)


def _saved(result: Posterior, loss_minor: float, p: float) -> float:
    """Return how much looks that settle this loss, and find something with probability `p`, save beside none."""
    policy, claimed, loss = result.case.policy, result.p_as_claimed, result.loss_minor
    without = costs(policy, claimed, loss).small_check
    return without - costs(policy, claimed, loss, loss_minor, 1 - p).small_check + KNOWING_MINOR * p


def _with(settled: tuple[float, float], more: list[tuple[Found, bool]]) -> tuple[float, float]:
    """Return (loss, probability) settled with the explanations that one more look concerns; True: not met before."""
    loss = sum(found.p * found.loss_minor / len(found.parts) for found, _ in more)
    return settled[0] + loss, min(settled[1] + sum(found.p for found, new in more if new), 1.0)


def _worth(found: Found) -> float:
    return found.p * (found.loss_minor + KNOWING_MINOR)


def _look_at(part: Part) -> Look | None:
    if part.line != NOBODY:
        return ("line", part.line)
    return ("product", part.product) if part.product >= 0 else None


def _looks_of(found: Found) -> list[Look]:
    return [look for part in found.parts if (look := _look_at(part)) is not None]


def _told(result: Posterior, differing: list[Found], chosen: list[Look], settled_minor: float, p_found: float) -> Looks:
    lines: list[Recheck] = []
    products: list[LookFor] = []
    basket, beliefs = result.case.basket, result.case.beliefs
    for look in chosen:
        reason = max((found for found in differing if look in _looks_of(found)), key=_worth)
        part = next(part for part in reason.parts if _look_at(part) == look)
        text = why(part.kind(basket), part.units, basket.residual_g)
        if look[0] == "line":
            lines.append(Recheck(line=basket.lines[look[1]].line, gtin=basket.lines[look[1]].gtin, why=text))
        else:
            products.append(LookFor(gtin=beliefs.gtins[look[1]], name=beliefs.names[look[1]], why=text))
    return Looks(tuple(lines), tuple(products), settled_minor, 1 - p_found)
