"""Everything the core can ask of the world.

The consumer carries effects out in order; only `Judge` is answered at once, by the event `Judged`.
"""

from typing import Literal

import msgspec

from station.core.claim import Claim
from station.core.evidence import Evidence, Reading
from station.core.feedback import Feedback
from station.core.verdict import Verdict

Phase = Literal["placed", "stable", "changed", "removed", "closed"]


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be done."""


class Learn(Effect, frozen=True, kw_only=True):
    """A basket that was let go has left by this claim: its weight may teach."""

    transaction_id: str
    revision: int


class Feed(Effect, frozen=True, kw_only=True):
    """Take feedback in, and answer the command."""

    told: Feedback
    command: int | None = None


class Announce(Effect, frozen=True, kw_only=True):
    """Tell the backend how the visit goes on; the weight is None where none is known."""

    visit_id: str
    transaction_id: str | None
    phase: Phase
    gross_g: float | None
    sd_g: float | None


class Capture(Effect, frozen=True, kw_only=True):
    """Ask every camera for sightings, to be answered with this number."""

    capture_no: int


class LearnEmpty(Effect, frozen=True, kw_only=True):
    """The platform is empty and still: cameras may take it as their reference."""


class Judge(Effect, frozen=True, kw_only=True):
    """Ask the checker; answer with `Judged` and this number before the next event."""

    judge_no: int
    claim: Claim
    reading: Reading
    evidence: Evidence | None


class Deliver(Effect, frozen=True, kw_only=True):
    """Commit the verdict and publish it."""

    verdict: Verdict


class Answer(Effect, frozen=True, kw_only=True):
    """Answer a command; `code` is None when it was carried out."""

    command: int
    code: str | None = None
    message: str = ""


class Token(Effect, frozen=True, kw_only=True):
    """Hand a code read at the station to the backend."""

    visit_id: str
    token: str
    symbology: str


class Scan(Effect, frozen=True, kw_only=True):
    """A scanner read something: note it. Only a product says which."""

    kind: Literal["product", "token", "repeated", "refused"]
    gtin: str | None = None
    visit_id: str | None = None


class Alarm(Effect, frozen=True, kw_only=True):
    """A condition of a part began or ended."""

    code: str
    part: str
    raised: bool
    severity: Literal["warning", "error"] = "error"
    message: str = ""
    remedy: str = ""


class ZeroScale(Effect, frozen=True, kw_only=True):
    """Tell an instrument to zero itself, before `due_ns` or not at all; answer with `ScaleZeroed` and this number."""

    scale: int
    number: int
    due_ns: int


class SpanChecked(Effect, frozen=True, kw_only=True):
    """The check weight was weighed, or why not: `problem`; `number` is that of the order."""

    number: int
    weight_g: float
    weighed_g: float | None = None
    sd_g: float = 0.0
    problem: str = ""


class KeepZero(Effect, frozen=True, kw_only=True):
    """Store the zero, so that a restart begins with it."""

    zero_g: float


class KeepVisit(Effect, frozen=True, kw_only=True):
    """Store the open visit, so that a restart goes on with it; None: there is none."""

    snapshot: bytes | None
