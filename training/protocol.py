"""The experiment behind the figures: enrol products that neither network nor whitening ever saw, show them and others.

81 classes are split at random: 41 teach, 20 are enrolled from a few pictures each, 20 stay strangers. The 41 also
make the crowd: what is more like one of them than like anything enrolled is rather a stranger (`station.vision.crowd`).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from station.vision import crowd, gallery
from station.vision.embedding import unit
from training.grocery import Features

CLASSES, TAUGHT, ENROLLED = 81, 41, 20
SHRINKAGE = 0.5
DIMENSIONS = 512

Matrix = NDArray[np.float32]
Classes = NDArray[np.int64]


class Draw(NamedTuple):
    """Which classes teach, which are enrolled, which stay strangers."""

    taught: Classes
    enrolled: Classes
    strangers: Classes


class Space(NamedTuple):
    """What is learnt from the features of the classes that teach: mean, whitening, and the crowd."""

    mean: Matrix
    white: Matrix
    crowd: Matrix

    def project(self, rows: Matrix) -> Matrix:
        """Return unit vectors, as `Embedding.project` does."""
        return unit(np.asarray((unit(rows) - self.mean) @ self.white, np.float32))


class Trial(NamedTuple):
    """Similarities of known queries (queries x enrolled) with the right column, those of strangers, and the crowd's."""

    known: Matrix
    right: Classes
    strange: Matrix
    known_crowd: Matrix
    strange_crowd: Matrix

    def standing(self, share: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the scores of known queries and of strangers: the best similarity less a share of the crowd's."""
        known = self.known.max(axis=1) - share * self.known_crowd
        return known.astype(np.float64), (self.strange.max(axis=1) - share * self.strange_crowd).astype(np.float64)


def draw(split: int, again: int = 0) -> Draw:
    """Return a split of the classes; `again` redraws who is enrolled and who strange, the teachers staying."""
    taught, enrolled, strangers = np.split(
        np.random.default_rng(split).permutation(CLASSES), [TAUGHT, TAUGHT + ENROLLED]
    )
    if again:
        others = np.random.default_rng((split, again)).permutation(np.concatenate([enrolled, strangers]))
        enrolled, strangers = np.split(others, [ENROLLED])
    return Draw(taught, enrolled, strangers)


def space(rows: Matrix, classes: Classes) -> Space:
    """Return what the features of these classes teach."""
    mean, white = whitening(rows, classes)
    seen = unit(np.asarray((unit(rows) - mean) @ white, np.float32))
    return Space(mean, white, unit(np.stack([seen[classes == number].mean(axis=0) for number in np.unique(classes)])))


def whitening(rows: Matrix, classes: Classes) -> tuple[Matrix, Matrix]:
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


def trial(learnt: Space, pool: Features, queries: Features | None, drawn: Draw, shots: int) -> Trial:
    """Enrol `shots` pictures of the pool a class; ask with `queries`, or where None with the rest of the pool."""
    random = np.random.default_rng(int(drawn.enrolled[0]))
    chosen = [random.permutation(np.flatnonzero(pool.fine == number))[:shots] for number in drawn.enrolled]
    asked = queries or _without(pool, np.concatenate(chosen))
    seen = learnt.project(asked.rows)
    prototypes = learnt.project(pool.rows[np.concatenate(chosen)])
    owner = np.repeat(np.arange(ENROLLED), [len(rows) for rows in chosen])
    alike = gallery.similarity(seen, prototypes, owner, ENROLLED)
    around = crowd.nearest(seen, crowd.without(learnt.crowd, prototypes, owner))
    known, strange = np.isin(asked.fine, drawn.enrolled), np.isin(asked.fine, drawn.strangers)
    place = {int(number): column for column, number in enumerate(drawn.enrolled)}
    right = np.array([place[int(number)] for number in asked.fine[known]])
    return Trial(alike[known], right, alike[strange], around[known], around[strange])


def _without(pool: Features, rows: Classes) -> Features:
    kept = np.setdiff1d(np.arange(len(pool.fine)), rows)
    return Features(pool.rows[kept], pool.fine[kept], pool.coarse[kept])
