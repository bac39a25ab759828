"""Where cameras' calibrations live: `STATE_DIR/calibration/camera-NAME.json` with a picture of the empty platform.

The picture goes to disk first, under a name of its content; the record that names it is replaced as a whole. A power
cut leaves the old pair or the new one. What is replaced goes to `history/camera-NAME/`; nothing is deleted.
"""

import hashlib
import io
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image, UnidentifiedImageError

from calibration import camera_record
from calibration.camera_light import Pixels
from calibration.camera_record import AGAIN, CameraRecord
from calibration.files import create_file, replace_file
from calibration.record import CalibrationError, Signer, Verifier
from calibration.store import make_folders

DIGITS = 12


def record_path(state_dir: Path, camera: str) -> Path:
    """Return the file in force of a camera."""
    return state_dir / "calibration" / f"camera-{camera}.json"


def history_dir(state_dir: Path, camera: str) -> Path:
    """Return the folder of its previous ones."""
    return state_dir / "calibration" / "history" / f"camera-{camera}"


def save(state_dir: Path, record: CameraRecord, empty: Pixels, signer: Signer) -> CameraRecord:
    """Store the record with the picture of the empty platform, sealed; return it as it is in force."""
    picture = _png(empty)
    digest = hashlib.sha256(picture).hexdigest()
    named = msgspec.structs.replace(
        record, reference=f"camera-{record.camera}-{digest[:DIGITS]}.png", reference_sha256=f"sha256:{digest}"
    )
    whole = camera_record.sealed(named, signer)
    path = record_path(state_dir, record.camera)
    try:
        make_folders(path.parent)
        replace_file(path.with_name(whole.reference), picture)
        past = _past(path)
        if past is not None:
            _keep(history_dir(state_dir, record.camera), path, past)
        replace_file(path, camera_record.encode(whole))
        if past is not None and past.reference != whole.reference:
            _shelve(path.with_name(past.reference), history_dir(state_dir, record.camera))
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be written: {error.strerror}; check the disk and its owner") from error
    return whole


def load(state_dir: Path, camera: str, verifier: Verifier | None = None) -> CameraRecord | None:
    """Return the record in force, None where there is none; `CalibrationError` where it cannot be trusted."""
    path = record_path(state_dir, camera)
    try:
        record = camera_record.decode(path.read_bytes(), verifier)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be read: {error.strerror}; check its owner and the disk") from error
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from error
    if record.camera != camera:
        raise CalibrationError(f"{path}: is the record of camera {record.camera}; {AGAIN}")
    return record


def load_all(state_dir: Path) -> list[CameraRecord]:
    """Return the records of all cameras, by name; `CalibrationError` where one cannot be trusted."""
    paths = sorted((state_dir / "calibration").glob("camera-*.json"))
    found = [load(state_dir, path.stem.removeprefix("camera-")) for path in paths]
    return [record for record in found if record is not None]


def reference(state_dir: Path, record: CameraRecord) -> Pixels:
    """Return the empty platform as the record's camera saw it; `CalibrationError` where it is not that picture."""
    path = record_path(state_dir, record.camera).with_name(Path(record.reference).name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be read: {error.strerror}; {AGAIN}") from error
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != record.reference_sha256:
        raise CalibrationError(f"{path}: was changed or damaged (its hash does not fit); {AGAIN}")
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return np.asarray(picture.convert("RGB"))
    except (UnidentifiedImageError, OSError) as error:
        raise CalibrationError(f"{path}: is no picture; {AGAIN}") from error


def _past(path: Path) -> CameraRecord | None:
    """Return the record that is to be replaced; a damaged one is kept, too, as it is."""
    try:
        return camera_record.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except CalibrationError:
        _keep_damaged(path)
        return None


def _keep(folder: Path, path: Path, past: CameraRecord) -> None:
    make_folders(folder)
    kept = folder / f"{past.version.removeprefix('sha256:')}.json"
    if not kept.exists():
        create_file(kept, path.read_bytes())


def _keep_damaged(path: Path) -> None:
    data = path.read_bytes()
    folder = path.parent / "history" / path.stem
    make_folders(folder)
    kept = folder / f"damaged-{hashlib.sha256(data).hexdigest()}.json"
    if not kept.exists():
        create_file(kept, data)


def _shelve(picture: Path, folder: Path) -> None:
    """Move a picture that no record in force names any more to those of the previous records."""
    if picture.name and picture.is_file():
        picture.replace(folder / picture.name)


def _png(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
