"""Commands on a running station over a real broker: signed changes, live weight, verdicts again, refusals."""

import base64
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from station import catalogue
from station.core.product import Product
from station.signing_keys import KeyPair
from tests.support.backend import cloud_event
from tests.support.rig import CHEESE, MILK, SWEET, Rig, toledo_rig

ROWS = [
    Product(gtin=gtin, name=f"New {gtin}", weight_g=400.0 + n, weight_sd_g=3.0, weight_n=40, unit_price_minor=100)
    for n, gtin in enumerate(sorted((CHEESE, MILK, SWEET)))
]


class Office:
    """A backend that signs."""

    def __init__(self, rig: Rig, pair: KeyPair) -> None:
        self.rig = rig
        self.pair = pair
        self._number = 0

    def ask(self, name: str, data: dict[str, Any], *, sign: bool = False, deadline_s: float = 20.0) -> dict[str, Any]:
        """Send a command with an id of its own and return the answer."""
        self._number += 1
        payload = cloud_event(data, f"o-{self._number}")
        signature = [("signature", self.pair.sign(payload).hex())] if sign else []
        return self.send(name, payload, user=signature, deadline_s=deadline_s)

    def send(
        self, name: str, payload: bytes, *, user: list[tuple[str, str]] | None = None, deadline_s: float = 20.0,
        **more: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """Send bytes and return the next answer."""
        before = len(self.rig.answers(name))
        given: dict[str, Any] = {"UserProperty": user} if user else {}
        self.rig.backend.send(f"cmd/{name}", payload, **given, **more)
        self.rig.wait(lambda: len(self.rig.answers(name)) > before, deadline_s)
        return self.rig.answers(name)[before]

    def last(self, topic: str) -> dict[str, Any]:
        heard = self.rig.backend.heard(topic)
        return heard[-1].event["data"] if heard else {}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    pair = KeyPair(Ed25519PrivateKey.generate())
    (tmp_path / "backend.pub").write_text(pair.public.pem)
    (tmp_path / "pictures").mkdir()
    noise = np.random.default_rng(1).integers(0, 255, (1500, 2000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "pictures" / "1.png")
    camera = f'[[camera]]\nname = "top"\ndriver = "files"\npath = "{tmp_path}/pictures"'
    trust = '[trust]\nkey = "backend.pub"\npictures = true'
    with toledo_rig(tmp_path, more=f"{camera}\n{trust}") as rig:
        rig.wait_idle()
        yield Office(rig, pair)


@pytest.mark.slow
def test_a_catalogue_comes_in_parts_over_a_restart_and_is_in_force_at_once(office: Office) -> None:
    version = catalogue.version_of(ROWS)
    header = {"store": "0815", "serial": 1, "mode": "snapshot", "version": version, "parts": 2}
    one = {**header, "part": 1, "rows": msgspec.to_builtins(ROWS[:2])}
    two = {**header, "part": 2, "rows": msgspec.to_builtins(ROWS[2:])}
    assert office.ask("catalogue", one)["code"] == "unsigned"
    told = office.ask("catalogue", one, sign=True)
    assert (told["status"], told["catalogue"]["missing"], told["catalogue"]["complete"]) == ("ok", [2], False)
    office.rig.station.kill()
    office.rig.station.start()
    told = office.ask("catalogue", two, sign=True)
    assert (told["catalogue"]["present"], told["catalogue"]["complete"]) == (version, True)
    office.rig.wait(lambda: office.last("st/info").get("catalogue") == version)
    stale = office.ask("catalogue", {**two, "serial": 0}, sign=True)
    assert stale["code"] == "bad_data"


@pytest.mark.slow
def test_a_signed_configuration_is_in_force_after_a_restart_and_a_bad_one_is_not(office: Office) -> None:
    text = office.rig.station.config.read_text() + "[policy]\ntrust = 0.5\n"
    assert office.ask("config", {"serial": 1, "toml": text})["code"] == "unsigned"
    told = office.ask("config", {"serial": 1, "toml": text + "nonsense = 1\n"}, sign=True)
    assert (told["code"], "nonsense" in told["message"]) == ("bad_config", True)
    pid = office.rig.station.pid
    told = office.ask("config", {"serial": 2, "toml": text}, sign=True)
    assert (told["status"], told["config"]["state"]) == ("ok", "trial")
    office.rig.wait(lambda: office.last("st/config").get("hash") == told["config"]["hash"])
    assert office.last("st/config") | {"source": ""} == {
        "hash": told["config"]["hash"], "source": "", "in_force": True, "problem": None,
        "asked": told["config"]["hash"], "serial": 2,
    }  # fmt: skip
    assert office.rig.station.pid == pid  # it began anew by itself
    states = [heard.event["data"]["state"] for heard in office.rig.backend.heard("st/conn")]
    assert states[-3:] == ["draining", "offline", "online"]
    again = office.ask("config", {"serial": 2, "toml": text}, sign=True)
    assert (again["status"], again["config"]["serial"]) == ("ok", 2)
    assert office.ask("config", {"serial": 1, "toml": text}, sign=True)["code"] == "stale_serial"
    assert office.rig.station.stop() == 0


@pytest.mark.slow
def test_a_picture_leaves_only_while_nobody_is_there_and_fits_a_message(office: Office) -> None:
    office.rig.wait(lambda: office.rig.health().get("gross_g") == 0)
    picture = office.ask("snapshot", {})["snapshot"]
    with Image.open(BytesIO(base64.b64decode(picture["base64"]))) as image:
        assert (image.format, image.size) == ("JPEG", (picture["width_px"], picture["height_px"]))
    assert len(picture["base64"]) <= 128 * 1024
    assert picture["camera"] == "top"
    assert office.ask("snapshot", {"camera": "side"})["code"] == "unknown_camera"
    office.rig.put(500.0)
    office.rig.wait(lambda: "stable" in office.rig.phases())
    assert office.ask("snapshot", {})["code"] == "not_idle"


@pytest.mark.slow
def test_the_live_weight_flows_while_it_is_asked_for(office: Office) -> None:
    office.rig.put(410.0)
    office.rig.wait(lambda: "stable" in office.rig.phases())
    assert office.ask("stream", {"seconds": 60, "hz": 10})["stream"] == {"seconds": 60.0, "hz": 10.0}
    office.rig.wait(lambda: len(office.rig.backend.heard("tel/weight")) >= 5)
    heard = office.rig.backend.heard("tel/weight")[-1]
    assert heard.event["data"]["gross_g"] == pytest.approx(410, abs=5)
    assert heard.expiry_s is not None
    assert heard.expiry_s <= 10
    office.ask("stream", {"seconds": 0})
    count = len(office.rig.backend.heard("tel/weight"))
    office.ask("diagnose", {})
    assert len(office.rig.backend.heard("tel/weight")) == count
    assert office.ask("stream", {"seconds": 601})["code"] == "bad_data"
    assert office.ask("stream", {"seconds": 5, "hz": 1000})["code"] == "bad_data"


@pytest.mark.slow
def test_stored_verdicts_are_published_again_byte_for_byte(office: Office) -> None:
    office.rig.put(410.0)
    office.rig.claim(CHEESE)
    office.rig.wait_verdicts(1)
    first = office.rig.backend.heard("evt/verdict")[0]
    epoch, seq = first.event["epoch"], first.event["seq"]
    office.rig.backend.acknowledge(epoch, seq)
    assert office.ask("resend", {"epoch": epoch, "from_seq": 1})["resend"]["last_seq"] == seq
    office.rig.wait(lambda: len(office.rig.backend.heard("evt/verdict")) >= 2)
    again = office.rig.backend.heard("evt/verdict")[-1]
    assert (again.payload, again.late) == (first.payload, True)
    assert office.ask("resend", {"epoch": "another", "from_seq": 1})["code"] == "wrong_epoch"
    assert office.ask("resend", {"epoch": epoch, "from_seq": seq + 1})["code"] == "unknown_seq"
    assert office.ask("resend", {"epoch": epoch, "from_seq": 0})["code"] == "bad_data"


@pytest.mark.slow
def test_a_diagnosis_names_what_is_wrong_and_what_helps(office: Office) -> None:
    sound = office.ask("diagnose", {})["diagnosis"]
    assert all(sound["threads"].values())
    assert sound["products"] == 3
    office.rig.mute(silent=True)
    office.rig.wait(lambda: ("SCALE_LOST", "raised") in office.rig.alarms())
    found = office.ask("diagnose", {})["diagnosis"]["findings"]
    lost = next(finding for finding in found if finding["code"] == "SCALE_LOST")
    assert lost["part"] == "scale-1"
    assert lost["remedy"]


def test_whatever_else_comes_gets_a_coded_answer(office: Office) -> None:
    rig, good = office.rig, cloud_event({"seconds": 0}, "same")
    assert office.send("stream", good)["status"] == "ok"
    assert office.send("stream", good)["status"] == "ok"
    assert office.send("stream", cloud_event({"seconds": 1}, "same"))["code"] == "id_reused"
    assert office.send("stream", b"x" * 300_000)["code"] == "too_large"
    assert office.send("stream", b"\xff")["code"] == "bad_encoding"
    assert office.send("stream", b"{")["code"] == "not_json"
    assert office.send("stream", b"[]")["code"] == "not_cloudevent"
    assert office.send("dance", cloud_event({}, "d"))["code"] == "unsupported"
    forged = [("signature", KeyPair(Ed25519PrivateKey.generate()).sign(good).hex())]
    assert office.send("config", good, user=forged)["code"] == "bad_signature"
    rig.backend.send("cmd/stream", cloud_event({"seconds": 0}, "kept"), retain=True)
    rig.wait(lambda: rig.answers("stream")[-1].get("code") == "retained")
    assert rig.station.stop() == 0


@pytest.mark.slow
def test_a_burst_of_commands_is_answered_to_the_last_one(office: Office) -> None:
    for number in range(100):
        office.rig.claim(CHEESE, transaction_id=f"T-{number}")
    office.rig.wait(lambda: len(office.rig.answers("claim")) >= 100)
    assert {answer["status"] for answer in office.rig.answers("claim")} == {"ok"}
