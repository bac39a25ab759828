"""A record with all that it refers to, in one zip file that replays anywhere.

record.record            the record
shared/NAME.weights      learned weights
shared/NAME.catalogue    the catalogue
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from station.records import book
from station.records.book import RecordError
from station.records.entries import AnyEntry
from station.records.shelf import SHARED, Shelf

RECORD = "record.record"
MEMBER_MAX_BYTES = 1_000_000_000


def pack(target: Path, data: bytes, shelf: Shelf) -> None:
    """Write a record and what it refers to; raise `RecordError` where that is gone."""
    files = shelf.files_of(book.read(data))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(RECORD, data)
        for path in files:
            archive.write(path, f"{SHARED}/{path.name}")


@contextmanager
def opened(path: Path, shelf: Shelf) -> Iterator[tuple[list[AnyEntry], Shelf]]:
    """Give the entries of a record, or of a packed one, and the shelf that holds what they refer to."""
    if not zipfile.is_zipfile(path):
        yield book.read(path.read_bytes()), shelf
        return
    with TemporaryDirectory(prefix="record-") as folder, zipfile.ZipFile(path) as archive:
        yield book.read(_unpacked(archive, Path(folder))), Shelf(Path(folder), 0, 0)


def _unpacked(archive: zipfile.ZipFile, folder: Path) -> bytes:
    """Put what the record refers to into the folder, under plain names only, and return the record."""
    (folder / SHARED).mkdir()
    record = None
    for member in archive.infolist():
        if member.file_size > MEMBER_MAX_BYTES:
            raise RecordError(f"{member.filename} in the file is larger than {MEMBER_MAX_BYTES} bytes")
        if member.filename == RECORD:
            record = archive.read(member)
        elif member.filename.startswith(f"{SHARED}/") and not member.is_dir():
            (folder / SHARED / Path(member.filename).name).write_bytes(archive.read(member))
    if record is None:
        raise RecordError(f"the file holds no {RECORD}")
    return record
