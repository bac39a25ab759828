"""`station gallery` as people and scripts use it."""

import argparse
import json
from pathlib import Path

import pytest
from PIL import Image

from drivers.sim import render
from station import clitools, config, gallery_cli
from tests.vision.conftest import ENROLLED

GTIN = "4006381333931"


def no_drivers() -> config.DriverOptions:
    raise AssertionError("the commands were given --state and need no configuration")


def station(*words: str) -> int:
    parser = argparse.ArgumentParser("station")
    gallery_cli.add_commands(parser.add_subparsers(required=True), no_drivers)
    return clitools.run(parser, ["gallery", *words])


def photo(path: Path, colour: tuple[int, int, int]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGB", (120, 120), colour)
    picture.paste((255, 255, 255), (20, 20, 60 + colour[0] // 8, 60))
    picture.save(path)
    return str(path)


def test_enrol_list_evaluate_remove(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = ("--state", str(tmp_path / "state"), "--json")
    red, blue = photo(tmp_path / "red.png", (220, 20, 20)), photo(tmp_path / "blue.png", (20, 20, 220))
    assert station("enrol", GTIN, red, *state) == 0
    assert station("enrol", ENROLLED[0], blue, *state) == 0
    photo(tmp_path / "shown" / GTIN / "a.png", (200, 30, 30))
    photo(tmp_path / "shown" / ENROLLED[0] / "a.png", (30, 30, 200))
    photo(tmp_path / "shown" / ENROLLED[1] / "a.png", (30, 200, 30))
    assert station("evaluate", str(tmp_path / "shown"), *state) == 0
    assert station("remove", GTIN, *state) == 0
    assert station("list", *state) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (told[0]["gtin"], told[0]["added"], told[1]["products"]) == ("04006381333931", 1, 2)
    assert (told[2]["n"], told[2]["n_unknown"], told[2]["top1"]) == (2, 1, 1.0)
    assert 0 <= told[2]["ece"] <= 1
    assert 0 <= told[2]["auroc_unknown"] <= 1
    assert told[4] == {"products": [{"gtin": ENROLLED[0], "pictures": 1}]}


def test_frames_of_the_stations_camera_are_cropped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = [render.render([], rng_seed=99), *render.portraits(ENROLLED[0], 1, seed=1)]
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    for path, frame in zip(paths, frames, strict=True):
        Image.fromarray(frame).save(path)
    words = ("--empty", str(paths[0]), "--state", str(tmp_path))
    assert station("enrol", ENROLLED[0], str(paths[1]), *words) == 0
    assert station("enrol", ENROLLED[0], str(paths[0]), *words) == 1
    assert "does not show exactly one object" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("enrol", "4006381333930", "x.png"), 2, "check digit is 1"),
        (("enrol", GTIN, "absent.png"), 1, "absent.png cannot be read"),
        (("remove", GTIN), 1, "is not in the gallery"),
        (("evaluate", "absent"), 1, "is empty; teach it with"),
    ],
)
def test_what_goes_wrong_is_one_line(
    words: tuple[str, ...], status: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert station(*words, "--state", str(tmp_path)) == status
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
