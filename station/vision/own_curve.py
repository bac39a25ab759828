"""How likely is an object outside the gallery? A curve that the gallery measures on itself.

Theory of operation. How alike two pictures of one product are, and how alike two of different products, depends on
camera, light and assortment; a curve fitted elsewhere would be off. Each enrolled picture is taken out in turn and
shown to the rest: with its product's other pictures there, it plays a known object, without them a stranger. Both
scores are taken for normal with one spread, which gives a straight line for the log-odds. Enrolled pictures were
mostly taken in one go and resemble one another more than tomorrow's frames will, so the spread is widened.
"""

import numpy as np
from numpy.typing import NDArray

from station.vision.embedding import Rows, unit

PRODUCTS_MIN, PICTURES_MIN = 8, 20  # fewer do not carry a curve
WIDENING = 1.25  # of the standard deviation

Numbers = NDArray[np.float64]


def known_curve(rows: Rows, owner: NDArray[np.int64], pull: Rows) -> tuple[float, float] | None:
    """Return slope and offset of the log-odds (known against strange, even prior) over the score.

    `rows` is pictures x turns x dimensions, unit vectors; `owner` the product of each picture, rising from 0; `pull`
    what the crowd takes off each picture's best similarity. None where there are too few pictures, or they do not
    tell products apart.
    """
    pictures = np.bincount(owner, minlength=1)
    if len(pictures) < PRODUCTS_MIN or pictures[pictures > 1].sum() < PICTURES_MIN:
        return None
    known, strange = _scores(rows, owner, pull)
    distance = float(known.mean() - strange.mean())
    spread = float((known.var() + strange.var()) / 2) * WIDENING**2
    if distance <= 0 or spread <= 0:
        return None
    slope = distance / spread
    return slope, -slope * float(known.mean() + strange.mean()) / 2


def _scores(rows: Rows, owner: NDArray[np.int64], pull: Rows) -> tuple[Numbers, Numbers]:
    """Return the scores of the pictures as known objects, and as strangers."""
    count, turns, _ = rows.shape
    products = int(owner[-1]) + 1
    queries = rows[:, 0]
    cosines = np.einsum("qd,ptd->qpt", queries, rows).max(axis=2)  # picture x picture, best turn
    totals = np.zeros((products, rows.shape[2]), np.float64)
    np.add.at(totals, np.repeat(owner, turns), rows.reshape(count * turns, -1))
    centres = unit(totals.astype(np.float32))
    known, strange = [], []
    for query in range(count):
        nearest = np.full(products, -np.inf)
        others = np.arange(count) != query
        np.maximum.at(nearest, owner[others], cosines[query, others])
        average = centres @ queries[query]
        left = totals[owner[query]] - rows[query].sum(axis=0)
        average[owner[query]] = unit(left[np.newaxis].astype(np.float32))[0] @ queries[query]
        alike = (nearest + average) / 2
        strange.append(float(np.delete(alike, owner[query]).max() - pull[query]))
        if np.isfinite(nearest[owner[query]]):
            known.append(float(alike.max() - pull[query]))
    return np.array(known), np.array(strange)
