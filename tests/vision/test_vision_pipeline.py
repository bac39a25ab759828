"""From a frame of the simulated camera to sightings, with the real model."""

import time

import numpy as np
import pytest

from drivers.sim import render
from drivers.sim.assortment import ASSORTMENT, BY_GTIN
from drivers.sim.world import PlacedObject
from station.vision import detect, embedding, pipeline
from station.vision.gallery_store import GalleryStore
from station.vision.interpreter import Embedder
from station.vision.pipeline import Eye, NoReferenceError
from tests.vision.conftest import ENROLLED

PLACES = [(-0.18, 0.0, 0.3), (0.0, 0.09, 1.7), (0.2, -0.02, 2.9), (0.02, -0.1, 4.0)]


@pytest.fixture
def eye(store: GalleryStore, embedder: Embedder, empty: np.ndarray) -> Eye:
    made = Eye("top", embedder, store.load(embedder, embedding.load()).gallery)
    made.see_empty(empty)
    return made


def basket(gtins: tuple[str, ...]) -> list[PlacedObject]:
    return [
        PlacedObject(gtin, BY_GTIN[gtin].name, BY_GTIN[gtin].weight_g, x, y, angle, BY_GTIN[gtin].size_m)
        for gtin, (x, y, angle) in zip(gtins, PLACES, strict=False)
    ]


def test_a_basket_is_counted_and_named(eye: Eye) -> None:
    gtins = (ENROLLED[0], ENROLLED[1], ENROLLED[3], ENROLLED[4])
    frame = render.render(basket(gtins), rng_seed=7)
    look = eye.look(frame, time.monotonic_ns)
    assert sorted(gtins) == sorted(sighting.candidates[0][0] for sighting in look.sightings)
    assert {sighting.camera for sighting in look.sightings} == {"top"}
    assert len(look.boxes) == len(gtins)


def test_the_empty_platform_gives_no_sightings(eye: Eye) -> None:
    look = eye.look(render.render([], rng_seed=5), time.monotonic_ns)
    assert look.sightings == ()


def test_a_stranger_is_less_known_than_the_known(eye: Eye) -> None:
    strangers = [article.gtin for article in ASSORTMENT if article.gtin not in ENROLLED][::5]

    def unknown(gtin: str) -> float:
        (sighting,) = eye.look(render.portraits(gtin, 1, seed=9)[0], time.monotonic_ns).sightings
        return sighting.unknown

    assert np.mean([unknown(gtin) for gtin in strangers]) > np.mean([unknown(gtin) for gtin in ENROLLED])


def test_time_is_told_stage_by_stage(eye: Eye) -> None:
    ticks = iter(range(0, 10**9, 2_000_000))
    look = eye.look(render.render(basket(ENROLLED[:1]), rng_seed=1), lambda: next(ticks))
    assert look.timing_ms == {"detect": 2.0, "crop": 2.0, "inference": 2.0, "match": 2.0}


def test_before_the_empty_platform_it_cannot_tell(store: GalleryStore, embedder: Embedder, empty: np.ndarray) -> None:
    blind = Eye("top", embedder, store.load(embedder, embedding.load()).gallery)
    with pytest.raises(NoReferenceError, match="camera top has not seen the empty platform"):
        blind.look(empty, time.monotonic_ns)


def test_a_picture_of_another_size_is_another_view(eye: Eye, empty: np.ndarray) -> None:
    with pytest.raises(NoReferenceError):
        eye.look(empty[:240, :320], time.monotonic_ns)
    eye.see_empty(empty[:240, :320])
    assert eye.look(empty[:240, :320], time.monotonic_ns).sightings == ()


def test_portraits_with_nothing_or_two_things_are_no_portraits(empty: np.ndarray) -> None:
    reference = detect.reference(empty)
    assert pipeline.single(reference, empty, 224) is None
    assert pipeline.single(reference, render.render(basket(ENROLLED[:2]), rng_seed=1), 224) is None
