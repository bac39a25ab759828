"""Two deviations of one basket at once: unscanned, missing, quantity and swapped, any two but two unscanned.

Both are drawn independently by their base rates, of different lines; two unscanned items are the family `several`.
Changes of lines, and products that cameras name, are components of their own, so that pairs of them are exact. A
product that nobody names is drawn from the whole catalogue by its smoothed density, one or two of them:

- two components: every pair;
- a component, and some product unscanned; the likeliest products are told apart;
- a component, and some product swapped for a unit of a line;
- some product swapped, and another one unscanned or swapped.

Left out: what would restore the claim (a line's own product in its place). The cameras' ratio of a pair is the product
of the two single ones. Components are merged where a long claim has too many (`changes.thinned`).
"""

import math
from dataclasses import dataclass

import numpy as np

from station.core import changes
from station.core.cases import NOBODY, SOME, Branch, Case, Parts, Places, branch_of, joined, log_of, parts_of
from station.core.changes import Changes
from station.core.density import Floats, log_t
from station.core.fillers import item_density, likeliest, scaled

PAIR_MOST = 160  # components of which all pairs are looked at
SPARSE_MOST, LINES_MOST = 32, 12  # components, and lines of a swap, where one more product is unknown
TOLD, TOLD_EACH = 4, 4  # pairs of which the unscanned product is told apart, and products of each
FINEST = 1e-4  # of the likeliest explanation: pairs below it are not told apart, nor looked at where they are unknown
KINDS = "unscanned", "missing", "quantity", "swapped"


@dataclass(frozen=True, eq=False)
class _Mixture:
    """All single deviations of a case, weighted by the shares of their kinds."""

    known: Changes
    swaps: Changes  # to which a product is still to be added
    unscanned: float  # weight of some product nobody names
    norm: float  # probability that two independent draws make a pair of this family


def combined(case: Case, highest: float) -> Branch:
    """Return the branch; `highest` is the log weight of the likeliest other explanation, less this one's prior."""
    mixture = _mixture(case)
    pieces = [_both_known(case, mixture)]
    least = math.exp(min(highest, 500.0)) * FINEST
    pieces += _with_unscanned(case, mixture, least)
    if len(case.beliefs) and _swaps_at_most(case, mixture) > least:
        pieces += [_with_swap(case, mixture), _swap_and_unscanned(case, mixture), _two_swaps(case, mixture)]
    branch = joined([piece for piece in pieces if piece.log_w.size])
    return branch.shifted(-math.log(max(mixture.norm, 1e-12)))


def _swaps_at_most(case: Case, mixture: _Mixture) -> float:
    """Return a bound of all pairs with some product swapped in, from the highest point of the catalogue's density."""
    swaps, known = float(mixture.swaps.weight.sum()), float(mixture.known.weight.sum())
    least_g2 = case.basket.variance_g2 + 2 * float(mixture.swaps.variance_g2.min(initial=0.0))
    least_g2 += float(mixture.known.variance_g2.min(initial=0.0))
    sd_g = max(least_g2, case.basket.fixed_g2) ** 0.5
    one, two = (case.beliefs.sums[count].highest(sd_g) for count in (0, 1))
    return swaps * (2 * known * one + (2 * mixture.unscanned + swaps) * two)


def possible(case: Case) -> bool:
    """Tell whether this basket admits a combination: there are lines, and something to combine."""
    return bool(case.basket.lines) and _norm(case, _shares(case)) > 0


def _shares(case: Case) -> dict[str, float]:
    rates = {kind: float(getattr(case.policy.base_rates, kind)) for kind in KINDS}
    if not len(case.beliefs):
        rates |= {"unscanned": 0.0, "swapped": 0.0}
    total = sum(rates.values())
    return {kind: rate / total if total > 0 else 0.0 for kind, rate in rates.items()}


def _norm(case: Case, share: dict[str, float]) -> float:
    """Return the share of pairs of draws that are no two unscanned items, and not twice the same line."""
    basket = case.basket
    of_line = share["missing"] / basket.quantity / (1 / basket.quantity).sum()
    of_line += (share["quantity"] + share["swapped"]) * basket.quantity / basket.quantity.sum()
    return float(sum(share.values()) ** 2 - share["unscanned"] ** 2 - (of_line**2).sum())


