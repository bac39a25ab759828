"""The gallery: probabilities that add up, and a folder that survives what happens to folders."""

from pathlib import Path

import numpy as np
import pytest

from station.vision import gallery
from station.vision.embedding import Embedding, unit
from station.vision.gallery_store import TURNS, GalleryError, GalleryStore
from station.vision.interpreter import Embedder, ModelError
from station.vision.own_curve import known_curve
from tests.vision.conftest import ENROLLED, copied


def test_probabilities_add_up_and_are_sorted(store: GalleryStore, embedder: Embedder, learnt: Embedding) -> None:
    loaded = store.load(embedder, learnt)
    features = np.random.default_rng(1).random((5, 1280), np.float32)
    for seen in loaded.gallery.recognise(features):
        shares = [share for _, share in seen.candidates]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) + seen.unknown == pytest.approx(1, abs=1e-5)
        assert {gtin for gtin, _ in seen.candidates} == set(ENROLLED)


def test_an_empty_gallery_knows_nothing(learnt: Embedding, embedder: Embedder, tmp_path: Path) -> None:
    loaded = GalleryStore(tmp_path / "none").load(embedder, learnt)
    (seen,) = loaded.gallery.recognise(np.ones((1, 1280), np.float32))
    assert seen == gallery.Recognition((), 1.0)


def test_similarity_is_the_mean_of_nearest_and_average() -> None:
    prototypes = unit(np.array([[1, 0], [0, 1], [-1, 0]], np.float32))
    alike = gallery.similarity(unit(np.array([[1, 0]], np.float32)), prototypes, np.array([0, 0, 1]), 2)
    assert alike[0].tolist() == pytest.approx([(1 + 0.5**0.5) / 2, -1])


def test_enrolling_twice_changes_nothing(store: GalleryStore, tmp_path: Path) -> None:
    crop = np.zeros((224, 224, 3), np.uint8)
    mine = copied(store, tmp_path / "gallery")
    assert mine.enrol("04006381333931", [crop]) == 1
    assert mine.enrol("04006381333931", [crop]) == 0
    assert mine.remove("04006381333931") == 1
    assert mine.remove("04006381333931") == 0
    assert set(mine.products()) == set(ENROLLED)


def test_crops_are_embedded_once(store: GalleryStore, embedder: Embedder, learnt: Embedding, tmp_path: Path) -> None:
    store.load(embedder, learnt)
    mine = copied(store, tmp_path / "gallery")
    assert mine.load(embedder, learnt).embedded == 0
    mine.remove(ENROLLED[0])
    assert mine.load(embedder, learnt).embedded == 0
    mine.enrol("04006381333931", [np.zeros((224, 224, 3), np.uint8)])
    assert mine.load(embedder, learnt).embedded == 1


def test_another_model_embeds_everything_anew(
    store: GalleryStore, embedder: Embedder, learnt: Embedding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store.load(embedder, learnt).gallery
    mine = copied(store, tmp_path / "gallery")
    monkeypatch.setattr(embedder, "runtime", "another-runtime 1.0")
    again = mine.load(embedder, learnt)
    assert again.embedded == 2 * len(ENROLLED)
    assert np.abs(before.prototypes - again.gallery.prototypes).max() < 1e-5


def test_a_model_without_its_embedding_is_refused(
    store: GalleryStore, embedder: Embedder, learnt: Embedding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedder, "model_hash", "sha256:0000")
    with pytest.raises(ModelError, match="install both again"):
        store.load(embedder, learnt)


def test_a_damaged_crop_is_reported_and_the_rest_used(
    store: GalleryStore, embedder: Embedder, learnt: Embedding, tmp_path: Path
) -> None:
    mine = copied(store, tmp_path / "gallery")
    (mine.folder / "crops" / ENROLLED[0] / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut short")
    loaded = mine.load(embedder, learnt)
    assert len(loaded.problems) == 1
    assert "damaged.jpg" in loaded.problems[0]
    assert set(ENROLLED) == set(loaded.gallery.gtins)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x00" * 5000])
def test_a_damaged_memory_is_made_again(
    store: GalleryStore, embedder: Embedder, learnt: Embedding, tmp_path: Path, content: bytes
) -> None:
    mine = copied(store, tmp_path / "gallery")
    for gtin in ENROLLED[1:]:
        mine.remove(gtin)
    (mine.folder / "features.npz").write_bytes(content)
    assert mine.load(embedder, learnt).embedded == 2
    assert mine.load(embedder, learnt).embedded == 0


def test_what_a_power_cut_left_behind_is_no_picture(store: GalleryStore, tmp_path: Path) -> None:
    mine = copied(store, tmp_path / "gallery")
    (mine.folder / "crops" / ENROLLED[0] / ".0123.jpg.tmp").write_bytes(b"half")
    assert len(mine.products()[ENROLLED[0]]) == 2


def test_an_unusable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "gallery").write_text("a file")
    with pytest.raises(GalleryError, match=r"gallery .*/gallery cannot be written"):
        GalleryStore(tmp_path / "gallery").enrol("04006381333931", [np.zeros((224, 224, 3), np.uint8)])


def clustered(
    spread: float, seed: int = 1, products: int = 10, pictures: int = 3
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    centres = np.repeat(random.normal(size=(products, 1, 64)), pictures, axis=0)
    rows = centres + spread * random.normal(size=(products * pictures, TURNS, 64))
    owner = np.repeat(np.arange(products), pictures)
    no_crowd = np.zeros(len(owner), np.float32)
    return unit(rows.reshape(-1, 64).astype(np.float32)).reshape(rows.shape), owner, no_crowd


def test_the_own_curve_is_steeper_the_better_products_keep_apart() -> None:
    sharp, blurred = known_curve(*clustered(0.3)), known_curve(*clustered(1.5))
    assert sharp is not None
    assert blurred is not None
    assert sharp[0] > blurred[0] > 0
    assert 0 < -sharp[1] / sharp[0] < 1  # the even point is a similarity


def test_a_small_gallery_has_no_curve_of_its_own() -> None:
    assert known_curve(*clustered(0.3, products=4)) is None
    assert known_curve(*clustered(0.3, pictures=1)) is None
