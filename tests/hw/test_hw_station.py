"""The daemon on the kernel's HX711 driver: a data line that sticks low under a basket is an alarm, never 0 g."""

from collections.abc import Callable

import pytest

from tests.hw.machine import Seen

pytestmark = [pytest.mark.hw, pytest.mark.timeout(600)]


@pytest.fixture
def seen(machine: Callable[[str], Seen]) -> Seen:
    return machine("station")


def test_a_line_that_sticks_under_a_basket_is_an_alarm_and_not_its_removal(seen: Seen) -> None:
    facts = seen("stuck")
    assert facts["verdicts"][0]["decision"] == "accept"
    assert facts["verdicts"][0]["weight"]["gross_g"] == pytest.approx(411, abs=4)
    assert facts["phases_when_raised"] == ["placed", "stable"]
    assert facts["phases"][-2:] == ["removed", "closed"]


def test_a_claim_on_a_stuck_line_abstains_until_the_line_is_well(seen: Seen) -> None:
    *before, last = seen("stuck before the claim")["verdicts"]
    assert before
    assert {(verdict["decision"], *verdict["reasons"]) for verdict in before} == {("abstain", "SCALE_FAULT")}
    assert all(verdict["weight"] is None for verdict in before)
    assert last["decision"] == "accept"
