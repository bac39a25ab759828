"""The running station with a camera: what it sees counts; what cannot be believed is an alarm and no evidence."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from drivers.sim import render
from drivers.sim.assortment import ASSORTMENT
from tests.support.rig import CHEESE, Rig, toledo_rig

GOODS = ASSORTMENT[3].gtin


class Shop:
    """A station, and the picture that its camera shows."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig = rig
        self._folder = folder

    def show(self, goods: bool, seed: int) -> None:
        frame = render.portraits(GOODS, 1, seed=seed)[0] if goods else render.render([], rng_seed=seed)
        fresh = self._folder / "fresh.tmp"
        Image.fromarray(frame).save(fresh, "PNG")
        fresh.rename(self._folder / "now.png")

    def camera_alarms(self) -> list[tuple[str, str]]:
        heard = [alarm.event["data"] for alarm in self.rig.backend.heard("evt/alarm")]
        return [(alarm["state"], alarm["message"]) for alarm in heard if alarm["part"] == "camera-top"]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    folder = tmp_path / "pictures"
    folder.mkdir()
    camera = f'[[camera]]\nname = "top"\ndriver = "files"\npath = "{folder}"'
    Image.fromarray(render.render([], rng_seed=1)).save(folder / "now.png")
    with toledo_rig(tmp_path, more=f"{camera}\n[vision]\nthreads = 1") as rig:
        rig.wait_idle()
        yield Shop(rig, folder)


def test_a_new_picture_is_evidence(shop: Shop) -> None:
    shop.show(goods=True, seed=2)
    shop.rig.claim(CHEESE)
    shop.rig.put(410)
    [verdict] = shop.rig.wait_verdicts(1)
    assert verdict["evidence"]["cameras"] == 1
    assert verdict["evidence"]["sightings"] == 1
    assert [message for state, message in shop.camera_alarms() if state == "raised"] == []


def test_a_camera_that_is_stuck_is_an_alarm_and_no_evidence(shop: Shop) -> None:
    shop.rig.claim(CHEESE)
    shop.rig.put(410)
    [verdict] = shop.rig.wait_verdicts(1)
    assert verdict["evidence"] == {"sightings": 0, "unknown_objects": 0, "cameras": 0}
    shop.rig.wait(lambda: bool(shop.camera_alarms()))
    [(state, message)] = shop.camera_alarms()
    assert state == "raised"
    assert "gives the same picture again and again" in message
    shop.show(goods=False, seed=3)
    shop.rig.clear()
    shop.rig.wait(lambda: shop.camera_alarms()[-1][0] == "cleared")
