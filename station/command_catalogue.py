"""A catalogue that comes over the wire: parts gathered on disk, checked as a whole, put in force in one step.

A transfer is named by its serial number, which only rises. Its parts may come in any order and any number of times,
over restarts; every answer names those that are missing. When all are there, the catalogue that results must have the
version that was announced (`catalogue.version_of`), else the transfer is thrown away and nothing has changed. A newer
transfer takes the place of one that is not complete. Used by one thread.
"""

import shutil
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec

from calibration.files import replace_file
from station import catalogue
from station.catalogue_rows import CatalogueError
from station.command_refusals import CommandRefusedError
from station.core import gtin
from station.core.product import Product
from station.messages import CataloguePart, Transfer

FOLDER = "catalogue.incoming"
APPLIED = "catalogue.applied.json"
TOTAL_MAX_BYTES = 32 * 1024 * 1024  # of all parts as stored; 67 000 real products are about 13 MiB
PRODUCTS_MAX = 200_000
TOLD_MISSING = 100

T = TypeVar("T")


class _Header(msgspec.Struct, frozen=True):
    """What all parts of a transfer have in common."""

    serial: int
    mode: str
    version: str
    base: str | None
    parts: int


class _Applied(msgspec.Struct, frozen=True):
    """The last transfer that was completed."""

    serial: int
    version: str


class _Part(msgspec.Struct, frozen=True):
    """A part's own content, as stored."""

    rows: tuple[Product, ...]
    delete: tuple[str, ...]


