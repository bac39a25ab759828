"""The tables and keys of the configuration file, each with its bound and its default beside it."""

import hashlib
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from calibration.platform import Platform
from station.core.due import Care
from station.core.learning_settings import LearningSettings
from station.core.setup import Deadlines, Places
from station.core.store_policy import Policy
from station.core.weighing import WeighingSettings

DEFAULT_STATE_DIR = "/var/lib/validation-station"


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file."""


_NAME = Meta(
    pattern=r"^[a-z0-9][a-z0-9-]{0,31}\Z",
    extra={"must": "1 to 32 of a-z, 0-9 and -, not beginning with -"},
)
_FILE = {"file": True}  # must exist; relative paths start where the configuration lies
_PLACES = (
    "where each load cell is, [x, y] in the order of the channels: x to the right, y to the back, seen from the front;"
    " if absent, four cells are taken as front left, front right, back right, back left"
)
_Millimetres = Annotated[float, Meta(ge=-10_000, le=10_000)]
Place = tuple[_Millimetres, _Millimetres]
Seconds = Annotated[float, Meta(ge=0.1, le=86_400)]


class Station(Table, frozen=True):
    """Who this station is, and where it keeps what must survive a restart."""

    store: Annotated[str, _NAME, Meta(description="the store, as the backend names it")]
    id: Annotated[str, _NAME, Meta(description="unique over the fleet; the MQTT client id and certificate's CN")]
    state_dir: Annotated[
        str, Meta(pattern="^/", extra={"must": "an absolute path"}, description="outbox, catalogue, calibration, zero")
    ] = DEFAULT_STATE_DIR
    signing_key: (
        Annotated[
            str,
            Meta(
                extra=_FILE,
                description="private key that signs verdicts, Ed25519 in PEM; if absent systemd's credential"
                " `signing-key`, else one of the station's own in `state_dir`",
            ),
        ]
        | None
    ) = None


class Tls(Table, frozen=True):
    """Certificates for the way to the broker."""

    ca: Annotated[str, Meta(extra=_FILE, description="authority that signed the broker's certificate")]
    cert: Annotated[str, Meta(extra=_FILE, description="this station's certificate")] | None = None
    key: Annotated[str, Meta(extra=_FILE, description="its private key")] | None = None

    def __post_init__(self) -> None:
        """Refuse half a key pair."""
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key belong together; give both or neither")


class Mqtt(Table, frozen=True):
    """The broker."""

    host: Annotated[str, Meta(min_length=1, description="name or address; without `tls` only the loopback")]
    port: Annotated[int, Meta(ge=1, le=65_535, description="if absent: 8883 with `tls`, 1883 without")] = 0
    tls: Tls | None = None
    username: Annotated[str, Meta(min_length=1)] | None = None
    password: Annotated[str, Meta(description="better kept in `password_file`")] | None = None
    password_file: Annotated[str, Meta(extra=_FILE, description="its first line is the password")] | None = None
    keepalive_s: Annotated[int, Meta(ge=5, le=1200)] = 30
    connect_timeout_s: Annotated[float, Meta(ge=1, le=120)] = 10.0
    backoff_min_s: Annotated[float, Meta(ge=0.1, le=60, description="first pause before connecting again")] = 1.0
    backoff_max_s: Annotated[float, Meta(ge=1, le=3600, description="longest pause")] = 60.0

    def __post_init__(self) -> None:
        """Choose the port that belongs to the transport; refuse what would send a secret in the clear."""
        if self.port == 0:
            msgspec.structs.force_setattr(self, "port", 8883 if self.tls else 1883)
        if self.tls is None and not _is_loopback(self.host):
            raise ValueError(f"host {self.host} needs tls: plain TCP is allowed to the loopback only")
        if self.password is not None and self.password_file is not None:
            raise ValueError("password and password_file exclude each other")
        if self.backoff_max_s < self.backoff_min_s:
            raise ValueError(f"backoff_max_s = {self.backoff_max_s}: must be >= backoff_min_s = {self.backoff_min_s}")

    def secret(self) -> str | None:
        """Return the password, read from its file where one is configured."""
        if self.password_file is None:
            return self.password
        return Path(self.password_file).read_text(encoding="utf-8", errors="replace").partition("\n")[0].rstrip("\r")


class Trust(Table, frozen=True):
    """Whom the station obeys in what changes it, and what may leave it. Only somebody at the station changes this."""

    key: (
        Annotated[
            str,
            Meta(
                extra=_FILE,
                description="public key, Ed25519 in PEM, one or several: the commands `catalogue` and `config` must be"
                " signed by it; without it they are refused",
            ),
        ]
        | None
    ) = None
    pictures: Annotated[
        bool,
        Meta(description="whether `cmd/snapshot` may send a picture of the empty platform while nobody is served"),
    ] = False


class Records(Table, frozen=True):
    """Recorded visits, for `station replay`: what was weighed, claimed, seen and believed; no pictures, no people."""

    enabled: Annotated[bool, Meta(description="whether visits are recorded")] = True
    keep_mb: Annotated[float, Meta(ge=1, le=100_000, description="the oldest go beyond this")] = 200.0
    keep_days: Annotated[float, Meta(gt=0, le=3650, description="and what is older than this")] = 14.0


class Vision(Table, frozen=True):
    """How the cameras' model is run."""

    runtime: Annotated[
        Literal["auto", "ai-edge-litert", "tflite-runtime"],
        Meta(description="auto: ai-edge-litert where it is installed, else tflite-runtime"),
    ] = "auto"
    threads: Annotated[int, Meta(ge=1, le=16)] = 2
    xnnpack: Annotated[bool, Meta(description="the runtime's fast kernels; false: its plain ones")] = True
    delegate: Annotated[
        str, Meta(description="library of an accelerator, such as `libedgetpu.so.1`; the model must be made for it")
    ] = ""


