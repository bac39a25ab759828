"""`station config check` and `show`, as commands."""

import argparse
import json
import tomllib
from pathlib import Path

import msgspec
import pytest

from station import clitools, config, config_cli


class Keys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    port: str


GOOD = """
[station]
store = "0815"
id = "vs-03"
[mqtt]
host = "localhost"
password = "hunter2"
[[scale]]
driver = "bridge"
port = "/dev/absent"
capacity_g = 6000
division_g = 2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "station.toml"
    path.write_text(GOOD)
    return path


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="station")
    commands = parser.add_subparsers(required=True)
    config_cli.add_commands(commands, lambda: config.DriverOptions(scales={"bridge": Keys}, cameras={}))
    return clitools.run(parser, list(arguments))


def test_check_is_silent_on_stderr_when_all_is_well(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config", "check", str(file)) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (f"{file}: in order, 1 scale(s), 0 camera(s)\n", "")


def test_check_tells_every_problem_on_a_line_of_its_own(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(GOOD.replace("0815", "!").replace("6000", "0"))
    assert run("config", "check", str(file)) == 2
    err = capsys.readouterr().err.splitlines()
    assert err[0].startswith(f'{file}:3: station.store = "!": must be ')
    assert err[1:] == [f"{file}:11: scale[0].capacity_g = 0: must be >= 1"]


def test_check_speaks_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config", "check", "--json", str(file)) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    file.write_text("[")
    assert run("config", "check", "--json", str(file)) == 2
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert len(report["errors"]) == 1


def test_the_file_may_come_from_the_environment(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATION_CONFIG", str(file))
    assert run("config", "show", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["source"] == str(file)
    assert shown["hash"].startswith("sha256:")
    assert shown["config"]["mqtt"] | {"port": 1883, "password": "***"} == shown["config"]["mqtt"]


def test_show_prints_toml_with_defaults_and_without_secrets(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config", "show", "--config", str(file)) == 0
    out = capsys.readouterr().out
    assert "hunter2" not in out
    shown = tomllib.loads(out)
    assert shown["transaction"]["no_claim_s"] == 10.0
    assert shown["scale"] == [
        {"driver": "bridge", "name": "scale-1", "capacity_g": 6000.0, "division_g": 2.0, "port": "/dev/absent"}
    ]


@pytest.mark.parametrize("verb", ["check", "show"])
def test_a_missing_file_is_bad_configuration(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config", verb, str(tmp_path / "none")) == 2
    assert capsys.readouterr().err == f"{tmp_path}/none: cannot be read: No such file or directory\n"
