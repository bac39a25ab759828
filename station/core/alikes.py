"""Claimed strangers that look like something else: one assumption each, weighed by all cameras together.

A product outside the gallery (a stranger) may look like one of the gallery: then every camera says so of every unit of
it. Taken one by one such sightings would be as many pieces of evidence for the product that is not there; they are one.
So what was seen is also worked out under assumptions "the product of this line looks like that one". A priori each has
the probability that the line is a stranger, times the policy's `alike`, over the size of the gallery; what then was
seen makes it more or less likely, and the ratios are means over all assumptions. Lines of as many units that are as
likely strangers stand for each other.

Considered are the few products that more was seen of than the claim explains, and for two of them both at once.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from station.core.density import Floats
from station.core.groups import log_alike
from station.core.views import Account, Places, Ratios, View

SEEN_LEAST = 20.0  # ratio of one more of a product, below which it is no wonder
LINES = 2, 1  # kinds of lines that are considered, for the first product and for the second one
EXTENDED = 2  # assumptions to which a second one is added
FAR_BELOW = -7.0  # log weights of assumptions that are not worth working out
SURE = 0.5  # how often a stranger that looks like a product is taken for it; else it is seen to be a stranger

Assumed = dict[int, int]  # lines, and the columns of the named products that they look like
Work = Callable[[Assumed], Account]


@dataclass(frozen=True, eq=False)
class Strangers:
    """What is known of strangers before anything was seen."""

    outside: Floats  # (lines,) how likely each is one
    alike: float  # the share of strangers that look like a product of the gallery
    gallery_size: int

    def share(self) -> float:
        """Return how often a stranger looks like one given product."""
        return self.alike / max(self.gallery_size, 1)


def alike_ratios(view: View, column: int) -> Floats:
    """Return (sightings,) the likelihood ratios of a stranger that looks like the named product."""
    return np.asarray(SURE * view.named[:, column] + (1 - SURE) * view.unknown, dtype=np.float64)


def weighed(strangers: Strangers, views: list[View], units: Places, work: Work) -> Account:
    """Return the account of what was seen, over all assumptions; `work` makes one of them."""
    plain = work({})
    if strangers.alike <= 0 or not (strangers.outside > 0).any() or not plain.ratios["named"].size:
        return plain
    options: list[tuple[float, Assumed, Account]] = [(0.0, {}, plain)]
    for column, lines in zip(_wonders(plain), LINES, strict=False):
        options.sort(key=lambda option: -option[0] - option[2].log_total)
        more = [
            (log_prior + before, {**assumed, line: column})
            for before, assumed, _ in options[:EXTENDED]
            for log_prior, line in _lines(strangers, views, units, column, assumed)[:lines]
        ]
        options += [(log_prior, assumed, account) for log_prior, assumed in more for account in [work(assumed)]]
    return _mean([(log_prior + account.log_total, assumed, account) for log_prior, assumed, account in options],
                 strangers, units)  # fmt: skip


def _wonders(plain: Account) -> list[int]:
    """Return the columns of products of which more was seen than the claim explains, the clearest first."""
    named = plain.ratios["named"]
    return [int(at) for at in np.argsort(-named)[: len(LINES)] if named[at] > SEEN_LEAST]


def _lines(
    strangers: Strangers, views: list[View], units: Places, column: int, assumed: Assumed
) -> list[tuple[float, int]]:
    """Return (log prior, line) of lines that may be what is seen, one for all of a kind, the likeliest first."""
    ranked = []
    for kind in _kinds(strangers, units):
        free = [int(line) for line in kind if line not in assumed]
        if not free:
            continue
        log_prior = math.log(strangers.outside[free].sum() * strangers.share())
        rough = sum(log_alike(SURE * view.named[:, column] * view.scale, int(units[free[0]])) for view in views)
        ranked.append((log_prior + rough, log_prior, free[0]))
    ranked.sort(reverse=True)
    return [(log_prior, line) for weight, log_prior, line in ranked if weight > FAR_BELOW]


def _kinds(strangers: Strangers, units: Places) -> Iterator[Places]:
    """Yield the lines that are as likely strangers and have as many units, kind by kind."""
    pairs = np.stack([units.astype(np.float64), strangers.outside])
    for kind in np.unique(pairs[:, strangers.outside > 0], axis=1).T:
        yield np.flatnonzero((pairs == kind[:, None]).all(axis=0))


def _mean(options: list[tuple[float, Assumed, Account]], strangers: Strangers, units: Places) -> Account:
    log_weights = np.array([log_weight for log_weight, _, _ in options])
    log_sum = float(np.logaddexp.reduce(log_weights))
    shares = np.exp(log_weights - log_sum)
    kinds = list(_kinds(strangers, units))
    total: Ratios = {}
    for share, (_, assumed, account) in zip(shares.tolist(), options, strict=True):
        for name, ratio in _exchanged(account.ratios, kinds, assumed).items():
            total[name] = total.get(name, 0.0) + share * ratio
    best = options[int(shares.argmax())][2]
    return Account(total, log_sum, best.uses)


def _exchanged(ratios: Ratios, kinds: list[Places], assumed: Assumed) -> Ratios:
    """Return the ratios with lines of the assumed ones' kinds standing for each other."""
    result = dict(ratios)
    for kind in kinds:
        if kind.size == 1 or not any(line in assumed for line in kind.tolist()):
            continue
        for name in ("more", "less"):
            result[name] = result[name].copy()
            result[name][:, kind] = result[name][:, kind].mean(axis=1, keepdims=True)
        for name in ("swap_named", "swap_inside", "swap_unknown"):
            result[name] = result[name].copy()
            result[name][kind] = result[name][kind].mean(axis=0)
    return result
