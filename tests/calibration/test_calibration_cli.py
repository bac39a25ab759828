"""`calibrate` from the outside: exit status, one line of error, JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from calibration import store
from calibration.cli import main

FACTORY = {
    "cells": [
        {"zero_counts": 84210, "counts_per_g": 215.0},
        {"zero_counts": -12055, "counts_per_g": 219.4},
        {"zero_counts": 40310, "counts_per_g": 209.8},
        {"zero_counts": 151200, "counts_per_g": 216.1},
    ]
}
BRIDGE = '[[scale]]\ndriver = "hx711-bridge"\nport = "/dev/null"\ncapacity_g = 50000\ndivision_g = 5\n'
TOLEDO = '[[scale]]\ndriver = "toledo-8217"\nport = "/dev/null"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path, BRIDGE)


def write_config(tmp_path: Path, scales: str) -> Path:
    path = tmp_path / "station.toml"
    head = f'[station]\nstore = "1"\nid = "vs-1"\nstate_dir = "{tmp_path}/state"\n[mqtt]\nhost = "localhost"\n'
    path.write_text(head + scales, encoding="utf-8")
    return path


def write_factory(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "factory.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    [line] = captured.err.splitlines()
    return line


def with_cell(**changes: float) -> dict[str, Any]:
    return {"cells": [{**FACTORY["cells"][0], **changes}, *FACTORY["cells"][1:]]}


def test_import_stores_an_uncertified_wide_calibration(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(write_factory(tmp_path, FACTORY)), "--config", str(config)]) == 0
    record = store.load(tmp_path / "state", 1)
    assert record is not None
    calibration = record.calibration
    assert not calibration.certified
    assert (calibration.zero_sd_g, calibration.gain_rel_sd) == (5.0, 0.001)
    assert [cell.counts_per_g for cell in calibration.cells] == [215.0, 219.4, 209.8, 216.1]
    out = capsys.readouterr().out
    assert "uncertified" in out
    assert "of a 20 kg cell" in out  # 215 counts/g: a slipped digit would show here


def test_the_configuration_is_found_by_the_environment(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATION_CONFIG", str(config))
    assert main(["import", str(write_factory(tmp_path, FACTORY))]) == 0
    assert main(["show"]) == 0


def test_show_as_json(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["import", str(write_factory(tmp_path, FACTORY)), "--config", str(config), "--json"])
    imported = json.loads(capsys.readouterr().out)
    assert main(["show", "--config", str(config), "--json"]) == 0
    [shown] = json.loads(capsys.readouterr().out)
    assert shown["record"] == imported["record"]
    assert shown["record"]["version"].startswith("sha256:")
    assert shown["implied"][0]["rated_g"] == pytest.approx(19_976, rel=1e-3)


def test_show_before_any_calibration_is_a_failed_check(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--config", str(config)]) == 1
    assert "not calibrated" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"cells": []}, "0 cells"),
        (with_cell(counts_per_g=0), "other than 0"),
        (with_cell(counts_per_g=2150.0), "its converter ends at 3.86 kg"),
        (with_cell(counts_per_g=2.15), "decimal point"),
        (with_cell(zero_counts=1e7), "8388607"),
        ("{not json", "malformed"),
        ({"cells": [{"zero_counts": 1}]}, "counts_per_g"),
        ({"cells": FACTORY["cells"], "extra": 1}, "extra"),
    ],
)
def test_implausible_files_are_refused_in_one_line(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: Any, fault: str
) -> None:
    assert main(["import", str(write_factory(tmp_path, content)), "--config", str(config)]) == 1
    assert fault in error_line(capsys)
    assert store.load(tmp_path / "state", 1) is None


def test_odd_but_usable_cells_are_taken_with_a_warning(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(write_factory(tmp_path, with_cell(counts_per_g=-180.0))), "--config", str(config)]) == 0
    warned = capsys.readouterr().err
    assert "wired the other way" in warned
    assert "differ by 22%" in warned


def test_the_number_of_channels_must_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_config(tmp_path, BRIDGE + "channels = 3\n")
    assert main(["import", str(write_factory(tmp_path, FACTORY)), "--config", str(config)]) == 1
    assert "channels = 3" in error_line(capsys)


def test_several_scales_must_be_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, factory = write_config(tmp_path, BRIDGE + BRIDGE), write_factory(tmp_path, FACTORY)
    assert main(["import", str(factory), "--config", str(config)]) == 2
    assert "--scale N" in error_line(capsys)
    assert main(["import", str(factory), "--config", str(config), "--scale", "2"]) == 0
    assert store.load(tmp_path / "state", 1) is None
    assert store.load(tmp_path / "state", 2) is not None
    capsys.readouterr()
    assert main(["import", str(factory), "--config", str(config), "--scale", "3"]) == 2
    assert "has 2" in error_line(capsys)


def test_the_one_scale_that_counts_is_meant(tmp_path: Path) -> None:
    config = write_config(tmp_path, TOLEDO + BRIDGE)
    assert main(["import", str(write_factory(tmp_path, FACTORY)), "--config", str(config)]) == 0
    assert store.load(tmp_path / "state", 2) is not None


def test_a_scale_that_calibrates_itself_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_config(tmp_path, TOLEDO)
    assert main(["import", str(write_factory(tmp_path, FACTORY)), "--config", str(config)]) == 2
    assert "calibrated by itself" in error_line(capsys)
    assert main(["show", "--config", str(config)]) == 0


@pytest.mark.parametrize("arguments", [["import"], ["explode"], [], ["show", "--config", "/nonexistent/station.toml"]])
def test_wrong_usage_ends_with_2_and_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(arguments)
    except SystemExit as exit_:  # argparse leaves this way
        status = int(str(exit_.code))
    assert status == 2
    assert error_line(capsys).startswith("calibrate")


def test_a_missing_factory_file_is_wrong_usage(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "/nonexistent.json", "--config", str(config)]) == 2
    assert "/nonexistent.json" in error_line(capsys)


@pytest.mark.parametrize("scales", ["[[scale]]\n", "[[scale]]\ndriver = 3\n", "not toml", ""])
def test_a_bad_configuration_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], scales: str) -> None:
    config = write_config(tmp_path, scales)
    assert main(["import", str(write_factory(tmp_path, FACTORY)), "--config", str(config)]) == 2
    assert error_line(capsys)


def test_a_damaged_record_is_one_clear_error(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = store.record_path(tmp_path / "state", 1)
    path.parent.mkdir(parents=True)
    path.write_text("{}", encoding="utf-8")
    assert main(["show", "--config", str(config)]) == 1
    assert str(path) in error_line(capsys)


@pytest.mark.parametrize("days", ["0", "-5", "3651", "99999999999", "soon"])
def test_a_calibration_is_valid_for_a_day_to_ten_years(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["accept", "--simulate", "--due", days])
    assert "--due" in error_line(capsys)


def test_a_refusal_is_json_where_json_is_wanted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--config", "/nonexistent/station.toml", "--json"]) == 2
    usage = capsys.readouterr()
    config = write_config(tmp_path, BRIDGE)
    assert main(["import", str(write_factory(tmp_path, {"cells": []})), "--config", str(config), "--json"]) == 1
    refused = capsys.readouterr()
    for said in (usage, refused):
        assert said.err == f"calibrate: {json.loads(said.out)['error']}\n"


def test_the_simulated_platform_can_be_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--simulate", "--state", str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == [{"scale": 1, "calibrated": False}]
