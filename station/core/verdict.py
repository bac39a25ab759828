"""The verdict in the words of the contract, section 3.2: the checker's judgement and what identifies it."""

from typing import Literal

import msgspec

Decision = Literal["accept", "review", "reject", "abstain"]
Action = Literal["release", "sight_check", "rescan_items", "rescan_all", "call_staff", "wait"]
Reason = Literal[
    "UNSCANNED", "MISSING", "SWAPPED", "QUANTITY", "UNKNOWN_ITEM", "UNKNOWN_WEIGHT", "FOREIGN_OBJECT", "TARE_UNKNOWN",
    "SCALE_FAULT", "CAMERA_FAULT", "NOT_SETTLED", "NO_CLAIM", "STALE_CATALOGUE", "NOT_CALIBRATED",
]  # fmt: skip
Kind = Literal[
    "as_claimed", "unscanned", "missing", "swapped", "quantity", "several", "unknown_object", "foreign_load",
    "scale_fault", "stale_weight",
]  # fmt: skip
Cause = Literal["tare", "other_basket"]  # of a foreign load that is not just something strange on the platform


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """The weight equation: what the scale shows, what the claim predicts, and the difference."""

    gross_g: float
    sd_g: float
    expected_g: float | None = None
    expected_sd_g: float | None = None
    tare_g: float | None = None
    residual_g: float | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One hypothesis about the basket with its posterior probability."""

    kind: Kind
    p: float
    gtin: str | None = None
    actual_gtin: str | None = None
    quantity: int | None = None
    delta: int | None = None
    value_minor: int | None = None
    parts: tuple["Explanation", ...] | None = None
    cause: Cause | None = None


class Recheck(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed line whose second look would tell most."""

    line: int
    gtin: str
    why: str


class LookFor(msgspec.Struct, frozen=True, kw_only=True):
    """A product that was not claimed and may lie in the basket."""

    gtin: str
    name: str
    why: str


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """A condition of sale that staff must see to; no suspicion."""

    kind: str
    line: int
    min_age: int


class SmallestVisible(msgspec.Struct, frozen=True, kw_only=True):
    """An added item of this size would be caught with 90 %."""

    weight_g: float
    value_minor: int


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What the checker says of one basket; the part of the verdict that depends on nothing but the evidence."""

    decision: Decision
    action: Action
    currency: str
    p_as_claimed: float | None = None
    expected_loss_minor: float | None = None
    weight: Weight | None = None
    explanations: tuple[Explanation, ...] = ()
    recheck: tuple[Recheck, ...] = ()
    look_for: tuple[LookFor, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    smallest_visible: SmallestVisible | None = None
    reasons: tuple[Reason, ...] = ()
    message: dict[str, str] = {}


class EvidenceSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How much the cameras contributed."""

    sightings: int = 0
    unknown_objects: int = 0
    cameras: int = 0


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """What the verdict was made with; enough to find the same again."""

    software: str
    model: str | None = None
    catalogue: str | None = None
    calibration: str | None = None
    policy: str | None = None


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds spent, from the last movement on the platform to the decision."""

    settle: float = 0.0
    capture: float = 0.0
    vision: float = 0.0
    inference: float = 0.0  # the model's own share of `vision`
    fusion: float = 0.0
    total: float = 0.0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict about one load; `verdict_no` counts them within a transaction, the later one stands."""

    visit_id: str
    transaction_id: str | None
    revision: int | None
    verdict_no: int
    judgement: Judgement
    evidence: EvidenceSummary
    versions: Versions
    timing_ms: Timing
