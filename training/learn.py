"""Make `embedding.npz`: mean and whitening from the training pictures' int8 features, and the calibration.

Temperature and the curve of `unknown` are fitted on pictures of products the whitening of each trial never saw
(`training.protocol`, training split only); the test split is left for measuring (`benchmarks/vision_grocery.py`).
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from station.vision.embedding import EMBEDDING_PATH
from station.vision.interpreter import Embedder
from training import grocery, protocol

FEATURES = Path("build/features")
SHOTS = (1, 2, 5, 10)
TRIALS = 10
TEMPERATURES = np.geomspace(0.01, 1.0, 200)
NEWTON_STEPS = 30


def temperature(trials: list[protocol.Trial]) -> float:
    """Return the temperature under which the right products are likeliest."""

    def loss(value: float) -> float:
        return float(sum(_surprise(trial.known / value, trial.right).sum() for trial in trials))

    return float(min(TEMPERATURES, key=loss))


def _surprise(logits: NDArray[np.float64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    top = logits.max(axis=1)
    total = top + np.log(np.exp(logits - top[:, np.newaxis]).sum(axis=1))
    return total - logits[np.arange(len(right)), right]


def known_curve(trials: list[protocol.Trial]) -> tuple[float, float]:
    """Return slope and offset of the log-odds, known against strange at even prior, over the best similarity."""
    known = np.concatenate([trial.known.max(axis=1) for trial in trials]).astype(np.float64)
    strange = np.concatenate([trial.strange.max(axis=1) for trial in trials]).astype(np.float64)
    score = np.concatenate([known, strange])
    truth = np.repeat([1.0, 0.0], [len(known), len(strange)])
    weight = np.repeat([0.5 / len(known), 0.5 / len(strange)], [len(known), len(strange)])
    columns = np.stack([score, np.ones_like(score)], axis=1)
    curve = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-columns @ curve))
        slope = columns.T @ (weight * (truth - chance))
        bend = (columns.T * (weight * chance * (1 - chance))) @ columns
        curve = curve + np.linalg.solve(bend, slope)
    return float(curve[0]), float(curve[1])


def main() -> None:
    """Learn, calibrate, write the file, and say what was found."""
    embedder = Embedder()
    train = grocery.features("train", embedder, FEATURES)
    mean, white = protocol.whitening(train.rows, train.fine)
    fitted = []
    for shots in SHOTS:
        trials = list(protocol.trials(train, None, shots, TRIALS))
        fitted.append((temperature(trials), *known_curve(trials)))
        sys.stdout.write(f"{shots:3d} pictures: temperature, slope, offset {np.round(fitted[-1], 4)}\n")
    heat, slope, offset = (np.array(column, np.float32) for column in zip(*fitted, strict=True))
    np.savez_compressed(
        EMBEDDING_PATH,
        model_hash=embedder.model_hash,
        mean=mean.astype(np.float16),
        whitening=white.astype(np.float16),
        shots=np.array(SHOTS, np.float32),
        temperature=heat,
        known_slope=slope,
        known_offset=offset,
    )
    sys.stdout.write(f"{EMBEDDING_PATH.name}: {EMBEDDING_PATH.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
