"""A gallery in one file, to carry it from station to station.

The file is a ZIP archive without compression (the crops are JPEG):

    gallery.json                  format, the model and runtime it was used with, counts
    crops/<GTIN-14>/<hash>.jpg    what was enrolled

Nothing in it is believed: names must be GTINs and hashes, contents must have these hashes and be pictures, and sizes
are bounded before anything is read. Features do not travel: the station that takes the file in makes them from the
crops with its own model, so that it does not matter which model the other one had.
"""

import hashlib
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import msgspec

from calibration.files import replace_file
from station.core import gtin as gtins
from station.vision import picture
from station.vision.gallery_store import HASH_DIGITS, GalleryError, GalleryStore

FORMAT = 1
LIST = "gallery.json"
CROP_BYTES_MAX, CROPS_MAX = 500_000, 50_000
_CROP = re.compile(rf"crops/(\d{{14}})/([0-9a-f]{{{HASH_DIGITS}}})\.jpg\Z")


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What the archive says of itself."""

    format: int
    identity: str
    products: int
    pictures: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought: how many products the file has, how many pictures are new, whose features they had."""

    products: int
    pictures: int
    added: int
    identity: str


def export(store: GalleryStore, identity: str, path: Path) -> Contents:
    """Write the gallery into a file as a whole or not at all; return what is in it."""
    products = store.products()
    made = Contents(format=FORMAT, identity=identity, products=len(products), pictures=sum(map(len, products.values())))
    content = BytesIO()
    try:
        with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(LIST, msgspec.json.encode(made))
            for gtin, crops in products.items():
                for crop in crops:
                    archive.write(crop, f"crops/{gtin}/{crop.name}")
        replace_file(path, content.getvalue())
    except OSError as error:
        raise GalleryError(f"gallery file {path} cannot be written: {error.strerror}") from error
    return made


def take_in(store: GalleryStore, path: Path, *, replace: bool = False) -> Imported:
    """Add the pictures of a file to a gallery, or `replace` it by them; a file with anything wrong changes nothing."""
    try:
        with zipfile.ZipFile(path) as archive:
            contents = _contents(archive, path)
            crops = {(gtin, name): content for gtin, name, content in _crops(archive, path)}
    except GalleryError:  # an OSError, but with its own words
        raise
    except OSError as error:
        raise GalleryError(f"gallery file {path} cannot be read: {error.strerror}") from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise GalleryError(f"gallery file {path} is damaged or no gallery: {error}; export it again") from error
    if not crops:
        raise GalleryError(f"gallery file {path} holds no pictures")
    added = store.add(crops)
    if replace:
        for gtin, kept in store.products().items():
            store.drop(gtin, [crop.name for crop in kept if (gtin, crop.name) not in crops])
    return Imported(len({gtin for gtin, _ in crops}), len(crops), added, contents.identity)


def _contents(archive: zipfile.ZipFile, path: Path) -> Contents:
    try:
        contents = msgspec.json.decode(_bounded(archive, LIST, path), type=Contents)
    except (KeyError, msgspec.MsgspecError) as error:
        raise GalleryError(f"gallery file {path} is no gallery: it has no proper {LIST}") from error
    if contents.format != FORMAT:
        raise GalleryError(f"gallery file {path} has format {contents.format}, not {FORMAT}; update the station")
    return contents


def _crops(archive: zipfile.ZipFile, path: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield GTIN, file name and content of every crop, each proved."""
    names = [name for name in archive.namelist() if name != LIST]
    if len(names) > CROPS_MAX:
        raise GalleryError(f"gallery file {path} holds {len(names)} pictures; at most {CROPS_MAX} are possible")
    for name in names:
        named = _CROP.match(name)
        if named is None or gtins.check_digit(named[1][:-1]) != int(named[1][-1]):
            raise GalleryError(f"gallery file {path} holds {name[:80]!r}, which is no picture of a GTIN")
        content = _bounded(archive, name, path)
        if hashlib.sha256(content).hexdigest()[:HASH_DIGITS] != named[2]:
            raise GalleryError(f"gallery file {path} is damaged: {name} has another content; export it again")
        picture.decode(content, f"{path}: {name}")
        yield named[1], f"{named[2]}.jpg", content


def _bounded(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    size = archive.getinfo(name).file_size
    if size > CROP_BYTES_MAX:
        raise GalleryError(f"gallery file {path}: {name[:80]} has {size} bytes; at most {CROP_BYTES_MAX} are possible")
    return archive.read(name)
