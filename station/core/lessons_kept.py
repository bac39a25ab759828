"""The lessons that are kept, as flat arrays: what a thorough solution and the bound on each shopper work from.

Terms (one a product of a lesson) lie behind each other; `start` tells where a lesson begins. Arrays grow by doubling,
and move down when the oldest lessons leave, so that the whole has the size of what is kept. A term that must not teach
any more is pinned: its weight is taken off as believed, its uncertainty joins the noise, and its units become none.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from station.core.density import Floats
from station.core.solving import Equations

Places = NDArray[np.int64]
Array = NDArray[Any]

ROWS: dict[str, str] = {
    "start": "i8", "goods_g": "f8", "noise_g2": "f8", "weight": "f8", "trust": "f8", "day": "f8",
    "shopper": "i8", "transaction": "i8", "number": "i8",
}  # fmt: skip
TERMS: dict[str, str] = {"place": "i4", "units": "f4", "step_g": "f4", "told": "f8"}
LEAST_WEIGHT = 1e-4  # a lesson believed less is left out


class Kept:
    """Lessons in the order they came; `weight` is how far each is believed."""

    def __init__(self) -> None:
        self.lessons = self.terms = 0
        self._rows: dict[str, Array] = {name: np.zeros(64, dtype=kind) for name, kind in ROWS.items()}
        self._terms: dict[str, Array] = {name: np.zeros(512, dtype=kind) for name, kind in TERMS.items()}

    def append(self, row: Mapping[str, float], terms: Mapping[str, Array]) -> None:
        """Add a lesson: its numbers by name (all of `ROWS` but the start), and its terms, at least one."""
        place = terms["place"]
        end = self.terms + place.size
        _make_room(self._rows, self.lessons + 1)
        _make_room(self._terms, end)
        for name, value in {**row, "start": self.terms}.items():
            self._rows[name][self.lessons] = value
        for name, values in terms.items():
            self._terms[name][self.terms : end] = values
        self.lessons, self.terms = self.lessons + 1, end

    def drop(self, count: int) -> None:
        """Forget the oldest lessons."""
        cut = int(self._rows["start"][count]) if count < self.lessons else self.terms
        for arrays, by, size in ((self._rows, count, self.lessons), (self._terms, cut, self.terms)):
            for array in arrays.values():
                array[: size - by] = array[by:size].copy()
        self.lessons, self.terms = self.lessons - count, self.terms - cut
        self._rows["start"][: self.lessons] -= cut

    def row(self, name: str) -> Array:
        """Return one number of every lesson; a view."""
        return self._rows[name][: self.lessons]

    def term(self, name: str) -> Array:
        """Return one number of every term; a view."""
        return self._terms[name][: self.terms]

    def terms_of(self, lessons: int) -> Places:
        """Return how many terms each of the first lessons has."""
        return np.asarray(np.diff(np.append(self.row("start"), self.terms)[: lessons + 1]), dtype=np.int64)

    def row_of_terms(self) -> Places:
        """Return the lesson of each term."""
        return np.repeat(np.arange(self.lessons), np.diff(np.append(self.row("start"), self.terms)))

    def taught_by(self, shopper: int, place: Places) -> tuple[Floats, Floats]:
        """Return how far this shopper's lessons have moved these products so far, in grams, and the precision told."""
        moved_g, told = np.zeros(place.size), np.zeros(place.size)
        start = np.append(self.row("start"), self.terms)
        for lesson in np.flatnonzero(self.row("shopper") == shopper).tolist():
            span = slice(int(start[lesson]), int(start[lesson + 1]))
            same = self._terms["place"][span][:, None] == place
            moved_g += (same * self._terms["step_g"][span][:, None]).sum(axis=0)
            told += (same * self._terms["told"][span][:, None]).sum(axis=0)
        return moved_g, told

    def forget(self, transaction: int) -> None:
        """Believe no lesson of this transaction any more."""
        same = self.row("transaction") == transaction
        self.row("weight")[same] = self.row("trust")[same] = 0.0

    def pin(self, place: int, mean_g: float, variance_g2: float, since: int = 0) -> None:
        """Let the lessons from number `since` on teach nothing more about a product."""
        at = np.flatnonzero(self.term("place") == place)
        row = self.row_of_terms()[at]
        late = self.row("number")[row] >= since
        at, row = at[late], row[late]
        units = self._terms["units"][at].astype(np.float64)
        self._rows["goods_g"][row] -= units * mean_g
        self._rows["noise_g2"][row] += units**2 * variance_g2
        for name in ("units", "step_g", "told"):
            self._terms[name][at] = 0.0

    def equations(self, scatter_g2: Floats, weight: Floats, upto: int | None = None) -> Equations:
        """Return the lessons (the first `upto`) as equations, those that are hardly believed left out."""
        size = self.lessons if upto is None else upto
        start = np.append(self.row("start"), self.terms)[: size + 1]
        place = self.term("place")[: start[-1]].astype(np.int64)
        units = self.term("units")[: start[-1]].astype(np.float64)
        row = np.repeat(np.arange(size), np.diff(start))
        noise = self.row("noise_g2")[:size] + np.bincount(row, units * scatter_g2[place], size)
        used = weight[:size] > LEAST_WEIGHT
        keep = used[row]
        counts = np.diff(start)[used]
        return Equations(
            np.cumsum(counts) - counts, place[keep], units[keep], self.row("goods_g")[:size][used],
            (noise / np.maximum(weight[:size], LEAST_WEIGHT))[used],
        )  # fmt: skip

    def dump(self) -> dict[str, Array]:
        """Return all arrays, to be stored."""
        return {name: self.row(name).copy() for name in ROWS} | {name: self.term(name).copy() for name in TERMS}

    def load(self, arrays: Mapping[str, Array]) -> None:
        """Take stored arrays in place of what is kept."""
        self._rows = {name: np.array(arrays[name]) for name in ROWS}
        self._terms = {name: np.array(arrays[name]) for name in TERMS}
        self.lessons, self.terms = self._rows["start"].size, self._terms["place"].size
        _make_room(self._rows, 64)
        _make_room(self._terms, 512)


def _make_room(arrays: dict[str, Array], size: int) -> None:
    for name, array in arrays.items():
        if size > array.size:
            arrays[name] = np.zeros(max(2 * array.size, size), dtype=array.dtype)
            arrays[name][: array.size] = array
