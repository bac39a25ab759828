"""A gallery put to the test: pictures whose product is known, of enrolled products and of others."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from station.vision import figures
from station.vision.gallery import Gallery, Recognition
from station.vision.interpreter import Embedder
from station.vision.picture import Pixels


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture that was shown: what it is, what it was taken for, and the crop itself."""

    gtin: str
    seen: Recognition
    crop: Pixels
    enrolled: bool

    @property
    def named(self) -> str:
        """The first candidate, "" where the gallery is empty."""
        return self.seen.candidates[0][0] if self.seen.candidates else ""

    @property
    def sureness(self) -> float:
        """The first candidate's share given that the object is enrolled at all."""
        return self.seen.candidates[0][1] / max(1 - self.seen.unknown, 1e-12) if self.seen.candidates else 0.0

    @property
    def right(self) -> bool:
        """Whether the first candidate is what it is."""
        return self.named == self.gtin

    @property
    def harm(self) -> float:
        """How bad a mistake this is: the probability stated for what it is not."""
        return 0.0 if self.right and self.enrolled else self.sureness * (1 - self.seen.unknown)


def show(gallery: Gallery, embedder: Embedder, pictures: Mapping[str, Sequence[Pixels]]) -> Iterator[Shown]:
    """Yield what the gallery makes of each crop; `pictures` gives those of each GTIN-14."""
    for gtin, crops in pictures.items():
        for crop in crops:
            (seen,) = gallery.recognise(embedder.embed(crop[np.newaxis]))
            yield Shown(gtin, seen, crop, gtin in gallery.gtins)


def summary(shown: Sequence[Shown], products: int) -> dict[str, Any]:
    """Return `n`, `top1`, `ece`, `auroc_unknown`, counts and confusions, for a gallery of so many products.

    `top1` and `ece` are over pictures of enrolled products, given that the object is one (candidates as shares of
    1 - unknown); `auroc_unknown` says how well `unknown` tells the others apart, None where none are shown.
    """
    known = [each for each in shown if each.enrolled]
    strange = [each for each in shown if not each.enrolled]
    right = np.array([each.right for each in known], np.bool_)
    stated = np.array([each.sureness for each in known])
    unknown = [np.array([each.seen.unknown for each in group]) for group in (strange, known)]
    return {
        "n": len(known),
        "n_unknown": len(strange),
        "products": len({each.gtin for each in known}),
        "gallery": products,
        "top1": float(right.mean()) if known else None,
        "ece": figures.calibration_error(stated, right) if known else None,
        "auroc_unknown": figures.auroc(*unknown),
        "confusions": [
            {"gtin": gtin, "taken_for": taken, "n": count}
            for (gtin, taken), count in Counter(
                (each.gtin, each.named) for each in known if not each.right
            ).most_common()
        ],
    }  # fmt: skip


def worst(shown: Sequence[Shown], count: int) -> list[Shown]:
    """Return the most harmful mistakes, worst first: wrong products named, and strangers taken for products."""
    wrong = [each for each in shown if each.harm > 0]
    return sorted(wrong, key=lambda each: -each.harm)[:count]


def evaluate(gallery: Gallery, embedder: Embedder, shown: Mapping[str, Sequence[Pixels]]) -> dict[str, Any]:
    """Return the summary of showing these crops to a gallery."""
    return summary(list(show(gallery, embedder, shown)), len(gallery.gtins))
