"""A tiny MQTT 5 broker for one client, which does what a test tells it: withholds, reorders or refuses PUBACKs.

Reads real packets from a real socket. It routes nothing.
"""

import queue
import socket
import struct
import threading
from types import TracebackType
from typing import NamedTuple, Self

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14
DEADLINE_S = 20.0


class Packet(NamedTuple):
    """One packet as it came: its type, the four flag bits, and the rest."""

    kind: int
    flags: int
    body: bytes


class Got(NamedTuple):
    """A PUBLISH that waits for its acknowledgement."""

    topic: str
    mid: int
    payload: bytes
    late: bool


class ScriptedBroker:
    """Listens on loopback. CONNECT and SUBSCRIBE are answered at once, PUBLISH only by `acknowledge`."""

    def __init__(self, *, receive_maximum: int = 65_535, connack: bytes = b"\x00\x00") -> None:
        self.connects: list[bytes] = []
        self.subscribes: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._publishes: queue.SimpleQueue[Got] = queue.SimpleQueue()
        properties = b"\x21" + struct.pack("!H", receive_maximum)
        self._connack = connack + bytes([len(properties)]) + properties
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self.drop()
        self._thread.join(DEADLINE_S)
        self._server.close()

    def drop(self) -> None:
        """Cut the connection."""
        if self._client is not None:
            try:
                self._client.shutdown(socket.SHUT_RDWR)
            except OSError:  # it is gone already
                return

    def waiting(self) -> list[Got]:
        """Return the publishes that came since the last call."""
        got = []
        while not self._publishes.empty():
            got.append(self._publishes.get())
        return got

    def acknowledge(self, got: Got, reason_code: int = 0) -> None:
        """Send the PUBACK of one publish."""
        self.send(PUBACK << 4, struct.pack("!HBB", got.mid, reason_code, 0))

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a message at QoS 1."""
        self.send(PUBLISH << 4 | 2, _text(topic) + b"\x00\x07\x00" + payload)

    def send(self, first: int, body: bytes) -> None:
        """Send any packet."""
        assert self._client is not None
        self._client.sendall(bytes([first]) + _length(len(body)) + body)

    def _run(self) -> None:
        while True:
            try:
                self._client, _address = self._server.accept()
            except OSError:  # the test is over
                return
            with self._client, self._client.makefile("rb") as stream:
                try:
                    while (packet := _read(stream.read)) is not None:
                        self._take(packet)
                except ConnectionError:  # the client went first
                    continue

    def _take(self, packet: Packet) -> None:
        if packet.kind == CONNECT:
            self.connects.append(packet.body)
            self.send(CONNACK << 4, self._connack)
        elif packet.kind == SUBSCRIBE:
            topics = packet.body.count(b"vs/1/")
            self.send(SUBACK << 4, packet.body[:2] + b"\x00" + b"\x01" * topics)
            self.subscribes.put(packet.body)
        elif packet.kind == PUBLISH and packet.flags & 6:
            self._publishes.put(_publish(packet.body))
        elif packet.kind == PINGREQ:
            self.send(PINGRESP << 4, b"")


def _publish(body: bytes) -> Got:
    end = 2 + struct.unpack_from("!H", body)[0]
    (mid,) = struct.unpack_from("!H", body, end)
    length = body[end + 2]  # the tests' properties are shorter than 128 bytes
    properties, payload = body[end + 3 : end + 3 + length], body[end + 3 + length :]
    return Got(body[2:end].decode(), mid, payload, b"\x00\x04late\x00\x04true" in properties)


def _read(read: object) -> Packet | None:
    assert callable(read)
    if not (first := read(1)):
        return None
    length = shift = 0
    while True:
        (byte,) = read(1)
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return Packet(first[0] >> 4, first[0] & 15, read(length))


def _length(value: int) -> bytes:
    encoded = b""
    while True:
        value, byte = value >> 7, value & 127
        encoded += bytes([byte | (128 if value else 0)])
        if not value:
            return encoded


def _text(text: str) -> bytes:
    return struct.pack("!H", len(text.encode())) + text.encode()
