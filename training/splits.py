"""Networks that never saw 40 of the 81 products: what the shipped one can do for new products, and its calibration.

`python -m training.splits` tunes one network a split with the shipped one's recipe on 41 classes, makes it int8, keeps
its features of all pictures in `build/training`, and says what it recognises of the other 40.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from station.vision import figures
from station.vision.interpreter import Embedder
from training import grocery, produce, protocol, tune
from training.grocery import Features

MEMORY = Path("build/training")
SPLITS = 5
RECIPE = tune.Recipe(epochs=5)  # half the pictures: more rounds
DRAWS = 4  # who of the 40 is enrolled and who a stranger is drawn so often


def made(split: int) -> tuple[Features, Features]:
    """Return the int8 features of the training and the test pictures by the network of a split."""
    path = MEMORY / f"split-{split}.tflite"
    if not path.exists():
        fine = np.array([shot.fine for shot in grocery.shots("train")])
        produce.write(np.flatnonzero(np.isin(fine, protocol.draw(split).taught)), path, MEMORY, RECIPE)
    embedder = Embedder(path)
    return (grocery.features("train", embedder, MEMORY), grocery.features("test_public", embedder, MEMORY))


def trials(split: int, shots: int, *, held_out: bool) -> list[protocol.Trial]:
    """Return the trials of a split; the queries are training pictures, or those of the test split if `held_out`."""
    train, test = made(split)
    taught = np.isin(train.fine, protocol.draw(split).taught)
    learnt = protocol.space(train.rows[taught], train.fine[taught])
    draws = [protocol.draw(split, again) for again in range(DRAWS)]
    return [protocol.trial(learnt, train, test if held_out else None, one, shots) for one in draws]


def measured(split: int, shots: int, share: float) -> tuple[float, float, float]:
    """Return accuracy, AUROC of strangers, and the share correct and accepted where one stranger in ten is accepted."""
    rows = []
    for trial in trials(split, shots, held_out=True):
        right = trial.known.argmax(axis=1) == trial.right
        known, strange = trial.standing(share)
        accepted = known > np.quantile(strange, 0.9)
        rows.append((right.mean(), figures.auroc(-strange, -known) or 0.0, (right & accepted).mean()))
    accuracy, area, kept = np.mean(rows, axis=0)
    return float(accuracy), float(area), float(kept)


def main() -> None:
    """Make the networks that are not there yet and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--share", type=float, default=0.6, help="of the crowd's similarity, taken off the score")
    given = parser.parse_args()
    for shots in (1, 5, 10):
        rows = [measured(split, shots, given.share) for split in range(given.splits)]
        shown = [*rows, tuple(np.mean(rows, axis=0))]
        table = "  ".join(f"{100 * right:.1f} {area:.3f} {100 * kept:.1f}" for right, area, kept in shown)
        sys.stdout.write(f"{shots:2d} pictures: accuracy, AUROC, correct at 10 % false (mean last): {table}\n")


if __name__ == "__main__":
    main()
