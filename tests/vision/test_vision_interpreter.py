"""The committed model on the runtime at hand."""

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from drivers.sim import render
from drivers.sim.assortment import ASSORTMENT
from station.vision import embedding
from station.vision.embedding import Embedding
from station.vision.interpreter import MODEL_PATH, MODULES, Embedder, ModelError
from station.vision.picture import fit

NOTED = MODEL_PATH.with_name("embedder.tflite.sha256")
INSTALLED = [name for name, module in MODULES.items() if importlib.util.find_spec(module.split(".")[0])]


def picture(place: int) -> np.ndarray:
    """A frame of one product, as the model's square."""
    return fit(render.portraits(ASSORTMENT[place].gtin, 1, seed=1)[0][80:400, 160:480], 320)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_features_depend_on_the_picture_alone(embedder: Embedder) -> None:
    first, second = picture(1), picture(2)
    together = embedder.embed(np.stack([first, second, first]))
    assert together.shape == (3, 1280)
    assert together.dtype == np.float32
    assert (together[0] == together[2]).all()
    assert (embedder.embed(second[np.newaxis])[0] == together[1]).all()
    assert cosine(together[0], together[1]) < 0.95


def test_pixels_become_the_steps_of_the_input(embedder: Embedder) -> None:
    ramp = np.arange(256, dtype=np.uint8)
    steps = embedder.quantise(ramp)
    assert steps.dtype == np.int8
    assert (np.diff(steps.astype(int)) >= 0).all()
    assert steps[0] < -100
    assert steps[255] > 100


def test_the_identity_names_model_and_runtime(embedder: Embedder) -> None:
    assert embedder.model_hash.startswith("sha256:")
    assert embedder.runtime.split(" ")[0] in INSTALLED
    assert embedder.identity == f"{embedder.model_hash}/{embedder.runtime}"


@pytest.mark.skipif(len(INSTALLED) < 2, reason="only one runtime is installed here")
def test_the_runtimes_agree_but_for_some_steps() -> None:
    one, other = (
        Embedder(runtime=name).embed(picture(1)[np.newaxis])[0] for name in ("ai-edge-litert", "tflite-runtime")
    )
    assert cosine(one, other) > 0.99


@pytest.mark.parametrize(
    "name",
    [name for name in MODULES if name not in INSTALLED]
    or [pytest.param("", marks=pytest.mark.skip("both runtimes are installed"))],
)
def test_an_absent_runtime_is_named_with_the_remedy(name: str) -> None:
    with pytest.raises(ModelError, match=f"{name} is not installed; pip install {name}"):
        Embedder(runtime=name)  # type: ignore[arg-type]


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    whole = MODEL_PATH.read_bytes()
    for name, content in (("cut", whole[: len(whole) // 2]), ("short", whole[:60]), ("other", b"PK\x03\x04" * 99)):
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(content)
        (tmp_path / f"{name}.tflite.sha256").write_bytes(NOTED.read_bytes())
        with pytest.raises(ModelError, match=f"{name}.tflite is"):
            Embedder(path)
    with pytest.raises(ModelError, match=r"absent\.tflite cannot be read"):
        Embedder(tmp_path / "absent.tflite")


def test_a_model_without_its_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.tflite").write_bytes(MODEL_PATH.read_bytes())
    with pytest.raises(ModelError, match=r"mine\.tflite\.sha256 cannot be read"):
        Embedder(tmp_path / "mine.tflite")


@pytest.mark.skipif("ai-edge-litert" not in INSTALLED, reason="the older runtime does not look before it reads")
def test_a_whole_file_of_another_kind_is_refused_by_the_runtime(tmp_path: Path) -> None:
    path = tmp_path / "other.tflite"
    path.write_bytes(b"\0\0\0\0TFL3" + bytes(64))
    (tmp_path / "other.tflite.sha256").write_text(hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(ModelError, match=r"other\.tflite is damaged, or not for ai-edge-litert"):
        Embedder(path, runtime="ai-edge-litert")


def test_crops_of_another_shape_are_refused(embedder: Embedder) -> None:
    with pytest.raises(ValueError, match="uint8 n x 320"):
        embedder.embed(np.zeros((1, 100, 100, 3), np.uint8))
    with pytest.raises(ValueError, match="float32"):
        embedder.embed(np.zeros((1, 320, 320, 3), np.float32))


def test_the_shipped_embedding_belongs_to_the_shipped_model(embedder: Embedder, learnt: Embedding) -> None:
    learnt.belongs_to(embedder.model_hash)
    with pytest.raises(ModelError, match="learnt with the model sha256:cc2b"):
        learnt.belongs_to("sha256:0000")


def test_a_damaged_embedding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "embedding.npz"
    path.write_bytes(embedding.EMBEDDING_PATH.read_bytes()[:5000])
    with pytest.raises(ModelError, match="damaged or absent"):
        embedding.load(path)
    with pytest.raises(ModelError, match="damaged or absent"):
        embedding.load(tmp_path / "absent.npz")


def test_calibration_lies_between_its_neighbours(learnt: Embedding) -> None:
    one, three, five = (learnt.calibration(shots).temperature for shots in (1, 3, 5))
    assert five < three < one
    assert learnt.calibration(0) == learnt.calibration(1)
