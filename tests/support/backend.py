"""A backend: hears everything a station says, sends commands, and acknowledges verdicts."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

DEADLINE_S = 20.0


class Heard(msgspec.Struct, frozen=True):
    """One message as it came."""

    topic: str
    payload: bytes
    retain: bool
    late: bool
    expiry_s: int | None
    correlation: bytes | None
    user: tuple[tuple[str, str], ...] = ()
    response_topic: str | None = None

    @property
    def event(self) -> dict[str, Any]:
        decoded: dict[str, Any] = msgspec.json.decode(self.payload)
        return decoded


def properties(**values: Any) -> Properties:
    made = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(made, name, value)
    return made


class Backend:
    """Connects to a broker on loopback and listens below `root`."""

    def __init__(self, port: int, root: str, *, client_id: str = "backend") -> None:
        self.root = root
        self.messages: list[Heard] = []
        self._port = port
        self._ready = threading.Event()
        self._new: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self._client_id = client_id
        self._client = self._make_client()

    def __enter__(self) -> Self:
        self.join()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def join(self) -> None:
        """Connect, resuming the session if the broker still has it, and subscribe."""
        connect = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        connect.SessionExpiryInterval = 3600
        self._client = self._make_client()
        self._ready.clear()
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", self._port, clean_start=False, properties=connect)
        self._client.loop_start()
        assert self._ready.wait(DEADLINE_S)

    def leave(self) -> None:
        """Disconnect; the broker keeps what comes meanwhile."""
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, topic: str, payload: bytes, *, retain: bool = False, **values: Any) -> None:
        """Publish below the station's root and wait for the broker."""
        info = self._client.publish(self.root + topic, payload, 1, retain, properties(**values))
        info.wait_for_publish(DEADLINE_S)

    def post(self, topic: str, payload: bytes, **values: Any) -> None:
        """Publish below the station's root without waiting, so that a callback may do it."""
        self._client.publish(self.root + topic, payload, 1, False, properties(**values))

    def command(
        self, name: str, data: dict[str, Any], *, event_id: str = "c-1", retain: bool = False, **values: Any
    ) -> None:
        """Send a command as a CloudEvent."""
        self.send(f"cmd/{name}", cloud_event(data, event_id), retain=retain, **values)

    def acknowledge(self, epoch: str, seq: int) -> None:
        """Say, retained, that everything up to `seq` is stored; without waiting, so that a callback may do it."""
        payload = cloud_event({"epoch": epoch, "seq": seq}, f"ack-{epoch}-{seq}")
        self._client.publish(self.root + "ack/verdict", payload, 1, True)

    def heard(self, topic: str) -> list[Heard]:
        """Return what came on a topic so far."""
        return [message for message in self.messages if message.topic == self.root + topic]

    def wait(self, done: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
        """Wait until what was heard satisfies `done`."""
        end_s = time.monotonic() + deadline_s
        while not done():
            try:
                self._new.get(timeout=max(0.001, end_s - time.monotonic()))
            except queue.Empty:
                raise AssertionError([message.topic for message in self.messages][-20:]) from None

    def pause(self, seconds: float) -> None:
        """Wait for the next message, at most so long."""
        with contextlib.suppress(queue.Empty):
            self._new.get(timeout=seconds)

    def _make_client(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, self._client_id, protocol=MQTTProtocolVersion.MQTTv5)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self._ready.set()
        client.on_message = self._on_message
        return client

    def _on_connect(self, *_: Any) -> None:
        self._client.subscribe(f"{self.root}#", 1)

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        given = message.properties
        heard = Heard(
            message.topic, bytes(message.payload), message.retain,
            ("late", "true") in getattr(given, "UserProperty", []),
            getattr(given, "MessageExpiryInterval", None), getattr(given, "CorrelationData", None),
            tuple(getattr(given, "UserProperty", ())), getattr(given, "ResponseTopic", None),
        )  # fmt: skip
        self.messages.append(heard)
        self.on_heard(heard)
        self._new.put(heard)

    def on_heard(self, heard: Heard) -> None:
        """For those who answer at once."""


def cloud_event(data: dict[str, Any], event_id: str = "c-1") -> bytes:
    """Return a CloudEvent as a backend writes it."""
    event = {"specversion": "1.0", "id": event_id, "source": "/backend", "type": "backend.command.v1", "data": data}
    return msgspec.json.encode(event)
