"""The record of a camera's calibration: where the platform is in its picture, how it saw then, what it was locked to.

One JSON object with a version (`sha256:` over the canonical form of the rest) and the station's Ed25519 signature over
`vs-camera-1 VERSION`, as a scale's record has (`record`). The picture of the empty platform lies beside it, named and
hashed by it, so that both belong together or are refused.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from calibration.camera_light import Light, Spot, Tiles
from calibration.camera_plane import Matrix, Point
from calibration.record import CalibrationError, Signer, Verifier

SCHEMA: Literal[1] = 1
SEALS = ("version", "key_id", "signature")
AGAIN = "run `calibrate camera` again"

Box = tuple[int, int, int, int]
Finding = Literal["pass", "warn", "fail", "skipped"]


class SeenTag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag where it was seen: its centre in the picture, and its shortest side."""

    id: int
    x_px: float
    y_px: float
    side_px: float


class CrossCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One weight as camera and load cells saw it, millimetres from the middle; `apart_mm` between the two."""

    camera_mm: Point
    scale_mm: Point
    apart_mm: float
    load_g: float


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What one examination came to."""

    name: str
    outcome: Finding
    text: str
    remedy: str = ""


class CameraRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A stored calibration. `size_px` is width and height; `outline_px` the platform's corners, with a margin."""

    schema: Literal[1] = SCHEMA
    created: str
    camera: str
    driver: str
    size_px: tuple[int, int]
    platform_mm: Point
    method: Literal["tags", "charuco", "none"]
    homography: Matrix | None = None  # pixels to millimetres
    residual_px: float | None = None
    outline_px: tuple[Point, ...] = ()
    tags: tuple[SeenTag, ...] = ()
    patches: tuple[Box, ...] = ()  # of the reference: what must be found where it is
    light: Light
    tiles: Tiles
    spots: tuple[Spot, ...] = ()
    locked: dict[str, float] | None = None  # None: the driver cannot lock
    cross_check: CrossCheck | None = None
    checks: tuple[Check, ...] = ()
    reference: str = ""  # the picture's file name
    reference_sha256: str = ""
    operator: str = ""
    software: str = ""
    version: str = ""
    key_id: str | None = None
    signature: str | None = None


def stamp(now: datetime) -> str:
    """Return a time as records have it."""
    return now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def sealed(record: CameraRecord, signer: Signer) -> CameraRecord:
    """Return the record with its version and the station's signature."""
    bare = msgspec.json.decode(msgspec.json.encode(record), type=CameraRecord)  # 5 and 5.0 are one content
    version = _version(msgspec.to_builtins(bare))
    signature = signer.sign(_statement(version)).hex()
    return msgspec.structs.replace(bare, version=version, key_id=signer.key_id, signature=signature)


def encode(record: CameraRecord) -> bytes:
    """Return the file's content."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def decode(data: bytes, verifier: Verifier | None = None) -> CameraRecord:
    """Return the record in a file's content; `CalibrationError` (without the file's name) if it cannot be trusted."""
    try:
        raw = msgspec.json.decode(data)
        record = msgspec.convert(raw, CameraRecord)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CalibrationError(f"is no record of a camera ({error}); {AGAIN}") from error
    if record.version != _version(raw):
        raise CalibrationError(f"was changed or damaged (its hash does not fit); {AGAIN}")
    if verifier is not None:
        _verify(record, verifier)
    return record


def _verify(record: CameraRecord, verifier: Verifier) -> None:
    if record.signature is None or record.key_id is None:
        raise CalibrationError(f"is not signed; {AGAIN}")
    if not verifier.knows(record.key_id):
        raise CalibrationError(f"was signed with key {record.key_id}, which is none of this station's; {AGAIN}")
    try:
        signature = bytes.fromhex(record.signature)
    except ValueError as error:
        raise CalibrationError(f"has a signature that is none; {AGAIN}") from error
    if not verifier.holds(record.key_id, signature, _statement(record.version)):
        raise CalibrationError(f"has a signature that does not fit its content; {AGAIN}")


def _version(raw: dict[str, Any]) -> str:
    content = {key: value for key, value in raw.items() if key not in SEALS}
    return f"sha256:{hashlib.sha256(msgspec.json.encode(content, order='sorted')).hexdigest()}"


def _statement(version: str) -> bytes:
    return f"vs-camera-{SCHEMA} {version}".encode()
