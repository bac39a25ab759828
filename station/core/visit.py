"""One visit: what is known of the load and the claim that stand on the station now.

A visit is stored whenever its claim or its verdict changes, so that a restart goes on with it: `snapshot` and
`restore` are inverses of everything that survives a restart. Times do not: they are of one boot.
"""

from collections.abc import Mapping

import msgspec

from station.core.claim import Claim
from station.core.evidence import Reading
from station.core.verdict import Decision


class Visit(msgspec.Struct, kw_only=True):
    """The open visit; the engine alone changes it."""

    visit_id: str
    claim: Claim | None = None
    verdict_no: int = 0  # of the last verdict
    decision: Decision | None = None  # of the last verdict
    judged: Reading | None = None  # the load that the last verdict was about
    judged_revision: int | None = None
    settled: bool = False  # the claim is paid or settled elsewhere
    reading: Reading | None = None  # the load that lies still now
    announced: Reading | None = None
    moved_ns: int = 0  # when the load last began to move
    faulted: bool = False  # an abstention for the present fault was given
    placed: bool = False  # the backend was told of a load
    next_claim: Claim | None = None  # another transaction's, until this load has gone
    next_verdict_no: int = 0  # of that transaction so far

    @property
    def transaction_id(self) -> str | None:
        """Return the claim's transaction, None without a claim."""
        return None if self.claim is None else self.claim.transaction_id

    @property
    def claim_is_open(self) -> bool:
        """Return whether there is a claim that nothing has settled."""
        return self.claim is not None and not self.claim_is_settled

    @property
    def is_over(self) -> bool:
        """Return whether nothing is left to do for this visit once its load has gone."""
        return self.claim_is_settled or self.next_claim is not None

    @property
    def claim_is_settled(self) -> bool:
        """Return whether the last verdict let this claim go, or it was settled elsewhere."""
        return self.settled or (
            self.claim is not None and self.decision == "accept" and self.judged_revision == self.claim.revision
        )

    @property
    def passed(self) -> Claim | None:
        """Return the claim if it was let go, by the last verdict about this very claim and a load, or after it."""
        mine = self.claim is not None and self.judged is not None and self.judged_revision == self.claim.revision
        return self.claim if mine and self.claim_is_settled else None

    @property
    def verdict_stands(self) -> bool:
        """Return whether the last verdict is about this claim and the load that lies there."""
        return (
            self.claim is not None
            and self.judged is not None
            and self.judged_revision == self.claim.revision
            and (self.reading is None or self.reading == self.judged)
        )


def renamed(claim: Claim | None, names: Mapping[str, str]) -> Claim | None:
    """Return the claim with its transaction called by another name."""
    if claim is None:
        return None
    return msgspec.structs.replace(claim, transaction_id=names.get(claim.transaction_id, claim.transaction_id))


def snapshot(visit: Visit) -> bytes:
    """Return the visit as bytes for `restore`."""
    return msgspec.json.encode(visit)


def restore(data: bytes) -> Visit:
    """Return the visit of a snapshot; raise `msgspec.DecodeError` when it is none."""
    visit = msgspec.json.decode(data, type=Visit)
    visit.reading = visit.announced = None
    visit.moved_ns = 0
    visit.faulted = False
    return visit
