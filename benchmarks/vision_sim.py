"""How well the camera sees the simulated store: objects counted, products named, milliseconds spent.

The pictures are drawn, so the figures say whether the pipeline works and how it degrades with clutter, not how well it
will do in a shop. Products are enrolled from portraits at other places and angles than those of the baskets; every
sixth product stays a stranger. `apart`: nothing touches. `heaped`: things are put down anywhere, over one another.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from drivers.sim import render
from drivers.sim.assortment import ASSORTMENT, Article
from drivers.sim.world import PlacedObject
from station.vision import detect, embedding, figures, pipeline
from station.vision.gallery_store import GalleryStore
from station.vision.interpreter import Embedder
from station.vision.pipeline import Eye, Look

STRANGERS = {article.gtin for article in ASSORTMENT[::6]}
EMPTY_SEED = 99
GAP_M = 0.012


class Basket(NamedTuple):
    """What lies on the platform, and what the eye made of it."""

    objects: tuple[PlacedObject, ...]
    look: Look
    cpu_ms: dict[str, float]  # processor time of the calling thread: what other load leaves alone


def eye(folder: Path, shots: int, embedder: Embedder) -> Eye:
    """Return an eye whose gallery was enrolled from `shots` portraits of each product but the strangers."""
    empty = render.render([], rng_seed=EMPTY_SEED)
    reference = detect.reference(empty)
    store = GalleryStore(folder)
    for article in ASSORTMENT:
        if article.gtin not in STRANGERS:
            frames = render.portraits(article.gtin, shots, seed=int(article.gtin) % 9973)
            crops = [pipeline.single(reference, frame, embedder.side_px) for frame in frames]
            store.enrol(article.gtin, [crop for crop in crops if crop is not None])
    made = Eye("top", embedder, store.load(embedder, embedding.load()).gallery)
    made.see_empty(empty)
    return made


def laid(articles: Sequence[Article], random: np.random.Generator, *, apart: bool) -> tuple[PlacedObject, ...]:
    """Return products at random places; where `apart`, those that find no free place are left away."""
    objects: list[PlacedObject] = []
    for article in articles:
        for _ in range(60):
            placed = PlacedObject(
                article.gtin, article.name, article.weight_g, random.uniform(-0.24, 0.24), random.uniform(-0.14, 0.14),
                random.uniform(0, 2 * np.pi), article.size_m,
            )  # fmt: skip
            if not apart or (_inside(placed) and not any(_near(placed, other) for other in objects)):
                objects.append(placed)
                break
    return tuple(objects)


def _inside(one: PlacedObject) -> bool:
    corners = _corners(one)
    return bool((np.abs(corners) < np.array(render.PLATFORM_M) / 2).all())


def _corners(one: PlacedObject) -> np.ndarray[Any, np.dtype[np.float64]]:
    half = np.array(one.size_m) / 2 + GAP_M / 2
    cos, sin = np.cos(one.angle_rad), np.sin(one.angle_rad)
    turn = np.array([(cos, sin), (-sin, cos)])
    return np.asarray(np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half @ turn + (one.x_m, one.y_m))


def _near(one: PlacedObject, other: PlacedObject) -> bool:
    """Tell whether two outlines overlap (separating axes)."""
    first, second = _corners(one), _corners(other)
    for angle in (one.angle_rad, one.angle_rad + np.pi / 2, other.angle_rad, other.angle_rad + np.pi / 2):
        axis = np.array((np.cos(angle), np.sin(angle)))
        if (first @ axis).max() < (second @ axis).min() or (second @ axis).max() < (first @ axis).min():
            return False
    return True


def baskets(watcher: Eye, count: int, *, apart: bool, seed: int = 1) -> list[Basket]:
    """Return `count` baskets of 3 to 8 products as seen."""
    random = np.random.default_rng(seed)
    seen = []
    for number in range(count):
        chosen = random.choice(len(ASSORTMENT), int(random.integers(3, 9)), replace=False)
        objects = laid([ASSORTMENT[place] for place in chosen], random, apart=apart)
        frame = render.render(objects, rng_seed=number)

        look = watcher.look(frame, time.perf_counter_ns)
        seen.append(Basket(objects, look, watcher.look(frame, time.thread_time_ns).timing_ms))
    return seen


def measure(seen: Sequence[Basket]) -> dict[str, float]:
    """Return the figures over some baskets: counts, names, strangers, calibration, milliseconds."""
    objects = sum(len(basket.objects) for basket in seen)
    sightings = sum(len(basket.look.sightings) for basket in seen)
    stated, right, named, known = [], [], 0, 0
    for basket in seen:
        left = Counter(placed.gtin for placed in basket.objects)
        known += sum(number for gtin, number in left.items() if gtin not in STRANGERS)
        for sighting in basket.look.sightings:
            gtin, share = sighting.candidates[0]
            hit = left[gtin] > 0
            left[gtin] -= hit
            named += hit
            stated.append(share)
            right.append(hit)
    inference = [basket.look.timing_ms["inference"] for basket in seen]
    software = [_without_model(basket.look.timing_ms) for basket in seen]
    cpu = [_without_model(basket.cpu_ms) for basket in seen]
    return {
        "baskets": len(seen),
        "objects": objects,
        "sightings": sightings,
        "counts right": sum(len(b.objects) == len(b.look.sightings) for b in seen) / len(seen),
        "products named, of those enrolled": named / known,
        "sightings named right": named / sightings,
        "calibration error": figures.calibration_error(np.array(stated), np.array(right)),
        "inference p50 ms": statistics.median(inference),
        "rest of vision p50 ms": statistics.median(software),
        "rest of vision p95 ms": statistics.quantiles(software, n=20)[-1],
        "rest of vision, processor p50 ms": statistics.median(cpu),
        "rest of vision, processor p95 ms": statistics.quantiles(cpu, n=20)[-1],
    }


def _without_model(spent: dict[str, float]) -> float:
    return spent["detect"] + spent["crop"] + spent["match"]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baskets", type=int, default=100)
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    embedder = Embedder()
    with tempfile.TemporaryDirectory() as folder:
        watcher = eye(Path(folder), given.shots, embedder)
        results = {
            name: measure(baskets(watcher, given.baskets, apart=apart))
            for name, apart in (("apart", True), ("heaped", False))
        }
    if given.json:
        print(json.dumps(results))
        return
    print(f"simulated store, {given.shots} portraits a product, {embedder.runtime}")
    for row in results["apart"]:
        print(f"  {row:36s}" + "".join(f"{name} {figure[row]:9.3f}   " for name, figure in results.items()))


if __name__ == "__main__":
    main()
