"""Key files: found, made, refused in one clear line, replaced, and remembered."""

import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from station import signing_keys
from station.signing_keys import KeyFile, SigningError
from tests.support.rig import Station, configuration, run_station

SCALE = 'driver = "toledo-8217"\nport = "/dev/null"\ncapacity_g = 30000\ndivision_g = 5'
PEM, PKCS8, PLAIN = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()


def private_file(path: Path) -> Path:
    signing_keys.make(path)
    return path


def key_file(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.touch(0o600)
    path.write_bytes(data)
    path.chmod(mode)
    return path


def encrypted(path: Path) -> Path:
    locked = serialization.BestAvailableEncryption(b"secret")
    return key_file(path, Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, locked))


def other_kind(path: Path) -> Path:
    return key_file(path, ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, PLAIN))


def public(path: Path) -> Path:
    signing_keys.make(path)
    pair = signing_keys.load(KeyFile(path, "configured"))
    return key_file(path, pair.public.pem.encode())


def open_to_all(path: Path) -> Path:
    private_file(path).chmod(0o644)
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "absent": (lambda path: path, "does not exist; correct the path, or make one with `station keys init`"),
    "empty": (lambda path: key_file(path, b""), "is no private key in PEM; put an Ed25519 key in PEM there"),
    "noise": (lambda path: key_file(path, b"\xff\x00" * 99), "is no private key in PEM; put an Ed25519 key"),
    "huge": (lambda path: key_file(path, b"x" * 70_000), "has more than 65536 bytes and is no key; put"),
    "encrypted": (encrypted, "is encrypted; store it without a passphrase"),
    "elliptic curve": (other_kind, "is a key of another kind than Ed25519; put an Ed25519 key"),
    "public": (public, "holds a public key, not the private one; put an Ed25519 key"),
    "open to all": (open_to_all, "is open to others (mode 0644); chmod 0600 it"),
    "pipe": (pipe, "is no regular file; put"),
    "directory": (folder, "is no regular file; put"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_key_that_cannot_be_used_is_one_clear_line(tmp_path: Path, name: str) -> None:
    make, words = BAD[name]
    path = make(tmp_path / "key.pem")
    with pytest.raises(SigningError) as caught:
        signing_keys.load(KeyFile(path, "configured"))
    assert str(caught.value).startswith(f"signing key {path}: {words}")
    assert "\n" not in str(caught.value)


AS_NOBODY = """
import os, sys
from pathlib import Path
from station.signing_keys import KeyFile, SigningError, load
os.seteuid(65534)
try:
    load(KeyFile(Path(sys.argv[1]), "configured"))
except SigningError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("owner", "mode", "words"),
    [
        (0, 0o600, "may not be read; make it readable for the user of the station"),
        (65533, 0o644, "belongs to user 65533; chown it to the user of the station"),
        (0, 0o644, "is open to others (mode 0644); chmod 0640 it"),
        (65534, 0o640, "is open to others (mode 0640); chmod 0600 it"),
        (65534, 0o400, ""),
    ],
)
def test_owner_and_mode_are_looked_at(owner: int, mode: int, words: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)  # others must be able to look into it
        path = private_file(Path(name) / "key.pem")
        os.chown(path, owner, owner)
        path.chmod(mode)
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(path)], capture_output=True, text=True, check=True, timeout=30
        )
    assert done.stdout == (f"signing key {path}: {words}\n" if words else "")


def test_the_configured_key_comes_before_the_credential_and_the_stations_own(tmp_path: Path) -> None:
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    own = KeyFile(tmp_path / "keys" / "signing.pem", "own")
    assert signing_keys.find(None, tmp_path, {}) == own
    assert signing_keys.find(None, tmp_path, credentials) == own
    credential = private_file(tmp_path / "credentials" / "signing-key")
    assert signing_keys.find(None, tmp_path, credentials) == KeyFile(credential, "credential")
    assert signing_keys.find("/etc/key.pem", tmp_path, credentials) == KeyFile(Path("/etc/key.pem"), "configured")


def test_systemd_shows_the_bits_of_an_access_list_on_a_credential(tmp_path: Path) -> None:
    path = private_file(tmp_path / "credentials" / "signing-key")
    path.chmod(0o440)
    ring = signing_keys.ready(None, tmp_path, {"CREDENTIALS_DIRECTORY": str(path.parent)})
    assert (tmp_path / "keys" / f"{ring.pair.key_id}.pub").read_text() == ring.pair.public.pem
    assert not (tmp_path / "keys" / "signing.pem").exists()


def test_the_first_start_makes_a_key_that_later_ones_use(tmp_path: Path) -> None:
    first, again = signing_keys.ready(None, tmp_path, {}), signing_keys.ready(None, tmp_path, {})
    assert (first.fresh, again.fresh) == (True, False)
    assert again.pair.public == first.pair.public
    assert again.pair.sign(b"x") == first.pair.sign(b"x")
    path = tmp_path / "keys" / "signing.pem"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)


def test_what_root_makes_belongs_to_the_owner_of_the_state_directory(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(tmp_path, 65534, 65534)
    done = run_station("keys", "init", "--state", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert {path.stat().st_uid for path in tmp_path.rglob("*")} == {65534}


def test_a_rotation_keeps_the_old_public_key_and_never_the_old_private_one(tmp_path: Path) -> None:
    made = json.loads(run_station("keys", "init", "--state", str(tmp_path), "--json").stdout)
    again = run_station("keys", "init", "--state", str(tmp_path))
    assert (again.returncode, "is there already" in again.stderr) == (1, True)
    rotated = json.loads(run_station("keys", "rotate", "--state", str(tmp_path), "--json").stdout)
    assert rotated["key_id"] != made["key_id"]
    assert rotated["former_keys"] == [{"key_id": made["key_id"], "public_key": made["public_key"]}]
    shown = json.loads(run_station("keys", "show", "--state", str(tmp_path), "--json").stdout)
    assert shown == rotated
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {
        "signing.pem", f"{made['key_id']}.pub", f"{rotated['key_id']}.pub",
    }  # fmt: skip


def test_only_the_stations_own_key_is_rotated(tmp_path: Path) -> None:
    key = private_file(tmp_path / "key.pem")
    config = configuration(tmp_path, 1883, SCALE)
    text = config.read_text().replace('id = "vs-03"', 'id = "vs-03"\nsigning_key = "key.pem"')
    config.write_text(text)
    before = key.read_bytes()
    done = run_station("keys", "rotate", "--config", str(config))
    assert done.returncode == 1
    assert f"the signing key is {key}, which others put there" in done.stderr
    assert key.read_bytes() == before


def test_the_daemon_ends_with_one_line_when_its_key_cannot_be_used(tmp_path: Path) -> None:
    key = open_to_all(tmp_path / "key.pem")
    config = configuration(tmp_path, 1883, SCALE)
    config.write_text(config.read_text().replace('id = "vs-03"', f'id = "vs-03"\nsigning_key = "{key}"'))
    station = Station(config)
    station.start()
    assert station.wait() == 2
    assert station.log == [f"station: signing key {key}: is open to others (mode 0644); chmod 0600 it\n"]


def test_a_public_key_file_may_hold_several_keys(tmp_path: Path) -> None:
    rings = [signing_keys.ready(None, tmp_path / name, {}) for name in ("a", "b")]
    bundle = key_file(tmp_path / "all.pem", "".join(ring.pair.public.pem for ring in rings).encode(), 0o644)
    assert signing_keys.public_keys(bundle) == tuple(ring.pair.public for ring in rings)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", b"\x00\xff"])
def test_a_public_key_that_is_none_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = key_file(tmp_path / "a.pub", content, 0o644)
    with pytest.raises(SigningError, match=r"holds no (readable )?public key.*; export it with `station keys show`"):
        signing_keys.public_keys(path)


def test_a_spoilt_public_key_of_the_past_does_not_keep_the_station_from_working(tmp_path: Path) -> None:
    first = signing_keys.ready(None, tmp_path, {}).pair
    keys = tmp_path / "keys"
    (keys / "0000000000000000.pub").write_bytes(bytes(113))
    (keys / f"{first.key_id}.pub").write_bytes(b"")
    again = signing_keys.ready(None, tmp_path, {})
    assert (again.pair.public, again.former) == (first.public, ())
    assert signing_keys.public_keys(keys / f"{first.key_id}.pub") == (first.public,)
    with pytest.raises(SigningError, match=r"0000000000000000\.pub: holds no public key"):
        signing_keys.known(keys)


def test_a_disk_that_refuses_is_told_from_a_wrong_key(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(b"")  # where the folder should be
    with pytest.raises(SigningError, match=r"signing.pem: cannot be written: .*; make room") as caught:
        signing_keys.ready(None, tmp_path, {})
    assert caught.value.passing


def test_a_public_key_that_cannot_be_noted_is_no_reason_to_stop(tmp_path: Path) -> None:
    key = private_file(tmp_path / "key.pem")
    (tmp_path / "keys").write_bytes(b"")
    assert signing_keys.ready(str(key), tmp_path, {}).former == ()
