"""Signatures and chain as a backend gets them: over a real broker, through kills, restarts and rotations."""

import hashlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from station import signing_keys
from station.link_values import LinkUp, Publication
from station.outbox import Outbox, OutboxError
from station.publisher import PACKET_OVERHEAD, Publisher
from station.pump import PumpOptions
from tests.delivery.test_audit import made
from tests.delivery.test_outbox import VERDICT, fill, small_disk, stamp
from tests.support import ed25519
from tests.support.backend import Backend, Heard
from tests.support.consumer import STATION, Consumer, link_options
from tests.support.mosquitto import Mosquitto
from tests.support.rig import toledo_rig

__all__ = ["small_disk"]
ROOT = STATION.root
NAMES = ["signature", "keyid", "prevhash", "hash"]


def signer(folder: Path) -> signing_keys.KeyPair:
    return signing_keys.ready(None, folder).pair


def proof(heard: Heard) -> dict[str, str]:
    return {name: value for name, value in heard.user if name != "late"}


def follows(heard: Heard, public_key: bytes, previous: str) -> str:
    """Check one verdict as docs/MESSAGES.md says, with nothing of the station's; return its hash."""
    event, given = heard.event, proof(heard)
    assert list(given) == NAMES
    assert given["keyid"] == hashlib.sha256(public_key).hexdigest()[:16]
    assert ed25519.holds(public_key, bytes.fromhex(given["signature"]), heard.payload)
    assert given["prevhash"] == previous
    digest = hashlib.sha256(heard.payload).hexdigest()
    line = f"vs-chain-1:{event['epoch']}:{event['seq']}:{previous}:{digest}"
    assert given["hash"] == hashlib.sha256(line.encode()).hexdigest()
    return given["hash"]


def test_the_arithmetic_beside_knows_true_from_false() -> None:
    """The first example of RFC 8032, 7.1."""
    public_key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert ed25519.holds(public_key, signature, b"")
    assert not ed25519.holds(public_key, signature, b"x")
    assert not ed25519.holds(public_key, signature[:32] + bytes(32), b"")


def test_a_backend_can_check_every_verdict_and_their_order(tmp_path: Path) -> None:
    pair = signer(tmp_path)
    with (
        Mosquitto(tmp_path) as broker,
        Backend(broker.port, ROOT) as backend,
        Consumer(tmp_path / "outbox.db", link_options(broker.port), signer=pair) as station,
    ):
        for number in range(1, 6):
            station.verdict(number)
        station.until(lambda: len(backend.heard("evt/verdict")) >= 5)
    previous, key = "00" * 32, ed25519.raw_key(pair.public.pem)
    verdicts = {heard.event["seq"]: heard for heard in backend.heard("evt/verdict")}
    for seq in range(1, 6):
        previous = follows(verdicts[seq], key, previous)


