"""The gallery on disk: the crops of enrolled products, and a memory of their features.

    FOLDER/crops/<GTIN-14>/<hash>.jpg   what was enrolled, as the model's square
    FOLDER/features.npz                 features of every crop, with the identity of the model that made them

The crops are the truth. Each is written to a temporary file, synced and renamed, so a power cut leaves the old state
or the new. The features are made again from the crops whenever the model, the runtime or the crops have changed.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from PIL import Image

from calibration.files import replace_file
from station.vision import crowd, picture
from station.vision.embedding import Embedding, Rows
from station.vision.gallery import Gallery, empty
from station.vision.interpreter import Embedder
from station.vision.own_curve import known_curve

TURNS = 4  # a crop's long side is upright, but for half turns; squares and discs have no long side
JPEG_QUALITY = 92
HASH_DIGITS = 24


class GalleryError(OSError):
    """The gallery's folder cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The gallery, what of it could not be used, and how many crops had to be embedded anew."""

    gallery: Gallery
    problems: tuple[str, ...]
    embedded: int


class GalleryStore:
    """The gallery in one folder; used from one thread at a time, by one process that writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._crops = folder / "crops"
        self._features = folder / "features.npz"

    def products(self) -> dict[str, tuple[Path, ...]]:
        """Return the crops of every enrolled product, by GTIN-14."""
        try:
            found = {path.name: tuple(sorted(path.glob("*.jpg"))) for path in sorted(self._crops.glob("*"))}
        except OSError as error:
            raise GalleryError(f"gallery {self.folder} cannot be read: {error.strerror}") from error
        return {gtin: crops for gtin, crops in found.items() if crops}

    def enrol(self, gtin: str, crops: Iterable[picture.Pixels]) -> int:
        """Add pictures of a product, each as the model's square; return how many were new."""
        contents = [_jpeg(crop) for crop in crops]
        names = (f"{hashlib.sha256(content).hexdigest()[:HASH_DIGITS]}.jpg" for content in contents)
        return self.add({(gtin, name): content for name, content in zip(names, contents, strict=True)})

    def add(self, files: Mapping[tuple[str, str], bytes]) -> int:
        """Add crops as files, by GTIN-14 and name; return how many were new."""
        added = 0
        try:
            for (gtin, name), content in files.items():
                path = self._crops / gtin / name
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    replace_file(path, content)
                    added += 1
        except OSError as error:
            raise GalleryError(f"gallery {self.folder} cannot be written: {error.strerror}") from error
        return added

    def drop(self, gtin: str, names: Iterable[str]) -> None:
        """Forget some pictures of a product."""
        try:
            for name in names:
                (self._crops / gtin / name).unlink(missing_ok=True)
        except OSError as error:
            raise GalleryError(f"gallery {self.folder} cannot be written: {error.strerror}") from error

    def pictures(self) -> dict[str, list[picture.Pixels]]:
        """Return every product's crops as pixels, those that can be read."""
        read: dict[str, list[picture.Pixels]] = {}
        for gtin, crops in self.products().items():
            for path in crops:
                with contextlib.suppress(picture.PictureError):  # `load` tells of it
                    read.setdefault(gtin, []).append(picture.read(path))
        return read

    def remove(self, gtin: str) -> int:
        """Forget a product; return how many pictures it had."""
        pictures = len(self.products().get(gtin, ()))
        try:
            if pictures:
                shutil.rmtree(self._crops / gtin)
        except OSError as error:
            raise GalleryError(f"gallery {self.folder} cannot be written: {error.strerror}") from error
        return pictures

    def load(self, embedder: Embedder, embedding: Embedding) -> Loaded:
        """Return the gallery for this model; crops it has not seen yet are embedded and remembered.

        Raises `ModelError` when the embedding belongs to another model, `GalleryError` when the folder is unusable.
        """
        embedding.belongs_to(embedder.model_hash)
        kept = self._remembered(embedder.identity)
        rows: dict[str, Rows] = {}
        owners: dict[str, list[str]] = {}
        problems: list[str] = []
        for gtin, crops in self.products().items():
            for path in crops:
                name = f"{gtin}/{path.name}"
                try:
                    rows[name] = kept[name] if name in kept else _turned(picture.read(path), embedder)
                except picture.PictureError as error:
                    problems.append(str(error))
                    continue
                owners.setdefault(gtin, []).append(name)
        embedded = len(rows.keys() - kept.keys())
        if rows.keys() != kept.keys():
            self._remember(embedder.identity, rows)
        return Loaded(_assemble(owners, rows, embedding), tuple(problems), embedded)

    def _remembered(self, identity: str) -> dict[str, Rows]:
        """Return the features of earlier loads by the same model; nothing where the file is absent or unusable."""
        try:
            with np.load(BytesIO(self._features.read_bytes()), allow_pickle=False) as stored:
                if str(stored["identity"]) != identity:
                    return {}
                return dict(zip(stored["names"].tolist(), stored["rows"], strict=True))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return {}  # it is a memory, made again from the crops

    def _remember(self, identity: str, rows: dict[str, Rows]) -> None:
        content = BytesIO()
        stacked = np.stack(list(rows.values())) if rows else np.zeros((0, TURNS, 0), np.float32)
        np.savez(content, identity=identity, names=np.array(list(rows), np.str_), rows=stacked)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_file(self._features, content.getvalue())
        except OSError as error:
            raise GalleryError(f"gallery {self.folder} cannot be written: {error.strerror}") from error


def _turned(crop: picture.Pixels, embedder: Embedder) -> Rows:
    """Return the features of a crop in its four quarter turns."""
    square = picture.fit(crop, embedder.side_px)
    return embedder.embed(np.stack([np.rot90(square, turn) for turn in range(TURNS)]))


def _assemble(owners: dict[str, list[str]], rows: dict[str, Rows], embedding: Embedding) -> Gallery:
    if not owners:
        return empty(embedding)
    features = np.concatenate([rows[name] for names in owners.values() for name in names])
    pictures = np.array([len(names) for names in owners.values()])
    owner = np.repeat(np.arange(len(owners)), pictures)
    prototypes = embedding.project(features)
    others = crowd.without(embedding.crowd, prototypes, np.repeat(owner, TURNS))
    pull = embedding.crowd_share * crowd.nearest(prototypes[::TURNS], others)
    curve = known_curve(prototypes.reshape(len(owner), TURNS, -1), owner, pull)
    total = int(pictures.sum())
    return Gallery(tuple(owners), prototypes, np.repeat(owner, TURNS), embedding, others, total, own_curve=curve)


def _jpeg(crop: picture.Pixels) -> bytes:
    content = BytesIO()
    Image.fromarray(crop).save(content, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return content.getvalue()
