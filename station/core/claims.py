"""Which claims are news: the rules of revisions, over the transactions lately seen (contract, section 3.1)."""

import hashlib
from collections import OrderedDict
from typing import Literal

import msgspec

from station.core.claim import Claim

KEPT = 500  # transactions remembered, some hours of a busy station

News = Literal["new", "same", "stale", "conflict"]


class Ledger:
    """The newest claim of each transaction lately seen: its revision, and what tells its content."""

    def __init__(self) -> None:
        self._claims: OrderedDict[str, tuple[int, bytes]] = OrderedDict()

    def judge(self, claim: Claim) -> News:
        """Return whether the claim is new, or the same as, older than or contrary to the one known."""
        known = self._claims.get(claim.transaction_id)
        if known is None or claim.revision > known[0]:
            return "new"
        if claim.revision < known[0]:
            return "stale"
        return "same" if _digest(claim) == known[1] else "conflict"

    def keep(self, claim: Claim) -> None:
        """Remember the claim as the newest of its transaction."""
        self._claims[claim.transaction_id] = (claim.revision, _digest(claim))
        self._claims.move_to_end(claim.transaction_id)
        if len(self._claims) > KEPT:
            self._claims.popitem(last=False)

    def forget(self, transaction_id: str) -> None:
        """A transaction that was withdrawn, or never judged, may be claimed again from the first revision."""
        self._claims.pop(transaction_id, None)

    def forget_all(self) -> None:
        """Remember nothing any more."""
        self._claims.clear()


def _digest(claim: Claim) -> bytes:
    return hashlib.sha256(msgspec.json.encode(claim)).digest()
