"""What is odd about pictures that are to be enrolled: known already, known as something else, or hard to tell apart.

Theory of operation. Two files are the same picture when little thumbnails of their crops agree: that survives being
saved again or resized, which the features of a network do not reliably (their cosine fell to 0.79 on photographs
saved at quality 70, while two photographs of one product reached 0.96). The same picture under two products is a
contradiction: one of them is wrong, and every later verdict would be. Products whose average pictures are nearly one
direction cannot be told apart by sight; that is no error, but whoever enrols them should know that only the weight
will. The threshold of that is above any pair of 41 products of photographs measured (0.69).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from station.vision.embedding import Rows, unit
from station.vision.gallery import Gallery, similarity
from station.vision.picture import Pixels

THUMB_PX = 24
SAME_STEPS = 4.0  # mean difference of thumbnails, in steps of 255, below which two crops are one picture
ALIKE = 0.9  # cosine of two products' averages
RATHER = 0.1  # a picture that is so much more like another product than like its own is doubted

Kind = Literal["repeated", "contradiction", "doubtful", "alike"]


@dataclass(frozen=True, slots=True)
class Conflict:
    """One thing to know about an enrolment; `other` is the other product, `text` one line for people."""

    kind: Kind
    other: str
    text: str


def thumbnail(crop: Pixels) -> Rows:
    """Return what is compared of a crop: small, as numbers in one row."""
    return np.asarray(Image.fromarray(crop).resize((THUMB_PX, THUMB_PX), Image.Resampling.BOX), np.float32).ravel()


def same(one: Rows, other: Rows) -> bool:
    """Tell whether two thumbnails show one picture."""
    return bool(np.abs(one - other).mean() < SAME_STEPS)


def known_pictures(
    gtin: str, names: Sequence[str], crops: Sequence[Pixels], kept: Mapping[str, Sequence[Rows]]
) -> dict[int, Conflict]:
    """Return, by place, which of the new crops are pictures known already; `kept` has each product's thumbnails.

    A picture that comes twice among the new ones counts once.
    """
    found: dict[int, Conflict] = {}
    fresh: list[Rows] = []
    for place, (name, crop) in enumerate(zip(names, crops, strict=True)):
        thumb = thumbnail(crop)
        owner = next((known for known, thumbs in kept.items() if any(same(thumb, each) for each in thumbs)), None)
        if owner is not None and owner != gtin:
            text = f"{name} is enrolled as {owner} already: it cannot show {gtin} too; remove the wrong one"
            found[place] = Conflict("contradiction", owner, text)
        elif owner == gtin or any(same(thumb, each) for each in fresh):
            found[place] = Conflict("repeated", gtin, f"{name} is the same picture as one of {gtin} already: left out")
        fresh.append(thumb)
    return found


def doubtful(gallery: Gallery, gtin: str, names: Sequence[str], rows: Rows) -> list[Conflict]:
    """Return the new pictures that look like another product rather than like their own; before they are added.

    `rows` are their projected features. Nothing is said of a product without pictures yet.
    """
    if gtin not in gallery.gtins or len(gallery.gtins) < 2:  # noqa: PLR2004 - no other product
        return []
    own = gallery.gtins.index(gtin)
    alike = similarity(rows, gallery.prototypes, gallery.owner, len(gallery.gtins))
    found = []
    for name, row in zip(names, alike, strict=True):
        best = int(row.argmax())
        if best != own and row[best] > row[own] + RATHER:
            other = gallery.gtins[best]
            text = (
                f"{name} looks like {other} ({row[best]:.2f}) rather than like {gtin} ({row[own]:.2f}); "
                "see that it shows the right product"
            )
            found.append(Conflict("doubtful", other, text))
    return found


def look_alikes(gallery: Gallery, gtin: str | None = None) -> list[Conflict]:
    """Return the pairs of products that sight cannot tell apart; those of one product only where it is given."""
    if len(gallery.gtins) < 2:  # noqa: PLR2004 - no pair
        return []
    starts = np.searchsorted(gallery.owner, np.arange(len(gallery.gtins)))
    averages = unit(np.add.reduceat(gallery.prototypes, starts, axis=0))
    cosines = np.triu(averages @ averages.T, 1)
    pairs = [(int(one), int(other)) for one, other in np.argwhere(cosines > ALIKE)]
    return [
        Conflict(
            "alike", gallery.gtins[other if gallery.gtins[one] == gtin else one],
            f"{gallery.gtins[one]} and {gallery.gtins[other]} look the same ({cosines[one, other]:.2f}): "
            "pictures of another side may help, else only their weight tells them apart",
        )
        for one, other in pairs
        if gtin is None or gtin in {gallery.gtins[one], gallery.gtins[other]}
    ]  # fmt: skip
