"""The world's socket: pictures for the camera driver, the bridge's wire for the scale, hang-ups survived."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from drivers.base import Sample, SensorError
from drivers.sim import camera, scale
from drivers.sim.live import LiveWorld
from drivers.sim.server import WorldServer
from drivers.sim.world import PlacedObject, World
from tests.drivers.wire import read_until

APPLE = PlacedObject("1", "apple", 150.0)


def draw(objects: Sequence[PlacedObject], *, rng_seed: int) -> NDArray[np.uint8]:
    """Draw a picture whose pixels tell what was given: the number of objects, and the number of the picture."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = len(objects), rng_seed
    return pixels


@pytest.fixture
def live() -> LiveWorld:
    return LiveWorld(World(seed=6))


@pytest.fixture
def server(live: LiveWorld, tmp_path: Path) -> Iterator[WorldServer]:
    server = WorldServer(live, tmp_path / "world", draw)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def lens(server: WorldServer, tmp_path: Path) -> Iterator[camera.Driver]:  # noqa: ARG001 - it must be there
    driver = camera.Driver(camera.Options(world=str(tmp_path / "world")))
    driver.open()
    yield driver
    driver.close()


def test_a_picture_shows_the_world_after_the_call(live: LiveWorld, lens: camera.Driver) -> None:
    before_ns = time.monotonic_ns()
    first = lens.capture(5.0)
    assert before_ns <= first.t_ns <= time.monotonic_ns()
    assert first.pixels.shape == (48, 64, 3)
    assert first.pixels.dtype == np.uint8
    assert first.pixels[0, 0].tolist() == [0, 1, 0]
    with live.now() as world:
        world.place(APPLE)
    second = lens.capture(5.0)
    assert second.pixels[0, 0].tolist() == [1, 2, 0]
    assert second.t_ns > first.t_ns


def test_a_camera_and_a_scale_share_one_world(live: LiveWorld, lens: camera.Driver, tmp_path: Path) -> None:
    platform = scale.Driver(scale.Options(world=str(tmp_path / "world")))
    platform.open()
    with live.now() as world:
        world.place(PlacedObject("1", "crate", 4_000.0))
    read_until(platform, lambda value: isinstance(value, Sample) and not value.flags and value.counts[0] > 200_000)
    assert platform.device_id == b"SIMULATD".hex()
    assert lens.capture(5.0).pixels[0, 0, 0] == 1
    platform.close()


def test_a_hang_up_is_an_error_and_the_next_opening_serves_again(server: WorldServer, lens: camera.Driver) -> None:
    lens.capture(5.0)
    server.hang_up()
    with pytest.raises(SensorError, match="hung up"):
        lens.capture(5.0)
    with pytest.raises(SensorError, match="not open"):
        lens.capture(5.0)
    lens.open()
    lens.capture(5.0)


def test_no_time_is_an_error_and_no_late_picture_is_served(lens: camera.Driver) -> None:
    with pytest.raises(SensorError, match="in time"):
        lens.capture(0.0)
    lens.open()
    assert lens.capture(5.0).pixels[0, 0, 1] >= 1


def test_an_absent_world_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="no simulated world") as caught:
        camera.Driver(camera.Options(world=str(tmp_path / "nowhere"))).open()
    assert "start" in caught.value.remedy
