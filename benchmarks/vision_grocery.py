"""Recognition on real photographs: the Grocery Store Dataset, official test split (every third picture).

All 81 products enrolled from 1, 5 or all training pictures. The shipped network and whitening were learnt on these
products: what they do for products they never saw is measured by `python -m training.splits`, with networks of the
same recipe that did not see them.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from station.vision import embedding, figures, gallery
from station.vision.embedding import Embedding, Rows, unit
from station.vision.interpreter import Embedder
from training import grocery
from training.grocery import Features

MEMORY = Path("build/training")
DRAWS = 5  # random choices of the enrolled pictures
RIDGE = 0.3


def prototypes(learnt: Embedding, train: Features, test: Features, shots: int | None) -> dict[str, float]:
    """Return fine and coarse accuracy and calibration, all products enrolled from `shots` pictures (None: all)."""
    vectors, asked = learnt.project(train.rows), learnt.project(test.rows)
    heat = np.float32(learnt.calibration(shots or len(train.fine) / 81).temperature)
    right, stated, correct = [], [], []
    for seed in range(DRAWS if shots else 1):
        random = np.random.default_rng(seed)
        chosen = [random.permutation(np.flatnonzero(train.fine == number))[:shots] for number in range(81)]
        owner = np.repeat(np.arange(81), [len(rows) for rows in chosen])
        shares = gallery.softmax(gallery.similarity(asked, vectors[np.concatenate(chosen)], owner, 81) / heat)
        right.append(accuracy(train, test, shares))
        stated.append(shares.max(axis=1).astype(np.float64))
        correct.append(shares.argmax(axis=1) == test.fine)
    fine, coarse = np.mean(right, axis=0)
    error = figures.calibration_error(np.concatenate(stated), np.concatenate(correct))
    return {"fine": float(fine), "coarse": float(coarse), "ece": error}


def accuracy(train: Features, test: Features, scores: Rows) -> tuple[float, float]:
    """Return fine and coarse accuracy of the best-scored product."""
    coarse_of = dict(zip(train.fine.tolist(), train.coarse.tolist(), strict=True))
    named = scores.argmax(axis=1)
    coarse = np.array([coarse_of[int(number)] for number in named])
    return float((named == test.fine).mean()), float((coarse == test.coarse).mean())


def ridge(train: Features, test: Features) -> dict[str, float]:
    """Return the accuracy of a linear readout of the unit features: what is in them, whoever reads it."""
    mean = unit(train.rows).mean(axis=0)
    known, asked = (unit(unit(part.rows) - mean).astype(np.float64) for part in (train, test))
    target = np.eye(81)[train.fine]
    weights = np.linalg.solve(
        known.T @ known + RIDGE * np.eye(known.shape[1]), known.T @ (target - target.mean(axis=0))
    )
    fine, coarse = accuracy(train, test, as_rows(asked @ weights + target.mean(axis=0)))
    return {"fine": fine, "coarse": coarse}


def as_rows(values: NDArray[np.float64]) -> Rows:
    """Return the values as the gallery has them."""
    return values.astype(np.float32)


def measure() -> dict[str, dict[str, float]]:
    """Return all figures, by row of the table."""
    embedder = Embedder()
    learnt = embedding.load()
    train, test = (grocery.features(split, embedder, MEMORY) for split in ("train", "test_public"))
    table = {f"{shots or 'all'} pictures each": prototypes(learnt, train, test, shots) for shots in (1, 5, None)}
    return {**table, "all, ridge": ridge(train, test)}


def main() -> int:
    """Measure and print a table; say so where the data is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if not grocery.DATA.is_dir():
        print(f"skipped: the Grocery Store Dataset is not at {grocery.DATA.name}/ beside the project (see training/)")
        return 0
    table = measure()
    if given.json:
        print(json.dumps(table))
    else:
        for row, values in table.items():
            print(f"  {row:20s}" + "   ".join(f"{name} {value:.3f}" for name, value in values.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
