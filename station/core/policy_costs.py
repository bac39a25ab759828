"""The decision: the way on that costs least.

Three ways are compared with the posterior at hand: release now (cost: the loss on average), a small check (staff time,
an honest shopper's patience, and the part of the loss that such a check overlooks), a full check (the same, dearer and
more thorough). A small check overlooks little of what its named looks settle. Where they find nothing it overlooks much
of the rest, or goes on to the full check, whichever costs less. Whether any check is due is asked of one that settles
all, so that an unclear difference is no reason to release.

`risk_appetite` multiplies what a check costs, time and patience alike: with 2, goods of twice the worth may leave
unasked before a shopper is stopped; with 0.5, of half. It is the one number by which a store leans either way.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from station.core.density import Floats
from station.core.store_policy import Policy
from station.core.verdict import Decision

Number = TypeVar("Number", float, Floats)


@dataclass(frozen=True)
class Costs:
    """What each way on would cost on average, in minor units."""

    release: float
    small_check: float  # as good as its looks are
    full_check: float
    best_check: float  # of the small and the full check, were the looks to settle all

    @property
    def decision(self) -> Decision:
        """The cheapest way; on a tie the gentler one."""
        if self.release <= self.best_check:
            return "accept"
        return "review" if self.small_check <= self.full_check else "reject"


def accepted(policy: Policy, p_as_claimed: Floats, loss_minor: Floats) -> NDArray[np.bool_]:
    """Return for many posteriors whether to release costs least."""
    small, full = _small(policy, p_as_claimed), _full(policy, p_as_claimed)
    small, full = small + policy.small_check_overlooks * loss_minor, full + policy.full_check_overlooks * loss_minor
    return np.asarray(loss_minor <= np.minimum(small, full), dtype=np.bool_)


def _small(policy: Policy, p_as_claimed: Number) -> Number:
    """Return time and patience that a small check costs."""
    return policy.risk_appetite * (policy.small_check_minor + policy.small_check_annoyance_minor * p_as_claimed)


def _full(policy: Policy, p_as_claimed: Number) -> Number:
    """Return time and patience that a full check costs."""
    return policy.risk_appetite * (policy.full_check_minor + policy.full_check_annoyance_minor * p_as_claimed)


def costs(
    policy: Policy, p_as_claimed: float, loss_minor: float, settled_minor: float = 0.0, p_open: float = 1.0
) -> Costs:
    """Return the cost of each way on, for the posterior of "as claimed" and the mean loss if released.

    `settled_minor` is the part of that loss which the looks of a small check settle; `p_open` the probability that
    they find nothing.
    """
    small, rest = _small(policy, p_as_claimed), loss_minor - settled_minor
    annoyed = policy.risk_appetite * policy.full_check_annoyance_minor * p_as_claimed
    time = policy.risk_appetite * policy.full_check_minor
    go_on = min(policy.sight_overlooks * rest, time * p_open + annoyed + policy.full_check_overlooks * rest)
    full = _full(policy, p_as_claimed) + policy.full_check_overlooks * loss_minor
    return Costs(
        release=loss_minor, small_check=small + policy.small_check_overlooks * settled_minor + go_on, full_check=full,
        best_check=min(small + policy.small_check_overlooks * loss_minor, full),
    )  # fmt: skip
