"""The decision: the way on that costs least.

Three ways are compared with the posterior at hand: release now (cost: the loss on average), a small check (staff time,
an honest shopper's patience, and the part of the loss that such a check overlooks), a full check (the same, dearer and
more thorough). A small check overlooks little of what its named looks settle, and much of the rest; whether any check
is due is asked of one that settles all, so that an unclear difference is no reason to release.
"""

from dataclasses import dataclass

from station.core.store_policy import Policy
from station.core.verdict import Decision


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


def costs(policy: Policy, p_as_claimed: float, loss_minor: float, settled_minor: float = 0.0) -> Costs:
    """Return the cost of each way on, for the posterior of "as claimed" and the mean loss if released.

    `settled_minor` is the part of that loss which the looks of a small check settle.
    """
    small = policy.small_check_minor + policy.small_check_annoyance_minor * p_as_claimed
    full = policy.full_check_minor + policy.full_check_annoyance_minor * p_as_claimed
    full += policy.full_check_overlooks * loss_minor
    overlooked = policy.small_check_overlooks * settled_minor + policy.sight_overlooks * (loss_minor - settled_minor)
    return Costs(
        release=loss_minor, small_check=small + overlooked, full_check=full,
        best_check=min(small + policy.small_check_overlooks * loss_minor, full),
    )  # fmt: skip
