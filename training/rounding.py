"""What int8 costs: the shipped network in float and as int8, on all 81 products."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from station.vision import gallery
from station.vision.embedding import unit
from station.vision.interpreter import Embedder
from training import backbone, embedder, grocery, pixels, produce, progress, protocol, tune
from training.backbone import Backbone
from training.grocery import Features
from training.protocol import Matrix

BATCH = 16


def floating(network: Backbone, split: str, memory: Path) -> Features:
    """Return the float network's features of a split."""
    pictures, shots = pixels.pictures(split, memory), grocery.shots(split)

    def rows() -> Iterator[Matrix]:
        for start in progress.bar(f"float {split}", range(0, len(pictures), BATCH), -(-len(pictures) // BATCH)):
            seen = torch.from_numpy(np.array(pictures[start : start + BATCH])).to(backbone.device()).float()
            with torch.inference_mode():
                yield network(pixels.normal(seen)).cpu().numpy()

    fine, coarse = (np.array([getattr(shot, name) for shot in shots]) for name in ("fine", "coarse"))
    return Features(np.concatenate(list(rows())), fine, coarse)


def accuracy(train: Features, test: Features) -> tuple[float, float]:
    """Return fine and coarse accuracy with all training pictures enrolled."""
    learnt = protocol.space(train.rows, train.fine)
    order = np.argsort(train.fine, kind="stable")
    alike = gallery.similarity(learnt.project(test.rows), learnt.project(train.rows[order]), train.fine[order], 81)
    coarse_of: NDArray[np.int64] = np.zeros(81, np.int64)
    coarse_of[train.fine] = train.coarse
    named = alike.argmax(axis=1)
    return float((named == test.fine).mean()), float((coarse_of[named] == test.coarse).mean())


def main() -> None:
    """Print both, and how alike the features are."""
    memory, splits = embedder.MEMORY, ("train", "test_public")
    tuned = produce.tuned(np.arange(len(grocery.shots("train"))), "embedder", memory, tune.Recipe())
    network = backbone.mixed(produce.start(), tuned, tune.SHARE).to(backbone.device())
    real = [floating(network, split, memory) for split in splits]
    small = [grocery.features(split, Embedder(), memory) for split in splits]
    cosine = (unit(real[1].rows) * unit(small[1].rows)).sum(axis=1)
    for name, (train, test) in (("float", real), ("int8", small)):
        fine, coarse = accuracy(train, test)
        sys.stdout.write(f"{name:6s} fine {100 * fine:.1f} %, coarse {100 * coarse:.1f} %\n")
    sys.stdout.write(f"cosine of the features: mean {cosine.mean():.4f}, least {cosine.min():.4f}\n")


if __name__ == "__main__":
    main()
