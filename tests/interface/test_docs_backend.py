"""The commands of docs/BACKEND.md do what the page says."""

import ast
import asyncio
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from station import client, schemas, signing_keys
from station.command_trust import trust_in
from tests.support.backend import Backend, Heard, cloud_event
from tests.support.clients import STATION, verdict_payload
from tests.support.mosquitto import Mosquitto

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "BACKEND.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
SUBSCRIBE, CLAIM, ACKNOWLEDGE = (shlex.split(block.replace("\\\n", " ")) for block in BLOCKS[:3])


class Answering(Backend):
    """A station that says ok."""

    def on_heard(self, heard: Heard) -> None:
        if heard.response_topic is not None and heard.correlation is not None:
            topic = heard.response_topic.removeprefix(self.root)
            self.post(topic, cloud_event({"status": "ok"}), CorrelationData=heard.correlation)


@pytest.mark.parametrize(("command", "key"), [(CLAIM, "claim-command"), (ACKNOWLEDGE, "verdict-acknowledgement")])
def test_what_the_page_sends_is_as_published(command: list[str], key: str) -> None:
    message = schemas.find(key)
    assert message is not None
    payload = json.loads(command[command.index("-m") + 1])
    assert list(Draft202012Validator(schemas.schema(message)).iter_errors(payload)) == []


def test_the_page_s_commands_work(tmp_path: Path) -> None:
    if any(shutil.which(command[0]) is None for command in (SUBSCRIBE, CLAIM, ACKNOWLEDGE)):
        pytest.skip("apt-get install mosquitto-clients")
    with Mosquitto(tmp_path) as broker, Answering(broker.port, STATION.root, client_id="vs-03") as station:
        where = ["-p", str(broker.port)]
        done = subprocess.run([*CLAIM, *where], capture_output=True, text=True, timeout=20, check=True)
        assert json.loads(done.stdout)["data"] == {"status": "ok"}
        subprocess.run([*ACKNOWLEDGE, *where], timeout=20, check=True)
        station.wait(lambda: bool(station.heard("ack/verdict")))
        subprocess.run([*SUBSCRIBE, *where, "-E"], timeout=20, check=True)  # the session begins
        station.send("evt/verdict", verdict_payload(1), UserProperty=[("late", "true")])
        heard = subprocess.run([*SUBSCRIBE, *where, "-C", "1"], capture_output=True, text=True, timeout=20, check=True)
        assert heard.stdout.startswith(f"{STATION.root}evt/verdict late:true {{")


def test_the_page_s_python_is_python() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {"LinkOptions", "Client", "Options", "SqliteStore", "Station", "CommandRefusedError", "NoAnswerError"}
    for block in blocks:
        compile(block, "BACKEND.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert len(blocks) == 2
    assert callable(signing_keys.load_order_key)
    assert names <= set(client.__all__)
    assert asyncio.iscoroutinefunction(client.Client.send_claim)


def test_what_openssl_signs_as_the_page_says_is_believed(tmp_path: Path) -> None:
    if shutil.which("openssl") is None or shutil.which("xxd") is None:
        pytest.skip("apt-get install openssl xxd")
    key = tmp_path / "orders.key"
    signing_keys.make(key)
    (tmp_path / "orders.pub").write_text(signing_keys.load_order_key(key).public.pem)
    payload = cloud_event({"serial": 1, "toml": "x"})
    (tmp_path / "payload.json").write_bytes(payload)
    command = BLOCKS[3].partition("   #")[0]
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=True)
    trust = trust_in(str(tmp_path / "orders.pub"))
    assert trust.refusal("config", payload, [("signature", done.stdout.strip())]) is None
    assert trust.refusal("config", payload + b" ", [("signature", done.stdout.strip())]) is not None
