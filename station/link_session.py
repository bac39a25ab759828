"""One connection to the broker, from TCP to its end: one paho client, used once.

The thread that calls `run` does all reading and writing; other threads only queue packets (`publish`, `acknowledge`)
and wake it. Callbacks do nothing but pass values on. Whoever has a loop of its own for many connections uses `open`,
`step`, `finished`, `explain` and `close` in place of `run`.
"""

import secrets
import select
import socket
import ssl
import struct
import time
from typing import Any

from paho.mqtt import MQTTException
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from station import link_tls, link_words
from station.link_values import Arrived, Emit, LinkOptions, LinkUp, Publication, Published
from station.link_words import Trouble
from station.wire import CONTENT_TYPE

RECEIVE_MAXIMUM = 20  # commands on their way to us, not yet acknowledged
MAXIMUM_PACKET_BYTES = 1024 * 1024  # larger ones are not delivered to us at all; what is too large below is answered
MAX_RECEIVE_MAXIMUM = 65_535
MAX_PACKET = 268_435_455
TICK_S = 0.25
FAILURES = (
    OSError,
    MQTTException,
    ValueError,
    LookupError,
    AssertionError,
    struct.error,
)  # paho's, reading no MQTT, too
LOST_REMEDY = "check the network and the broker's log; if it repeats, another client may use this station's id"


