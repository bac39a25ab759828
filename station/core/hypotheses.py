"""Every way in which the basket may differ from its claim, each with prior times likelihood.

A family of explanations (all products that may lie unscanned, say) is a `Branch`: parallel arrays of log weights, of
what release would lose, and of who is concerned. The base rates share what the claim's trust leaves; families that
this basket does not admit (nothing can be missing from an empty claim) leave their share to the others. The families
are described where they are made: `singles`, `swaps`, `severals`, `pairs`, `strays`, `wrongs`.
"""

import math
from collections.abc import Callable

from station.core import pairs, severals, singles, strays, swaps, wrongs
from station.core.cases import Branch, Case

UPS = singles.UPS

Family = Callable[[Case, float], Branch]


def branches(case: Case, trust: float) -> list[Branch]:
    """Return all families with their log weights: prior (base rates and trust) times likelihood."""
    result = [singles.as_claimed(case).shifted(math.log(trust))]
    for name, share in shares(case).items():
        shift = math.log((1 - trust) * share)
        highest = max(float(branch.log_w.max()) for branch in result)
        result.append(_FAMILIES[name](case, highest - shift).shifted(shift))
    return result


def shares(case: Case) -> dict[str, float]:
    """Return the share of each family that this basket admits, by the name of its base rate; they sum to one."""
    rates = {name: float(getattr(case.policy.base_rates, name)) for name in _FAMILIES}
    admitted = {name: rate for name, rate in rates.items() if rate > 0 and _ADMITS.get(name, _always)(case)}
    total = sum(admitted.values())
    return {name: rate / total for name, rate in admitted.items()}


def _always(_case: Case) -> bool:
    return True


def _any_line(case: Case) -> bool:
    return bool(case.basket.lines)


def _any_product(case: Case) -> bool:
    return bool(case.free > 0)


def _any_swap(case: Case) -> bool:
    return bool(case.basket.lines) and len(case.beliefs) > 0


def _any_stale(case: Case) -> bool:
    return bool(wrongs.stale_lines(case).sum() > 0)


_ADMITS: dict[str, Callable[[Case], bool]] = {
    "unscanned": _any_product, "several": _any_product, "quantity": _any_line, "missing": _any_line,
    "swapped": _any_swap, "combined": pairs.possible, "stale_weight": _any_stale,
}  # fmt: skip

# By base rate, dear ones last. Each takes the case and the highest log weight so far, less its own prior: what is far
# below need not be told apart.
_FAMILIES: dict[str, Family] = {
    "unknown_object": strays.unknown_object, "foreign_load": strays.foreign_load, "tare": strays.tare,
    "other_basket": strays.other_basket, "scale_fault": wrongs.scale_fault, "stale_weight": wrongs.stale_weight,
    "unscanned": singles.unscanned, "several": severals.several, "quantity": singles.quantity,
    "missing": singles.missing, "swapped": swaps.swapped, "combined": pairs.combined,
}  # fmt: skip
