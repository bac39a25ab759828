"""`calibrate camera`: the simulated camera, and a camera of pictures in a configuration."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from calibration import camera_aid, camera_store
from station.calibrating import main
from tests.support import tagged

pytest.importorskip("cv2", reason="needs OpenCV: pip install opencv-python-headless")


def simulated(
    state: Path, capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, dict[str, Any], dict[str, str]]:
    status = main(["camera", "--simulate", "--state", str(state), "--yes", "--json", *more])
    told = json.loads(capsys.readouterr().out)
    return status, told, {check["name"]: check["outcome"] for check in told["record"]["checks"]}


def test_a_simulated_camera_is_calibrated_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told, outcomes = simulated(tmp_path, capsys)
    assert (status, told["stored"]) == (0, True)
    names = ("platform", "focus", "lock", "watch", "lens", "cross-check")
    assert [outcomes[name] for name in names] == ["pass", "pass", "pass", "pass", "skipped", "pass"]
    assert told["record"]["cross_check"]["apart_mm"] < 20
    kept = camera_store.load(tmp_path, "top")
    assert kept is not None
    assert (kept.version, kept.method) == (told["record"]["version"], "tags")
    assert camera_store.reference(tmp_path, kept).shape == (480, 640, 3)
    main(["show", "--simulate", "--state", str(tmp_path)])
    assert "camera top: sim, 640 x 480" in capsys.readouterr().out


def test_dirt_is_found_by_the_next_calibration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulated(tmp_path, capsys)
    status, told, outcomes = simulated(tmp_path, capsys, "--fault", "dirty")
    assert status == 0
    assert outcomes["lens"] == "warn"
    assert {(spot["row"], spot["column"]) for spot in told["record"]["spots"]} == {(1, 5)}


@pytest.mark.parametrize(
    ("fault", "check"), [("untagged", "platform"), ("blurred", "platform"), ("mislaid", "cross-check")]
)
def test_what_cannot_be_used_is_not_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str, check: str
) -> None:
    status, told, outcomes = simulated(tmp_path, capsys, "--fault", fault)
    assert (status, told["stored"], outcomes[check]) == (1, False, "fail")
    assert camera_store.load(tmp_path, "top") is None


def test_an_override_is_stored_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told, outcomes = simulated(tmp_path, capsys, "--fault", "mislaid", "--override", "for a trial")
    assert (status, told["stored"], outcomes["override"]) == (0, True, "warn")


def test_a_dark_picture_is_remarked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, told, _ = simulated(tmp_path, capsys, "--fault", "dark")
    assert any(check["text"].startswith("too dark: mean 6") for check in told["record"]["checks"])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    drawn = tagged.platform()
    for number in range(2):
        Image.fromarray(tagged.seen(drawn, noise_seed=number)).save(folder / f"{number}.png")
    path = tmp_path / "station.toml"
    path.write_text(
        '[station]\nstore = "1"\nid = "vs-1"\n'
        f'state_dir = "{tmp_path}/state"\n[mqtt]\nhost = "127.0.0.1"\nport = 1883\n'
        '[[scale]]\ndriver = "mt-sics"\nport = "/dev/null"\n'
        f'[[camera]]\nname = "side"\ndriver = "files"\npath = "{folder}"\norder = "loop"\n',
        encoding="utf-8",
    )
    return path


def test_a_camera_of_files_is_calibrated_and_says_that_it_cannot_be_locked(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["camera", "--config", str(config), "--platform", "600x400", "--yes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["record"]
    checks = {check["name"]: check for check in told["checks"]}
    assert checks["lock"]["outcome"] == "warn"
    assert "cannot hold exposure" in checks["lock"]["text"]
    assert checks["cross-check"]["outcome"] == "skipped"
    assert (told["camera"], len(told["tags"]), told["locked"]) == ("side", 4, None)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--yes"], "nobody can be asked here: give --platform"),
        (["--yes", "--platform", "600"], "--platform: 600: write 600x400"),
        (["--platform", "600x400", "--json"], "--yes takes the platform as empty"),
        (["--camera", "top"], "--camera top: the configuration has side"),
    ],
)
def test_wrong_usage_is_one_line(config: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str) -> None:
    assert main(["camera", "--config", str(config), *more]) == 2
    assert said in capsys.readouterr().err


def test_tags_are_printed_without_a_station(tmp_path: Path) -> None:
    assert main(["camera", "--print", str(tmp_path / "tags.svg")]) == 0
    assert (tmp_path / "tags.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_the_aid_shows_sharpness_against_the_best() -> None:
    drawn = tagged.seen(tagged.platform())
    soft = Image.fromarray(drawn).resize((160, 120)).resize((640, 480))
    sight = camera_aid.seen(np.asarray(soft), camera_aid.seen(drawn, None))
    assert sight.sharpness < 0.5
    where = Console(record=True, width=80, height=24, file=io.StringIO())
    where.print(camera_aid.draw(sight, "top", "de", ascii_only=True))
    shown = where.export_text()
    assert "#" in shown
    assert "Ziel 110 bis 180" in shown
    assert len(shown.splitlines()) <= 24
