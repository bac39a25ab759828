"""Galleries carried between stations in a file, and files that are none."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from station.vision import gallery_bundle
from station.vision.embedding import Embedding
from station.vision.gallery_store import GalleryError, GalleryStore
from station.vision.interpreter import Embedder
from tests.vision.conftest import ENROLLED, copied

FRESH = "04006381333931"


@pytest.fixture
def bundle(store: GalleryStore, embedder: Embedder, tmp_path: Path) -> Path:
    gallery_bundle.export(store, embedder.identity, tmp_path / "a.gallery")
    return tmp_path / "a.gallery"


def test_another_station_sees_the_same(
    store: GalleryStore, bundle: Path, embedder: Embedder, learnt: Embedding, tmp_path: Path
) -> None:
    other = GalleryStore(tmp_path / "other")
    taken = gallery_bundle.take_in(other, bundle)
    assert (taken.products, taken.pictures, taken.added) == (len(ENROLLED), 2 * len(ENROLLED), 2 * len(ENROLLED))
    assert taken.identity == embedder.identity
    here, there = store.load(embedder, learnt).gallery, other.load(embedder, learnt).gallery
    assert here.gtins == there.gtins
    assert (here.prototypes == there.prototypes).all()
    assert gallery_bundle.take_in(other, bundle).added == 0


def test_an_import_adds_or_replaces(store: GalleryStore, bundle: Path, tmp_path: Path) -> None:
    mine = copied(store, tmp_path / "mine")
    mine.remove(ENROLLED[0])
    mine.enrol(FRESH, [np.zeros((224, 224, 3), np.uint8)])
    assert gallery_bundle.take_in(mine, bundle).added == 2
    assert set(mine.products()) == {FRESH, *ENROLLED}
    gallery_bundle.take_in(mine, bundle, replace=True)
    assert set(mine.products()) == set(ENROLLED)


def rewritten(bundle: Path, **files: bytes) -> Path:
    """The file with other contents, and names, in it."""
    with zipfile.ZipFile(bundle) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents.update({name.replace("__", "/").replace("_dot_", "."): content for name, content in files.items()})
    made = bundle.with_name("b.gallery")
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return made


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (f"crops/{FRESH}/{'0' * 24}.jpg", b"no picture", "has another content"),
        (f"crops/04006381333930/{'0' * 24}.jpg", b"", "no picture of a GTIN"),
        ("crops/../../etc/passwd", b"", "no picture of a GTIN"),
        (f"crops/{FRESH}/{'0' * 24}.jpg", bytes(600_000), "has 600000 bytes; at most 500000"),
        ("gallery.json", b"[]", "no proper gallery.json"),
        ("gallery.json", json.dumps({"format": 2, "identity": "", "products": 0, "pictures": 0}).encode(), "format 2"),
    ],
)
def test_a_file_with_anything_wrong_changes_nothing(
    bundle: Path, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    bad = rewritten(bundle, **{name: content})
    mine = GalleryStore(tmp_path / "mine")
    with pytest.raises(GalleryError, match=message):
        gallery_bundle.take_in(mine, bad)
    assert mine.products() == {}


def test_what_is_cut_short_or_absent_is_told(bundle: Path, tmp_path: Path) -> None:
    mine = GalleryStore(tmp_path / "mine")
    whole = bundle.read_bytes()
    for kept in (0, 100, len(whole) // 2):
        bundle.write_bytes(whole[:kept])
        with pytest.raises(GalleryError, match="damaged or no gallery"):
            gallery_bundle.take_in(mine, bundle)
    with pytest.raises(GalleryError, match="cannot be read: No such file"):
        gallery_bundle.take_in(mine, tmp_path / "absent")
    with pytest.raises(GalleryError, match="cannot be written"):
        gallery_bundle.export(mine, "x", tmp_path / "absent" / "x")
