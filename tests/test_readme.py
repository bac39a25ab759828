"""The README's verdict is what the station says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from station import catalogue_rows
from station.check import Checker
from station.core.beliefs import Beliefs
from station.core.store_policy import Policy
from station.core.verdict import Versions

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def verdicts() -> list[dict[str, Any]]:
    policy = Policy()
    products = catalogue_rows.read(ROOT / "docs" / "example" / "products.csv").products
    checker = Checker(Beliefs.of(products, policy.departments), policy, Versions(software="test"))
    with (ROOT / "docs" / "example" / "baskets.jsonl").open("rb") as cases:
        return [json.loads(answer)["verdict"] for answer in checker.answers(cases)]


def test_the_first_basket_is_as_claimed(verdicts: list[dict[str, Any]]) -> None:
    assert verdicts[0]["decision"] == "accept"


def test_the_second_one_is_the_picture_in_the_readme(verdicts: list[dict[str, Any]]) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert block is not None
    picture, verdict = json.loads(block[1]), verdicts[1]
    assert picture["weight"] == verdict["weight"]
    assert (picture["decision"], picture["action"]) == (verdict["decision"], verdict["action"])
    for shown, said in zip(picture["explanations"], verdict["explanations"], strict=False):
        assert shown == {"kind": said["kind"], "p": pytest.approx(said["p"], abs=0.01), "gtin": said["gtin"]}
    assert picture["look_for"] == [{"gtin": each["gtin"], "name": each["name"]} for each in verdict["look_for"]]
    assert f'*"{verdict["message"]["en"]}"*' in text.replace("\n", " ")


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "docs" / "ARCHITECTURE.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), target
    for name in re.findall(
        r"`((?:station|drivers|calibration)/[\w/]+\.py)`", (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    ):
        assert (ROOT / name).exists(), name
