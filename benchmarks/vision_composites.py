"""Counting and naming on composites of real product pictures, by how many things lie there; weight is left out.

cAcc: baskets whose list of products is right to the piece. ACD: pieces too many and too few, a basket. mCIoU: pieces
right against pieces right, missed and invented, averaged over products. `counted`: baskets whose number of things is
right. Every product is enrolled from a few pictures of it alone on the steel platform.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import composites_world as world
from station.vision import detect, embedding, pipeline
from station.vision.gallery import Gallery
from station.vision.gallery_store import GalleryStore
from station.vision.interpreter import Embedder
from station.vision.pipeline import Eye

STRATA = {"1-4": (1, 4), "5-9": (5, 9), "10-20": (10, 20)}
ENROLLED_ON = "steel"


class Basket(NamedTuple):
    """What lay there and what was seen, as products."""

    true: Counter[int]
    seen: Counter[int]
    things: int
    sightings: int


def enrolled(embedder: Embedder, shots: int, folder: Path) -> Gallery:
    """Return the gallery of all products, each from `shots` pictures."""
    random = np.random.default_rng(7)
    empty = detect.reference(world.scene([], ENROLLED_ON, random).pixels)
    store = GalleryStore(folder)
    for product in world.PRODUCTS:
        alone = (world.scene([product], ENROLLED_ON, random).pixels for _ in range(shots))
        crops = [pipeline.single(empty, pixels, embedder.side_px) for pixels in alone]
        store.enrol(f"{product:014d}", [crop for crop in crops if crop is not None])
    return store.load(embedder, embedding.load()).gallery


def baskets(embedder: Embedder, known: Gallery, bounds: tuple[int, int], count: int) -> list[Basket]:
    """Return what an eye made of `count` baskets, over the surfaces in turn."""
    random = np.random.default_rng(bounds)
    seen = []
    for number in range(count):
        ground = list(world.SURFACES)[number % len(world.SURFACES)]
        eye = Eye("top", embedder, known)
        eye.see_empty(world.scene([], ground, random).pixels)
        chosen = random.choice(world.PRODUCTS, int(random.integers(bounds[0], bounds[1] + 1))).tolist()
        scene = world.scene(chosen, ground, random)
        look = eye.look(scene.pixels, time.perf_counter_ns)
        named = Counter(int(sighting.candidates[0][0]) for sighting in look.sightings)
        true = Counter(thing.product for thing in scene.things)
        seen.append(Basket(true, named, len(scene.things), len(look.sightings)))
    return seen


def figures(seen: Sequence[Basket]) -> dict[str, float]:
    """Return the figures over some baskets."""
    both, either = Counter[int](), Counter[int]()
    for basket in seen:
        both += basket.true & basket.seen
        either += basket.true | basket.seen
    return {
        "cAcc": float(np.mean([basket.true == basket.seen for basket in seen])),
        "ACD": float(np.mean([sum(((b.true | b.seen) - (b.true & b.seen)).values()) for b in seen])),
        "mCIoU": float(np.mean([both[product] / number for product, number in either.items()])),
        "counted": float(np.mean([basket.things == basket.sightings for basket in seen])),
        "things": float(np.mean([basket.things for basket in seen])),
        "sightings": float(np.mean([basket.sightings for basket in seen])),
    }


def measure(count: int, shots: int) -> dict[str, dict[str, float]]:
    """Return the figures by stratum."""
    embedder = Embedder()
    with tempfile.TemporaryDirectory() as folder:
        known = enrolled(embedder, shots, Path(folder))
    return {name: figures(baskets(embedder, known, bounds, count)) for name, bounds in STRATA.items()}


def main() -> int:
    """Measure and print a table; say so where the data is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baskets", type=int, default=60, help="in each stratum")
    parser.add_argument("--shots", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if not world.DATA.is_dir():
        print(f"skipped: the Grocery Store Dataset is not at {world.DATA.name}/ beside the project (see training/)")
        return 0
    table = measure(given.baskets, given.shots)
    if given.json:
        print(json.dumps(table))
        return 0
    for name, row in table.items():
        print(f"  {name:6s}" + "   ".join(f"{what} {value:.3f}" for what, value in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
