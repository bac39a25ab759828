"""Where calibrations live: one JSON file a scale under the station's state directory, replaced as a whole.

`STATE_DIR/calibration/scale-N.json`, N counting the `[[scale]]` tables from 1. The record carries a hash of its own
content, which is also the calibration's version in verdicts; a file that was cut off, edited or written by something
else is refused with one clear error, never half believed.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from calibration.files import replace_file
from calibration.model import Calibration

SCHEMA: Literal[1] = 1


class CalibrationError(ValueError):
    """A calibration cannot be used or stored; the message says why and what to do."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored calibration: what it is, when and how it came about; `version` is `sha256:` of the rest."""

    schema: Literal[1]
    created: str
    source: Literal["factory", "procedure"]
    calibration: Calibration
    version: str


def new_record(calibration: Calibration, source: Literal["factory", "procedure"], created: datetime) -> Record:
    """Return the record to store; `created` is an aware time."""
    stamp = created.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    as_read = msgspec.json.decode(msgspec.json.encode(calibration), type=Calibration)  # 5 and 5.0 are one content
    bare = Record(schema=SCHEMA, created=stamp, source=source, calibration=as_read, version="")
    return msgspec.structs.replace(bare, version=_hash(bare))


def record_path(state_dir: Path, scale: int) -> Path:
    """Return the file of scale number `scale` (1, 2, ...)."""
    return state_dir / "calibration" / f"scale-{scale}.json"


def save(state_dir: Path, scale: int, record: Record) -> Path:
    """Store `record` so that a power cut leaves the old one or the new one; return its file."""
    path = record_path(state_dir, scale)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be written: {error.strerror}; check the disk and its owner") from error
    return path


def load(state_dir: Path, scale: int) -> Record | None:
    """Return the stored record, None where there is none; `CalibrationError` where it cannot be trusted."""
    path = record_path(state_dir, scale)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be read: {error.strerror}; check its owner and the disk") from error
    try:
        record = msgspec.json.decode(data, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path}: is no calibration record ({error}); calibrate again") from error
    if record.version != _hash(record):
        raise CalibrationError(f"{path}: was changed or damaged (its hash does not fit); calibrate again")
    return record


def _hash(record: Record) -> str:
    """Return the version that belongs to the record's content."""
    content = msgspec.json.encode(msgspec.structs.replace(record, version=""), order="deterministic")
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
