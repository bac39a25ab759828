"""The published interface is what the source says, and the ecosystem's validators take it."""

import json
import re
import subprocess
from pathlib import Path
from typing import get_args

import pytest
import yaml
from jsonschema import Draft202012Validator

from station import messages, schemas, wire
from station.commanding import NAMES
from station.core import effects, verdict
from station.core.alarms import Notice
from station.delivery import EXPIRY_S
from tests.support.rig import run_station
from tools import interface

ROOT = Path(__file__).resolve().parents[2]
CLAIM = {"transaction_id": "T-1", "revision": 1, "lines": [{"line": 1, "gtin": "4006381333931", "quantity": 1}]}


def command(data: object) -> dict[str, object]:
    return {"specversion": "1.0", "id": "1", "source": "/pos", "type": "pos.claim.v1", "data": data}


def published(key: str) -> schemas.Schema:
    message = schemas.find(key)
    assert message is not None
    return schemas.schema(message)


def checker(key: str) -> Draft202012Validator:
    return Draft202012Validator(published(key))


def test_the_documents_are_up_to_date() -> None:
    made = interface.documents()
    assert {path for path in made if path.read_text(encoding="utf-8") != made[path]} == set(), "run `make docs`"
    assert set((ROOT / "docs" / "schemas").iterdir()) == {path for path in made if path.suffix == ".json"}


@pytest.mark.parametrize("message", schemas.MESSAGES, ids=lambda message: message.key)
def test_every_schema_is_one(message: schemas.Message) -> None:
    Draft202012Validator.check_schema(schemas.schema(message))


def test_every_command_is_published() -> None:
    assert {message.name for message in schemas.MESSAGES if message.group == "cmd"} == NAMES


def test_expiries_are_those_of_the_delivery() -> None:
    told = {m.name: m.expiry_s for m in schemas.MESSAGES if m.group == "evt"}
    assert told == {name: EXPIRY_S.get(name) for name in told}


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (verdict.Explanation, messages.Explanation),
        (verdict.Timing, messages.Timing),
    ],
)
def test_types_of_the_core_and_of_messages_have_the_same_fields(own: type, told: type) -> None:
    assert own.__struct_fields__ == told.__struct_fields__  # type: ignore[attr-defined]


def test_the_verdict_has_all_that_the_core_says() -> None:
    core = {*verdict.Verdict.__struct_fields__, *verdict.Judgement.__struct_fields__} - {"judgement"}
    assert set(messages.Verdict.__struct_fields__) == core


def test_codes_are_those_of_the_page() -> None:
    page = (ROOT / "docs" / "MESSAGES.md").read_text(encoding="utf-8")
    table = page.partition("| code | meaning |")[2].partition("\n\n")[0]
    codes = {code for row in table.splitlines()[2:] for code in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    assert set(get_args(messages.ResultCode)) == codes


@pytest.mark.parametrize(
    "data",
    [
        CLAIM,
        {"transaction_id": "T-1", "cancel": True},
        {**CLAIM, "trust": 0.9, "tare": {"kind": "cart", "weight_g": 1.5}},
    ],
)
def test_claims_that_the_station_takes_are_valid(data: dict[str, object]) -> None:
    assert list(checker("claim-command").iter_errors(command(data))) == []
    assert wire.object_data(wire.decode(json.dumps(command(data)).encode())) == data


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"transaction_id": "T-1", "cancel": False},
        {**CLAIM, "revision": 0},
        {**CLAIM, "currency": "euro"},
        {**CLAIM, "lines": [{"line": 1, "gtin": "4006381333931", "quantity": 1000}]},
        {**CLAIM, "transaction_id": ""},
    ],
)
def test_claims_that_the_station_refuses_are_not(data: dict[str, object]) -> None:
    assert list(checker("claim-command").iter_errors(command(data)))


def test_the_asyncapi_document_names_every_message_once() -> None:
    document = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
    addresses = [channel["address"] for channel in document["channels"].values()]
    assert len(set(addresses)) == len(addresses) == len(schemas.MESSAGES)
    assert all(re.fullmatch(r"vs/1/\{store\}/\{station\}/[a-z]+/[a-z{}]+", address) for address in addresses)
    signed = document["components"]["messages"]["verdict"]["headers"]["properties"]
    assert set(signed) == {"late", "signature", "keyid", "prevhash", "hash"}


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
    references = set(re.findall(r"\$ref: '?#/([^'\n]+)", (ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf-8")))
    assert references
    for reference in references:
        found = document
        for part in reference.split("/"):
            found = found[part]
        assert found


def test_the_command_prints_a_schema_and_lists_them() -> None:
    assert json.loads(run_station("schema", "verdict").stdout) == published("verdict")
    listed: subprocess.CompletedProcess[str] = run_station("schema", "--json")
    assert [entry["name"] for entry in json.loads(listed.stdout)] == [message.key for message in schemas.MESSAGES]
    wrong = run_station("schema", "nonsense")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "no message is called 'nonsense'; there are verdict," in wrong.stderr


def test_a_transaction_has_the_phases_of_the_core() -> None:
    made = published("transaction")["$defs"]["Announce"]["properties"]["phase"]["enum"]
    assert set(made) == set(get_args(effects.Phase))
    assert set(Notice.__struct_fields__) == set(published("alarm")["$defs"]["Notice"]["properties"])
