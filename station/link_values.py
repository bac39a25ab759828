"""What the MQTT link is told, and what it tells: plain values, so that its owner can be tested without a network."""

import ipaddress
from collections.abc import Callable
from pathlib import Path

import msgspec


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """Mutual TLS: whom to believe, and who we are. The files are read anew at each connect."""

    ca: Path
    cert: Path | None = None
    key: Path | None = None


class LinkOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker is and how patient to be. Without `tls` only loopback is possible."""

    host: str
    port: int
    client_id: str
    tls: Tls | None = None
    username: str | None = None
    password: Callable[[], str | None] = lambda: None  # asked anew at each connect: its file may have been corrected
    keepalive_s: int = 30
    session_expiry_s: int = 300
    connect_s: float = 10.0  # for TCP, TLS, CONNACK and SUBACK, each
    backoff_min_s: float = 0.5
    backoff_max_s: float = 60.0
    floor_ns: int = 0  # a time that has passed for certain: a clock that says less is wrong

    def __post_init__(self) -> None:
        if self.tls is None and not is_loopback(self.host):
            raise ValueError(f"broker {self.host}: plain TCP is for loopback only; set `tls`")


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """One message to publish."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    expiry_s: int | None = None
    response_topic: str | None = None
    correlation: bytes | None = None
    late: bool = False
    user: tuple[tuple[str, str], ...] = ()  # further user properties


class LinkUp(msgspec.Struct, frozen=True, kw_only=True):
    """A connection stands and the subscriptions are granted. `connection` numbers it."""

    connection: int
    receive_maximum: int
    maximum_packet_bytes: int
    session_present: bool


class LinkDown(msgspec.Struct, frozen=True, kw_only=True):
    """No connection: an attempt failed, or the one that stood is lost."""

    connection: int
    reason: str
    remedy: str


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """The broker's answer to the publication with packet identifier `mid`."""

    connection: int
    mid: int
    reason_code: int


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A message from the broker; to be acknowledged with its `mid` unless its QoS is 0."""

    connection: int
    mid: int
    t_ns: int
    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    response_topic: str | None = None
    correlation: bytes | None = None
    expiry_s: int | None = None
    user: tuple[tuple[str, str], ...] = ()  # user properties


LinkEvent = LinkUp | LinkDown | Published | Arrived
Emit = Callable[[LinkEvent], None]


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, without asking a name server."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
