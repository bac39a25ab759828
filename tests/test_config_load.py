"""The configuration file: what it gives, and what it says when it is wrong."""

import enum
import hashlib
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from station import config, toml_write, wiring


class Parity(enum.StrEnum):
    EVEN = "E"
    NONE = "N"


class SerialKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    port: Annotated[str, Meta(min_length=1)]
    baud: Literal[4800, 9600] = 9600
    parity: Parity = Parity.EVEN
    gains: tuple[float, ...] = ()
    poll_s: Annotated[float, Meta(ge=0.05, le=1)] = 0.1

    def __post_init__(self) -> None:
        if self.baud == 4800 and self.parity is Parity.NONE:
            raise ValueError("4800 baud needs parity E")


class PlateKeys(SerialKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    capacity_g: Annotated[float, Meta(ge=1)] = 15_000.0
    division_g: Annotated[float, Meta(ge=1)] = 5.0


class CameraKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str = "rtsp://admin:hunter2@camera/1"


DRIVERS = config.DriverOptions(
    scales={"bridge": SerialKeys, "retail": PlateKeys}, cameras={"stream": CameraKeys, "still": CameraKeys}
)
GOOD = """\
[station]
store = "0815"
id = "vs-03"

[mqtt]
host = "127.0.0.1"

[[scale]]
driver = "bridge"
port = "/dev/ttyUSB0"
capacity_g = 50000
division_g = 5
"""


def parse(text: str, source: str = "/etc/vs/station.toml") -> config.Config:
    return config.parse(text.encode(), Path(source), DRIVERS)


def complaints(text: str) -> list[str]:
    with pytest.raises(config.ConfigError) as caught:
        parse(text)
    return [line.removeprefix("/etc/vs/station.toml:") for line in str(caught.value).splitlines()]


def test_few_keys_are_enough() -> None:
    loaded = parse(GOOD)
    assert loaded.station.state_dir == "/var/lib/validation-station"
    assert (loaded.mqtt.port, loaded.mqtt.keepalive_s) == (1883, 30)
    assert loaded.transaction.no_claim_s == 10.0
    assert [scale.name for scale in loaded.scales] == ["scale-1"]
    assert loaded.scales[0].capacity_g == 50_000.0
    assert loaded.scales[0].options == SerialKeys(port="/dev/ttyUSB0")
    assert loaded.cameras == ()


def test_a_drivers_own_type_plate_is_the_scales() -> None:
    loaded = parse(GOOD + '[[scale]]\ndriver = "retail"\nport = "x"\n')
    assert (loaded.scales[1].name, loaded.scales[1].capacity_g, loaded.scales[1].division_g) == ("scale-2", 15_000, 5)


def test_the_hash_is_that_of_the_file() -> None:
    assert parse(GOOD).hash == "sha256:" + hashlib.sha256(GOOD.encode()).hexdigest()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("capacity_g = 50000", "capacity_g = -5", "11: scale[0].capacity_g = -5: must be >= 1"),
        ("capacity_g = 50000", 'capacity_g = "a"', '11: scale[0].capacity_g = "a": must be a number, not text'),
        ("capacity_g = 50000", "capacity_g = nan", "11: scale[0].capacity_g = nan: must be >= 1"),
        ("capacity_g = 50000\n", "", "8: scale[0].capacity_g: is missing; must be a number"),
        ('port = "/dev/ttyUSB0"\n', "", "8: scale[0].port: is missing; must be text"),
        ('"/dev/ttyUSB0"', '""', '10: scale[0].port = "": must have a length >= 1'),
        ("division_g = 5", "division_g = 5\npol_s = 1", "13: scale[0].pol_s: unknown key; did you mean poll_s?"),
        ("division_g = 5", "division_g = 5\nbaud = 300", "13: scale[0].baud = 300: must be one of 4800, 9600"),
        (
            "division_g = 5",
            'division_g = 5\nparity = "n"',
            '13: scale[0].parity = "n": must be one of E, N; known: E, N',
        ),
        ("division_g = 5", "division_g = 5\ngains = [1, inf]", "13: scale[0].gains: must be a finite number"),
        (
            "division_g = 5",
            'division_g = 5\ngains = [1, "x"]',
            "13: scale[0].gains: its element [1] must be a number, not text",
        ),
        (
            "division_g = 5",
            'division_g = 5\nbaud = 4800\nparity = "N"',
            "8: scale[0]: 4800 baud needs parity E",
        ),
        ('"bridge"', '"brigde"', '9: scale[0].driver = "brigde": unknown driver; known: bridge, retail'),
        ('driver = "bridge"\n', "", "8: scale[0].driver: is missing; known: bridge, retail"),
        (
            '"vs-03"',
            '"VS 03"',
            '3: station.id = "VS 03": must be 1 to 32 of a-z, 0-9 and -, not beginning with -',
        ),
        ('id = "vs-03"\n', "", "1: station.id: is missing; must be 1 to 32 of a-z, 0-9 and -, not beginning with -"),
        ('id = "vs-03"', 'id = "vs-03"\nstate_dir = "var"', '4: station.state_dir = "var": must be an absolute path'),
        ("127.0.0.1", "broker.example",
         "5: mqtt: host broker.example needs tls: plain TCP is allowed to the loopback only"),
        ('host = "127.0.0.1"', 'hots = "127.0.0.1"', "6: mqtt.hots: unknown key; did you mean host?"),
        ('[mqtt]\nhost = "127.0.0.1"\n', "", "1: mqtt.host: is missing; must be text"),
        ("[mqtt]", "[mqtt]\nport = 99999", "6: mqtt.port = 99999: must be <= 65535"),
        ("[mqtt]", '[mqtt]\npassword = "a"\npassword_file = "/etc/hostname"',
         "5: mqtt: password and password_file exclude each other"),
        ("[mqtt]", '[mqtt]\npasswort = "hunter2"', "6: mqtt.passwort: unknown key; did you mean password?"),
        ("[[scale]]", "[scale]", "8: scale: must be a list of tables: write [[scale]]"),
        ("[station]", "[staton]\n[station]", "1: staton: unknown table; did you mean station?"),
        ("[station]", "transaction = 5\n[station]", "1: transaction = 5: must be a table"),
        ("[station]", "[transaction]\nsettle_s = 0\n[station]", "2: transaction.settle_s = 0: must be >= 0.1"),
        ("[station]", "[policy.tares.bag]\nweight_g = -1\n[station]",
         "2: policy.tares.bag.weight_g = -1: must be >= 0"),
        ("[station]", "[station", "1: no valid TOML: Expected ']' at the end of a table declaration"),
        ("division_g = 5\n", "division_g = [", "12: no valid TOML: Invalid value"),
        (GOOD, "", "1: scale: is missing; a station needs at least one [[scale]] with its driver"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    assert complaint in complaints(GOOD.replace(old, new, 1))


def test_everything_that_is_wrong_is_told_at_once_in_order() -> None:
    text = GOOD.replace("0815", "?").replace("50000", "0").replace("[mqtt]", "[mqtt]\nkeepalive_s = 1")
    assert [line.partition(":")[0] for line in complaints(text)] == ["2", "6", "12"]


def test_names_of_parts_must_differ() -> None:
    text = GOOD + '[[camera]]\ndriver = "still"\nname = "top"\n[[camera]]\ndriver = "stream"\nname = "top"\n'
    assert complaints(text) == ['18: camera[1].name = "top": must differ from the name of every camera before it']


def test_missing_files_are_named_and_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    text = GOOD.replace("127.0.0.1", "broker.example").replace(
        "[mqtt]", '[mqtt]\ntls = { ca = "ca.pem", cert = "vs.pem", key = "ca.pem" }'
    )
    with pytest.raises(config.ConfigError) as caught:
        parse(text, f"{tmp_path}/station.toml")
    expected = f'{tmp_path}/station.toml:6: mqtt.tls.cert = "vs.pem": there is no file {tmp_path}/vs.pem'
    assert str(caught.value) == expected
    (tmp_path / "vs.pem").touch()
    loaded = parse(text, f"{tmp_path}/station.toml")
    assert loaded.mqtt.port == 8883
    assert loaded.mqtt.tls is not None
    assert loaded.mqtt.tls.cert == f"{tmp_path}/vs.pem"


@pytest.mark.parametrize("name", ["", ".", "a\\u0000b", "x/y"])
def test_what_is_no_file_is_told_as_such(name: str) -> None:
    assert "is no file" in complaints(GOOD.replace("[mqtt]", f'[mqtt]\npassword_file = "{name}"'))[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_is_closed_to_this_user_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(mode=0)
    with pytest.raises(config.ConfigError, match="secret cannot be read by this user"):
        parse(GOOD.replace("[mqtt]", '[mqtt]\npassword_file = "secret"'), f"{tmp_path}/station.toml")


def test_the_password_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    loaded = parse(GOOD.replace("[mqtt]", '[mqtt]\npassword_file = "secret"'), f"{tmp_path}/station.toml")
    assert loaded.mqtt.secret() == "s3cret"


def test_the_effective_configuration_hides_secrets_and_is_one_itself() -> None:
    text = GOOD.replace("[mqtt]", '[mqtt]\nusername = "vs"\npassword = "hunter2"') + '[[camera]]\ndriver = "stream"\n'
    shown = toml_write.dumps(config.effective(parse(text)))
    assert "hunter2" not in shown
    again = parse(shown)
    assert again.mqtt.password == "***"
    assert again.cameras[0].options == CameraKeys(url="rtsp://***@camera/1")
    assert (again.scales, again.policy, again.transaction) == (
        parse(text).scales, parse(text).policy, parse(text).transaction,
    )  # fmt: skip


def test_bytes_that_are_no_text_have_a_line() -> None:
    with pytest.raises(config.ConfigError, match=r"^x\.toml:2: no valid TOML: byte 0xff is no UTF-8$"):
        config.parse(b"a = 1\n\xff", Path("x.toml"), DRIVERS)


@pytest.mark.parametrize("data", [b"a = " + b"[" * 100_000, b"#" * 2_000_000])
def test_a_hostile_file_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(config.ConfigError) as caught:
        config.parse(data, Path("x.toml"), DRIVERS)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError, match=r"none\.toml: cannot be read: No such file or directory"):
        config.load(tmp_path / "none.toml", DRIVERS)


KEYS = [
    "station", "mqtt", "scale", "camera", "transaction", "policy", "weighing", "store", "id", "state_dir", "host",
    "port", "tls", "ca", "driver", "capacity_g", "division_g", "name", "baud", "settle_s", "tares", "departments",
]  # fmt: skip
leaves = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.text(st.characters(codec="utf-8"), max_size=9),
    st.sampled_from(["bridge", "retail", "still", "127.0.0.1", "vs-1", "/x"]), st.dates(),
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(st.sampled_from(KEYS), trees, max_size=7))
def test_any_toml_gives_a_configuration_or_lines_of_complaint(tree: dict[str, Any]) -> None:
    told = ""
    try:
        parse(toml_write.dumps(tree))
    except config.ConfigError as error:
        told = str(error)
    assert all(re.match(r"/etc/vs/station\.toml:\d+: .*: .", line) for line in told.split("\n") if told)


@pytest.mark.parametrize(
    ("argument", "environ", "expected"),
    [
        ("a.toml", {"STATION_CONFIG": "b.toml"}, "a.toml"),
        (None, {"STATION_CONFIG": "b.toml"}, "b.toml"),
        (None, {"STATION_CONFIG": ""}, "/etc/validation-station/station.toml"),
    ],
)
def test_where_the_configuration_is_looked_for(argument: str | None, environ: dict[str, str], expected: str) -> None:
    assert config.find(argument, environ) == Path(expected)


def test_two_scales_on_one_port_are_refused(tmp_path: Path) -> None:
    scale = '[[scale]]\ndriver = "toledo-8217"\nport = "/dev/ttyUSB0"\n'
    text = f'[station]\nstore = "1"\nid = "a"\n[mqtt]\nhost = "127.0.0.1"\n{scale}{scale}'
    with pytest.raises(config.ConfigError, match=r"scale\[1\]\.port = .*must differ from the port of every scale"):
        config.parse(text.encode(), tmp_path / "station.toml", wiring.driver_options())
