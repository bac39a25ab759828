"""The local product database: one SQLite file, replaced as a whole.

An import writes a new file beside the old one and puts it in its place in one step, synced: a reader sees the old
catalogue or the new one, never a mixture, and a damaged file is healed by the next import. Its version is the SHA-256
of its products, so the same products have the same version, whatever file they came from.
"""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from operator import attrgetter
from pathlib import Path

import msgspec

from calibration.files import sync_folder
from station.catalogue_rows import COLUMNS, CatalogueError
from station.core import product
from station.core.product import Product

FILE_NAME = "catalogue.db"
FORMAT = 1
_REMEDY = "import the product list again: station catalogue import FILE"

_SCHEMA = f"""
CREATE TABLE meta (version TEXT NOT NULL, products INTEGER NOT NULL);
CREATE TABLE product ({", ".join(COLUMNS)}, PRIMARY KEY (gtin)) WITHOUT ROWID;
PRAGMA user_version = {FORMAT};
"""
_COLUMNS = ", ".join(COLUMNS)
_INSERT = f"INSERT INTO product ({_COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - names of our own


class Catalogue(msgspec.Struct, frozen=True):
    """All products, sorted by GTIN, and the version that verdicts name."""

    version: str
    products: list[Product]


def path_in(state_dir: Path) -> Path:
    """Return where a station keeps its catalogue."""
    return state_dir / FILE_NAME


def version_of(products: Iterable[Product]) -> str:
    """Return `sha256:…` of the products, which must be sorted by GTIN."""
    return product.version_of(products)


def store(path: Path, products: Iterable[Product]) -> str:
    """Replace the catalogue and return its version; raise `CatalogueError` when the disk refuses."""
    ordered = sorted(products, key=attrgetter("gtin"))
    version = version_of(ordered)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".catalogue-") as folder:
            fresh = Path(folder) / path.name
            _write(fresh, ordered, version)
            fresh.replace(path)
        sync_folder(path.parent)
    except (OSError, sqlite3.Error) as error:
        raise CatalogueError(f"catalogue {path} cannot be written: {error}", "make room or check the disk") from error
    return version


def load(path: Path) -> Catalogue:
    """Return the whole catalogue; raise `CatalogueError` when it is absent or damaged."""
    with _opened(path) as database:
        (version, count) = database.execute("SELECT version, products FROM meta").fetchone()
        products = list(_products(database, ""))
    if len(products) != count:
        raise CatalogueError(f"catalogue {path} has {len(products)} of {count} products", _REMEDY)
    return Catalogue(version, products)


def version_in(path: Path) -> str | None:
    """Return the version of a catalogue without loading it; None where none can be read."""
    try:
        with _opened(path) as database:
            (version,) = database.execute("SELECT version FROM meta").fetchone()
            return str(version)
    except CatalogueError:
        return None


def find(path: Path, gtin14: str) -> Product | None:
    """Return one product without loading the others; None if it is not in the catalogue."""
    with _opened(path) as database:
        return next(_products(database, "WHERE gtin = ?", gtin14), None)


def _products(database: sqlite3.Connection, where: str, *values: str) -> Iterator[Product]:
    rows = database.execute(f"SELECT {_COLUMNS} FROM product {where} ORDER BY gtin", values)  # noqa: S608 - our own text
    for row in rows:
        yield Product(**dict(zip(COLUMNS, row, strict=True)))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.exists():
        raise CatalogueError(f"there is no catalogue at {path}", "import one: station catalogue import FILE")
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            (found,) = database.execute("PRAGMA user_version").fetchone()
            if found != FORMAT:
                raise CatalogueError(f"catalogue {path} has format {found}, not {FORMAT}", _REMEDY)
            yield database
    except (sqlite3.Error, TypeError) as error:  # TypeError: a table is there, but its row is not
        raise CatalogueError(f"catalogue {path} is damaged: {error}", _REMEDY) from error


def _write(path: Path, products: list[Product], version: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = FULL")
        database.executescript(_SCHEMA)
        with database:
            database.execute("INSERT INTO meta VALUES (?, ?)", (version, len(products)))
            database.executemany(_INSERT, map(msgspec.structs.astuple, products))
    with path.open("rb") as file:
        os.fsync(file.fileno())
