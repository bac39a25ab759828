"""A lab: an authority, the shipped mosquitto configuration with its certificates, stations, backends, intruders."""

import os
import queue
import signal
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from station.config_keys import Mqtt, Station, Tls
from station.link_values import LinkOptions
from station.link_values import Tls as LinkTls
from station.provision import acts
from station.provision.acts import Terms
from station.provision.authority import Authority
from station.provision.issuing import KeyType
from tests.support.backend import Backend
from tests.support.consumer import link_options
from tests.support.mosquitto import Mosquitto

STORE, STATION, OTHER = "0815", "vs-03", "vs-04"
ROOT, OTHER_ROOT = f"vs/1/{STORE}/{STATION}/", f"vs/1/{STORE}/{OTHER}/"
HOSTS = ["localhost", "127.0.0.1"]
WAIT_S = 10.0
HOUR_S = 3600.0


def terms(start_s: float = -HOUR_S, days: float = 2.0, kind: KeyType = "p256") -> Terms:
    """Return terms that begin so many seconds from now."""
    return Terms(acts.validity(datetime.now(UTC) + timedelta(seconds=start_s), days), kind)


def who(identity: str = STATION, store: str = STORE) -> Station:
    return Station(store=store, id=identity)


class Lab:
    """An authority with a folder for each that it provisions."""

    def __init__(self, folder: Path, kind: KeyType = "p256") -> None:
        self.folder = folder
        self.kind = kind
        self.authority = Authority.create(folder / "ca", "Lab", terms(-2 * HOUR_S, 30).period, kind)

    def station(self, identity: str = STATION, given: Terms | None = None, driver: str = "toledo-8217") -> Path:
        """Provision a station and return its folder."""
        folder = self.folder / identity
        mqtt = Mqtt(host="localhost", port=8883, tls=Tls(ca="", cert="", key=""))
        acts.station(self.authority, folder, who(identity), mqtt, driver, given or terms(kind=self.kind))
        return folder

    def backend(self, name: str = "backend.1") -> Path:
        folder = self.folder / name
        acts.backend(self.authority, folder, name, terms(kind=self.kind))
        return folder

    def broker(self, given: Terms | None = None, hosts: list[str] | None = None) -> "Shipped":
        return Shipped(self.folder / "broker", self, given or terms(kind=self.kind), hosts or HOSTS)


class Shipped(Mosquitto):
    """mosquitto with the shipped files as `station provision broker` writes them."""

    def __init__(self, folder: Path, lab: Lab, given: Terms, hosts: list[str]) -> None:
        super().__init__(lab.folder)
        self.folder = folder
        acts.broker(lab.authority, folder, hosts, self.port, given)
        self._config = folder / "mosquitto.conf"
        with self._config.open("a", encoding="utf-8") as file:
            file.write("user root\n")  # the folder of a test is nobody else's; takes effect only for root

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def again(self, lab: Lab, given: Terms) -> None:
        """Give it a new certificate of its own."""
        made = lab.folder / "broker-again"
        acts.broker(lab.authority, made, HOSTS, self.port, given)
        for name in ("broker.key", "broker.pem", "crl.pem"):
            (made / name).replace(self.folder / name)

    def reload(self) -> None:
        """Have it read its files again, as `systemctl reload` does."""
        os.kill(self.pid, signal.SIGHUP)


def options(folder: Path, port: int, identity: str = STATION, **more: Any) -> LinkOptions:
    """Return the link options of a provisioned station."""
    tls = LinkTls(ca=folder / "ca.pem", cert=folder / f"{identity}.pem", key=folder / f"{identity}.key")
    return link_options(port, tls=tls, **({"host": "localhost", "client_id": identity} | more))


def context(folder: Path, identity: str) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=folder / "ca.pem")
    made.load_cert_chain(folder / f"{identity}.pem", folder / f"{identity}.key")
    return made


class TlsBackend(Backend):
    """A backend with a certificate of its own, subscribed as the base class says."""

    def __init__(self, port: int, root: str, folder: Path, name: str = "backend.1") -> None:
        self._context = context(folder, name)
        super().__init__(port, root, client_id=name)

    def _make_client(self) -> Client:
        client = super()._make_client()
        client.tls_set_context(self._context)
        return client


class Peer:
    """Any client with somebody's certificate: says what it likes, and hears what it is let hear."""

    def __init__(self, port: int, folder: Path, identity: str, client_id: str | None = None) -> None:
        self.heard: list[str] = []
        self._port = port
        self._events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id or identity, protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )  # fmt: skip
        self._client.tls_set_context(context(folder, identity))
        self._client.on_connect = lambda _c, _u, _f, reason, _p: self._events.put(("connect", reason))
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = lambda _c, _u, _m, reasons, _p: self._events.put(("subscribe", reasons))
        self._client.on_publish = lambda _c, _u, _m, reason, _p: self._events.put(("publish", reason))
        self._client.on_message = self._on_message
        self._arrived = threading.Condition()
        self.lost = threading.Event()

    def __enter__(self) -> Self:
        self._client.connect("localhost", self._port)
        self._client.loop_start()
        reason: ReasonCode = self._next("connect")
        assert not reason.is_failure, str(reason)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client = self._client
        client.disconnect()
        client.loop_stop()
        client.on_connect = client.on_disconnect = client.on_subscribe = client.on_publish = client.on_message = None
        del self._client  # no cycle is left: it lets go of its sockets now, not when the collector finds it

    def publish(self, topic: str, *, retain: bool = False, expiry_s: int = 60) -> int:
        """Publish and return the broker's reason code."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = expiry_s
        self._client.publish(topic, b"x", 1, retain, properties)
        reason: ReasonCode = self._next("publish")
        return reason.value

    def subscribe(self, *topics: str) -> None:
        self._client.subscribe([(topic, 1) for topic in topics])
        self._next("subscribe")

    def wait_heard(self, topic: str) -> None:
        """Wait until a message on this topic came."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: topic in self.heard, WAIT_S), self.heard

    def _next(self, kind: str) -> Any:
        found, value = self._events.get(timeout=WAIT_S)
        assert found == kind, (found, str(value))
        return value

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        with self._arrived:
            self.heard.append(message.topic)
            self._arrived.notify_all()

    def _on_disconnect(self, *_: Any) -> None:
        self.lost.set()
