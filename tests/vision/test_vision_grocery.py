"""Real photographs: a few products enrolled from two pictures each are told apart."""

from collections.abc import Callable
from pathlib import Path

import pytest

from station.vision import evaluation, picture
from station.vision.embedding import Embedding
from station.vision.gallery_store import GalleryStore
from station.vision.interpreter import Embedder

PRODUCTS = {
    "04099200900013": "Fruit/Banana",
    "04099200900020": "Fruit/Lemon",
    "04099200900037": "Vegetables/Carrots",
    "04099200900044": "Vegetables/Cucumber",
}


def crops(folder: Path, count: int) -> list[picture.Pixels]:
    return [picture.fit(picture.read(path), 320) for path in sorted(folder.rglob("*.jpg"))[:count]]


@pytest.mark.timeout(120)
def test_real_products_are_told_apart(
    shared_data: Callable[[str], Path], tmp_path: Path, embedder: Embedder, learnt: Embedding
) -> None:
    data = shared_data("grocery-store")
    store = GalleryStore(tmp_path)
    for gtin, folder in PRODUCTS.items():
        store.enrol(gtin, crops(data / "train" / folder, 2))
    shown = {gtin: crops(data / "test" / folder, 4) for gtin, folder in PRODUCTS.items()}
    figures = evaluation.evaluate(store.load(embedder, learnt).gallery, embedder, shown)
    assert figures["n"] == 16
    assert figures["top1"] >= 0.8