class Control(Table, frozen=True):
    """How tools on this machine reach the running station: a Unix socket, open to root and to the station's user."""

    socket: (
        Annotated[
            str,
            Meta(
                pattern="^/",
                extra={"must": "an absolute path"},
                description="where the socket is, such as `/run/validation-station/control.sock`;"
                " if absent, `control.sock` in `state_dir`",
            ),
        ]
        | None
    ) = None
    group: (
        Annotated[str, Meta(min_length=1, description="members of this group may use it, too; if absent nobody else")]
        | None
    ) = None


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[scale]]`: which driver, what the type plate says, and the driver's own options."""

    driver: str
    name: str
    capacity_g: float
    division_g: float
    options: msgspec.Struct
    positions_mm: Places | None = None


class Camera(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[camera]]`: which driver, and the driver's own options."""

    driver: str
    name: str
    options: msgspec.Struct


class CameraKeys(Table, frozen=True):
    """Keys that every camera has."""

    name: Annotated[str, _NAME, Meta(description="appears in sightings; if absent `camera-1`, `camera-2`, …")]


class ScaleKeys(Table, frozen=True):
    """Keys that every scale has, unless its driver brings its own defaults."""

    name: Annotated[str, _NAME, Meta(description="appears in alarms; if absent `scale-1`, `scale-2`, …")]
    capacity_g: Annotated[float, Meta(ge=1, le=3_000_000, description="Max of the type plate")]
    division_g: Annotated[float, Meta(gt=0, le=5_000, description="d of the type plate")]
    positions_mm: Annotated[tuple[Place, ...], Meta(max_length=8, description=_PLACES)] | None = None

    def __post_init__(self) -> None:
        """Refuse places on which no platform can stand."""
        if self.positions_mm is None:
            return
        try:
            Platform(self.positions_mm)
        except ValueError as error:
            raise ValueError(f"positions_mm: {error}") from error


class Transaction(Deadlines, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a visit waits for what."""

    no_claim_s: Annotated[Seconds, Meta(description="a load without a claim for so long is judged `abstain`")] = 10.0
    settle_s: Annotated[Seconds, Meta(description="so is a load that does not settle")] = 15.0
    claim_expiry_s: Annotated[Seconds, Meta(description="a claim without a load expires")] = 600.0
    evidence_s: Annotated[Seconds, Meta(description="cameras have so long to answer a settled load")] = 1.5


class DriverOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The drivers there are, each with the struct of its keys."""

    scales: Mapping[str, type[msgspec.Struct]]
    cameras: Mapping[str, type[msgspec.Struct]]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration in force, with all defaults filled in; `text` and `source` say where it came from."""

    station: Station
    mqtt: Mqtt
    scales: tuple[Scale, ...]
    cameras: tuple[Camera, ...]
    transaction: Transaction
    weighing: WeighingSettings
    policy: Policy
    learning: LearningSettings
    trust: Trust = Trust()
    calibration: Care = Care()
    control: Control = Control()
    records: Records = Records()
    vision: Vision = Vision()
    source: str
    text: str

    @property
    def hash(self) -> str:
        """The file's content as `sha256:…`, the same that `sha256sum` says."""
        return "sha256:" + hashlib.sha256(self.text.encode()).hexdigest()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
