"""What every family of explanations works from, and the form its answers have.

An explanation is made of at most two parts. A part is a change of a claimed line, a product besides, or both (a unit of
the line gave way to the product); what it is can be read off its three numbers, see `Part`.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from station.core.basket import Basket
from station.core.beliefs import Beliefs
from station.core.density import FLOOR, Floats
from station.core.sights import Seen
from station.core.store_policy import Policy
from station.core.verdict import Cause, Kind

Places = NDArray[np.int64]

NOBODY = -1  # no line, no product
SOME = -2  # a product of the catalogue, nobody can tell which
EASILY = 0.1  # of the prior


@dataclass(frozen=True)
class Part:
    """One deviation. `units`: signed change of the line's number of units, or how many products lie there besides."""

    line: int = NOBODY
    product: int = NOBODY
    units: int = 0

    def kind(self, basket: Basket) -> Kind:
        """Name what this part says."""
        if self.line == NOBODY:
            return "unscanned"
        if self.product != NOBODY:
            return "swapped"
        return "missing" if self.units == -int(basket.quantity[self.line]) else "quantity"


@dataclass(frozen=True, eq=False)
class Parts:
    """The same part of every entry of a branch, as arrays."""

    line: Places
    product: Places
    units: Places

    def at(self, place: int) -> Part:
        """Return the part of one entry."""
        return Part(int(self.line[place]), int(self.product[place]), int(self.units[place]))


@dataclass(frozen=True, eq=False)
class Branch:
    """A family of explanations, an entry each."""

    kind: Kind
    log_w: Floats
    loss_minor: Floats  # cost of releasing, were it so
    value_minor: Floats  # worth of the goods concerned
    first: Parts
    second: Parts
    cause: Cause | None = None

    def shifted(self, shift: float) -> "Branch":
        """Return the branch with `shift` added to its log weights."""
        return replace(self, log_w=self.log_w + shift)


@dataclass(frozen=True, eq=False)
class Case:
    """All that the families work from."""

    basket: Basket
    seen: Seen
    beliefs: Beliefs
    policy: Policy
    free: float  # share of the products that may lie unscanned: claimed ones are left out

    @property
    def gross_g(self) -> float:
        """What the scale shows."""
        return self.basket.residual_g + self.basket.expected_g

    @cached_property
    def prior(self) -> Floats:
        """Share of each product among those that may lie unscanned."""
        return self.prior_of(np.arange(len(self.beliefs)))

    def prior_of(self, places: Places) -> Floats:
        """Return the share of these products among those that may lie unscanned."""
        claimed = self.among(places, self.basket.place[self.basket.place >= 0])
        share = np.where(claimed, 0.0, self.beliefs.prior[places])
        return share / self.free if self.free > 0 else share

    @cached_property
    def column(self) -> Places:
        """Number of each product among the named ones, NOBODY for all others."""
        column = np.full(len(self.beliefs), NOBODY)
        column[self.seen.named] = np.arange(self.seen.named.size)
        return column

    def among(self, places: Places, these: Places) -> NDArray[np.bool_]:
        """Tell which of the places are among these."""
        mark = np.zeros(len(self.beliefs), dtype=np.bool_)
        mark[these] = True
        return np.asarray(mark[places], dtype=np.bool_)


def case_of(basket: Basket, seen: Seen, beliefs: Beliefs, policy: Policy) -> Case:
    """Prepare the families of one basket."""
    return Case(basket, seen, beliefs, policy, _free(basket, beliefs))


def _free(basket: Basket, beliefs: Beliefs) -> float:
    claimed = list(set(basket.place[basket.place >= 0].tolist()))
    left = beliefs.reach.total - float(beliefs.prior[claimed].sum())
    # The difference of two like numbers says little: then add up what is left.
    return left if left > EASILY else float(np.delete(beliefs.prior, claimed).sum())


def parts_of(size: int, line: Places | int = NOBODY, product: Places | int = NOBODY, units: Places | int = 0) -> Parts:
    """Return the parts of `size` entries; what is one number holds for all of them."""
    line, product, units = (
        np.full(size, numbers, dtype=np.int64) if isinstance(numbers, int) else numbers.astype(np.int64, copy=False)
        for numbers in (line, product, units)
    )
    return Parts(line, product, units)


def parts_joined(pieces: list[Parts]) -> Parts:
    """Return the parts of all entries in one."""
    line, product, units = (
        np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("line", "product", "units")
    )
    return Parts(line, product, units)


def branch_of(
    kind: Kind, log_w: Floats, loss: Floats | float, value: Floats | float, first: Parts | None = None,
    second: Parts | None = None, cause: Cause | None = None,
) -> Branch:  # fmt: skip
    """Return a branch; what is one number holds for all its entries."""
    loss, value = (
        np.full(log_w.shape, float(each)) if isinstance(each, int | float) else each for each in (loss, value)
    )
    nothing = parts_of(log_w.size)
    return Branch(kind, log_w, loss, value, first or nothing, second or nothing, cause)


def joined(pieces: list[Branch]) -> Branch:
    """Return one branch with the entries of several of one kind."""
    return Branch(
        pieces[0].kind, np.concatenate([piece.log_w for piece in pieces]),
        np.concatenate([piece.loss_minor for piece in pieces]), np.concatenate([piece.value_minor for piece in pieces]),
        parts_joined([piece.first for piece in pieces]), parts_joined([piece.second for piece in pieces]),
        pieces[0].cause,
    )  # fmt: skip


def log_of(values: Floats | float) -> Floats:
    """Return the logarithm, of nothing that of next to nothing."""
    return np.log(np.maximum(values, FLOOR))


def one(value: float) -> Floats:
    """Return an array of one number."""
    return np.array([value], dtype=np.float64)
