"""What the demo's store sells, as a catalogue, and as a gallery enrolled from pictures of every product.

Drawing and embedding some hundred pictures takes seconds, and gives the same every time. So the gallery is kept in the
user's cache folder, under a name that changes with the drawings; where that folder cannot be used, it is made anew.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from drivers.sim import assortment, printing, render, sprites
from drivers.sim.assortment import ASSORTMENT
from station import catalogue
from station.core.product import Product
from station.vision import detect, embedding, pipeline
from station.vision.gallery_store import GalleryStore
from station.vision.interpreter import Embedder

PORTRAITS = 3  # pictures of each product
WEIGHED = 60  # units that the catalogue's weights rest on
SEED = 11
EMBEDDED_AT_ONCE = 6  # products
VERSION = 2  # raise it when the way of enrolling changes

Progress = Callable[[int, int], None]  # done, of how many


def import_catalogue(state_dir: Path) -> None:
    """Write the catalogue, as `station catalogue import` does."""
    catalogue.store(catalogue.path_in(state_dir), (_product(article) for article in ASSORTMENT))


def _product(article: assortment.Article) -> Product:
    return Product(
        gtin=article.gtin, name=article.name, department=article.department, unit_price_minor=article.price_minor,
        weight_g=article.weight_g, weight_sd_g=article.sd_g, weight_n=WEIGHED,
        sales_per_1000=round(1000 / len(ASSORTMENT), 1),
    )  # fmt: skip


def enrol(folder: Path, progress: Progress) -> None:
    """Put the gallery into `folder`: from the cache, or as `station gallery enrol` makes it."""
    kept = _cache() / f"demo-gallery-{_key()}"
    if kept.is_dir():
        shutil.copytree(kept, folder)
        progress(1, 1)
        return
    _make(folder, progress)
    _keep(folder, kept)


def _make(folder: Path, progress: Progress) -> None:
    store, embedder, head = GalleryStore(folder), Embedder(), embedding.load()
    reference = detect.reference(render.render([], rng_seed=SEED))
    for done, article in enumerate(ASSORTMENT):
        progress(done, len(ASSORTMENT))
        frames = render.portraits(article.gtin, PORTRAITS, SEED + done)
        crops = (pipeline.single(reference, frame, embedder.side_px) for frame in frames)
        store.enrol(article.gtin, [crop for crop in crops if crop is not None])
        if done % EMBEDDED_AT_ONCE == 0:
            store.load(embedder, head)  # remembers the features of what is new
    store.load(embedder, head)
    progress(1, 1)


def _keep(folder: Path, kept: Path) -> None:
    """Copy a gallery into the cache, whole or not at all; without one the next demo is only slower."""
    fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder, fresh)
        fresh.rename(kept)
    except OSError:  # not writable, full, or another demo was first
        shutil.rmtree(fresh, ignore_errors=True)


def _cache() -> Path:
    """Return the folder for what can be made again (XDG Base Directory)."""
    chosen = os.environ.get("XDG_CACHE_HOME")
    return (Path(chosen) if chosen else Path.home() / ".cache") / "validation-station"


def _key() -> str:
    """Return a name for these drawings and this way of cropping them."""
    digest = hashlib.sha256(f"{VERSION} {PORTRAITS} {SEED}".encode())
    for module in (assortment, printing, render, sprites, detect):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:16]
