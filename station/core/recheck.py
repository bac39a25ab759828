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


@dataclass(frozen=True)
class Looks:
    """At most three looks, the part of the mean loss that they settle, and how likely they find nothing."""

    lines: tuple[Recheck, ...] = ()
    products: tuple[LookFor, ...] = ()
    settled_minor: float = 0.0
    p_open: float = 1.0


@dataclass(frozen=True)
class _Settled:
    """What a set of looks settles."""

    loss_minor: float
    p: float

    def saves(self, result: Posterior) -> float:
        """Return how much the looks save beside a check without any."""
        policy, p, loss = result.case.policy, result.p_as_claimed, result.loss_minor
        without = costs(policy, p, loss).small_check
        return without - costs(policy, p, loss, self.loss_minor, 1 - self.p).small_check + KNOWING_MINOR * self.p


def looks(result: Posterior) -> Looks:
    """Return the looks most worth their while."""
    differing = [found for found in result.top(CONSIDERED) if found.kind in SETTLED_BY_LOOKS]
    total = sum(_worth(found) for found in differing)
    possible = {look for found in differing for look in _looks_of(found)}
    chosen: list[Look] = []
    settled = _Settled(0.0, 0.0)
    while len(chosen) < LOOKS_MAX and (left := possible - set(chosen)):
        gains = {look: _settled(differing, [*chosen, look]) for look in sorted(left)}
        best = max(gains, key=lambda look: gains[look].saves(result))
        worth = sum(_worth(found) for found in differing if best in _looks_of(found))
        if worth < WORTH_MIN * total or gains[best].saves(result) <= settled.saves(result):
            break
        chosen.append(best)
        settled = gains[best]
    return _told(result, differing, chosen, settled)


def _settled(differing: list[Found], chosen: list[Look]) -> _Settled:
    loss, p = 0.0, 0.0
    for found in differing:
        seen = sum(_look_at(part) in chosen for part in found.parts)
        if seen:
            loss += found.p * found.loss_minor * seen / len(found.parts)
            p += found.p
    return _Settled(loss, min(p, 1.0))


def _worth(found: Found) -> float:
    return found.p * (found.loss_minor + KNOWING_MINOR)


def _look_at(part: Part) -> Look | None:
    if part.line != NOBODY:
        return ("line", part.line)
    return ("product", part.product) if part.product >= 0 else None


def _looks_of(found: Found) -> list[Look]:
    return [look for part in found.parts if (look := _look_at(part)) is not None]


def _told(result: Posterior, differing: list[Found], chosen: list[Look], settled: _Settled) -> Looks:
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
    return Looks(tuple(lines), tuple(products), settled.loss_minor, 1 - settled.p)