class Session:
    """One connection. `subscriptions` are needed: without all of them there is no connection."""

    def __init__(self, number: int, options: LinkOptions, subscriptions: list[str], emit: Emit) -> None:
        self.number = number
        self.proven = False  # the broker has acknowledged a message
        self.up_since_s: float | None = None
        self._options = options
        self._subscriptions = subscriptions
        self._emit = emit
        self._trouble: Trouble | None = None
        self._ending: str | None = None
        self._opened_s = 0.0
        self._goodbye = False
        self._tls: link_tls.Context | None = None
        self._connack: tuple[bool, Properties] | None = None
        self._client = self._make_client()
        self._wake: tuple[socket.socket, socket.socket] | None = None  # the thread listens to the first

    # -- for other threads

    def publish(self, publication: Publication) -> MQTTMessageInfo:
        """Queue a message; its `rc` says whether the connection still stood."""
        properties = _properties(PacketTypes.PUBLISH)
        properties.PayloadFormatIndicator = 1
        properties.ContentType = CONTENT_TYPE
        if publication.expiry_s is not None:
            properties.MessageExpiryInterval = publication.expiry_s
        if publication.response_topic is not None:
            properties.ResponseTopic = publication.response_topic
        if publication.correlation is not None:
            properties.CorrelationData = publication.correlation
        if publication.late:
            properties.UserProperty = ("late", "true")
        for pair in publication.user:
            properties.UserProperty = pair
        payload, qos, retain = publication.payload, publication.qos, publication.retain
        return self._client.publish(publication.topic, payload, qos, retain, properties)

    def acknowledge(self, mid: int) -> None:
        """Queue the acknowledgement of a message that arrived."""
        self._client.ack(mid, 1)

    def subscribe(self, topics: list[str]) -> None:
        """Subscribe; again, to have what is retained sent again."""
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        self._client.subscribe([(topic, options) for topic in topics])

    def end(self, reason: str, *, goodbye: bool) -> None:
        """Ask for the end of the connection; without `goodbye` the broker publishes the will if we stay away."""
        self._goodbye = goodbye
        self._ending = reason
        self.wake()

    def wake(self) -> None:
        """Make the thread look again."""
        try:
            if self._wake is not None:
                self._wake[1].send(b"w")
        except OSError:  # full: it will look anyhow; closed: nobody is left to look
            return

    # -- the thread

    def run(self, will: Publication | None) -> Trouble:
        """Connect and serve until the connection ends; return why."""
        self._wake = socket.socketpair()
        self._wake[1].settimeout(0)
        try:
            self.open(will)
            while (sock := self.sock) is not None and not self.finished():
                self._serve_once(sock, self._wake[0])
        except FAILURES as error:
            return self.explain(error)
        finally:
            self.close()
        return self.why()

    # -- for loops; of `FAILURES` any may be raised

    @property
    def sock(self) -> Any:
        """The connection's socket, None where there is none (any more)."""
        return self._client.socket()

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._client.want_write())

    def open(self, will: Publication | None) -> None:
        """Connect; waits for TCP and TLS."""
        self._prepare(will)
        self._opened_s = time.monotonic()
        self._client.connect(
            self._options.host, self._options.port, self._options.keepalive_s, clean_start=False,
            properties=self._connect_properties(),
        )  # fmt: skip

    def step(self, *, readable: bool) -> None:
        """Read if there is something, write what waits, keep alive."""
        sock = self.sock
        if readable:
            self._client.loop_read()
            while isinstance(sock, ssl.SSLSocket) and self.sock is sock and sock.pending() > 0:
                self._client.loop_read()
        if self._client.want_write():
            self._client.loop_write()
        self._client.loop_misc()

    def finished(self) -> bool:
        """Say whether the connection is over, or has to be; a goodbye is then said."""
        if self.sock is None:
            return True
        if self._ending is not None:
            if self._goodbye:
                self._client.disconnect()
                self._client.loop_write()
            return True
        if self.up_since_s is None and time.monotonic() > self._opened_s + self._options.connect_s:
            self._trouble = Trouble("no answer to MQTT's CONNECT or SUBSCRIBE", "check that the port is MQTT's")
            return True
        return False

    def explain(self, error: Exception) -> Trouble:
        """Say why it came to one of `FAILURES`."""
        if isinstance(error, OSError):
            return self._trouble or link_tls.explain(self._options, error)
        return Trouble(f"not MQTT 5: {error}", "check `mqtt.port`, and that the broker speaks MQTT 5")

    def why(self) -> Trouble:
        """Say why the connection is over."""
        return self._trouble or self._lost()

    def close(self) -> None:
        """Let go of the sockets."""
        if (sock := self._client.socket()) is not None:
            sock.close()
        for each in self._wake or ():
            each.close()

    # -- inside

    def _make_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, self._options.client_id, protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False, manual_ack=True,
        )  # fmt: skip
        client.max_inflight_messages = 0  # the pump counts; paho is to send at once
        client.connect_timeout = self._options.connect_s
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_socket_register_write = self._on_register_write
        return client

    def _prepare(self, will: Publication | None) -> None:
        if self._options.username is not None:
            self._client.username_pw_set(self._options.username, self._options.password())
        if (tls := self._options.tls) is None:
            link_tls.require_loopback(self._options.host, self._options.port)
        else:
            self._tls = link_tls.context(tls)
            self._client.tls_set_context(self._tls)
        if will is None:
            return
        properties = _properties(PacketTypes.WILLMESSAGE)
        properties.WillDelayInterval = 30
        properties.PayloadFormatIndicator = 1
        properties.ContentType = CONTENT_TYPE
        self._client.will_set(will.topic, will.payload, will.qos, will.retain, properties)

    def _connect_properties(self) -> Properties:
        properties = _properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = self._options.session_expiry_s
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        properties.MaximumPacketSize = MAXIMUM_PACKET_BYTES
        return properties

    def _serve_once(self, sock: Any, wake: socket.socket) -> None:
        buffered = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        writing = [sock] if self.wants_write else []
        readable, _, _ = select.select([sock, wake], writing, [], 0 if buffered else TICK_S)
        if wake in readable:
            wake.recv(4096)
        self.step(readable=buffered or sock in readable)

    def _lost(self) -> Trouble:
        if self._ending is not None:
            return Trouble(self._ending, "it is connected anew")
        if self._connack is None and self._options.tls is not None:
            return link_tls.refused(self._options.tls, None if self._tls is None else self._tls.alert)
        if self._connack is None:
            return Trouble("the broker closed the connection before its CONNACK", "look into the broker's log")
        return Trouble("the connection is lost", LOST_REMEDY)

    # -- paho's callbacks, where it is read and written

    def _on_register_write(self, _client: Client, _userdata: Any, _sock: Any) -> None:
        self.wake()

    def _on_connect(
        self, _client: Client, _userdata: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._trouble = link_words.refused(reason.value, str(reason))
            return
        self._connack = (flags.session_present, properties or _properties(PacketTypes.CONNACK))
        self.subscribe(self._subscriptions)

    def _on_subscribe(
        self, _client: Client, _userdata: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        topics = self._subscriptions[-len(reasons) :]  # what is subscribed again stands last
        denied = [topic for topic, reason in zip(topics, reasons, strict=False) if reason.is_failure]
        if denied:
            self._trouble = link_words.subscription_refused(denied)
            self._ending = self._trouble.reason
        elif self.up_since_s is None and self._connack is not None:
            self.up_since_s = time.monotonic()
            session_present, properties = self._connack
            self._emit(
                LinkUp(
                    connection=self.number,
                    receive_maximum=getattr(properties, "ReceiveMaximum", MAX_RECEIVE_MAXIMUM),
                    maximum_packet_bytes=getattr(properties, "MaximumPacketSize", MAX_PACKET),
                    session_present=session_present,
                )
            )

    def _on_disconnect(
        self, _client: Client, _userdata: Any, flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._trouble = link_words.refused(reason.value, str(reason))

    def _on_publish(
        self, _client: Client, _userdata: Any, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self.proven = True
        self._emit(Published(connection=self.number, mid=mid, reason_code=reason.value))

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        properties = message.properties
        self._emit(
            Arrived(
                connection=self.number,
                mid=message.mid,
                t_ns=time.monotonic_ns(),
                topic=message.topic,
                payload=bytes(message.payload),
                qos=message.qos,
                retain=message.retain,
                response_topic=getattr(properties, "ResponseTopic", None),
                correlation=getattr(properties, "CorrelationData", None),
                expiry_s=getattr(properties, "MessageExpiryInterval", None),
                user=tuple(getattr(properties, "UserProperty", ())),
            )
        )


def _properties(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]


def system_uniform(low: float, high: float) -> float:
    """Draw evenly between two numbers; different on every station, also on those started at the same moment."""
    return secrets.SystemRandom().uniform(low, high)
