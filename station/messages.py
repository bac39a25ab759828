"""The contents of messages as types: the published schemas are made of these, and backends written in Python use them.

What the core has as values of its own (`effects.Announce`, `effects.Token`, `alarms.Notice`, `claim.Claim`,
`feedback.Feedback`) is described by those; here is what is put together on the way out. Enumerations are open: a
decoder takes any word, for later versions may know more; the schema lists those of this version.
"""

from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from station.core import verdict
from station.core.claim import Text
from station.core.product import Product
from station.core.verdict import EvidenceSummary, LookFor, Recheck, Requirement, SmallestVisible, Versions, Weight

ResultCode = Literal[
    "too_large", "bad_encoding", "not_json", "not_cloudevent", "bad_data", "retained", "expired", "bad_response_topic",
    "unsupported", "id_reused", "no_key", "unsigned", "bad_signature", "busy", "timeout", "not_allowed",
    "unknown_camera", "camera_fault", "wrong_epoch", "unknown_seq", "disk_failed", "wrong_store", "stale_serial",
    "serial_reused", "wrong_base", "wrong_version", "bad_catalogue", "catalogue_too_large", "answer_too_large",
    "bad_config", "config_protected", "bad_claim", "stale_revision", "revision_conflict", "unknown_transaction",
    "bad_feedback", "too_old", "already_told", "rate_limited", "not_idle", "zero_refused",
]  # fmt: skip


def words(literal: Any) -> Meta:
    """Return the note that lists an open enumeration's words in the schema."""
    return Meta(extra_json_schema={"enum": list(get_args(literal))})


Probability = Annotated[float, Meta(ge=0, le=1)]
Milliseconds = Annotated[int, Meta(ge=0)]
Grams = float | None
SERIAL_MAX = 2**53 - 1  # what every reader of JSON holds exactly
PARTS_MAX = 1000
Version = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One hypothesis about the basket with its posterior probability."""

    kind: Annotated[str, words(verdict.Kind)]
    p: Probability
    gtin: str | None = None
    actual_gtin: str | None = None
    quantity: int | None = None
    delta: int | None = None
    value_minor: int | None = None
    parts: tuple["Explanation", ...] | None = None
    cause: Annotated[str, words(verdict.Cause)] | None = None


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Whole milliseconds spent, from the last movement on the platform to the decision."""

    settle: Milliseconds
    capture: Milliseconds
    vision: Milliseconds
    inference: Milliseconds = 0
    fusion: Milliseconds
    total: Milliseconds


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict about one load: `evt/verdict`. Of several of a transaction the one with the highest number stands."""

    visit_id: str
    transaction_id: str | None
    revision: int | None
    verdict_no: Annotated[int, Meta(ge=1)]
    decision: Annotated[str, words(verdict.Decision)]
    action: Annotated[str, words(verdict.Action)]
    p_as_claimed: Probability | None
    expected_loss_minor: float | None
    currency: str
    weight: Weight | None
    explanations: tuple[Explanation, ...]
    recheck: tuple[Recheck, ...]
    look_for: tuple[LookFor, ...]
    requirements: tuple[Requirement, ...]
    smallest_visible: SmallestVisible | None
    reasons: tuple[Annotated[str, words(verdict.Reason)], ...]
    message: dict[str, str]
    evidence: EvidenceSummary
    versions: Versions
    timing_ms: Timing


class Conn(msgspec.Struct, frozen=True):
    """Whether the station is there: `st/conn`."""

    state: Annotated[str, words(Literal["online", "draining", "offline", "lost"])]


class ScaleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A configured scale."""

    name: str
    driver: str
    capacity_g: float
    division_g: float


class CameraInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A configured camera."""

    name: str
    driver: str


class CalibrationInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The calibration that a scale has; `due` is the last day (ISO) it may serve, `key_id` whose signature it bears."""

    scale: str
    version: str
    source: Annotated[str, words(Literal["factory", "procedure"])]
    created: str
    certified: bool
    due: str | None
    key_id: str | None


class FormerKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that the station signed with before."""

    key_id: str
    public_key: str


class Info(Versions, frozen=True, kw_only=True):
    """The birth message, what runs here on what: `st/info`. Public keys are Ed25519 in PEM."""

    python: str
    machine: str
    scales: tuple[ScaleInfo, ...]
    cameras: tuple[CameraInfo, ...]
    public_key: str
    key_id: str
    former_keys: tuple[FormerKey, ...]
    calibrations: tuple[CalibrationInfo, ...] = ()


class RaisedAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that is raised now."""

    code: str
    part: str
    alarm_id: str


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One load cell; `share` is of the load."""

    cell: Annotated[int, Meta(ge=1)]
    place: str | None
    grams: Grams
    share: float | None
    noise_g: Grams
    state: str


class CentreOfMass(msgspec.Struct, frozen=True, kw_only=True):
    """Where the load lies, from the middle of the platform: to the right, to the back."""

    x: float
    y: float
    sd_x: float
    sd_y: float
    unit: Annotated[str, words(Literal["mm", "half_side"])]


class Cells(msgspec.Struct, frozen=True, kw_only=True):
    """The load cells of one scale, and whether four of them agree."""

    cells: tuple[Cell, ...]
    centre_of_mass: CentreOfMass | None
    parity_g: Grams
    expected_parity_g: Grams
    kappa: float | None


class OutboxDepth(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for the backend; null while the outbox cannot be read. `unwritten` batches wait for the disk."""

    unconfirmed: int | None
    events: int | None
    used_bytes: int | None
    unwritten: int


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A value and its standard deviation."""

    value: float
    sd: float


class Suspicions(msgspec.Struct, frozen=True, kw_only=True):
    """What many transactions together say of the station, in `st/health`."""

    errors: Annotated[
        dict[str, Estimate],
        Meta(description="of `zero`, `basket`, `cart`, `bag` in grams, of `gain` in grams a kilogram"),
    ]
    slips: Annotated[int, Meta(description="shoppers whose baskets differ by more than chance; who, is not told")]
    feedback: Annotated[
        dict[str, int],
        Meta(description="transactions that staff looked at, by decision and whether it was right: `review_wrong`"),
    ] = {}


class SpanCheckDone(msgspec.Struct, frozen=True, kw_only=True):
    """The last span check: what the check weight weighed."""

    time: str
    weight_g: float
    weighed_g: float
    sd_g: float
    error_g: float
    relative: float
    outcome: Annotated[str, words(Literal["pass", "warn", "fail"])]


class CalibrationState(msgspec.Struct, frozen=True, kw_only=True):
    """How a scale's calibration stands; `days` until it is due, null where that is unknown."""

    state: Annotated[str, words(Literal["ok", "due", "overdue", "expired", "unknown", "missing", "refused"])]
    days: int | None
    due: str | None
    span_check: SpanCheckDone | None


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The state of every part: `st/health`. A part is `ok`, or has the code of its alarm."""

    state: str
    parts: dict[str, str]
    alarms: tuple[RaisedAlarm, ...]
    rejected_samples: dict[str, dict[str, int]]
    cells: dict[str, Cells]
    gross_g: Grams
    zero_g: float
    clock: Annotated[str, words(Literal["synced", "unsynced", "stepped"])]
    disk_free_bytes: int | None
    outbox: OutboxDepth
    diagnosis: Suspicions
    calibration: dict[str, CalibrationState] = {}
    service: Annotated[str, words(Literal["in_service", "draining", "out_of_service"])] = "in_service"


class Configured(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration in force, and why it is not the one asked for: `st/config`."""

    hash: str
    source: str
    in_force: bool
    problem: str | None
    asked: Annotated[str | None, Meta(description="hash of the last one that `cmd/config` brought")] = None
    serial: Annotated[int, Meta(description="of the last one that `cmd/config` brought, 0 if there was none")] = 0


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """Counters since the start, percentiles in milliseconds, and what the process uses: `tel/metrics`."""

    counts: dict[str, int]
    delivery: dict[str, int]
    timing_ms: dict[str, dict[str, float]]
    cpu_s: float
    rss_peak_kib: int


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """How far a catalogue has come: in the answers to `cmd/catalogue`."""

    present: Annotated[str | None, Meta(description="the version in force")]
    serial: Annotated[int, Meta(description="of the transfer that is received, 0 if there is none")] = 0
    version: str | None = None
    parts: int = 0
    missing: Annotated[tuple[int, ...], Meta(description="the first hundred parts that are not here yet")] = ()
    complete: Annotated[bool, Meta(description="this version is in force")] = False


