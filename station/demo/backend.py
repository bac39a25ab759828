"""The demo's backend: claims baskets, hears the station, and acknowledges verdicts once it has them."""

import queue
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from station.demo.errors import DemoError

QOS = 1
POLL_S = 0.2
CONNECT_S = 10.0

Event = dict[str, Any]


class Backend:
    """Listens below one station's topic root. Used by one thread; `require` raises when something has died."""

    def __init__(self, port: int, root: str, require: Callable[[], None]) -> None:
        self.counts: Counter[str] = Counter()  # of the events heard, by the end of their topic
        self.acknowledged = 0
        self._root = root
        self._require = require
        self._commands = 0
        self._last: dict[str, Event] = {}
        self._verdicts: dict[tuple[str, int], Event] = {}
        self._phases: list[Event] = []
        self._inbox: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._client = Client(CallbackAPIVersion.VERSION2, "demo-backend", protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        try:
            self._client.connect("127.0.0.1", port)
        except OSError as error:
            raise DemoError(f"the broker on port {port} does not take the backend's connection: {error}") from error
        self._client.loop_start()

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    # what it says

    def claim(self, transaction_id: str, lines: list[Event], **more: Any) -> None:
        """Claim a basket."""
        data = {"transaction_id": transaction_id, "revision": 1, "currency": "EUR", "lines": lines}
        self._command("claim", {**data, **more})

    def release(self, transaction_id: str) -> None:
        """Say that a member of staff has settled it."""
        self._command("release", {"transaction_id": transaction_id})

    def acknowledge(self, epoch: str, seq: int) -> None:
        """Say, retained, that every verdict up to `seq` is stored."""
        self._publish("ack/verdict", {"epoch": epoch, "seq": seq}, f"ack-{epoch}-{seq}", retain=True)
        self.acknowledged = seq

    def _command(self, name: str, data: Event) -> None:
        self._commands += 1
        self._publish(f"cmd/{name}", data, f"{name}-{self._commands}", retain=False)

    def _publish(self, topic: str, data: Event, event_id: str, *, retain: bool) -> None:
        event = {"specversion": "1.0", "id": event_id, "source": "/demo/backend", "type": "backend.message.v1",
                 "data": data}  # fmt: skip
        self._client.publish(self._root + topic, msgspec.json.encode(event), QOS, retain)

    # what it hears

    def last(self, topic: str) -> Event:
        """Return the data of the last message on a topic, {} if none came."""
        return self._last.get(topic, {})

    def verdicts(self, transaction_id: str) -> list[Event]:
        """Return the verdicts of a transaction so far, as whole events, in order."""
        found = [event for event in self._verdicts.values() if event["data"]["transaction_id"] == transaction_id]
        return sorted(found, key=lambda event: int(event["seq"]))

    def closed(self, visit_id: str) -> bool:
        """Return whether a visit has ended."""
        return any(phase["visit_id"] == visit_id and phase["phase"] == "closed" for phase in self._phases)

    def wait(self, done: Callable[[], bool], what: str, patience_s: float) -> None:
        """Listen until `done`; raise `DemoError` naming `what` when it does not come, or when something has died."""
        deadline_s = time.monotonic() + patience_s
        self._require()
        while not done():
            if time.monotonic() > deadline_s:
                raise DemoError(f"waited {patience_s:.0f} s in vain for {what}")
            self.listen(POLL_S)

    def listen(self, seconds: float) -> None:
        """Take what comes within so many seconds, and return after the first of it."""
        try:
            topic, payload = self._inbox.get(timeout=seconds)
        except queue.Empty:
            self._require()
            return
        self._take(topic, msgspec.json.decode(payload))

    def _take(self, topic: str, event: Event) -> None:
        group, _, name = topic.partition("/")
        self._last[topic] = event["data"]
        if group == "evt":
            self.counts[name] += 1
        if topic == "evt/verdict":
            self._store(event)
        elif topic == "evt/transaction":
            self._phases.append(event["data"])

    def _store(self, event: Event) -> None:
        """Keep a verdict, and acknowledge all up to the first that is lacking."""
        epoch = event["epoch"]
        self._verdicts[epoch, event["seq"]] = event
        upto = self.acknowledged
        while (epoch, upto + 1) in self._verdicts:
            upto += 1
        if upto > self.acknowledged:
            self.acknowledge(epoch, upto)

    def _on_connect(self, *_: Any) -> None:
        self._client.subscribe(f"{self._root}#", QOS)

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        self._inbox.put((message.topic.removeprefix(self._root), bytes(message.payload)))
