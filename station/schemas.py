"""The published interface, made of the types that the code itself uses: JSON Schema (2020-12) of every message.

A message is an envelope (`wire.Envelope` going out, `wire.Incoming` coming in) whose `data` has a type. `MESSAGES` is
the list of all of them with their topics; the AsyncAPI document and the files below docs/schemas are made of it. Like
all receivers here, the schemas let unknown fields pass.
"""

from typing import Any, Literal

import msgspec

from station import messages
from station.commanding import NAMES
from station.core.alarms import Notice
from station.core.claim import Claim
from station.core.effects import Announce, Token
from station.core.feedback import Feedback
from station.wire import Envelope, Incoming

DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXTENSIONS = "epoch", "seq", "commandid"  # of the envelope: each belongs to some messages only

Schema = dict[str, Any]
Group = Literal["evt", "st", "tel", "res", "cmd", "ack"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of message: where it travels, and what its data may be. `name` is the last level of the topic."""

    group: Group
    name: str
    summary: str
    kinds: tuple[type[msgspec.Struct], ...]
    qos: Literal[0, 1] = 1
    retain: bool = False
    expiry_s: int | None = None

    @property
    def key(self) -> str:
        """Its name in documents: the same for both directions of a command would not do."""
        return {"cmd": f"{self.name}-command", "ack": f"{self.name}-acknowledgement"}.get(self.group, self.name)

    @property
    def incoming(self) -> bool:
        """Whether the station receives it."""
        return self.group in {"cmd", "ack"}


def _command(name: str, summary: str, *kinds: type[msgspec.Struct]) -> Message:
    return Message(group="cmd", name=name, summary=summary, kinds=kinds)


_COMMANDS = (
    _command("catalogue", "One part of a catalogue, or of a change to it; signed", messages.CataloguePart),
    _command("claim", "A basket as claimed, or the withdrawal of a claim", Claim, messages.Cancellation),
    _command("config", "A configuration; signed", messages.NewConfig),
    _command("diagnose", "Ask for all that is wrong", messages.Diagnose),
    _command("feedback", "What was really in a basket", Feedback),
    _command("release", "Paid or settled elsewhere: closes the visit", messages.Release),
    _command("resend", "Publish stored verdicts again", messages.Resend),
    _command("snapshot", "Take a picture of the empty platform", messages.TakeSnapshot),
    _command("stream", "Publish the live weight for a while, as tel/weight", messages.Stream),
    _command("zero", "Set the zero of the empty platform", messages.Zero),
)

MESSAGES: tuple[Message, ...] = (
    Message(group="evt", name="verdict", summary="A verdict", kinds=(messages.Verdict,)),
    Message(
        group="evt", name="transaction", summary="How a visit goes on; the weight is null where none is known",
        kinds=(Announce,), expiry_s=86_400,
    ),
    Message(group="evt", name="alarm", summary="A condition of a part begins or ends", kinds=(Notice,)),
    Message(
        group="evt", name="token", summary="A code read at the station that is no product; answer with cmd/claim",
        kinds=(Token,), expiry_s=60,
    ),
    Message(group="st", name="conn", summary="Whether the station is there", kinds=(messages.Conn,), retain=True),
    Message(group="st", name="info", summary="What runs here, on what", kinds=(messages.Info,), retain=True),
    Message(
        group="st", name="health", summary="The state of every part", kinds=(messages.Health,), retain=True,
        expiry_s=180,
    ),
    Message(
        group="st", name="config", summary="The configuration in force", kinds=(messages.Configured,), retain=True
    ),
    Message(
        group="tel", name="metrics", summary="Counters and timings", kinds=(messages.Metrics,), qos=0, expiry_s=60
    ),
    Message(
        group="tel", name="weight", summary="The weight at this moment, while cmd/stream asks for it",
        kinds=(messages.LiveWeight,), qos=0, expiry_s=10,
    ),
    Message(
        group="res", name="result", summary="The answer to a command", kinds=(messages.Result,), expiry_s=3600
    ),
    *(command for command in _COMMANDS if command.name in NAMES),
    Message(
        group="ack", name="verdict", summary="The backend has stored all verdicts up to here",
        kinds=(messages.Acknowledgement,), retain=True,
    ),
)  # fmt: skip


def find(key: str) -> Message | None:
    """Return the message of this key."""
    return next((message for message in MESSAGES if message.key == key), None)


def message_of(group: str, name: str) -> Message | None:
    """Return the message that travels on a topic, None for a topic that nothing is said of."""
    if group == "res":
        return find("result")
    return next((message for message in MESSAGES if (message.group, message.name) == (group, name)), None)


def schema(message: Message) -> Schema:
    """Return a message's JSON Schema, complete in itself."""
    made, parts = payload(message, "#/$defs/{name}")
    return {"$schema": DIALECT, **made, "$defs": parts}


def payload(message: Message, template: str) -> tuple[Schema, dict[str, Schema]]:
    """Return the schema of a message's envelope and the named ones that it refers to by `template`."""
    envelope: type[msgspec.Struct] = Incoming if message.incoming else Envelope
    (_, *data), parts = msgspec.json.schema_components([envelope, *message.kinds], ref_template=template)
    made = parts.pop(envelope.__name__)
    properties, required = dict(made["properties"]), set(made["required"])
    properties["data"] = data[0] if len(data) == 1 else {"anyOf": list(data)}
    if message.kinds not in {(messages.Zero,), (messages.Diagnose,)}:
        required.add("data")
    if not message.incoming:
        required |= {"specversion", "datacontenttype"}
        properties["type"] = {"const": f"station.{message.name}.v1"}
        own = {"evt/verdict": {"epoch", "seq"}, "res/result": {"commandid"}}.get(
            f"{message.group}/{message.name}", set()
        )
        properties = {name: part for name, part in properties.items() if name not in EXTENSIONS or name in own}
        required |= own - {"commandid"}  # a command that could not be read has no id
    ordered = [name for name in properties if name in required]
    title = message.summary
    return {"title": title, "type": "object", "properties": properties, "required": ordered}, dict(
        sorted(parts.items())
    )
