"""Visits of a running station are recorded, survive its sudden end, and are made again bit for bit."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.rig import CHEESE, MILK, SWEET, Rig, bridge_rig, run_station, wait_until


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with bridge_rig(tmp_path) as made:
        made.wait_idle()
        yield made


def recorded(rig: Rig) -> list[dict[str, Any]]:
    listed = run_station("records", "list", "--config", str(rig.station.config), "--json")
    assert listed.returncode == 0, listed.stderr
    rows: list[dict[str, Any]] = json.loads(listed.stdout)
    return rows


def visit(rig: Rig, number: int, *goods: str, grams: tuple[float, ...]) -> None:
    rig.claim(*goods, transaction_id=f"T-{number}")
    rig.put(*grams)
    rig.wait_verdicts(number)
    rig.clear()
    rig.wait(lambda: rig.phases().count("removed") == number)


def test_every_verdict_can_be_made_again_also_after_a_sudden_end(rig: Rig) -> None:
    visit(rig, 1, CHEESE, MILK, grams=(411, 1033))
    visit(rig, 2, CHEESE, SWEET, grams=(409, 106, 1035))  # and a milk that nobody scanned
    rig.claim(MILK, transaction_id="T-3")
    rig.put(1036)
    rig.wait_verdicts(3)
    wait_until(lambda: len(recorded(rig)) == 3)
    rig.station.kill()
    decisions = [verdict["decision"] for verdict in rig.verdicts()]
    rows = recorded(rig)
    assert [row["verdicts"][0]["decision"] for row in rows] == decisions
    assert len(set(decisions)) > 1
    for row in rows:
        made = run_station("replay", row["record_id"], "--config", str(rig.station.config), "--json")
        assert (made.returncode, json.loads(made.stdout)["way"]) == (0, "whole"), made.stdout
    by_name = run_station("replay", "T-2", "--config", str(rig.station.config))
    assert by_name.stdout == "1 verdicts made again: the same as recorded\n"


def test_a_shelf_that_cannot_be_written_costs_records_and_no_verdict(rig: Rig) -> None:
    shelf = rig.folder / "state" / "records"
    shelf.write_text("in the way")
    visit(rig, 1, CHEESE, grams=(411,))
    rig.wait(lambda: ("RECORDS_UNWRITABLE", "raised") in rig.alarms())
    shelf.unlink()
    visit(rig, 2, MILK, grams=(1034,))
    rig.wait(lambda: ("RECORDS_UNWRITABLE", "cleared") in rig.alarms())
    assert [row["verdicts"][0]["transaction_id"] for row in recorded(rig)] == ["T-2"]
