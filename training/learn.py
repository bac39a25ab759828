"""Make `embedding.npz`: mean, whitening and crowd from the training pictures' int8 features, and the calibration.

The shipped network saw all 81 products, so what it says of them promises nothing for new ones. Temperature, the
crowd's share and the curve of `unknown` are therefore fitted with networks of the same recipe that never saw the
products asked about (`training.splits`), on training pictures only; the test split is left for measuring.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from station.vision.embedding import EMBEDDING_PATH
from station.vision.interpreter import Embedder
from training import grocery, protocol, splits

FEATURES = Path("build/training")
SHOTS = (1, 2, 5, 10)
TEMPERATURES = np.geomspace(0.01, 1.0, 200)
SHARES = np.arange(0.0, 1.01, 0.1)
NEWTON_STEPS = 30

Curve = tuple[float, float]


def temperature(trials: list[protocol.Trial]) -> float:
    """Return the temperature under which the right products are likeliest."""

    def loss(value: float) -> float:
        return float(sum(_surprise(trial.known / value, trial.right).sum() for trial in trials))

    return float(min(TEMPERATURES, key=loss))


def _surprise(logits: NDArray[np.float32], right: NDArray[np.int64]) -> NDArray[np.float32]:
    top = logits.max(axis=1)
    total = top + np.log(np.exp(logits - top[:, np.newaxis]).sum(axis=1))
    return np.asarray(total - logits[np.arange(len(right)), right])


def known_curve(trials: list[protocol.Trial], share: float) -> tuple[Curve, float]:
    """Return slope and offset of the log-odds, known against strange at even prior, over the score; and the loss."""
    scores = [trial.standing(share) for trial in trials]
    known, strange = (np.concatenate(part) for part in zip(*scores, strict=True))
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
    loss = np.log1p(np.exp(np.where(truth > 0, -1, 1) * (columns @ curve)))
    return (float(curve[0]), float(curve[1])), float((weight * loss).sum())


def calibrated(numbers: range) -> tuple[float, NDArray[np.float32]]:
    """Return the crowd's share, and temperature, slope and offset (rows) for each number of pictures (columns)."""
    trials = {
        shots: [one for number in numbers for one in splits.trials(number, shots, held_out=False)] for shots in SHOTS
    }
    share = float(min(SHARES, key=lambda value: sum(known_curve(those, value)[1] for those in trials.values())))
    fitted = [(temperature(those), *known_curve(those, share)[0]) for those in trials.values()]
    return share, np.array(fitted, np.float32).T


def main() -> None:
    """Learn, calibrate, write the file, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=3, help="networks that the calibration rests on")
    given = parser.parse_args()
    embedder = Embedder()
    train = grocery.features("train", embedder, FEATURES)
    learnt = protocol.space(train.rows, train.fine)
    share, (heat, slope, offset) = calibrated(range(given.splits))
    sys.stdout.write(f"crowd's share {share:.1f}; for {SHOTS} pictures temperature {np.round(heat, 4)}, ")
    sys.stdout.write(f"slope {np.round(slope, 2)}, offset {np.round(offset, 2)}\n")
    np.savez_compressed(
        EMBEDDING_PATH,
        model_hash=embedder.model_hash,
        mean=learnt.mean.astype(np.float16),
        whitening=learnt.white.astype(np.float16),
        crowd=learnt.crowd.astype(np.float16),
        crowd_share=np.float32(share),
        shots=np.array(SHOTS, np.float32),
        temperature=heat,
        known_slope=slope,
        known_offset=offset,
    )
    sys.stdout.write(f"{EMBEDDING_PATH.name}: {EMBEDDING_PATH.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