def _mixture(case: Case) -> _Mixture:
    share = _shares(case)
    pieces = [
        (share["missing"], changes.missing_changes(case)),
        (share["quantity"], changes.quantity_changes(case)),
        (share["unscanned"], changes.named_changes(case)),
        (share["swapped"], changes.named_swap_changes(case)),
    ]
    known = changes.joined([changes.weighted(piece, weight) for weight, piece in pieces])
    return _Mixture(
        known=known, swaps=changes.weighted(changes.swap_changes(case), share["swapped"]),
        unscanned=share["unscanned"] * case.seen.other_more, norm=_norm(case, share),
    )  # fmt: skip


def _like(case: Case, shift_g: Floats, more_g2: Floats) -> Floats:
    variance = np.maximum(case.basket.variance_g2 + more_g2, case.basket.fixed_g2)
    return log_t(case.basket.residual_g - shift_g, variance, case.basket.freedom_at(variance))


def _branch(log_w: Floats, one: Changes, other: Changes) -> Branch:
    """Return the branch of pairs, entry by entry."""
    loss, value = one.loss_minor + other.loss_minor, one.value_minor + other.value_minor
    return branch_of("several", log_w, loss, value, one.part, other.part)


def _different(one: Places, other: Places) -> Floats:
    """Return one where a pair does not change one line twice, else zero."""
    return np.where((one == other) & (one != NOBODY), 0.0, 1.0)


def _both_known(case: Case, mixture: _Mixture) -> Branch:
    known = changes.thinned(mixture.known, PAIR_MOST)
    line = known.part.line
    besides = (line == NOBODY) & (known.part.product != NOBODY)
    first, second = np.triu_indices(len(known), 1)
    allowed = (line[first] != line[second]) | (line[first] == NOBODY)
    allowed &= ~(besides[first] & besides[second])
    gone = _gone(case, known.part)
    restored = besides[second] & (gone[first] == known.part.product[second]) & (gone[first] != NOBODY)
    allowed &= ~(restored | (besides[first] & (gone[second] == known.part.product[first]) & (gone[second] != NOBODY)))
    one, other = changes.picked(known, first[allowed]), changes.picked(known, second[allowed])
    like = _like(case, one.shift_g + other.shift_g, one.variance_g2 + other.variance_g2)
    weight = 2 * one.weight * other.weight
    if case.seen.named.size:
        weight *= changes.shared_sightings(case, known.part)[first[allowed], second[allowed]]
    return _branch(like + log_of(weight), one, other)


def _some(case: Case, size: int) -> Changes:
    """Return `size` times some product unscanned."""
    price = case.beliefs.usual_price_minor if len(case.beliefs) else case.policy.default_price_minor
    value = np.full(size, price)
    nothing = np.zeros(size)
    loss = value * case.policy.loss_factor
    return Changes(np.ones(size), nothing, nothing, loss, value, parts_of(size, product=SOME, units=1))


def _of_lines(case: Case, part: Parts) -> Places:
    """Return the catalogue's place of each part's line, NOBODY where there is none."""
    return np.where(part.line != NOBODY, case.basket.place[np.maximum(part.line, 0)], NOBODY)


def _gone(case: Case, part: Parts) -> Places:
    """Return the catalogue's place of each part's line where the line has lost units, else NOBODY."""
    return np.where((part.units < 0) | (part.product != NOBODY), _of_lines(case, part), NOBODY)


def _item(case: Case, target_g: Floats, variance: Floats, without: Places) -> Floats:
    """Return the density of some product filling the target, any but `without`."""
    own = item_density(case, target_g, variance, np.maximum(without, 0)) * (without >= 0)
    return np.asarray(np.maximum(case.beliefs.sums[0].smoothed(target_g, variance) - own, 0.0), dtype=np.float64)


def _targets(case: Case, changed: Changes) -> tuple[Floats, Floats]:
    """Return (target, variance): what an unknown product has to fill after these changes."""
    variance = np.maximum(case.basket.variance_g2 + changed.variance_g2, case.basket.fixed_g2)
    return case.basket.residual_g - changed.shift_g, variance


