"""Write files that must not replace others: either all of them are new, or nothing is written."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from calibration.files import create_file, replace_file

SECRET, PUBLIC = 0o600, 0o644


class FolderError(ValueError):
    """A file cannot be written, or would be replaced; the message is one line."""


class NewFile(NamedTuple):
    """A name in the folder, what is to be in it, and who may read it."""

    name: str
    content: bytes
    mode: int = PUBLIC


def refuse_existing(folder: Path, names: Sequence[str]) -> None:
    """Raise `FolderError` if one of these is there."""
    there = [name for name in names if os.path.lexists(folder / name)]
    if there:
        raise FolderError(f"{folder} already holds {', '.join(there)}: nothing was changed; name another folder")


def write_new(folder: Path, files: Sequence[NewFile]) -> list[Path]:
    """Make the folder if need be and write the files, keys readable by their owner alone; return their paths."""
    refuse_existing(folder, [file.name for file in files])
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in files:
            create_file(folder / file.name, file.content, file.mode)
    except OSError as error:
        raise FolderError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    return [folder / file.name for file in files]


def replace(folder: Path, file: NewFile) -> Path:
    """Put a file in the place of an older one, so that a reader sees either whole."""
    try:
        replace_file(folder / file.name, file.content, file.mode)
    except OSError as error:
        raise FolderError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    return folder / file.name
