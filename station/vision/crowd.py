"""A crowd of products from elsewhere: what is more like one of them than like anything enrolled is rather a stranger.

Theory of operation. A similarity of 0.6 to the nearest enrolled product means little by itself: some objects are like
everything. The model's training products, one direction each, say how like a product is that is not the right one. A
share of the similarity to the nearest of them is taken off. Where an enrolled product is itself one of the crowd
(a banana is a banana in every shop), its double must not speak against it and is left out.
"""

import numpy as np
from numpy.typing import NDArray

from station.vision.embedding import Rows, unit

DOUBLE = 0.85  # cosine of averages from which a member of the crowd is taken for the enrolled product itself


def without(crowd: Rows, prototypes: Rows, owner: NDArray[np.int64]) -> Rows:
    """Return the crowd without the doubles of enrolled products; `owner` gives each prototype's, rising from 0."""
    if not len(crowd) or not len(prototypes):
        return crowd
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    alike = unit(np.add.reduceat(prototypes, starts, axis=0)) @ crowd.T
    doubles = alike.argmax(axis=1)[alike.max(axis=1) > DOUBLE]
    return np.delete(crowd, np.unique(doubles), axis=0)


def nearest(seen: Rows, crowd: Rows) -> Rows:
    """Return the similarity of each object to the crowd's nearest, 0 where there is no crowd."""
    if not len(crowd):
        return np.zeros(len(seen), np.float32)
    return np.asarray((seen @ crowd.T).max(axis=1), np.float32)
