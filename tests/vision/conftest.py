"""The real model, and a gallery of a few simulated products."""

from pathlib import Path

import numpy as np
import pytest

from drivers.sim import render
from drivers.sim.assortment import ASSORTMENT
from station.vision import detect, embedding, pipeline
from station.vision.embedding import Embedding
from station.vision.gallery_store import GalleryStore
from station.vision.interpreter import Embedder

ENROLLED = tuple(article.gtin for article in ASSORTMENT if article.name in {
    "Whole milk 1 l", "Margarine 500 g", "Muesli 750 g", "Tuna 160 g", "Orange", "Red wine 0.75 l",
})  # fmt: skip


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder(threads=1)


@pytest.fixture(scope="session")
def learnt() -> Embedding:
    return embedding.load()


@pytest.fixture(scope="session")
def empty() -> np.ndarray:
    return render.render([], rng_seed=99)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, empty: np.ndarray) -> GalleryStore:
    """Six products, two portraits each; not to be written to."""
    made = GalleryStore(tmp_path_factory.mktemp("gallery"))
    reference = detect.reference(empty)
    for gtin in ENROLLED:
        for frame in render.portraits(gtin, 2, seed=3):
            crop = pipeline.single(reference, frame, embedder.side_px)
            assert crop is not None
            made.enrol(gtin, [crop])
    return made


def copied(store: GalleryStore, folder: Path) -> GalleryStore:
    import shutil

    shutil.copytree(store.folder, folder)
    return GalleryStore(folder)
