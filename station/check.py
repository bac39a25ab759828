"""Offline verdicts (contract, section 4): JSON Lines in, JSON Lines out, one answer a line, in the order asked.

Which products cameras can name may be told (`gallery`). Where it is not, a case is judged by itself: what its sightings
name is in the gallery, anything else may be or not (`[policy.sights]` `outside`), and the gallery is as large as the
catalogue. So no answer depends on what was asked before.

A line that cannot be used is answered with `{"line": n, "error": …}` and the stream goes on. Memory does not grow with
the stream.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from station import element_strings
from station.core import claim, gtin
from station.core.beliefs import Beliefs
from station.core.evidence import Evidence, Reading, Sighting
from station.core.feedback import FeedbackError, parse_feedback
from station.core.policy import judge
from station.core.store_policy import Policy
from station.core.verdict import EvidenceSummary, Timing, Verdict, Versions
from station.core.verdict_data import to_wire
from station.school import School

MAX_LINE_BYTES = 1_000_000
MOSTLY = 0.5  # an object is counted as unknown from this probability up
SUM_TOLERANCE = 0.02  # probabilities that were rounded one by one
NO_DAY = 0.0  # a stream has no time of its own
LEAST_VISIBLE = 0.01  # zero would say that there is no camera, and no sighting could be
MS_PER_S = 1000.0

Probability = Annotated[float, Meta(ge=0, le=1)]


class CaseError(ValueError):
    """A line of the stream cannot be used; the message says why."""


class WeightIn(msgspec.Struct, frozen=True, kw_only=True):
    """What the scale showed."""

    gross_g: Annotated[float, Meta(ge=-1e7, le=1e7)]
    sd_g: Annotated[float, Meta(ge=0, le=1e6)]


class SightingIn(msgspec.Struct, frozen=True, kw_only=True):
    """One object seen by one camera."""

    camera: str = "camera"
    candidates: Annotated[tuple[tuple[str, Probability], ...], Meta(max_length=1000)] = ()
    unknown: Probability = 0.0


class CaseIn(msgspec.Struct, frozen=True, kw_only=True, tag="case"):
    """One basket. The claim is read by its own rules."""

    case_id: str | int
    claim: dict[str, Any]
    weight: WeightIn | None = None
    sightings: Annotated[tuple[SightingIn, ...], Meta(max_length=1000)] | None = None
    visibility: Probability | None = None


class FeedbackIn(msgspec.Struct, frozen=True, kw_only=True, tag="feedback"):
    """What was really in a basket. Its content is read by its own rules."""

    transaction_id: Any = None
    source: Any = None
    contents: Any = None


@dataclass(frozen=True)
class Checker:
    """All that stays the same over a stream. `clock_s` only measures how long a judgement took.

    With a `school` each accepted case and each feedback is learned from before the next line is read; the beliefs
    are then the school's. One that does not learn (`learns`) judges by what was learned before, and nothing changes.
    """

    catalogue: Beliefs
    policy: Policy
    versions: Versions
    school: School | None = None
    learns: bool = True
    gallery: frozenset[str] | None = None  # GTIN-14 of what cameras can name; None: nobody told
    clock_s: Callable[[], float] = time.perf_counter

    @property
    def beliefs(self) -> Beliefs:
        """Return what is believed now."""
        return self.catalogue if self.school is None else self.school.beliefs

    def answers(self, lines: Iterable[bytes], first: int = 1) -> Iterator[bytes]:
        """Yield one JSON object (without newline) for every line that is not empty; `first` numbers the lines."""
        for number, line in enumerate(lines, start=first):
            if line.strip() and (answer := self._answer(number, line)) is not None:
                yield msgspec.json.encode(answer)

    def _answer(self, number: int, line: bytes) -> dict[str, Any] | None:
        try:
            record = _decoded(line)
            if isinstance(record, CaseIn):
                return self._judged(record)
            self._told(record)
        except (CaseError, claim.ClaimError, gtin.GtinError, FeedbackError) as error:
            return {"line": number, "error": str(error)}
        return None

    def _told(self, feedback: FeedbackIn) -> None:
        if self.school is None or not self.learns:
            raise CaseError("feedback is learned from with --learn only")
        told = {name: getattr(feedback, name) for name in feedback.__struct_fields__}
        self.school.feedback(parse_feedback({name: value for name, value in told.items() if value is not None}), NO_DAY)

    def _judged(self, case: CaseIn) -> dict[str, Any]:
        started_s = self.clock_s()
        asked = claim.parse({"currency": self.policy.currency, **element_strings.plain(case.claim)})
        weight = case.weight
        reading = None if weight is None else Reading(t_ns=0, gross_g=weight.gross_g, sd_g=weight.sd_g)
        evidence = self._evidence(case)
        doubted = reading if reading is None or self.school is None else self.school.ward.doubted(reading)
        judgement = judge(asked, doubted, evidence, self.beliefs, self.policy)
        taken_ms = (self.clock_s() - started_s) * MS_PER_S
        verdict = Verdict(
            visit_id=str(case.case_id), transaction_id=asked.transaction_id, revision=asked.revision, verdict_no=1,
            judgement=judgement, evidence=_summary(evidence), versions=self.versions,
            timing_ms=Timing(fusion=taken_ms, total=taken_ms),
        )  # fmt: skip
        if self.school is not None and self.learns and reading is not None:
            self.school.judged(asked, reading, judgement, NO_DAY)
            self.school.left(asked.transaction_id, asked.revision, NO_DAY)
        return {"case_id": case.case_id, "verdict": to_wire(verdict)}

    def _evidence(self, case: CaseIn) -> Evidence | None:
        if case.sightings is None:
            return None
        visibility = self.policy.sights.visibility if case.visibility is None else max(case.visibility, LEAST_VISIBLE)
        sightings = tuple(_sighting(seen) for seen in case.sightings)
        return Evidence(
            sightings=sightings, visibility=visibility, cameras=max(len({seen.camera for seen in sightings}), 1),
            gallery_size=len(self.beliefs if self.gallery is None else self.gallery), gallery=self.gallery,
        )  # fmt: skip


def _decoded(line: bytes) -> CaseIn | FeedbackIn:
    if len(line) > MAX_LINE_BYTES:
        raise CaseError(f"the line has more than {MAX_LINE_BYTES} bytes")
    try:
        return msgspec.json.decode(line, type=CaseIn | FeedbackIn)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CaseError(str(error)) from error


def _sighting(seen: SightingIn) -> Sighting:
    merged: dict[str, float] = {}
    for name, p in seen.candidates:
        key = gtin.normalise(name)
        merged[key] = merged.get(key, 0.0) + p
    total = sum(merged.values()) + seen.unknown
    if total > 1 + SUM_TOLERANCE:
        raise CaseError(f"the probabilities of a sighting sum to {total:.3f} - at `$.sightings`")
    scale = min(1 / total, 1.0) if total > 0 else 1.0
    candidates = tuple((name, p * scale) for name, p in merged.items())
    return Sighting(camera=seen.camera, candidates=candidates, unknown=seen.unknown * scale)


def _summary(evidence: Evidence | None) -> EvidenceSummary:
    if evidence is None:
        return EvidenceSummary()
    unknown = sum(seen.unknown >= MOSTLY for seen in evidence.sightings)
    return EvidenceSummary(sightings=len(evidence.sightings), unknown_objects=unknown, cameras=evidence.cameras)
