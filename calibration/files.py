"""Replacing a small file as a whole: after a power cut the old one or the new one is there, never a part."""

import contextlib
import os
import tempfile
from pathlib import Path


def replace_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write `data` beside `path`, sync it, put it in its place and sync the folder; `OSError` leaves the old file.

    The folder must be there. `mode` holds whatever the umask. What root writes belongs to the folder's owner: a
    technician's tool run as root must not shut the station out of its own state.
    """
    fresh = _written(path, data, mode)
    try:
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)


def create_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Do as `replace_file`, but raise `FileExistsError` rather than touch a file that is there."""
    fresh = _written(path, data, mode)
    try:
        os.link(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Put the folder's own entries on disk; a new name may be lost without it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written(path: Path, data: bytes, mode: int) -> Path:
    """Return a new synced file beside `path`; nobody else can read it before it has its mode."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with contextlib.ExitStack() as undo:
        undo.callback(Path(name).unlink, missing_ok=True)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, mode)
            if os.geteuid() == 0:
                owner = path.parent.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            os.fsync(descriptor)
        undo.pop_all()
    return Path(name)
