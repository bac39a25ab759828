"""Everything that can enter the core, as values that carry their own time.

Each event is a tagged struct, so that a recorder can store a day of them and replay it: `encode` and `decode` are
exact inverses. `t_ns` is the host's monotonic clock. What is not in an event does not exist for the core.
"""

import msgspec

from calibration.model import Calibration
from station.core.claim import Claim
from station.core.evidence import Sighting
from station.core.feedback import Feedback
from station.core.verdict import Judgement


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Something happened at `t_ns`."""

    t_ns: int


class Ticked(Event, frozen=True, kw_only=True, tag="ticked"):
    """Time passed; deadlines may have been reached."""


class Sampled(Event, frozen=True, kw_only=True, tag="sampled"):
    """A converter gave raw counts; `flags` (drivers.base.SampleFlag) tell what is no weight."""

    scale: int
    counts: tuple[int, ...]
    flags: int = 0


class Indicated(Event, frozen=True, kw_only=True, tag="indicated"):
    """A calibrated instrument reported its state (drivers.base.ScaleState) and, if it has one, its weight."""

    scale: int
    state: str
    weight_g: float | None = None
    reason: str = ""  # why there is no weight


class ScaleLost(Event, frozen=True, kw_only=True, tag="scale_lost"):
    """A scale is absent or unusable; `code` is that of the alarm."""

    scale: int
    message: str
    remedy: str
    code: str = "SCALE_LOST"


class ScaleFound(Event, frozen=True, kw_only=True, tag="scale_found"):
    """A scale is connected; nothing is known of its weight yet."""

    scale: int


class Calibrated(Event, frozen=True, kw_only=True, tag="calibrated"):
    """A scale that gives counts has this calibration from now on; None: it has none."""

    scale: int
    calibration: Calibration | None


class Aged(Event, frozen=True, kw_only=True, tag="aged"):
    """So old is a scale's calibration by now, and so far do span checks doubt its gain (relative, one sigma)."""

    scale: int
    age_days: float
    doubt_rel: float = 0.0


class SpanCheckOrdered(Event, frozen=True, kw_only=True, tag="span_check_ordered"):
    """The check weight will be put on before `until_ns`, or is due whenever somebody has time (None)."""

    number: int
    weight_g: float
    until_ns: int | None = None


class ZeroRestored(Event, frozen=True, kw_only=True, tag="zero_restored"):
    """The zero that was kept when the station last ran, in grams from the calibrated zero."""

    zero_g: float


class Seen(Event, frozen=True, kw_only=True, tag="seen"):
    """One camera's answer to a capture; `visibility` is the chance that it sees an object at all."""

    capture_no: int
    camera: str
    sightings: tuple[Sighting, ...]
    visibility: float
    gallery_size: int
    gallery: frozenset[str] | None = None  # GTIN-14 of what the camera could have named; None: not told
    capture_ms: float
    vision_ms: float
    inference_ms: float = 0.0  # the model's own share of `vision_ms`


class Blind(Event, frozen=True, kw_only=True, tag="blind"):
    """One camera cannot answer a capture."""

    capture_no: int
    camera: str


class Claimed(Event, frozen=True, kw_only=True, tag="claimed"):
    """The backend sent a claim; `last_verdict_no` is that of this transaction so far, `command` where to answer."""

    claim: Claim
    last_verdict_no: int = 0
    command: int | None = None


class Cancelled(Event, frozen=True, kw_only=True, tag="cancelled"):
    """The backend withdrew a transaction."""

    transaction_id: str
    command: int | None = None


class Released(Event, frozen=True, kw_only=True, tag="released"):
    """Paid or settled elsewhere: the named transaction or visit may leave."""

    transaction_id: str | None = None
    visit_id: str | None = None
    command: int | None = None


class ZeroOrdered(Event, frozen=True, kw_only=True, tag="zero_ordered"):
    """Someone wants the present weight to be zero."""

    command: int | None = None


class ScaleZeroed(Event, frozen=True, kw_only=True, tag="scale_zeroed"):
    """An instrument answered order `number` to zero itself; `refusal` says why it did not, empty: it agreed."""

    scale: int
    number: int
    refusal: str = ""


class TokenRead(Event, frozen=True, kw_only=True, tag="token_read"):
    """A code that is no product was read at the station."""

    token: str
    symbology: str


class Scanned(Event, frozen=True, kw_only=True, tag="scanned"):
    """A scanner read a code; `symbology` as far as it told."""

    text: str
    symbology: str = ""


class Corrected(Event, frozen=True, kw_only=True, tag="corrected"):
    """Lines were changed at the station: the claim as it now stands there, and who changed it."""

    claim: Claim
    source: str


class Fed(Event, frozen=True, kw_only=True, tag="fed"):
    """Somebody tells what was really in a basket."""

    told: Feedback
    command: int | None = None


class Judged(Event, frozen=True, kw_only=True, tag="judged"):
    """The checker answered request `judge_no` in `fusion_ms`."""

    judge_no: int
    judgement: Judgement
    fusion_ms: float


AnyEvent = (
    Ticked | Sampled | Indicated | ScaleLost | ScaleFound | Calibrated | Aged | SpanCheckOrdered | ZeroRestored | Seen
    | Blind | Claimed | Cancelled | Released | ZeroOrdered | ScaleZeroed | Scanned | TokenRead | Corrected | Fed
    | Judged
)  # fmt: skip

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: AnyEvent) -> bytes:
    """Return the event as one JSON object."""
    return _encoder.encode(event)


def decode(data: bytes) -> AnyEvent:
    """Return the event that `encode` made into `data`; raise `msgspec.ValidationError` for anything else."""
    return _decoder.decode(data)
