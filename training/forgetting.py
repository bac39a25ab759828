"""Does tuning cost what ImageNet knew of packages? Tuned against untuned on products that tuning never saw.

Two questions, both answered by the nearest of a few enrolled pictures after whitening: the packages among the 40
products a split keeps out, and the drawn packages of the simulated store, a foreign set to every network.
`--shares` mixes the tuned weights with the ImageNet ones anew.
"""

import argparse
import sys

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from drivers.sim import render
from drivers.sim.assortment import ASSORTMENT
from station.vision import crop, detect, gallery
from station.vision.interpreter import Embedder
from training import backbone, convert, grocery, pixels, produce, progress, protocol, splits
from training.grocery import Features

DRAWN_PICTURES = 6
SHOTS = 1
DRAWS = 20


def network(split: int, share: float) -> Embedder:
    """Return the int8 network of a split with that share of tuned weights (0: ImageNet's alone)."""
    path = splits.MEMORY / f"split-{split}-{share:.2f}.tflite"
    if not path.exists():
        fine = np.array([shot.fine for shot in grocery.shots("train")])
        rows = np.flatnonzero(np.isin(fine, protocol.draw(split).taught))
        tuned = produce.tuned(rows, f"split-{split}", splits.MEMORY, splits.RECIPE)
        mixed = backbone.mixed(produce.start(), tuned, share)
        convert.write(backbone.plain(mixed), pixels.pictures("train", splits.MEMORY)[rows], path)
    return Embedder(path)


def packages(split: int, embedder: Embedder) -> float:
    """Return how often a held-out package of the test split is told from the other held-out packages."""
    train, test = (grocery.features(part, embedder, splits.MEMORY) for part in ("train", "test_public"))
    drawn = protocol.draw(split)
    packed = {shot.fine for shot in grocery.shots("train") if "Packages" in shot.path.parts}
    others = np.array([number for number in (*drawn.enrolled, *drawn.strangers) if number in packed])
    learnt = protocol.space(*_of(train, drawn.taught))
    return _told(learnt.project(_of(train, others)[0]), _of(train, others)[1], _seen(learnt, test, others))


def _of(part: Features, classes: NDArray[np.int64]) -> tuple[protocol.Matrix, NDArray[np.int64]]:
    rows = np.isin(part.fine, classes)
    return part.rows[rows], part.fine[rows]


def _seen(
    learnt: protocol.Space, part: Features, classes: NDArray[np.int64]
) -> tuple[protocol.Matrix, NDArray[np.int64]]:
    rows, numbers = _of(part, classes)
    return learnt.project(rows), numbers


def _told(pool: protocol.Matrix, owners: NDArray[np.int64], asked: tuple[protocol.Matrix, NDArray[np.int64]]) -> float:
    """Return the accuracy of the nearest of `SHOTS` enrolled pictures, mean of draws."""
    rows, numbers = asked
    classes = np.unique(owners)
    right = []
    for seed in range(DRAWS):
        random = np.random.default_rng(seed)
        chosen = np.concatenate([random.permutation(np.flatnonzero(owners == one))[:SHOTS] for one in classes])
        alike = gallery.similarity(rows, pool[chosen], np.repeat(np.arange(len(classes)), SHOTS), len(classes))
        right.append((classes[alike.argmax(axis=1)] == numbers).mean())
    return float(np.mean(right))


def drawn_crops(side_px: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return crops of the simulated store's goods, each alone on the platform, and whose they are."""
    empty = detect.reference(render.render([], rng_seed=99))
    crops, owners = [], []
    for number, article in enumerate(ASSORTMENT):
        for frame in render.portraits(article.gtin, DRAWN_PICTURES, seed=number):
            things = detect.find(empty, frame)
            if len(things) == 1:
                crops.append(crop.cut(Image.fromarray(frame), things[0], side_px))
                owners.append(number)
    return np.stack(crops), np.array(owners)


def drawn(split: int, embedder: Embedder) -> float:
    """Return how often a drawn package is told from the others."""
    crops, owners = drawn_crops(embedder.side_px)
    rows = np.concatenate([embedder.embed(one[np.newaxis]) for one in progress.bar("drawn goods", crops, len(crops))])
    train = grocery.features("train", embedder, splits.MEMORY)
    seen = protocol.space(*_of(train, protocol.draw(split).taught)).project(rows)
    first = np.arange(len(owners)) % 2 == 0
    return _told(seen[first], owners[first], (seen[~first], owners[~first]))


def main() -> None:
    """Print a line for each share of tuned weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", type=int, default=0)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.5, 0.8, 1.0])
    given = parser.parse_args()
    for share in given.shares:
        embedder = network(given.split, share)
        right = packages(given.split, embedder), drawn(given.split, embedder)
        sys.stdout.write(f"tuned share {share:.2f}: held-out packages {right[0]:.3f}, drawn goods {right[1]:.3f}\n")


if __name__ == "__main__":
    main()
