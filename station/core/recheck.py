"""Which second look is worth most: claimed lines to scan again, unclaimed products to look for.

A look at a line settles every explanation that concerns the line; a look for a product every one that concerns the
product. What a look is worth is what those explanations would have lost. Looks are picked greedily, each for what the
earlier ones leave open, which is within 1 - 1/e of the best choice of that many.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from station.core.cases import NOBODY
from station.core.fusion import Found, Posterior
from station.core.verdict import LookFor, Recheck
from station.core.wording import why

Look: TypeAlias = tuple[Literal["line", "product"], int]

LOOKS_MAX = 3
CONSIDERED = 80  # explanations
WORTH_MIN = 0.05  # of what all looks together could gain


@dataclass(frozen=True)
class Looks:
    """At most three looks, and the part of the mean loss that they settle."""

    lines: tuple[Recheck, ...] = ()
    products: tuple[LookFor, ...] = ()
    settled_minor: float = 0.0


def looks(result: Posterior) -> Looks:
    """Return the looks most worth their while."""
    differing = [found for found in result.top(CONSIDERED) if found.kind != "as_claimed"]
    total = sum(_worth(found) for found in differing)
    open_ = [found for found in differing if _looks_of(found)]
    lines: list[Recheck] = []
    products: list[LookFor] = []
    settled_minor = 0.0
    while open_ and len(lines) + len(products) < LOOKS_MAX:
        gains: dict[Look, float] = {}
        for found in open_:
            for look in _looks_of(found):
                gains[look] = gains.get(look, 0.0) + _worth(found)
        best = max(gains, key=lambda look: gains[look])
        if gains[best] < WORTH_MIN * total:
            break
        reason = max((found for found in open_ if best in _looks_of(found)), key=_worth)
        _add(result, best, reason, lines, products)
        settled_minor += sum(found.p * found.loss_minor for found in open_ if best in _looks_of(found))
        open_ = [found for found in open_ if best not in _looks_of(found)]
    return Looks(tuple(lines), tuple(products), settled_minor)


def _worth(found: Found) -> float:
    return found.p * (found.loss_minor + 1.0)  # certainty is worth something even where no money is at stake


def _looks_of(found: Found) -> list[Look]:
    if found.line != NOBODY:
        return [("line", found.line)]
    return [("product", place) for place in (found.product, found.other) if place != NOBODY]


def _add(result: Posterior, look: Look, reason: Found, lines: list[Recheck], products: list[LookFor]) -> None:
    text = why(reason.kind, reason.units, result.case.basket.residual_g)
    if look[0] == "line":
        line = result.case.basket.lines[look[1]]
        lines.append(Recheck(line=line.line, gtin=line.gtin, why=text))
    else:
        beliefs = result.case.beliefs
        products.append(LookFor(gtin=beliefs.gtins[look[1]], name=beliefs.names[look[1]], why=text))
