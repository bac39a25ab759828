"""Which product is it? Pictures of enrolled products, compared with what is seen.

Theory of operation. Every enrolled picture is a prototype, a unit vector of the whitened feature space. A product's
similarity to an object is the mean of two cosines: to its nearest prototype (products have several faces) and to the
average of its prototypes (one picture is noisy). A softmax at the calibrated temperature makes probabilities under a
uniform prior over the gallery. The best similarity, less a share of that to the crowd (`crowd.py`), also says, through
the calibrated curve, how likely the object is outside the gallery; a gallery large enough measures that curve on
itself (`own_curve`), a small one takes the shipped one, which is weak (see the model card): `unknown` stays cautious,
and the weight decides.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.vision import crowd
from station.vision.embedding import Embedding, Rows, unit

CANDIDATES = 10
UNKNOWN_PRIOR = 0.05  # objects outside the gallery among those on a platform


@dataclass(frozen=True, slots=True)
class Recognition:
    """One object: the likeliest products, best first, and the probability of a product outside the gallery."""

    candidates: tuple[tuple[str, float], ...]
    unknown: float


@dataclass(frozen=True, slots=True)
class Gallery:
    """Prototypes (one row each, grouped by product) and the products they show; a value, never changed."""

    gtins: tuple[str, ...]
    prototypes: Rows
    owner: NDArray[np.int64]  # column of `gtins` for each prototype, rising
    embedding: Embedding
    crowd: Rows  # the embedding's without the doubles of what is enrolled
    pictures: int = 0
    own_curve: tuple[float, float] | None = None  # slope and offset measured on this gallery itself, where it can
    unknown_prior: float = UNKNOWN_PRIOR

    def recognise(self, features: Rows) -> tuple[Recognition, ...]:
        """Return what each object is; `features` as they come out of the network, one row an object."""
        if not self.gtins or not len(features):
            return tuple(Recognition((), 1.0) for _ in features)
        rows = self.embedding.project(features)
        alike = similarity(rows, self.prototypes, self.owner, len(self.gtins))
        calibration = self.embedding.calibration(self.pictures / len(self.gtins))
        shares = softmax(alike / calibration.temperature)
        slope, offset = self.own_curve or (calibration.known_slope, calibration.known_offset)
        odds = slope * (alike.max(axis=1) - self.embedding.crowd_share * crowd.nearest(rows, self.crowd)) + offset
        odds += math.log((1 - self.unknown_prior) / self.unknown_prior)
        unknown = 1 / (1 + np.exp(odds.astype(np.float64)))
        return tuple(self._recognition(row, float(out)) for row, out in zip(shares, unknown, strict=True))

    def _recognition(self, shares: Rows, unknown: float) -> Recognition:
        best = np.argsort(-shares, kind="stable")[:CANDIDATES]
        pairs = ((self.gtins[column], float(shares[column]) * (1 - unknown)) for column in best)
        return Recognition(tuple(pairs), unknown)


def empty(embedding: Embedding) -> Gallery:
    """Return a gallery without products: everything seen is unknown."""
    nothing = np.zeros((0, embedding.whitening.shape[1]), np.float32)
    return Gallery((), nothing, np.zeros(0, np.int64), embedding, embedding.crowd)


def similarity(seen: Rows, prototypes: Rows, owner: NDArray[np.int64], products: int) -> Rows:
    """Return how alike each object is to each product (objects x products, at most 1).

    `seen` and `prototypes` are unit rows; `owner` gives each prototype's product, rising from 0, none left out.
    """
    starts = np.searchsorted(owner, np.arange(products))
    nearest = np.maximum.reduceat(seen @ prototypes.T, starts, axis=1)
    average = seen @ unit(np.add.reduceat(prototypes, starts, axis=0)).T
    return np.asarray((nearest + average) / 2, np.float32)


def softmax(logits: Rows) -> Rows:
    """Return each row as probabilities."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