def documented() -> Callable[..., str]:
    """Return the function that docs/MESSAGES.md gives to backends."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "MESSAGES.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(text.partition("## Integrity")[2].partition("```python\n")[2].partition("```")[0], names)  # noqa: S102
    check: Callable[..., str] = names["check"]
    return check


def test_the_documented_example_tells_genuine_from_forged(tmp_path: Path) -> None:
    pair, check = signer(tmp_path), documented()
    key = pair.public.pem
    one, two = made(tmp_path, 2)
    head = check(one["payload"].encode(), one["properties"], key)
    assert check(two["payload"].encode(), two["properties"], key, head) == two["properties"]["hash"]
    with pytest.raises(ValueError, match="not the one"):
        check(two["payload"].encode(), two["properties"], key)
    with pytest.raises(InvalidSignature):
        check(two["payload"].encode() + b" ", two["properties"], key, head)


def test_openssl_agrees(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    pair = signer(tmp_path)
    for name, content in {"payload": b"{}", "sig": pair.sign(b"{}"), "key": pair.public.pem.encode()}.items():
        (tmp_path / name).write_bytes(content)
    command = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "key", "-rawin", "-in", "payload", "-sigfile", "sig"]
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    (tmp_path / "payload").write_bytes(b"{ }")
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 1


def test_what_is_sent_again_is_the_same_after_a_rotation_and_the_chain_goes_on(tmp_path: Path) -> None:
    path, first = tmp_path / "outbox.db", signer(tmp_path)
    with Mosquitto(tmp_path) as broker, Backend(broker.port, ROOT) as backend:
        with Consumer(path, link_options(broker.port), signer=first) as station:
            station.verdict(1)
            station.until(lambda: len(backend.heard("evt/verdict")) == 1)
        signing_keys.make(tmp_path / "keys" / "signing.pem", replace=True)
        second = signer(tmp_path)
        assert second.key_id != first.key_id
        with Consumer(path, link_options(broker.port), signer=second) as station:
            station.verdict(2)
            station.until(lambda: {2} <= {heard.event["seq"] for heard in backend.heard("evt/verdict")})
            station.until(lambda: sum(heard.event["seq"] == 1 for heard in backend.heard("evt/verdict")) >= 2)
    copies = [heard for heard in backend.heard("evt/verdict") if heard.event["seq"] == 1]
    newer = next(heard for heard in backend.heard("evt/verdict") if heard.event["seq"] == 2)
    assert len({(heard.payload, tuple(proof(heard).items())) for heard in copies}) == 1
    assert copies[-1].late
    head = follows(copies[-1], ed25519.raw_key(first.public.pem), "00" * 32)
    follows(newer, ed25519.raw_key(second.public.pem), head)


KILLED = """
import os, signal, sys
from pathlib import Path
from station import signing_keys
from station.outbox import Outbox, OutboxError
from tests.delivery.test_audit import made
from tests.delivery.test_outbox import VERDICT, fill, small_disk, stamp
from tests.support.consumer import STATION
from station import wire
folder = Path(sys.argv[1])
outbox = Outbox(folder / "outbox.db", signer=signing_keys.ready(None, folder).pair)
data = {"transaction_id": "T-1", "verdict_no": 1}
with outbox.write() as write:
    write.add_verdict(VERDICT, stamp(), lambda n: wire.encode(STATION, stamp(), "id-1", "verdict", data, numbering=n))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_verdict_committed_before_a_kill_is_published_with_its_proof(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    pair = signer(tmp_path)
    with (
        Mosquitto(tmp_path) as broker,
        Backend(broker.port, ROOT) as backend,
        Consumer(tmp_path / "outbox.db", link_options(broker.port), signer=pair) as station,
    ):
        station.verdict(2)
        station.until(lambda: {1, 2} == {heard.event["seq"] for heard in backend.heard("evt/verdict")})
    one, two = (next(h for h in backend.heard("evt/verdict") if h.event["seq"] == seq) for seq in (1, 2))
    key = ed25519.raw_key(pair.public.pem)
    follows(two, key, follows(one, key, "00" * 32))


class Wire:
    """A link that writes down what it is to send."""

    def __init__(self) -> None:
        self.sent: list[Publication] = []

    def publish(self, connection: int, publication: Publication) -> int:
        self.sent.append(publication)
        return connection + len(self.sent)

    def subscribe_again(self, connection: int, topic: str) -> None:
        raise AssertionError((connection, topic))

    def reset(self, connection: int, reason: str) -> None:
        raise AssertionError((connection, reason))


@pytest.mark.parametrize(("room", "sent"), [(0, 1), (-1, 0)])
def test_the_proof_counts_toward_the_largest_packet(tmp_path: Path, room: int, sent: int) -> None:
    outbox, wire = Outbox(tmp_path / "outbox.db", signer=signer(tmp_path)), Wire()
    with outbox.write() as write:
        write.add_verdict(VERDICT, stamp(), lambda _number: b"x" * 1000)
    size = 1000 + len(VERDICT) + PACKET_OVERHEAD + sum(map(len, NAMES)) + 128 + 16 + 64 + 64 + 4 * 5
    publisher = Publisher(outbox, wire, [VERDICT], "ack", PumpOptions())
    publisher.link_up(
        LinkUp(connection=1, receive_maximum=10, maximum_packet_bytes=size + room, session_present=False), 0
    )
    publisher.advance(stamp(), 0)
    assert len(wire.sent) == sent
    outbox.close()


def test_the_station_tells_its_keys_and_signs_with_them(tmp_path: Path) -> None:
    with toledo_rig(tmp_path, start=False) as rig:
        signing_keys.ready(None, tmp_path / "state")
        signing_keys.make(tmp_path / "state" / "keys" / "signing.pem", replace=True)
        old = signing_keys.known(tmp_path / "state" / "keys")
        rig.station.start()
        rig.wait_idle()
        rig.put(500.0)
        rig.claim("04006381333931")
        rig.wait_verdicts(1)
        info = rig.backend.heard("st/info")[-1].event["data"]
        heard = rig.backend.heard("evt/verdict")[0]
    assert info["former_keys"] == [{"key_id": old[0].key_id, "public_key": old[0].pem}]
    assert info["key_id"] == proof(heard)["keyid"]
    follows(heard, ed25519.raw_key(info["public_key"]), "00" * 32)


def test_nothing_is_signed_with_a_key_that_a_full_disk_refused(tmp_path: Path, small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        fill(file.fileno())
    ring = signing_keys.ready(None, small_disk, {})
    outbox = Outbox(tmp_path / "outbox.sqlite", signer=ring.pair)
    with pytest.raises(OutboxError, match="make room on the disk"), outbox.write() as writer:
        writer.add_verdict(VERDICT, stamp(1), lambda _numbering: b"{}")
    assert outbox.last_seq() == 0
    ballast.unlink()
    with outbox.write() as writer:
        writer.add_verdict(VERDICT, stamp(1), lambda _numbering: b"{}")
    assert outbox.last_seq() == 1
    outbox.close()
    assert signing_keys.ready(None, small_disk, {}).pair.public == ring.pair.public
