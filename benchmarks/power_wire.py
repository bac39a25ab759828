"""What went over the wire, read from the bytes of one connection: MQTT 5 packets, as far as delivery needs them."""

from collections.abc import Iterator
from typing import NamedTuple

PUBLISH, PUBACK = 3, 4
CONTINUES = 0x80


class Packet(NamedTuple):
    """One packet: `topic` and `payload` are those of a PUBLISH, `mid` that of a PUBLISH at QoS 1 or of a PUBACK."""

    kind: int
    mid: int
    topic: str
    payload: bytes


class Stream:
    """Cuts one direction of a connection into packets."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Take bytes; yield the packets that are complete."""
        self._bytes += data
        while (head := _length(self._bytes, 1)) is not None and len(self._bytes) >= head[1] + head[0]:
            length, begin = head
            first, body = self._bytes[0], bytes(self._bytes[begin : begin + length])
            del self._bytes[: begin + length]
            yield _packet(first, body)


def _length(data: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """Return a variable byte integer, and where what follows begins."""
    value = shift = 0
    while at < len(data):
        value |= (data[at] & ~CONTINUES) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & CONTINUES:
            return value, at
    return None


def _packet(first: int, body: bytes) -> Packet:
    kind = first >> 4
    if kind == PUBACK:
        return Packet(kind, int.from_bytes(body[:2], "big"), "", b"")
    if kind != PUBLISH:
        return Packet(kind, 0, "", b"")
    end = 2 + int.from_bytes(body[:2], "big")
    topic, mid = body[2:end].decode(), 0
    if first >> 1 & 3:
        mid, end = int.from_bytes(body[end : end + 2], "big"), end + 2
    properties = _length(body, end)
    if properties is None:
        raise ValueError("a PUBLISH without properties")
    return Packet(kind, mid, topic, body[properties[1] + properties[0] :])
