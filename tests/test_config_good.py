"""The last good configuration takes over when the present one is bad."""

import stat
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from station import config, config_good


class Keys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    port: Annotated[str, Meta(min_length=1)]


DRIVERS = config.DriverOptions(scales={"bridge": Keys}, cameras={})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "etc" / "station.toml"
    path.parent.mkdir()
    (path.parent / "secret").write_text("s3cret")
    path.write_text(f"""
[station]
store = "0815"
id = "vs-03"
state_dir = "{tmp_path}/state"
[mqtt]
host = "::1"
password_file = "secret"
[[scale]]
driver = "bridge"
port = "/dev/null"
capacity_g = 6000
division_g = 2
""")
    return path


def test_a_good_file_is_taken_as_it_is(file: Path) -> None:
    assert config_good.choose(file, DRIVERS) == config_good.Choice(config.load(file, DRIVERS), None)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("6000", "-1", "scale[0].capacity_g = -1: must be >= 1"),
        ("[mqtt]", "[mqtt", "no valid TOML"),
        ("[mqtt]", "[mqtt]\n[mqtt]", "no valid TOML"),
        ('store = "0815"', "store = 815", "station.store = 815: must be text"),
    ],
)
def test_the_last_good_one_takes_over_and_says_why(file: Path, old: str, new: str, complaint: str) -> None:
    good = config.load(file, DRIVERS)
    config_good.remember_good(good)
    file.write_text(file.read_text().replace(old, new))
    choice = config_good.choose(file, DRIVERS)
    assert choice.config == good
    assert choice.config.mqtt.password_file == str(file.parent / "secret")
    assert choice.problem is not None
    assert complaint in choice.problem


def test_without_a_last_good_one_the_error_stands(file: Path) -> None:
    file.write_text(file.read_text().replace("6000", "0"))
    with pytest.raises(config.ConfigError, match=r"station\.toml:12: scale\[0\]\.capacity_g = 0: must be >= 1"):
        config_good.choose(file, DRIVERS)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"source": "/x", "text": "[station]"}'])
def test_a_damaged_copy_is_no_last_good_one(file: Path, damage: bytes) -> None:
    good = config.load(file, DRIVERS)
    config_good.remember_good(good)
    (kept,) = Path(good.station.state_dir).iterdir()
    kept.write_bytes(damage)
    assert config_good.last_good(kept.parent, DRIVERS) is None


def test_the_copy_is_for_the_owner_only(file: Path) -> None:
    good = config.load(file, DRIVERS)
    config_good.remember_good(good)
    config_good.remember_good(good)
    (kept,) = Path(good.station.state_dir).iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[station]\nstate_dir = "/a"', "/a"),
        ("[station]\nstate_dir = '/a' # there\n[broken", "/a"),
        ("[station]\nstate_dir = 5", "/var/lib/validation-station"),
        ("station = 5", "/var/lib/validation-station"),
        ("", "/var/lib/validation-station"),
    ],
)
def test_the_state_directory_of_a_broken_file(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "x").write_text(text)
    assert config_good.state_dir_of(tmp_path / "x") == Path(expected)


def test_the_state_directory_of_no_file(tmp_path: Path) -> None:
    assert config_good.state_dir_of(tmp_path / "none") == Path("/var/lib/validation-station")
