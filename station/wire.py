"""What travels over MQTT: topics, and CloudEvents 1.0 in structured JSON (contract, section 3).

Pure: bytes and values in, bytes and values out. Time comes in as a `Stamp`, identity as an `id`, so that the same
event always makes the same bytes. `decode` refuses what is not an event with a `WireError`, whose code is part of
the published interface.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

MAX_COMMAND_BYTES = 256 * 1024  # 500 claim lines need about 60 KiB; catalogues come in chunks
MAX_TOPIC = 256
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
MS_NS = 1_000_000
UUID7 = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
RFC3339 = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$"

ClockState = Literal["synced", "unsynced", "stepped"]
WireCode = Literal["too_large", "bad_encoding", "not_json", "not_cloudevent", "bad_data"]


class WireError(ValueError):
    """Incoming bytes are no usable event. `code` is for programs, the message for people."""

    def __init__(self, code: WireCode, message: str) -> None:
        super().__init__(message)
        self.code: WireCode = code
        self.message = message


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """When something was said: wall clock since 1970, monotonic clock since boot, and how far to trust the former."""

    wall_ns: int
    monotonic_ns: int
    boot_id: str
    clock: ClockState

    def age_ns(self, then: "Stamp") -> int:
        """Return how long ago `then` was, never negative; monotonic within one boot, by the wall clock across boots."""
        if self.boot_id == then.boot_id:
            return max(0, self.monotonic_ns - then.monotonic_ns)
        return max(0, self.wall_ns - then.wall_ns)


class Station(msgspec.Struct, frozen=True):
    """Who speaks: the store, and the station's id, which is unique over the whole fleet."""

    store: str
    id: str

    @property
    def root(self) -> str:
        """The topic prefix that is this station's alone; ends in a slash."""
        return f"vs/1/{self.store}/{self.id}/"

    @property
    def source(self) -> str:
        """The CloudEvents source."""
        return f"/vs/{self.store}/{self.id}"

    def topic(self, group: str, name: str) -> str:
        """Return the topic of `name` in a group (`evt`, `st`, `tel`, `cmd`, `res`, `ack`)."""
        return f"{self.root}{group}/{name}"

    def match(self, topic: str) -> tuple[str, str] | None:
        """Return (group, name) of a topic of this station, None for anything else."""
        if not topic.startswith(self.root):
            return None
        group, slash, name = topic[len(self.root) :].partition("/")
        return (group, name) if slash and group and name and "/" not in name else None

    def may_answer_on(self, topic: str) -> bool:
        """Say whether a response topic is one the station may publish on: below its own `res/`, without wildcards."""
        prefix = self.topic("res", "")
        clean = topic.isprintable() and not {"+", "#"} & set(topic)  # brokers end connections over control characters
        return len(prefix) < len(topic) <= MAX_TOPIC and topic.startswith(prefix) and clean


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """An outgoing event. The order of the fields is the order of the bytes."""

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Meta(pattern=UUID7)]
    source: Annotated[str, Meta(pattern="^/vs/[^/]+/[^/]+$")]
    type: str
    subject: str | UnsetType = UNSET
    time: Annotated[str, Meta(pattern=RFC3339, description="UTC, to the millisecond")]
    datacontenttype: Literal["application/json"] = "application/json"
    bootid: Annotated[str, Meta(description="which run of the machine `monons` belongs to")]
    monons: Annotated[str, Meta(pattern="^[0-9]+$", description="nanoseconds since boot")]
    clock: Annotated[ClockState, Meta(description="how far `time` can be trusted")]
    epoch: Annotated[str, Meta(description="the outbox that numbers the verdicts")] | UnsetType = UNSET
    seq: Annotated[int, Meta(ge=1, description="1, 2, 3 without gaps within an epoch")] | UnsetType = UNSET
    commandid: str | UnsetType = UNSET
    data: dict[str, Any]


Name = Annotated[str, Meta(min_length=1, max_length=256)]


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """An event from outside. Attributes this station does not know are passed over."""

    specversion: Literal["1.0"]
    id: Name
    source: Name
    type: Name
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    data: Any = None


class Numbering(msgspec.Struct, frozen=True):
    """A verdict's place: the outbox database's epoch, and 1, 2, 3 ... within it."""

    epoch: str
    seq: int


def uuid7(unix_ms: int, entropy: bytes) -> str:
    """Return a UUID version 7 of a time and ten random bytes (RFC 9562, section 5.7)."""
    random = int.from_bytes(entropy[:10], "big")
    value = (unix_ms & (1 << 48) - 1) << 80
    value |= 7 << 76 | (random >> 68 & 0xFFF) << 64  # version, rand_a
    value |= 2 << 62 | random & (1 << 62) - 1  # variant, rand_b
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def rfc3339(wall_ns: int) -> str:
    """Return a wall-clock time as RFC 3339 in UTC with milliseconds; never rounded up into the future."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=wall_ns // MS_NS)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode(
    station: Station,
    stamp: Stamp,
    event_id: str,
    name: str,
    data: dict[str, Any],
    *,
    numbering: Numbering | None = None,
    command_id: str | None = None,
) -> bytes:
    """Return the bytes of one event of type `station.<name>.v1`; `numbering` belongs to verdicts only."""
    envelope = Envelope(
        id=event_id,
        source=station.source,
        type=f"station.{name}.v1",
        subject=subject(data) or UNSET,
        time=rfc3339(stamp.wall_ns),
        bootid=stamp.boot_id,
        monons=str(stamp.monotonic_ns),
        clock=stamp.clock,
        epoch=numbering.epoch if numbering else UNSET,
        seq=numbering.seq if numbering else UNSET,
        commandid=command_id or UNSET,
        data=data,
    )
    return msgspec.json.encode(envelope)


def subject(data: dict[str, Any]) -> str | None:
    """Return what an event is about: its transaction, else its visit."""
    for key in ("transaction_id", "visit_id"):
        if isinstance(value := data.get(key), str) and value:
            return value
    return None


def decode(payload: bytes) -> Incoming:
    """Return the event in `payload`; raise `WireError` when it is none."""
    if len(payload) > MAX_COMMAND_BYTES:
        raise WireError("too_large", f"{len(payload)} bytes; at most {MAX_COMMAND_BYTES} are accepted")
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        raise WireError("bad_encoding", f"byte {error.start} is not UTF-8") from error
    try:
        document = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise WireError("not_json", f"not JSON: {reason}") from error
    try:
        event = msgspec.convert(document, Incoming)
    except msgspec.ValidationError as error:
        raise WireError("not_cloudevent", f"not a CloudEvent 1.0: {error}") from error
    return event


def object_data(event: Incoming) -> dict[str, Any]:
    """Return an event's data as a JSON object, empty when it has none; raise `WireError` for any other value."""
    if event.data is None:
        return {}
    if not isinstance(event.data, dict):
        raise WireError("bad_data", f"`data` must be a JSON object, not {type(event.data).__name__}")
    return event.data