def _with_unscanned(case: Case, mixture: _Mixture, least: float) -> list[Branch]:
    """A component, and some product unscanned; not the product of a line that has lost units."""
    if not len(case.beliefs) or mixture.unscanned <= 0:
        return []
    lines = changes.picked(mixture.known, np.flatnonzero(mixture.known.part.line != NOBODY))
    lines = changes.thinned(lines, PAIR_MOST)
    target_g, variance = _targets(case, lines)
    lost = _gone(case, lines.part)
    weight = 2 * mixture.unscanned * lines.weight * _item(case, target_g, variance, lost)
    told: list[Branch] = []
    for at in np.argsort(weight)[::-1][:TOLD]:
        if weight[at] <= max(least, 0.0):
            break
        ratio = np.append(np.zeros(case.seen.named.size), 2 * mixture.unscanned * lines.weight[at])
        places, kept = likeliest(case, float(target_g[at]), float(variance[at]), ratio, int(lost[at]), TOLD_EACH)
        kept = scaled(kept, float(weight[at]))
        weight[at] = max(float(weight[at] - kept.sum()), 0.0)
        told.append(_told(case, log_of(kept), changes.picked(lines, np.full(kept.size, at)), places))
    return [_branch(log_of(weight), lines, _some(case, len(lines))), *told]


def _told(case: Case, log_w: Floats, lines: Changes, places: Places) -> Branch:
    price = case.beliefs.price_minor[places]
    nothing = np.zeros(places.size)
    products = parts_of(places.size, product=places, units=1)
    other = Changes(nothing, nothing, nothing, price * case.policy.loss_factor, price, products)
    return _branch(log_w, lines, other)


def _with_swap(case: Case, mixture: _Mixture) -> Branch:
    """A component, and some product swapped for a unit of another line."""
    known, swaps = changes.thinned(mixture.known, SPARSE_MOST), changes.thinned(mixture.swaps, LINES_MOST)
    first, second = (grid.ravel() for grid in np.meshgrid(np.arange(len(known)), np.arange(len(swaps)), indexing="ij"))
    one, other = changes.picked(known, first), changes.picked(swaps, second)
    target_g = case.basket.residual_g - one.shift_g - other.shift_g
    more = one.variance_g2 + other.variance_g2
    variance = np.maximum(case.basket.variance_g2 + more, case.basket.fixed_g2)
    density = _item(case, target_g, variance, _of_lines(case, other.part)) * _different(one.part.line, other.part.line)
    return _branch(log_of(2 * one.weight * other.weight * density), one, other)


def _swap_and_unscanned(case: Case, mixture: _Mixture) -> Branch:
    """Two unknown products; neither is the one that is gone."""
    swaps = changes.thinned(mixture.swaps, LINES_MOST)
    target_g, variance = _targets(case, swaps)
    own = _of_lines(case, swaps.part)
    density = _two_items(case, target_g, variance, own, own)
    again = np.where(own >= 0, case.beliefs.prior[own], 0.0) * _own_item(case, target_g, variance, own, own)
    weight = 2 * mixture.unscanned * swaps.weight * (density + again)
    return _branch(log_of(weight), swaps, _some(case, len(swaps)))


def _two_swaps(case: Case, mixture: _Mixture) -> Branch:
    """Two unknown products for units of two lines; not crosswise."""
    swaps = changes.thinned(mixture.swaps, LINES_MOST)
    first, second = np.triu_indices(len(swaps), 1)
    one, other = changes.picked(swaps, first), changes.picked(swaps, second)
    target_g = case.basket.residual_g - one.shift_g - other.shift_g
    more = one.variance_g2 + other.variance_g2
    variance = np.maximum(case.basket.variance_g2 + more, case.basket.fixed_g2)
    density = _two_items(case, target_g, variance, _of_lines(case, one.part), _of_lines(case, other.part))
    return _branch(log_of(2 * one.weight * other.weight * density), one, other)


def _two_items(case: Case, target_g: Floats, variance: Floats, first: Places, second: Places) -> Floats:
    """Return the density of two products filling the target, less those with `first` or `second` among them."""
    beliefs = case.beliefs
    density = beliefs.sums[1].smoothed(target_g, variance)
    for own in (first, second):
        at = np.maximum(own, 0)
        rest = beliefs.sums[0].smoothed(target_g - beliefs.mean_g[at], variance + beliefs.variance_g2[at])
        density = density - np.where(own >= 0, beliefs.prior[at] * rest, 0.0)
    return np.asarray(np.maximum(density, 0.0), dtype=np.float64)


def _own_item(case: Case, target_g: Floats, variance: Floats, first: Places, second: Places) -> Floats:
    """Return prior times density of `second` filling what `first` leaves of the target."""
    at = np.maximum(first, 0)
    rest_g, more = target_g - case.beliefs.mean_g[at], variance + case.beliefs.variance_g2[at]
    return np.where(second >= 0, item_density(case, rest_g, more, np.maximum(second, 0)), 0.0)
