"""What every family of explanations works from, and the form its answers have."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.core.basket import Basket
from station.core.beliefs import Beliefs
from station.core.density import FLOOR, Floats
from station.core.sights import Seen
from station.core.store_policy import Policy
from station.core.verdict import Kind

Places = NDArray[np.int64]

NOBODY = -1  # no line, no product


@dataclass(frozen=True, eq=False)
class Branch:
    """A family of explanations. `other` is a second product: of a pair, or what a line was swapped for."""

    kind: Kind
    log_w: Floats
    loss_minor: Floats  # cost of releasing, were it so
    value_minor: Floats  # worth of the goods concerned
    line: Places
    product: Places
    other: Places
    units: Places  # signed change of the number of units


@dataclass(frozen=True, eq=False)
class Case:
    """All that the families work from."""

    basket: Basket
    seen: Seen
    beliefs: Beliefs
    policy: Policy
    prior: Floats  # of the products that may lie unscanned: claimed ones are left out


def case_of(basket: Basket, seen: Seen, beliefs: Beliefs, policy: Policy) -> Case:
    """Prepare the families of one basket."""
    prior = beliefs.prior.copy()
    prior[basket.place[basket.place >= 0]] = 0.0
    total = prior.sum()
    return Case(basket, seen, beliefs, policy, prior / total if total > 0 else prior)


def branch_of(  # noqa: PLR0913 - one argument an array
    kind: Kind, log_w: Floats, loss: Floats | float, value: Floats | float, *, line: Places | None = None,
    product: Places | None = None, other: Places | None = None, units: Places | int = 1,
) -> Branch:  # fmt: skip
    """Return a branch; what is one number holds for all its entries."""
    nobody = np.full(log_w.shape, NOBODY, dtype=np.int64)
    return Branch(
        kind, log_w, np.broadcast_to(np.asarray(loss, dtype=np.float64), log_w.shape),
        np.broadcast_to(np.asarray(value, dtype=np.float64), log_w.shape),
        nobody if line is None else line, nobody if product is None else product,
        nobody if other is None else other, np.broadcast_to(np.asarray(units, dtype=np.int64), log_w.shape),
    )  # fmt: skip


def log_of(values: Floats | float) -> Floats:
    """Return the logarithm, of nothing that of next to nothing."""
    return np.log(np.maximum(values, FLOOR))


def one(value: float) -> Floats:
    """Return an array of one number."""
    return np.array([value], dtype=np.float64)
