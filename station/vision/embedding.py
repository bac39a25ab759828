"""What happens to features outside the network: L2, minus the mean, whitening, L2.

Theory of operation. Pictures of one product differ in ways all products share (light, pose, background). The
whitening is that of linear discriminant analysis: it divides by the scatter within classes, measured on training
pictures, so that cosine similarity counts what tells products apart. It was learnt from the features of one very
model and belongs to it. The calibration turns similarities into probabilities: a temperature for the softmax over
the gallery, and a logistic curve from the best similarity to the odds that the product is in the gallery at all;
both depend on how many pictures a product was enrolled with. The score under that curve is the best similarity less
a share of the crowd's (`crowd.py`). All figures come from `training.learn`.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from station.vision.interpreter import ModelError

EMBEDDING_PATH = Path(__file__).parent / "models" / "embedding.npz"

ARRAYS = ("mean", "whitening", "shots", "temperature", "known_slope", "known_offset", "crowd", "crowd_share")

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How similarities become probabilities, for a given number of pictures a product was enrolled with."""

    temperature: float
    known_slope: float
    known_offset: float


@dataclass(frozen=True, slots=True)
class Embedding:
    """The learnt part outside the network; `model_hash` names the model it belongs to."""

    model_hash: str
    mean: Rows  # features
    whitening: Rows  # features x dimensions
    shots: Rows  # pictures a product, the places at which the next three were fitted
    temperature: Rows
    known_slope: Rows
    known_offset: Rows
    crowd: Rows  # products of the training data, one unit row each
    crowd_share: Rows  # a single number

    def belongs_to(self, model_hash: str) -> None:
        """Raise `ModelError` unless this was learnt with that very model."""
        if self.model_hash != model_hash:
            raise ModelError(
                f"the embedding was learnt with the model {self.model_hash[:19]}..., "
                f"but the model installed is {model_hash[:19]}...; install both again"
            )

    def project(self, features: Rows) -> Rows:
        """Return unit vectors whose dot product says how alike two pictures are; one row a picture."""
        return unit(np.asarray((unit(features) - self.mean) @ self.whitening, np.float32))

    def calibration(self, shots: float) -> Calibration:
        """Return the calibration for products enrolled with `shots` pictures on average (interpolated in its log)."""
        at, places = np.log(max(shots, 1.0)), np.log(self.shots)
        fitted = (self.temperature, self.known_slope, self.known_offset)
        return Calibration(*(float(np.interp(at, places, values)) for values in fitted))


def unit(rows: Rows) -> Rows:
    """Return the rows scaled to length one; a row of zeros stays what it is."""
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, np.newaxis]
    return np.asarray(rows / np.maximum(length, np.float32(1e-12)), np.float32)


def load(path: Path = EMBEDDING_PATH) -> Embedding:
    """Return the embedding in a file; raise `ModelError` when it is damaged."""
    try:
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            arrays = {name: np.asarray(stored[name], np.float32) for name in ARRAYS}
            return Embedding(model_hash=str(stored["model_hash"]), **arrays)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise ModelError(f"embedding {path} is damaged or absent: {error}; install it again") from error
