"""`station provision`: what it writes, what it refuses, and that the configuration it makes is one."""

import json
import stat
import subprocess
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from station import cli, config, signing_keys, wiring
from station.provision import issuing, skeleton
from station.provision.broker_files import ACCESS, CONFIGURATION, shipped
from tests.support.rig import STATION

BROKER_FILES = {"broker.key", "broker.pem", "ca.pem", "crl.pem", "mosquitto.acl", "mosquitto.conf"}


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    assert cli.main(["provision", "lab-ca", str(tmp_path / "ca")]) == 0
    return tmp_path / "ca"


def provision(*arguments: object) -> int:
    return cli.main(["provision", *map(str, arguments)])


def give(verb: str, ca: Path | None, out: Path, *more: object, store: str = "0815", identity: str = "vs-03") -> int:
    named = ["--ca", ca] if ca is not None else []
    return provision(verb, *named, "--out", out, "--store", store, "--id", identity, *more)


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line on stderr."""
    [line] = capsys.readouterr().err.splitlines()
    return line


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def common_name(path: Path) -> str:
    [name] = x509.load_pem_x509_certificate(path.read_bytes()).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(name.value)


def test_a_station_gets_a_key_a_certificate_and_a_configuration_that_passes(tmp_path: Path, ca: Path) -> None:
    assert give("station", ca, tmp_path / "s", "--broker", "broker.store.example") == 0
    folder = tmp_path / "s"
    assert {path.name for path in folder.iterdir()} == {
        "ca.pem", "orders.pub", "station.toml", "vs-03.key", "vs-03.pem",
    }  # fmt: skip
    assert stat.S_IMODE((folder / "vs-03.key").stat().st_mode) == 0o600
    assert common_name(folder / "vs-03.pem") == "vs-03"
    made = config.load(folder / "station.toml", wiring.driver_options())
    assert (made.station.store, made.station.id) == ("0815", "vs-03")
    assert (made.mqtt.host, made.mqtt.port, made.scales[0].driver) == ("broker.store.example", 8883, "hx711-bridge")


def test_a_folder_that_holds_something_is_left_alone(
    tmp_path: Path, ca: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "station.toml").write_text("mine", encoding="utf-8")
    assert give("station", ca, tmp_path / "s") == 1
    assert "already holds station.toml: nothing was changed" in told(capsys)
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["station.toml"]
    assert provision("list", "--ca", ca, "--json") == 0
    assert printed(capsys) == []  # and no certificate was given away


LAB_CA, BROKER, BACKEND = ["lab-ca"], ["broker", "--host", "h", "--out"], ["backend", "--name", "backend.1", "--out"]


@pytest.mark.parametrize("verb", [LAB_CA, BROKER, BACKEND])
def test_nothing_is_overwritten(tmp_path: Path, ca: Path, verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    named = [] if verb == ["lab-ca"] else ["--ca", str(ca)]
    folder = tmp_path / "twice"
    assert provision(*verb, folder, *named) == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    capsys.readouterr()
    assert provision(*verb, folder, *named) == 1
    assert "nothing was changed" in told(capsys)
    assert before == {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_an_id_is_given_once_in_the_whole_fleet(tmp_path: Path, ca: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert give("station", ca, tmp_path / "1") == 0
    capsys.readouterr()
    assert give("station", ca, tmp_path / "2", store="0816") == 1
    assert "in store 0815" in told(capsys)
    assert give("station", ca, tmp_path / "2", "--renew", store="0816") == 1
    assert "unique over the whole fleet" in told(capsys)
    assert give("station", ca, tmp_path / "2") == 1
    assert "--renew gives it another one" in told(capsys)
    assert give("station", ca, tmp_path / "2", "--renew") == 0
    assert provision("revoke", "--ca", ca, "vs-03") == 0
    assert give("station", ca, tmp_path / "3", store="0816") == 0
    capsys.readouterr()
    assert provision("list", "--ca", ca, "--json") == 0
    assert [(entry["store"], entry["revoked"] is not None) for entry in printed(capsys)] == [
        ("0815", True), ("0815", True), ("0816", False),
    ]  # fmt: skip


def test_two_at_once_do_not_give_one_id_away_twice(tmp_path: Path, ca: Path) -> None:
    command = [STATION, "provision", "station", "--ca", str(ca), "--id", "vs-03"]
    nothing = subprocess.DEVNULL
    runs = [
        subprocess.Popen(
            [*command, "--store", f"s{n}", "--out", str(tmp_path / f"{n}")], stdout=nothing, stderr=nothing
        )
        for n in range(4)
    ]
    assert sorted(run.wait(30) for run in runs) == [0, 1, 1, 1]


def test_a_request_is_signed_without_its_key_leaving(
    tmp_path: Path, ca: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "s"
    assert give("station", None, folder, "--key-type", "ed25519") == 0
    assert {path.name for path in folder.iterdir()} == {"station.toml", "vs-03.csr", "vs-03.key"}
    capsys.readouterr()
    assert give("sign", ca, folder, folder / "vs-03.csr", identity="vs-04") == 1
    assert "the request is for CN=vs-03,O=0815, not for CN=vs-04,O=0815" in told(capsys)
    assert give("sign", ca, folder, folder / "vs-03.csr") == 0
    assert config.load(folder / "station.toml", wiring.driver_options()).station.id == "vs-03"
    certificate = x509.load_pem_x509_certificate((folder / "vs-03.pem").read_bytes())
    asked = x509.load_pem_x509_csr((folder / "vs-03.csr").read_bytes())
    assert certificate.public_key() == asked.public_key()


def test_requests_that_are_none_are_refused(tmp_path: Path, ca: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weak = rsa.generate_private_key(65_537, 2048)
    asked = x509.CertificateSigningRequestBuilder().subject_name(issuing.name("vs-03", "0815"))
    (tmp_path / "weak.csr").write_bytes(issuing.pem(asked.sign(weak, hashes.SHA256())))
    (tmp_path / "no.csr").write_text("no", encoding="utf-8")
    for name, words in (
        ("weak.csr", "neither P-256, P-384 nor Ed25519"),
        ("no.csr", "holds no certificate signing request"),
        ("absent.csr", "cannot be read: No such file"),
    ):
        capsys.readouterr()
        assert give("sign", ca, tmp_path / "out", tmp_path / name) == 1
        assert words in told(capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("store", "identity", "word"),
    [
        ("0815", "+", "id"),
        ("0815", "vs/3", "id"),
        ("0815", "backend.1", "id"),
        ("#", "vs-03", "store"),
        ("0815", "", "id"),
    ],
)
def test_names_that_would_open_other_topics_are_wrong_usage(
    tmp_path: Path, store: str, identity: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert give("station", None, tmp_path / "s", store=store, identity=identity) == 2
    assert f"{word} must be 1 to 32 of a-z" in told(capsys)


@pytest.mark.parametrize("name", ["vs-03", "backend", "backend.+", "monitor.#", "Backend.1"])
def test_a_backend_has_no_name_that_a_station_can_have(
    tmp_path: Path, ca: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert provision("backend", "--ca", ca, "--name", name, "--out", tmp_path / "b") == 1
    assert "is no name of a backend" in told(capsys)


def test_plain_tcp_is_never_written(tmp_path: Path, ca: Path) -> None:
    assert give("station", ca, tmp_path / "s") == 0
    assert set(tomllib.loads((tmp_path / "s" / "station.toml").read_text())["mqtt"]["tls"]) == {"ca", "cert", "key"}


def test_a_certificate_ends_with_its_authority(tmp_path: Path, ca: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert give("station", ca, tmp_path / "s", "--days", 4000) == 1
    assert "the authority itself ends on" in told(capsys)


def test_a_broker_gets_the_shipped_files_with_its_paths(
    tmp_path: Path, ca: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    folder = tmp_path / "b"
    assert provision("broker", "--ca", ca, "--host", "broker.lab", "--host", "10.0.0.5", "--out", folder, "--json") == 0
    done = printed(capsys)
    assert {Path(file).name for file in done["files"]} == BROKER_FILES
    assert datetime.fromisoformat(done["valid_until"]) - datetime.now(UTC) > timedelta(days=390)
    text = (folder / CONFIGURATION).read_text(encoding="utf-8")
    assert "/etc/mosquitto" not in text
    assert text.count(f"{folder}/") == 6
    assert (folder / ACCESS).read_text(encoding="utf-8") == shipped(ACCESS)
    names = x509.load_pem_x509_certificate((folder / "broker.pem").read_bytes()).extensions
    alternative = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternative.get_values_for_type(x509.DNSName) == ["broker.lab"]
    assert [str(address) for address in alternative.get_values_for_type(x509.IPAddress)] == ["10.0.0.5"]


def test_a_damaged_authority_is_told_in_one_line(tmp_path: Path, ca: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damages = (("register.jsonl", "is damaged"), ("ca.key", "no unencrypted private key"), ("ca.pem", "no certificate"))
    for name, words in damages:
        (ca / name).write_text("{", encoding="utf-8")
        capsys.readouterr()
        assert give("station", ca, tmp_path / "s") == 1
        assert words in told(capsys)


def test_every_driver_can_be_chosen_and_every_choice_passes_the_check(tmp_path: Path, ca: Path) -> None:
    known = wiring.driver_options()
    assert set(skeleton.CHOICES) == set(known.scales) - {"sim"}
    for driver in skeleton.CHOICES:
        assert give("station", ca, tmp_path / driver, "--driver", driver, identity=driver) == 0
        made = config.load(tmp_path / driver / "station.toml", known)
        assert [scale.driver for scale in made.scales] == [driver]


def test_every_comment_is_a_table_that_passes_the_check(tmp_path: Path, ca: Path) -> None:
    assert give("station", ca, tmp_path / "s") == 0
    file = tmp_path / "s" / "station.toml"
    lines = file.read_text(encoding="utf-8").splitlines()
    start = lines.index("# Instead of the one above, for another scale take its table:")
    blocks = "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[start + 1 :]).split("[[scale]]")[1:]
    head = "\n".join(lines[: lines.index('driver = "hx711-bridge"') - 1])
    assert len(blocks) == len(skeleton.CHOICES) - 1
    for block in blocks:
        file.write_text(f"{head}\n[[scale]]{block}", encoding="utf-8")
        assert len(config.load(file, wiring.driver_options()).scales) == 1


def test_a_station_obeys_the_labs_orders_those_given_or_nobodys(tmp_path: Path, ca: Path) -> None:
    assert give("station", ca, tmp_path / "s") == 0
    known = wiring.driver_options()
    key = config.load(tmp_path / "s" / "station.toml", known).trust.key
    assert key == str(tmp_path / "s" / "orders.pub")
    assert Path(key).read_bytes() == (ca / "orders.pub").read_bytes()
    pair = signing_keys.load_order_key(ca / "orders.key")
    assert [pair.public] == list(signing_keys.public_keys(Path(key)))
    assert give("station", None, tmp_path / "r", "--trust", ca / "orders.pub", identity="vs-04") == 0
    assert (tmp_path / "r" / "orders.pub").read_bytes() == (ca / "orders.pub").read_bytes()
    assert give("station", None, tmp_path / "n", identity="vs-05") == 0
    assert "trust" not in tomllib.loads((tmp_path / "n" / "station.toml").read_text(encoding="utf-8"))


def test_orders_of_a_file_that_holds_no_key_are_refused(
    tmp_path: Path, ca: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert give("station", ca, tmp_path / "s", "--trust", ca / "ca.pem") == 1
    assert "holds no public key in PEM" in told(capsys)
    assert not (tmp_path / "s").exists()
