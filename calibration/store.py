"""Where calibrations live: one record a scale in force, all previous ones beside it, and a log of what came when.

`STATE_DIR/calibration/scale-N.json` (N counts the `[[scale]]` tables from 1) is in force; it is replaced as a whole.
What it replaces goes to `history/scale-N/VERSION.json` first, byte for byte, damaged files too: nothing is ever
deleted here. `history/scale-N/log.jsonl` has a line for every change. The version of a record is a hash of its own
content and stands in verdicts; a file that was cut off, edited, signed by nobody known or written by something else is
refused with one clear error, never half believed.
"""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from calibration import record as records
from calibration.files import create_file, replace_file, sync_folder
from calibration.record import CalibrationError, Record, Signer, Summary, Verifier, new_record

__all__ = [
    "CalibrationError", "Change", "Kept", "Record", "Signer", "Summary", "Verifier", "changes", "history", "load",
    "new_record", "record_path", "rollback", "save",
]  # fmt: skip

SHORTEST = 6  # digits of a version that may stand for it


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One calibration of a scale, past or present; `problem` says why it cannot be used (then `record` is None)."""

    path: Path
    record: Record | None
    in_force: bool
    problem: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log."""

    time: str
    action: Literal["saved", "rolled back"]
    version: str
    replaced: str | None
    operator: str = ""


def record_path(state_dir: Path, scale: int) -> Path:
    """Return the file in force of scale number `scale` (1, 2, ...)."""
    return state_dir / "calibration" / f"scale-{scale}.json"


def history_dir(state_dir: Path, scale: int) -> Path:
    """Return the folder of the previous records of a scale."""
    return state_dir / "calibration" / "history" / f"scale-{scale}"


def save(state_dir: Path, scale: int, record: Record) -> Path:
    """Store `record` so that a power cut leaves the old one or the new one, and keep the old one; return its file."""
    return _put(state_dir, scale, record, "saved", record.operator)


def load(state_dir: Path, scale: int, verifier: Verifier | None = None) -> Record | None:
    """Return the record in force, None where there is none; `CalibrationError` where it cannot be trusted.

    With a `verifier` the signature is checked, too.
    """
    path = record_path(state_dir, scale)
    try:
        return _read(path, verifier)
    except FileNotFoundError:
        return None


def history(state_dir: Path, scale: int, verifier: Verifier | None = None) -> list[Kept]:
    """Return all calibrations of a scale, the newest first, that in force among them."""
    current = record_path(state_dir, scale)
    found = [_kept(current, verifier, in_force=True)] if current.exists() else []
    known = {kept.record.version for kept in found if kept.record is not None}
    for path in sorted(history_dir(state_dir, scale).glob("*.json")):
        kept = _kept(path, verifier, in_force=False)
        if kept.record is None or kept.record.version not in known:
            found.append(kept)
    return sorted(found, key=lambda kept: kept.record.created if kept.record else "", reverse=True)


def changes(state_dir: Path, scale: int) -> list[Change]:
    """Return the log, the oldest first; a line that a power cut spoilt is passed over."""
    try:
        lines = (history_dir(state_dir, scale) / "log.jsonl").read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=Change))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found


def previous_version(state_dir: Path, scale: int) -> str | None:
    """Return the version that the one in force replaced last, None where it replaced none."""
    current = load(state_dir, scale)
    past = [c.replaced for c in changes(state_dir, scale) if current is not None and c.version == current.version]
    return past[-1] if past else None


def rollback(
    state_dir: Path, scale: int, version: str, verifier: Verifier | None = None, *, operator: str = ""
) -> Record:
    """Put a previous record into force again, unchanged; `version` may be cut short. The present one is kept."""
    wanted = version.removeprefix("sha256:")
    if len(wanted) < SHORTEST:
        raise CalibrationError(f"{version}: give at least {SHORTEST} digits of a version; `calibrate show` lists them")
    fitting = [
        kept for kept in history(state_dir, scale, verifier)
        if kept.record is not None and kept.record.version.removeprefix("sha256:").startswith(wanted)
    ]  # fmt: skip
    if len(fitting) != 1 or fitting[0].record is None:
        problem = "several calibrations have" if fitting else "no usable calibration of this scale has"
        raise CalibrationError(f"{version}: {problem} this version; `calibrate show` lists them")
    if fitting[0].in_force:
        raise CalibrationError(f"{version}: is in force already")
    _put(state_dir, scale, fitting[0].record, "rolled back", operator, fitting[0].path.read_bytes())
    return fitting[0].record


def _put(
    state_dir: Path, scale: int, record: Record, action: Literal["saved", "rolled back"], operator: str,
    data: bytes | None = None,
) -> Path:  # fmt: skip
    path, past = record_path(state_dir, scale), history_dir(state_dir, scale)
    try:
        make_folders(path.parent)
        replaced = _keep(path, past)
        replace_file(path, records.encode(record) if data is None else data)
        if replaced is not None:
            now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            _log(past, Change(time=now, action=action, version=record.version, replaced=replaced, operator=operator))
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be written: {error.strerror}; check the disk and its owner") from error
    return path


def _keep(path: Path, past: Path) -> str | None:
    """Put the file in force among the previous ones, under its version, a damaged one under its hash."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        version = records.decode(data).version
        name = version.removeprefix("sha256:")
    except CalibrationError:
        version = f"damaged sha256:{hashlib.sha256(data).hexdigest()}"
        name = version.replace(" sha256:", "-")
    make_folders(past)
    kept = past / f"{name}.json"
    if not kept.exists():
        create_file(kept, data)
    return version


def _log(past: Path, change: Change) -> None:
    path = past / "log.jsonl"
    fresh = not path.exists()
    whole = fresh or path.read_bytes()[-1:] in {b"", b"\n"}  # a power cut may have left a part of a line
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "ab") as file:
        if fresh and os.geteuid() == 0:
            owner = past.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        file.write((b"" if whole else b"\n") + msgspec.json.encode(change) + b"\n")
        file.flush()
        os.fsync(descriptor)
    sync_folder(past)


def make_folders(folder: Path) -> None:
    """Make a folder with its parents; those that root makes belong to the owner of what they lie in."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    if os.geteuid() == 0:
        owner = folder.parent.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
    sync_folder(folder.parent)


def _kept(path: Path, verifier: Verifier | None, *, in_force: bool) -> Kept:
    try:
        return Kept(path=path, record=_read(path, verifier), in_force=in_force)
    except CalibrationError as error:
        return Kept(path=path, record=None, in_force=in_force, problem=str(error))


def _read(path: Path, verifier: Verifier | None) -> Record:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be read: {error.strerror}; check its owner and the disk") from error
    try:
        record = records.decode(data)
        if verifier is not None:
            records.verify(record, verifier)
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from error
    return record
