"""Recognition on real photographs: the Grocery Store Dataset, official test split (every third picture).

Two questions. All 81 classes enrolled from 1, 5 or all training pictures (the whitening was learnt on these classes,
which flatters it; the column `centred` does without). And products the whitening never saw: 20 enrolled, 20
strangers, the whitening learnt on the other 41.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from station.vision import embedding, figures, gallery
from station.vision.embedding import Rows, unit
from station.vision.interpreter import Embedder
from training import grocery, protocol
from training.grocery import Features

MEMORY = Path("build/features")
DRAWS = 5  # random choices of the enrolled pictures
TRIALS = 10


def accuracy(train: Features, test: Features, vectors: tuple[Rows, Rows], shots: int | None) -> tuple[float, float]:
    """Return fine and coarse accuracy with all classes enrolled from `shots` pictures (None: all)."""
    right: list[tuple[float, float]] = []
    coarse_of = dict(zip(train.fine.tolist(), train.coarse.tolist(), strict=True))
    for seed in range(DRAWS if shots else 1):
        random = np.random.default_rng(seed)
        chosen = [random.permutation(np.flatnonzero(train.fine == number))[:shots] for number in range(81)]
        owner = np.repeat(np.arange(81), [len(rows) for rows in chosen])
        named = gallery.similarity(vectors[1], vectors[0][np.concatenate(chosen)], owner, 81).argmax(axis=1)
        coarse = np.array([coarse_of[int(number)] for number in named])
        right.append((float((named == test.fine).mean()), float((coarse == test.coarse).mean())))
    fine, broad = np.mean(right, axis=0)
    return float(fine), float(broad)


def unseen(train: Features, test: Features, shots: int) -> dict[str, float]:
    """Return the figures for products the whitening never saw, with the shipped calibration."""
    learnt = embedding.load().calibration(shots)
    top1, stated, correct, areas, surprise = [], [], [], [], []
    for trial in protocol.trials(train, test, shots, TRIALS):
        shares = gallery.softmax(trial.known / np.float32(learnt.temperature))
        hit = shares.argmax(axis=1) == trial.right
        top1.append(hit.mean())
        stated.append(shares.max(axis=1))
        correct.append(hit)
        best = [scores.max(axis=1).astype(np.float64) for scores in (trial.known, trial.strange)]
        areas.append(figures.auroc(-best[1], -best[0]) or 0.0)
        surprise.append(_surprise(best[0], best[1], learnt.known_slope, learnt.known_offset))
    return {
        "top1": float(np.mean(top1)),
        "ece": figures.calibration_error(np.concatenate(stated).astype(np.float64), np.concatenate(correct)),
        "auroc_unknown": float(np.mean(areas)),
        "log loss known/strange": float(np.mean(surprise)),
    }


def _surprise(known: NDArray[np.float64], strange: NDArray[np.float64], slope: float, offset: float) -> float:
    """Return the log loss of the curve at even prior; ln 2 = 0.693 is what knowing nothing costs."""
    losses = np.log1p(np.exp(-(slope * known + offset))).mean(), np.log1p(np.exp(slope * strange + offset)).mean()
    return float(sum(losses) / 2)


def measure() -> dict[str, dict[str, float]]:
    """Return all figures, by row of the table."""
    embedder = Embedder()
    learnt = embedding.load()
    train, test = (grocery.features(split, embedder, MEMORY) for split in ("train", "test_public"))
    centred = tuple(unit(unit(part.rows) - learnt.mean) for part in (train, test))
    whitened = tuple(learnt.project(part.rows) for part in (train, test))
    table: dict[str, dict[str, float]] = {}
    for shots in (1, 5, None):
        row = table[f"81 classes, {shots or 'all'} pictures each"] = {}
        for name, (known, asked) in (("centred", centred), ("whitened", whitened)):
            row[f"{name} fine"], row[f"{name} coarse"] = accuracy(train, test, (known, asked), shots)
    for shots in (1, 5, 10):
        table[f"20 of 40 unseen, {shots} pictures each"] = unseen(train, test, shots)
    return table


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
            print(f"  {row:36s}" + "   ".join(f"{name} {value:.3f}" for name, value in values.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
