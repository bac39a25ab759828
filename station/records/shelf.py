"""Where records are kept: a folder that is bounded in bytes and in days.

`STATE_DIR/records/TIME_VISIT.record` are the records; `shared/` holds what many of them refer to, by name: catalogues
(a second name of the file that was in force: no copy) and learned weights, compressed. Beside each lies an empty file
whose time says when a record last referred to it: what is older than every record goes with the records. Every file is
put in its place as a whole.
"""

import os
import re
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from calibration.files import replace_file
from station.records.book import RecordError
from station.records.entries import AnyEntry, Asked

FOLDER = "records"  # in the state directory
SUFFIX = ".record"
MEGABYTE = 1_000_000
SHARED, USED = "shared", ".used"
MODE = 0o640
_UNSAFE = re.compile(r"[^0-9A-Za-z._-]")


class Kept(NamedTuple):
    """One record on the shelf."""

    path: Path
    time: str  # as its name says, to the second
    record_id: str
    size: int


class Shelf:
    """The folder; `keep_bytes` and `keep_days` bound it. Raises `OSError` where the disk refuses."""

    def __init__(self, folder: Path, keep_bytes: int, keep_days: float) -> None:
        self.folder = folder
        self._keep_bytes, self._keep_days = keep_bytes, keep_days

    def put(self, record_id: str, time: str, data: bytes) -> Path:
        """Store a record, in place of an earlier one of this visit."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        path = self.folder / (_stamp(time) + "_" + _UNSAFE.sub("-", record_id) + SUFFIX)
        replace_file(path, data, MODE)
        return path

    def share(self, name: str, data: bytes) -> None:
        """Store learned weights under their name, once."""
        path = self._shared(name, ".weights")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        if not path.exists():
            replace_file(path, zlib.compress(data, 6), MODE)
        path.with_suffix(USED).touch()

    def share_catalogue(self, version: str, source: Path) -> None:
        """Keep a catalogue under a second name, so that it outlives its replacement."""
        path = self._shared(version, ".catalogue")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        if not path.exists():
            try:
                os.link(source, path)
            except OSError:  # another file system, or one without links
                replace_file(path, source.read_bytes(), MODE)
        path.with_suffix(USED).touch()

    def weights(self, name: str) -> bytes:
        """Return learned weights; raise `RecordError` when they are gone or damaged."""
        try:
            return zlib.decompress(self._shared(name, ".weights").read_bytes())
        except (FileNotFoundError, zlib.error) as error:
            raise RecordError(f"the learned weights {name} are not on the shelf {self.folder}") from error

    def catalogue(self, version: str) -> Path:
        """Return the catalogue of that version; raise `RecordError` when it is gone."""
        path = self._shared(version, ".catalogue")
        if not path.exists():
            raise RecordError(f"the catalogue {version} is not on the shelf {self.folder}")
        return path

    def files_of(self, entries: Sequence[AnyEntry]) -> list[Path]:
        """Return the files that a record refers to; raise `RecordError` when one is gone."""
        asked = [entry for entry in entries if isinstance(entry, Asked)]
        catalogues = {self.catalogue(entry.catalogue) for entry in asked if entry.catalogue is not None}
        learned = {name for entry in asked if (name := entry.learned) is not None}
        for name in learned:
            self.weights(name)
        return sorted(catalogues | {self._shared(name, ".weights") for name in learned})

    def kept(self) -> list[Kept]:
        """Return all records, the oldest first."""
        found = []
        for path in sorted(self.folder.glob("*" + SUFFIX)):
            stamp, _, record_id = path.name.removesuffix(SUFFIX).partition("_")
            try:
                found.append(Kept(path, _time(stamp), record_id, path.stat().st_size))
            except (ValueError, FileNotFoundError):  # a stranger's file; or one that was pruned meanwhile
                continue
        return found

    def prune(self, now: datetime, *, keep_bytes: int | None = None, keep_days: float | None = None) -> list[Kept]:
        """Remove what is too old, then the oldest until the rest fits; return what went."""
        limit = self._keep_bytes if keep_bytes is None else keep_bytes
        earliest = now - timedelta(days=self._keep_days if keep_days is None else keep_days)
        records = self.kept()
        total = sum(record.size for record in records) + sum(size for _, size in self._shared_files())
        gone = []
        for record in records:
            if datetime.fromisoformat(record.time) >= earliest and total <= limit:
                break
            record.path.unlink(missing_ok=True)
            total -= record.size
            gone.append(record)
        if gone:
            self._sweep()
        return gone

    def _sweep(self) -> None:
        """Remove what was last referred to before the oldest record."""
        records = self.kept()
        oldest = datetime.fromisoformat(records[0].time).timestamp() if records else float("inf")
        for path, _ in self._shared_files():
            mark = path.with_suffix(USED)
            if not mark.exists() or mark.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
                mark.unlink(missing_ok=True)

    def _shared_files(self) -> list[tuple[Path, int]]:
        folder = self.folder / SHARED
        if not folder.is_dir():
            return []
        return [(path, path.stat().st_size) for path in folder.iterdir() if path.suffix in {".weights", ".catalogue"}]

    def _shared(self, name: str, suffix: str) -> Path:
        return self.folder / SHARED / (_UNSAFE.sub("-", name.removeprefix("sha256:")) + suffix)


def _stamp(time: str) -> str:
    return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _time(stamp: str) -> str:
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).isoformat()
