"""The Grocery Store Dataset as lists of pictures with labels, and their features with a memory on disk."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from station.vision import picture
from station.vision.interpreter import Embedder

DATA = Path(__file__).parents[2] / "shared" / "data" / "grocery-store"


class Shot(NamedTuple):
    """One picture: where it is, and its fine and coarse class."""

    path: Path
    fine: int
    coarse: int


class Features(NamedTuple):
    """Raw features of many pictures with their labels, one row a picture."""

    rows: NDArray[np.float32]
    fine: NDArray[np.int64]
    coarse: NDArray[np.int64]


def shots(split: str, data: Path = DATA) -> list[Shot]:
    """Return the pictures of `train`, `val` or `test_public`, in the order of the list."""
    lines = (data / f"{split}.txt").read_text().split("\n")
    fields = [line.split(", ") for line in lines if line]
    return [Shot(data / path, int(fine), int(coarse)) for path, fine, coarse in fields]


def pixels(shot: Shot, side_px: int) -> picture.Pixels:
    """Return the whole picture as the model's square."""
    return picture.fit(picture.read(shot.path), side_px)


def features(split: str, embedder: Embedder, memory: Path, data: Path = DATA) -> Features:
    """Return the features of a split; they are kept in the folder `memory` under the embedder's identity."""
    chosen = shots(split, data)
    kept = memory / f"{split}-{embedder.model_hash[7:19]}-{embedder.runtime.replace(' ', '-')}.npy"
    if not kept.exists():
        memory.mkdir(parents=True, exist_ok=True)
        np.save(kept, np.concatenate([embedder.embed(pixels(shot, embedder.side_px)[np.newaxis]) for shot in chosen]))
    return Features(np.load(kept), np.array([shot.fine for shot in chosen]), np.array([shot.coarse for shot in chosen]))