class Adopted(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a configuration: in the answer to `cmd/config`."""

    serial: int
    hash: str
    state: Annotated[str, words(Literal["trial", "proven", "refused"])]
    reason: str = ""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A picture: in the answer to `cmd/snapshot`."""

    camera: str
    media_type: str
    width_px: int
    height_px: int
    base64: str


class Streaming(msgspec.Struct, frozen=True, kw_only=True):
    """What is streamed from now on: in the answer to `cmd/stream`."""

    seconds: float
    hz: float


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """The verdicts that are published again: in the answer to `cmd/resend`."""

    epoch: str
    first_seq: int
    last_seq: int


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it should be, and what helps."""

    severity: Annotated[str, words(Literal["warning", "error"])]
    code: str
    part: str
    message: str
    remedy: str


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What the station finds out about itself: in the answer to `cmd/diagnose`."""

    findings: tuple[Finding, ...]
    health: Health
    versions: Versions
    config: Configured
    uptime_s: int
    threads: Annotated[dict[str, bool], Meta(description="which of its threads run")]
    products: int
    pending_commands: int


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a command: `res/{command}`, or the response topic. `code` and `message` belong to errors."""

    status: Annotated[str, words(Literal["ok", "error"])]
    code: Annotated[str, words(ResultCode)] | UnsetType = UNSET
    message: str | UnsetType = UNSET
    catalogue: Transfer | UnsetType = UNSET
    config: Adopted | UnsetType = UNSET
    snapshot: Snapshot | UnsetType = UNSET
    stream: Streaming | UnsetType = UNSET
    resend: Again | UnsetType = UNSET
    diagnosis: Diagnosis | UnsetType = UNSET


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """Withdraws a claim: `cmd/claim`."""

    transaction_id: Text
    cancel: Literal[True]


class Release(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Settled elsewhere, `cmd/release`: closes the visit. One of the two has to be given."""

    transaction_id: Text | None = None
    visit_id: Text | None = None


class Zero(msgspec.Struct, frozen=True):
    """Set the zero, `cmd/zero`: nothing else is to be said."""


class Resend(msgspec.Struct, frozen=True, kw_only=True):
    """Publish stored verdicts again, from a number on: `cmd/resend`."""

    epoch: Text
    from_seq: Annotated[int, Meta(ge=1, le=SERIAL_MAX)]


class CataloguePart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One part of a catalogue, signed: `cmd/catalogue`. The header is the same in all parts."""

    store: Annotated[Text, Meta(description="the store that it is for")]
    serial: Annotated[int, Meta(ge=1, le=SERIAL_MAX, description="of the transfer; rises from one to the next")]
    mode: Literal["snapshot", "delta"]
    version: Annotated[Version, Meta(description="of the catalogue that results")]
    base: Annotated[Version | None, Meta(description="of a delta: the version in force that it changes")] = None
    part: Annotated[int, Meta(ge=1, le=PARTS_MAX)]
    parts: Annotated[int, Meta(ge=1, le=PARTS_MAX)]
    rows: tuple[Product, ...] = ()
    delete: Annotated[tuple[str, ...], Meta(description="of a delta: GTINs that are no longer sold")] = ()


class NewConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration, signed: `cmd/config`. `toml` is the whole file."""

    serial: Annotated[int, Meta(ge=1, le=SERIAL_MAX, description="rises from one to the next")]
    toml: Annotated[str, Meta(min_length=1, max_length=200_000)]


class TakeSnapshot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Take a picture, `cmd/snapshot`; without a name by the first camera."""

    camera: Text | None = None


class Stream(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Publish the live weight for so long, `cmd/stream`; 0 ends it."""

    seconds: Annotated[float, Meta(ge=0, le=600)]
    hz: Annotated[float, Meta(ge=0.1, le=10)] = 2.0


class Diagnose(msgspec.Struct, frozen=True):
    """Tell what is wrong, `cmd/diagnose`: nothing else is to be said."""


class LiveWeight(msgspec.Struct, frozen=True, kw_only=True):
    """The weight at this moment, from the present zero: `tel/weight`. Null where none is known or it moves."""

    gross_g: Grams
    sd_g: Grams
    still: bool
    phase: Annotated[str, words(Literal["unknown", "empty", "moving", "settled"])]


class Acknowledgement(msgspec.Struct, frozen=True):
    """The backend has durably stored every verdict of the epoch from 1 to `seq`: `ack/verdict`."""

    epoch: str
    seq: Annotated[int, Meta(ge=0)]
