"""A camera in a process of its own: what hangs or crashes there is an error here, and the next start works."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers import camera_child
from drivers.base import SensorError
from drivers.camera_child import Caged
from tests.drivers.hostile_camera import Options

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


def caged(manner: str, mark: Path, width_px: int = 64) -> Caged:
    return Caged("tests.drivers.hostile_camera", Options(manner=manner, mark=str(mark), width_px=width_px))


@pytest.fixture
def camera(mark: Path, request: pytest.FixtureRequest) -> Iterator[Caged]:
    made = caged(request.param, mark)
    made.open()
    yield made
    mark.unlink(missing_ok=True)
    made.close()


def alive(pid: int | None) -> bool:
    return pid is not None and Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("camera", [""], indirect=True)
def test_pictures_come_whole_with_their_time(camera: Caged) -> None:
    for _ in range(3):
        before_ns = time.monotonic_ns()
        frame = camera.capture(5.0)
        assert before_ns <= frame.t_ns <= time.monotonic_ns()
        assert frame.pixels.shape == (48, 64, 3)
        assert frame.pixels[0, 0].tolist() == [1, 2, 3]
        assert frame.pixels[1:].min() == frame.pixels[1:].max() == 7


def test_large_pictures_pass(mark: Path) -> None:
    camera = caged("", mark, width_px=40_000)
    camera.open()
    assert camera.capture(20.0).pixels.shape == (48, 40_000, 3)
    camera.close()


@pytest.mark.parametrize(
    ("camera", "message"),
    [("hang", "the camera hung for"), ("crash", "process crashed"), ("late", r"no picture within 0\.1 s")],
    indirect=["camera"],
)
def test_what_goes_wrong_is_an_error_and_the_next_start_works(camera: Caged, mark: Path, message: str) -> None:
    camera.capture(5.0)
    pid = camera.pid
    mark.touch()
    with pytest.raises(SensorError, match=message) as caught:
        camera.capture(0.1)
    assert caught.value.remedy
    camera.close()
    assert not alive(pid)
    with pytest.raises(SensorError, match="not open"):
        camera.capture(0.1)
    mark.unlink()
    camera.open()
    assert camera.capture(5.0).pixels.shape == (48, 64, 3)


@pytest.mark.parametrize(("manner", "message"), [("absent", "no camera here"), ("crash at open", "process crashed")])
def test_a_camera_that_cannot_be_opened_says_why(mark: Path, manner: str, message: str) -> None:
    mark.touch()
    camera = caged(manner, mark)
    with pytest.raises(SensorError, match=message):
        camera.open()
    camera.close()
    assert camera.pid is None


def test_an_opening_that_hangs_has_an_end(mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_child, "OPEN_S", 0.01)
    with pytest.raises(SensorError, match="the camera hung"):
        caged("", mark).open()


@pytest.mark.parametrize("camera", ["hang at close"], indirect=True)
def test_a_close_that_hangs_is_ended(camera: Caged, mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_child, "END_S", 0.05)
    pid = camera.pid
    mark.touch()
    camera.close()
    for _ in range(100):
        if not alive(pid):
            break
        os.sched_yield()
    assert camera.pid is None


def test_a_driver_that_does_not_exist_is_a_crash_and_no_hang() -> None:
    with pytest.raises(SensorError, match="process crashed"):
        Caged("drivers.nothing", Options()).open()