class Gathering:
    """The transfers of one station; `target` is the catalogue's file."""

    def __init__(self, state_dir: Path, store: str) -> None:
        self._folder = state_dir / FOLDER
        self._applied_path = state_dir / APPLIED
        self._target = catalogue.path_in(state_dir)
        self._store = store

    def take(self, given: CataloguePart) -> Transfer:
        """Take one part, and put the catalogue in force if it was the last one missing.

        Raises `CommandRefusedError`. What this returns for is on disk.
        """
        header = _Header(given.serial, given.mode, given.version, given.base, given.parts)
        content = self._checked(given)
        try:
            return self._taken(header, given.part, content)
        except OSError as error:
            message = f"the part cannot be stored: {error.strerror}; make room or check the disk"
            raise CommandRefusedError("disk_failed", message) from error
        except CatalogueError as error:
            raise CommandRefusedError("disk_failed", str(error)) from error

    def _taken(self, header: _Header, number: int, content: _Part) -> Transfer:
        present = catalogue.version_in(self._target)
        if self._is_applied(header, present):
            return Transfer(
                present=present, serial=header.serial, version=header.version, parts=header.parts, complete=True
            )
        if header.base is not None and header.base != present:
            self._refuse("wrong_base", f"the catalogue in force is {present}, not {header.base}", present)
        self._open(header, present)
        self._keep(number, content, present)
        missing = [n for n in range(1, header.parts + 1) if not self._path(n).exists()]
        if missing:
            return Transfer(
                present=present, serial=header.serial, version=header.version, parts=header.parts,
                missing=tuple(missing[:TOLD_MISSING]),
            )  # fmt: skip
        return self._apply(header, present)

    def _checked(self, given: CataloguePart) -> _Part:
        """Return a part's content with GTINs of fourteen digits; refuse what can belong to no catalogue."""
        if given.store != self._store:
            raise CommandRefusedError("wrong_store", f"the catalogue is for store {given.store!r}; this is another")
        if (given.mode == "delta") != (given.base is not None):
            raise CommandRefusedError("bad_catalogue", "`base` belongs to a delta, and to nothing else")
        if given.part > given.parts:
            raise CommandRefusedError("bad_catalogue", f"part {given.part} of {given.parts}")
        if given.delete and given.mode == "snapshot":
            raise CommandRefusedError("bad_catalogue", "`delete` belongs to a delta")
        rows = tuple(
            msgspec.structs.replace(row, gtin=_gtin(row.gtin, f"rows[{n}]")) for n, row in enumerate(given.rows)
        )
        return _Part(rows, tuple(_gtin(text, f"delete[{n}]") for n, text in enumerate(given.delete)))

    def _is_applied(self, header: _Header, present: str | None) -> bool:
        """Say whether this transfer is through; refuse one that is older."""
        applied = _read(self._applied_path, _Applied)
        if applied is None or header.serial > applied.serial:
            return False
        if header.serial < applied.serial:
            self._refuse("stale_serial", f"a catalogue with serial {applied.serial} was put in force before", present)
        if header.version != applied.version:
            self._refuse("serial_reused", f"serial {applied.serial} was another catalogue: raise the serial", present)
        if header.version != present:
            self._refuse("stale_serial", "it was in force and has been replaced since: raise the serial", present)
        return True

    def _open(self, header: _Header, present: str | None) -> None:
        """Begin a transfer, or go on with the one that is open."""
        known = _read(self._folder / "header.json", _Header)
        if known == header:
            return
        if known is not None and known.serial > header.serial:
            self._refuse("stale_serial", f"a transfer with serial {known.serial} is being received", present)
        if known is not None and known.serial == header.serial:
            self._refuse("serial_reused", f"serial {known.serial} is another transfer: raise the serial", present)
        self._discard()
        self._folder.mkdir(parents=True)
        replace_file(self._folder / "header.json", msgspec.json.encode(header))

    def _keep(self, number: int, content: _Part, present: str | None) -> None:
        data, path = msgspec.json.encode(content), self._path(number)
        if path.exists():
            if path.read_bytes() != data:
                self._refuse("serial_reused", f"part {number} came before with other content", present)
            return
        used = sum(file.stat().st_size for file in self._folder.glob("part-*.json"))
        if used + len(data) > TOTAL_MAX_BYTES:
            self._discard()
            self._refuse("catalogue_too_large", f"more than {TOTAL_MAX_BYTES} bytes; nothing was changed", present)
        replace_file(path, data)

    def _apply(self, header: _Header, present: str | None) -> Transfer:
        products = {} if header.base is None else {p.gtin: p for p in catalogue.load(self._target).products}
        for number in range(1, header.parts + 1):
            part = _read(self._path(number), _Part)
            if part is None:
                self._path(number).unlink(missing_ok=True)
                self._refuse("disk_failed", f"part {number} was damaged on disk: send it again", present)
            for row in part.rows:
                products[row.gtin] = row
            for dropped in part.delete:
                products.pop(dropped, None)
        if len(products) > PRODUCTS_MAX:
            self._discard()
            self._refuse("catalogue_too_large", f"{len(products)} products; at most {PRODUCTS_MAX}", present)
        ordered = [products[key] for key in sorted(products)]
        if (made := catalogue.version_of(ordered)) != header.version:
            self._discard()
            message = f"the parts make {made}, not {header.version}; nothing was changed, send them anew"
            self._refuse("wrong_version", message, present)
        catalogue.store(self._target, ordered)
        replace_file(self._applied_path, msgspec.json.encode(_Applied(header.serial, header.version)))
        self._discard()
        return Transfer(present=made, serial=header.serial, version=made, parts=header.parts, complete=True)

    def _refuse(self, code: str, message: str, present: str | None) -> NoReturn:
        known = _read(self._folder / "header.json", _Header)
        told = Transfer(present=present)
        if known is not None:
            told = Transfer(present=present, serial=known.serial, version=known.version, parts=known.parts)
        raise CommandRefusedError(code, message, {"catalogue": msgspec.to_builtins(told)})

    def _discard(self) -> None:
        if self._folder.exists():
            shutil.rmtree(self._folder)

    def _path(self, number: int) -> Path:
        return self._folder / f"part-{number:04}.json"


def _gtin(text: str, place: str) -> str:
    try:
        return gtin.normalise(text)
    except gtin.GtinError as error:
        raise CommandRefusedError("bad_catalogue", f"{place}: {error}") from error


def _read(path: Path, kind: type[T]) -> T | None:
    """Return what a file holds; None where there is none, or it cannot be read: what it says is then sent anew."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
