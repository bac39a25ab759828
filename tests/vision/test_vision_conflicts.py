"""What is odd about an enrolment is found, with the real model, and told in one line."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drivers.sim import render
from station.vision import conflicts, detect, pipeline
from station.vision.embedding import Embedding
from station.vision.gallery_store import GalleryStore
from station.vision.interpreter import Embedder
from tests.vision.conftest import ENROLLED, copied


@pytest.fixture(scope="module")
def portraits(empty: np.ndarray, embedder: Embedder) -> dict[str, list[np.ndarray]]:
    reference = detect.reference(empty)
    found: dict[str, list[np.ndarray]] = {}
    for gtin in ENROLLED:
        crops = [pipeline.single(reference, frame, embedder.side_px) for frame in render.portraits(gtin, 3, seed=3)]
        found[gtin] = [crop for crop in crops if crop is not None]
    return found


def thumbs(portraits: dict[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    return {gtin: [conflicts.thumbnail(crop) for crop in crops] for gtin, crops in portraits.items()}


def saved_again(crop: np.ndarray, quality: int, side_px: int) -> np.ndarray:
    """The same picture, smaller, through a JPEG of low quality, and back."""
    content = io.BytesIO()
    Image.fromarray(crop).resize((side_px, side_px)).save(content, "JPEG", quality=quality)
    return np.asarray(Image.open(content).convert("RGB").resize((224, 224)))


@pytest.mark.parametrize(("quality", "side_px"), [(95, 224), (50, 224), (75, 120)])
def test_a_picture_saved_again_is_the_same_picture(
    portraits: dict[str, list[np.ndarray]], quality: int, side_px: int
) -> None:
    for gtin, crops in portraits.items():
        again = [saved_again(crop, quality, side_px) for crop in crops]
        found = conflicts.known_pictures(gtin, ["a", "b", "c"], again, thumbs(portraits))
        assert {each.kind for each in found.values()} == {"repeated"}
        assert len(found) == len(crops)


def test_the_same_picture_as_another_product_is_a_contradiction(portraits: dict[str, list[np.ndarray]]) -> None:
    one, other = ENROLLED[:2]
    [found] = conflicts.known_pictures(other, ["x.jpg"], portraits[one][:1], thumbs(portraits)).values()
    assert (found.kind, found.other) == ("contradiction", one)
    assert found.text == f"x.jpg is enrolled as {one} already: it cannot show {other} too; remove the wrong one"


def test_other_products_are_no_copies(portraits: dict[str, list[np.ndarray]]) -> None:
    for gtin, crops in portraits.items():
        others = {each: rows for each, rows in thumbs(portraits).items() if each != gtin}
        names = [str(number) for number in range(len(crops))]
        assert "contradiction" not in {
            each.kind for each in conflicts.known_pictures(gtin, names, crops, others).values()
        }


def test_a_picture_of_another_product_is_doubted(
    store: GalleryStore, embedder: Embedder, learnt: Embedding, portraits: dict[str, list[np.ndarray]]
) -> None:
    gallery = store.load(embedder, learnt).gallery
    tuna, orange = ENROLLED[3], ENROLLED[4]
    rows = learnt.project(embedder.embed(np.stack([portraits[tuna][2]])))
    [doubt] = conflicts.doubtful(gallery, orange, ["x.jpg"], rows)
    assert (doubt.kind, doubt.other) == ("doubtful", tuna)
    assert "see that it shows the right product" in doubt.text
    assert conflicts.doubtful(gallery, tuna, ["x.jpg"], rows) == []
    assert conflicts.doubtful(gallery, "04006381333931", ["x.jpg"], rows) == []


def test_products_that_look_the_same_are_told_as_a_pair(
    store: GalleryStore, embedder: Embedder, learnt: Embedding, portraits: dict[str, list[np.ndarray]], tmp_path: Path
) -> None:
    mine = copied(store, tmp_path / "gallery")
    before = conflicts.look_alikes(mine.load(embedder, learnt).gallery, "04006381333931")
    mine.enrol("04006381333931", [np.flip(portraits[ENROLLED[0]][0], axis=1), portraits[ENROLLED[0]][2]])
    [pair] = conflicts.look_alikes(mine.load(embedder, learnt).gallery, "04006381333931")
    assert before == []
    assert (pair.kind, pair.other) == ("alike", ENROLLED[0])
    assert "look the same" in pair.text
