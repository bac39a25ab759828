"""A gallery put to the test: pictures whose product is known, of enrolled products and of others."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from station.vision import figures
from station.vision.gallery import Gallery, Recognition
from station.vision.interpreter import Embedder
from station.vision.picture import Pixels


def evaluate(gallery: Gallery, embedder: Embedder, shown: Mapping[str, Sequence[Pixels]]) -> dict[str, Any]:
    """Return `n`, `top1`, `ece`, `auroc_unknown` and counts; `shown` gives the crops of each GTIN-14.

    `top1` and `ece` are over pictures of enrolled products, given that the object is one (candidates as shares of
    1 - unknown); `auroc_unknown` says how well `unknown` tells the others apart, None where none are shown.
    """
    known: list[tuple[str, Recognition]] = []
    strange: list[Recognition] = []
    for gtin, crops in shown.items():
        for crop in crops:
            (seen,) = gallery.recognise(embedder.embed(crop[np.newaxis]))
            if gtin in gallery.gtins:
                known.append((gtin, seen))
            else:
                strange.append(seen)
    right = np.array([seen.candidates[0][0] == gtin for gtin, seen in known], np.bool_)
    stated = np.array([seen.candidates[0][1] / max(1 - seen.unknown, 1e-12) for _, seen in known])
    return {
        "n": len(known),
        "n_unknown": len(strange),
        "products": len({gtin for gtin, _ in known}),
        "gallery": len(gallery.gtins),
        "top1": float(right.mean()) if known else None,
        "ece": figures.calibration_error(stated, right) if known else None,
        "auroc_unknown": figures.auroc(
            np.array([seen.unknown for seen in strange]), np.array([seen.unknown for _, seen in known])
        ),
    }
