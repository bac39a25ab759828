"""What the client needs of a database: one transaction that stores, and knows up to where nothing is lacking.

The acknowledgement is computed where the verdicts are stored, in the transaction that stores them. So it never runs
ahead of them, whatever dies when, and several consumers with one database agree on it.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from station.client.values import ClientError, Received
from station.wire import Station


class StoreError(ClientError):
    """The database cannot be used now: full, locked, gone. It is tried again; nothing is acknowledged meanwhile."""


class ApplyError(ClientError):
    """The program's own part of the transaction failed: nothing of it was stored, and the client ends."""


class Prefix(NamedTuple):
    """Every verdict of `station` and `epoch` from 1 to `upto` is stored."""

    station: Station
    epoch: str
    upto: int


class Gap(NamedTuple):
    """A verdict is stored while `from_seq`, and maybe others behind it, are lacking."""

    station: Station
    epoch: str
    from_seq: int


class Stored(NamedTuple):
    """A stored verdict and its row, which rises."""

    row: int
    received: Received


class Taken(NamedTuple):
    """What became of a batch."""

    new: int
    conflicts: int  # came with other bytes than before; the first ones stay
    prefixes: list[Prefix]  # of all that the batch touched, also where nothing was new


class Store(Protocol):
    """A database. All methods are called from one thread, none at the same time; all may raise `StoreError`."""

    def open(self, consumer: str) -> None:
        """Be ready; `consumer` is the client's id."""

    def close(self) -> None:
        """Let go."""

    def take(self, batch: Sequence[Received], gap_due_s: float) -> Taken:
        """Store what is new, and advance the prefixes, in one transaction that is durable when this returns.

        A new gap is to be asked for at `gap_due_s` (seconds since 1970) at the earliest.
        """

    def told(self, prefix: Prefix) -> Prefix | None:
        """Note that the broker has this acknowledgement; return the present prefix if it is further by now."""

    def untold(self) -> list[Prefix]:
        """Return the prefixes that the broker was not told of."""

    def gaps(self, now_s: float) -> list[Gap]:
        """Return the gaps that are due, and put each off, so that of several consumers one asks."""

    def unread(self, limit: int) -> list[Stored]:
        """Return the oldest verdicts that this consumer stored and has not read."""

    def read(self, row: int) -> None:
        """Note that this consumer has read all up to here."""
