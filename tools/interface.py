"""Write docs/asyncapi.yaml and docs/schemas/*.json: the published interface, made of the types in the source."""

import json
from pathlib import Path
from typing import Any

import yaml

from station import __version__, link_session, schemas, signing, wire
from station.command_trust import SIGNED
from station.commands import REMEMBER_NS
from station.schemas import MESSAGES, Message

DOCS = Path(__file__).resolve().parents[1] / "docs"
SECOND_NS = 10**9
ROOT = "vs/1/{store}/{station}/"
BINDING = "0.2.0"
HEADERS = {
    "late": "`true` on a message that is published late, from the backlog; its payload is the same",
    signing.SIGNATURE: "Ed25519 over the payload's bytes, hexadecimal",
    signing.KEY_ID: "the key that signed: the first 16 hexadecimal digits of the SHA-256 of the public key's 32 bytes",
    signing.PREVIOUS_HASH: "the hash of the verdict before this one in its epoch, hexadecimal; zeros before the first",
    signing.HASH: "this verdict's hash in the chain of its epoch, hexadecimal",
}
DESCRIPTION = f"""\
What a checkout validation station says and hears. MQTT 5 only; payloads in both directions are CloudEvents 1.0 in
structured JSON. Fields may be added and enumerations may grow: pass over what you do not know.

A verdict is published until `ack/verdict` covers it; duplicates carry the same bytes. A command with the same name and
the same bytes within {REMEMBER_NS // SECOND_NS} s is the same command and gets the same answer. A retained command is
refused; payloads above {wire.MAX_COMMAND_BYTES} bytes too.
"""

Document = dict[str, Any]


def documents() -> dict[Path, str]:
    """Return every file of the published interface with its text."""
    files = {DOCS / "schemas" / f"{message.key}.json": _json(schemas.schema(message)) for message in MESSAGES}
    text = yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=120)
    return {**files, DOCS / "asyncapi.yaml": f"# Made from the source by `make docs`; a test keeps both alike.\n{text}"}


def asyncapi() -> Document:
    """Return the AsyncAPI document."""
    parts: Document = {}
    for message in MESSAGES:
        made, named = schemas.payload(message, "#/components/schemas/{name}")
        parts |= {**named, _title(message): made}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Checkout validation station",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": wire.CONTENT_TYPE,
        "servers": {"broker": _server()},
        "channels": {_channel_key(message): _channel(message) for message in MESSAGES},
        "operations": {_operation_key(message): _operation(message) for message in MESSAGES},
        "components": {
            "messages": {message.key: _message(message) for message in MESSAGES},
            "schemas": dict(sorted(parts.items())),
            "parameters": {
                "store": {"description": "The store's id: [a-z0-9][a-z0-9-]{0,31}"},
                "station": {"description": "The station's id, unique over the fleet; also its client id"},
                "command": {"description": "The command's name, or a last level that the asker chose"},
            },
            "correlationIds": {
                "correlationData": {"location": "$message.header#/correlationData", "description": "comes back"}
            },
        },
    }  # fmt: skip


def _server() -> Document:
    return {
        "host": "broker.store.example:8883",
        "protocol": "secure-mqtt",
        "protocolVersion": "5",
        "description": "Mutual TLS. Plain TCP on the loopback only.",
        "security": [{"type": "X509", "description": "the certificate's common name is the client id"}],
        "bindings": {
            "mqtt": {
                "clientId": "vs-03",
                "cleanSession": False,
                "keepAlive": 30,
                "sessionExpiryInterval": 300,
                "maximumPacketSize": link_session.MAXIMUM_PACKET_BYTES,
                "lastWill": {
                    "topic": "vs/1/0815/vs-03/st/conn",
                    "qos": 1,
                    "retain": True,
                    "message": "st/conn with the state `lost`, 30 s after the connection went",
                },
                "bindingVersion": BINDING,
            }
        },
    }


def _channel(message: Message) -> Document:
    names = ["store", "station"] + ["command"] * (message.group == "res")
    return {
        "address": ROOT + f"{message.group}/{_level(message)}",
        "messages": {message.key: {"$ref": f"#/components/messages/{message.key}"}},
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in names},
    }


def _operation(message: Message) -> Document:
    """Return what the station does with a message; `receive` is what a backend sends."""
    channel = {"$ref": f"#/channels/{_channel_key(message)}"}
    binding: Document = {"qos": message.qos, "retain": message.retain}
    if message.expiry_s is not None:
        binding["messageExpiryInterval"] = message.expiry_s
    operation: Document = {
        "action": "receive" if message.incoming else "send",
        "channel": channel,
        "summary": message.summary,
        "messages": [{"$ref": f"#/channels/{_channel_key(message)}/messages/{message.key}"}],
        "bindings": {"mqtt": {**binding, "bindingVersion": BINDING}},
    }
    if message.group == "cmd":
        operation["reply"] = {
            "address": {
                "location": "$message.header#/responseTopic",
                "description": f"below the station's own res/; without one the answer goes to res/{message.name}",
            },
            "channel": {"$ref": "#/channels/res-result"},
            "messages": [{"$ref": "#/channels/res-result/messages/result"}],
        }
    return operation


def _message(message: Message) -> Document:
    binding: Document = {"payloadFormatIndicator": 1, "contentType": wire.CONTENT_TYPE}
    made: Document = {
        "name": message.key,
        "title": message.summary,
        "contentType": wire.CONTENT_TYPE,
        "payload": {"$ref": f"#/components/schemas/{_title(message)}"},
    }
    if headers := _headers(message):
        made["headers"] = {"type": "object", "description": "MQTT 5 properties", "properties": headers}
    if message.group in {"cmd", "res"}:
        made["correlationId"] = {"$ref": "#/components/correlationIds/correlationData"}
        binding["correlationData"] = {"type": "string", "description": "binary; optional"}
    if message.group == "cmd":
        binding["responseTopic"] = {"type": "string", "pattern": "^vs/1/[^/+#]+/[^/+#]+/res/[^+#]+$"}
    return {**made, "bindings": {"mqtt": {**binding, "bindingVersion": BINDING}}}


def _headers(message: Message) -> Document:
    """Return the properties beside the payload: those of MQTT that a command uses, and user properties."""
    text = {"type": "string"}
    if message.group == "cmd":
        signed = (signing.SIGNATURE, signing.KEY_ID) if message.name in SIGNED else ()
        return {
            "responseTopic": text,
            "correlationData": text,
            **{n: {**text, "description": HEADERS[n]} for n in signed},
        }
    if message.group == "res":
        return {"correlationData": text}
    if message.group != "evt":
        return {}
    names = HEADERS if message.name == "verdict" else ("late",)
    return {name: {**text, "description": HEADERS[name]} for name in names}


def _level(message: Message) -> str:
    return "{command}" if message.group == "res" else message.name


def _channel_key(message: Message) -> str:
    return f"{message.group}-{message.name}"


def _operation_key(message: Message) -> str:
    return f"{'receive' if message.incoming else 'send'}-{_channel_key(message)}"


def _title(message: Message) -> str:
    return "".join(word.capitalize() for word in message.key.split("-")) + "Event"


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the files, and remove those of messages that are gone."""
    made = documents()
    (DOCS / "schemas").mkdir(exist_ok=True)
    for stale in set((DOCS / "schemas").glob("*.json")) - set(made):
        stale.unlink()
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
