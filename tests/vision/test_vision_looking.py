"""The thread of the eyes: what it says of good and bad pictures, with the real model."""

import queue
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from drivers.base import Frame
from drivers.sim import render
from station.core import events
from station.looking import EyesReady, EyeWorker
from station.sensing import CameraTrouble, CameraWell, Picture
from station.vision import model_package
from station.vision.gallery_store import GalleryStore
from station.vision.interpreter import Running
from station.vision.model_store import SHIPPED, ModelStore
from tests.vision.conftest import ENROLLED, copied

T = TypeVar("T")
ONE = Running(threads=1)


class Eyes:
    """A worker, its questions and its answers."""

    def __init__(self, state_dir: Path) -> None:
        self.told: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.worker = EyeWorker(("top",), state_dir, 0.6, self.told.put, ONE)
        self.worker.start()

    def show(self, pixels: np.ndarray, capture_no: int | None, late_ns: int = 0) -> None:
        now_ns = time.monotonic_ns()
        self.worker.pictures.put(Picture("top", capture_no, Frame(now_ns - late_ns, pixels), 1.0, now_ns))

    def wait(self, kind: type[T]) -> T:
        """Return the next thing told of a kind."""
        while not isinstance(thing := self.told.get(timeout=30), kind):
            pass
        return thing


@pytest.fixture
def eyes(store: GalleryStore, tmp_path: Path) -> Iterator[Eyes]:
    copied(store, tmp_path / "gallery")
    made = Eyes(tmp_path)
    assert made.worker.ready.wait(30)
    yield made
    made.worker.stop()
    made.worker.join(10)


def test_it_is_ready_when_the_model_is_warm(eyes: Eyes) -> None:
    ready = eyes.wait(EyesReady)
    assert ready.products == len(ENROLLED)
    assert ready.model.startswith("sha256:")


def test_good_pictures_are_seen_and_bad_ones_are_blindness_with_an_alarm(eyes: Eyes, empty: np.ndarray) -> None:
    eyes.show(empty, None)
    eyes.wait(CameraWell)
    load = render.portraits(ENROLLED[3], 1, seed=5)[0]
    eyes.show(load, 1)
    seen = eyes.wait(events.Seen)
    assert (seen.capture_no, seen.visibility, len(seen.sightings)) == (1, 0.6, 1)
    bad = [
        (load, 0, "the same picture again and again"),
        (render.portraits(ENROLLED[3], 1, seed=6)[0], 10**9, "taken 1000 ms before"),
        ((load * 0.02).astype(np.uint8), 0, "the picture is dark"),
        (np.roll(load, 20, axis=1), 0, "the camera has moved"),
    ]
    for number, (pixels, late_ns, fault) in enumerate(bad, 2):
        eyes.show(pixels, number, late_ns)
        assert fault in eyes.wait(CameraTrouble).message
        assert eyes.wait(events.Blind).capture_no == number
    eyes.show(render.portraits(ENROLLED[3], 1, seed=7)[0], 9)
    assert eyes.wait(CameraWell).camera == "top"
    assert eyes.wait(events.Seen).capture_no == 9


def test_a_moved_camera_is_told_and_its_new_view_learnt_once_it_stays(eyes: Eyes) -> None:
    eyes.show(render.render([], rng_seed=1), None)
    for seed in range(3):
        eyes.show(np.roll(render.render([], rng_seed=seed), 30, axis=1), None)
        assert "off by 30 pixels across" in eyes.wait(CameraTrouble).message
    eyes.show(np.roll(render.render([], rng_seed=9), 30, axis=1), None)
    eyes.wait(CameraWell)
    eyes.show(np.roll(render.portraits(ENROLLED[3], 1, seed=5)[0], 30, axis=1), 1)
    assert len(eyes.wait(events.Seen).sightings) == 1


def test_a_model_that_was_installed_meanwhile_is_taken_at_the_next_empty_platform(
    eyes: Eyes, empty: np.ndarray, tmp_path: Path
) -> None:
    eyes.wait(EyesReady)
    parts = {name: (SHIPPED.folder / name).read_bytes() for name in (model_package.NETWORK, model_package.HEAD)}
    model = ModelStore(tmp_path / "models").install(model_package.pack("new", parts), "x", ONE)
    model.network.write_bytes(b"damaged on disk")
    eyes.show(empty, None)
    trouble = eyes.wait(CameraTrouble)
    assert trouble.camera == "vision"
    assert "the model shipped is used instead" in trouble.message
    assert eyes.wait(EyesReady).products == len(ENROLLED)
    ModelStore(tmp_path / "models").install(model_package.pack("new", parts), "x", ONE)
    eyes.show(render.render([], rng_seed=1), None)
    eyes.wait(EyesReady)
