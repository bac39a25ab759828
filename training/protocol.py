"""The experiment behind the figures: enrol products the whitening never saw, show them and strangers.

81 classes are split at random: 41 teach the whitening, 20 are enrolled from a few pictures each, 20 stay strangers.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from station.vision import gallery
from station.vision.embedding import unit
from training.grocery import Features

CLASSES, TAUGHT, ENROLLED = 81, 41, 20
SHRINKAGE = 0.3
DIMENSIONS = 256

Matrix = NDArray[np.float32]


class Trial(NamedTuple):
    """Similarities of known queries (queries x enrolled) with the right column, and those of strangers."""

    known: Matrix
    right: NDArray[np.int64]
    strange: Matrix


def whitening(rows: Matrix, classes: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
    """Return the mean of the unit features, and the matrix that whitens the scatter within classes."""
    units = unit(rows)
    mean = units.mean(axis=0)
    centred = (units - mean).astype(np.float64)
    within = centred.copy()
    for number in np.unique(classes):
        within[classes == number] -= within[classes == number].mean(axis=0)
    scatter = within.T @ within / (len(rows) - len(np.unique(classes)))
    size = len(scatter)
    shrunk = (1 - SHRINKAGE) * scatter + SHRINKAGE * np.trace(scatter) / size * np.eye(size)
    values, vectors = np.linalg.eigh(shrunk)
    white = vectors / np.sqrt(values)
    spread = centred @ white
    _, axes = np.linalg.eigh(spread.T @ spread)
    return mean.astype(np.float32), (white @ axes[:, ::-1][:, :DIMENSIONS]).astype(np.float32)


def trials(pool: Features, queries: Features | None, shots: int, count: int) -> Iterator[Trial]:
    """Yield `count` trials; prototypes come from `pool`, queries too (the pictures not enrolled) where None."""
    for seed in range(count):
        random = np.random.default_rng(seed)
        order = random.permutation(CLASSES)
        taught, enrolled, strangers = np.split(order, [TAUGHT, TAUGHT + ENROLLED])
        mean, white = whitening(pool.rows[np.isin(pool.fine, taught)], pool.fine[np.isin(pool.fine, taught)])
        chosen = [random.permutation(np.flatnonzero(pool.fine == number))[:shots] for number in enrolled]
        asked = queries or _without(pool, np.concatenate(chosen))
        vectors = unit(np.asarray((unit(pool.rows) - mean) @ white, np.float32))
        seen = unit(np.asarray((unit(asked.rows) - mean) @ white, np.float32))
        prototypes = vectors[np.concatenate(chosen)]
        owner = np.repeat(np.arange(ENROLLED), [len(rows) for rows in chosen])
        alike = gallery.similarity(seen, prototypes, owner, ENROLLED)
        known, strange = np.isin(asked.fine, enrolled), np.isin(asked.fine, strangers)
        place = {int(number): column for column, number in enumerate(enrolled)}
        yield Trial(alike[known], np.array([place[int(number)] for number in asked.fine[known]]), alike[strange])


def _without(pool: Features, rows: NDArray[np.int64]) -> Features:
    kept = np.setdiff1d(np.arange(len(pool.fine)), rows)
    return Features(pool.rows[kept], pool.fine[kept], pool.coarse[kept])
