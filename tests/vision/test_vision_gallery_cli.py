"""`station gallery` as people and scripts use it."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drivers.sim import render
from station import clitools, config, gallery_cli, wiring
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


def test_a_gallery_goes_to_another_station(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, there = ("--state", str(tmp_path / "here"), "--json"), ("--state", str(tmp_path / "there"), "--json")
    assert station("enrol", GTIN, photo(tmp_path / "red.png", (220, 20, 20)), *here) == 0
    assert station("export", str(tmp_path / "all.gallery"), *here) == 0
    assert station("import", str(tmp_path / "all.gallery"), *there) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["added"], told["embedded"], told["gallery"]) == (1, 1, 1)
    assert told["made_with"] == told["model"]


def test_a_picture_of_two_products_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = ("--state", str(tmp_path / "state"))
    red = photo(tmp_path / "red.png", (220, 20, 20))
    assert station("enrol", GTIN, red, red, *state) == 0
    assert "the same picture" in capsys.readouterr().err
    assert station("enrol", ENROLLED[0], red, *state) == 1
    error = capsys.readouterr().err
    assert f"red.png is enrolled as {GTIN.zfill(14)} already" in error
    assert error.count("\n") == 1
    assert station("enrol", ENROLLED[0], red, "--anyway", *state) == 0
    assert "look the same" in capsys.readouterr().err


def test_the_page_needs_nothing_beside_it_and_shows_the_mistakes(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state"))
    for gtin, colour in ((GTIN, (220, 20, 20)), (ENROLLED[0], (20, 20, 220))):
        assert station("enrol", gtin, photo(tmp_path / f"{gtin}.png", colour), *state) == 0
    photo(tmp_path / "shown" / GTIN / "wrong.png", (30, 30, 200))
    photo(tmp_path / "shown" / GTIN / "right.png", (210, 30, 30))
    page = tmp_path / "page.html"
    assert station("evaluate", str(tmp_path / "shown"), "--page", str(page), *state) == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("<figure>") == text.count("data:image/jpeg;base64,") == 1
    assert f"<td>{GTIN.zfill(14)}</td><td>{ENROLLED[0]}</td><td>1</td>" in text
    assert not [link for link in ("http:", "https:", "<script", "<link") if link in text]


CAMERA = """
[station]
store = "0815"
id = "vs-03"
state_dir = "{state}"
[mqtt]
host = "localhost"
[[scale]]
driver = "toledo-8217"
port = "/dev/null"
capacity_g = 1000
division_g = 1
[[camera]]
name = "top"
driver = "files"
path = "{frames}"
order = "loop"
"""


def live(tmp_path: Path, frames: list[np.ndarray], *words: str) -> int:
    """Run with a camera that shows these frames again and again; the empty platform is a file."""
    (tmp_path / "frames").mkdir()
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / "frames" / f"{number:02}.png")
    Image.fromarray(render.render([], rng_seed=99)).save(tmp_path / "empty.png")
    configuration = tmp_path / "station.toml"
    configuration.write_text(CAMERA.format(state=tmp_path / "state", frames=tmp_path / "frames"))
    parser = argparse.ArgumentParser("station")
    gallery_cli.add_commands(parser.add_subparsers(required=True), wiring.driver_options)
    given = ["gallery", "enrol", GTIN, *words, "--config", str(configuration), "--empty", str(tmp_path / "empty.png")]
    return clitools.run(parser, given)


def test_the_camera_guides_to_five_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faces = [render.portraits(gtin, 1, seed=1)[0] for gtin in ENROLLED[:5]]  # one product with five faces
    frames = [render.render([], rng_seed=1), *(frame for face in faces for frame in (face, face))]
    assert live(tmp_path, frames, "--camera", "top") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "0 of 5: put the item on the platform"
    assert "1 of 5: turn it over to its back" in told
    assert told[-2] == "5 of 5: done"
    assert told[-1].startswith(f"{GTIN.zfill(14)}: 5 new, 5 pictures in all")


def test_a_camera_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = render.render([], rng_seed=1)
    assert live(tmp_path, [frame], "--camera", "side") == 2
    assert "no camera side in" in capsys.readouterr().err
    (tmp_path / "frames" / "00.png").unlink()
    (tmp_path / "frames").rmdir()
    given = ["gallery", "enrol", GTIN, "--camera", "top", "--config", str(tmp_path / "station.toml")]
    parser = argparse.ArgumentParser("station")
    gallery_cli.add_commands(parser.add_subparsers(required=True), wiring.driver_options)
    assert clitools.run(parser, given) == 1
    error = capsys.readouterr().err
    assert "camera top: no folder or picture at" in error
    assert error.count("\n") == 1
