"""Faults of single load cells under the whole engine: the alarm names the cell, a verdict abstains, recovery clears."""

import pytest

from drivers.sim.cell_faults import SOUND, CellFault
from station.core import events
from station.core.transaction import State
from station.core.verdict import Decision
from tests.support.four_cells import SPEC, FourCells
from tests.support.virtual import claim

DEAD = 2  # the third channel, front right
PART = "scale-1 cell 3"


@pytest.fixture
def station() -> FourCells:
    made = FourCells()
    made.wait(2)
    assert made.engine.state is State.IDLE
    return made


def judged(station: FourCells) -> list[tuple[Decision, tuple[str, ...]]]:
    return [(verdict.judgement.decision, verdict.judgement.reasons) for verdict in station.verdicts()]


def claimed(station: FourCells) -> None:
    station.feed(events.Claimed(t_ns=station.t_ns, claim=claim(), command=1))


@pytest.mark.parametrize("stuck_counts", [SPEC.zero_counts[DEAD], 0, -1], ids=["its zero", "clean 0", "-1"])
@pytest.mark.parametrize("rate_hz", [80.0, 10.0])
def test_a_cell_that_died_before_the_load_gives_no_false_verdict(stuck_counts: int, rate_hz: float) -> None:
    station = FourCells(rate_hz=rate_hz)
    station.wait(4)
    station.world.fail(DEAD, CellFault(stuck_counts=stuck_counts))
    claimed(station)
    station.put(8_000, 0.1, -0.05)
    station.wait(6)
    assert judged(station) == [("abstain", ("SCALE_FAULT",))]
    assert ("SCALE_FAULT", PART, True) in station.alarms()


def test_a_cell_that_dies_under_load_abstains_names_itself_and_clears(station: FourCells) -> None:
    claimed(station)
    station.put(8_000, 0.1, -0.05)
    station.wait(0.15)
    station.world.freeze(DEAD)
    station.wait(3)
    assert judged(station) == [("abstain", ("SCALE_FAULT",))]
    [alarm] = station.raised()
    assert (alarm.code, alarm.part, alarm.severity) == ("SCALE_FAULT", PART, "error")
    assert "cell 3 (front right) repeats one value" in alarm.message
    assert "cable" in alarm.remedy
    station.world.fail(DEAD, SOUND)
    station.wait(3)
    assert station.alarms() == [("SCALE_FAULT", PART, True), ("SCALE_FAULT", PART, False)]
    assert judged(station)[-1][0] == "accept"


def test_an_unplugged_cell_is_named(station: FourCells) -> None:
    station.world.unplug(DEAD)
    station.wait(1)
    assert station.alarms() == [("SCALE_FAULT", PART, True)]
    assert "end of its range" in station.raised()[0].message
    station.world.plug(DEAD)
    station.wait(2)
    assert station.alarms()[-1] == ("SCALE_FAULT", PART, False)
    assert station.engine.state is State.IDLE


def test_a_cell_with_noise_but_no_response_is_found_within_four_visits(station: FourCells) -> None:
    for _ in range(12):
        station.visit()
    assert station.alarms() == []
    station.world.fail(DEAD, CellFault(response=0.0))
    for _ in range(4):
        station.visit()
    assert ("SCALE_FAULT", PART, True) in station.alarms()
    assert "does not respond" in station.raised()[0].message
    assert judged(station)[-1] == ("abstain", ("SCALE_FAULT",))
    station.world.fail(DEAD, SOUND)
    for _ in range(6):
        station.visit()
    assert station.alarms()[-1] == ("SCALE_FAULT", PART, False)
    assert judged(station)[-1][0] == "accept"


def test_a_noisy_cell_is_a_warning_and_weighing_goes_on(station: FourCells) -> None:
    station.wait(12)
    station.world.fail(DEAD, CellFault(noise=5.0))
    station.wait(12)
    assert station.alarms() == [("SCALE_CELL", PART, True)]
    assert station.raised()[0].severity == "warning"
    station.visit()
    assert judged(station) == [("accept", ())]
    station.world.fail(DEAD, SOUND)
    station.wait(3)
    assert station.alarms()[-1] == ("SCALE_CELL", PART, False)


def test_a_cell_whose_zero_wanders_is_a_warning() -> None:
    station = FourCells(rate_hz=10.0)
    station.wait(4)
    station.visit()
    station.world.fail(DEAD, CellFault(drift_g_per_s=0.1))
    station.wait(900)
    assert station.alarms() == [("SCALE_CELL", PART, True)]
    assert "zero that wanders" in station.raised()[0].message


def test_a_rocking_platform_is_a_warning_about_its_feet(station: FourCells) -> None:
    station.world.seat(60.0, rocks=True)
    for _ in range(14):
        station.visit()
    assert ("SCALE_CELL", "scale-1", True) in station.alarms()
    assert "rocks" in station.raised()[-1].message or "shares its load" in station.raised()[0].message
    assert {code for code, _, _ in station.alarms()} == {"SCALE_CELL"}


def test_sound_cells_raise_nothing_in_a_busy_hour(station: FourCells) -> None:
    for _ in range(40):
        station.visit()
        station.skip(80)
    assert station.alarms() == []
    assert {decision for decision, _ in judged(station)} == {"accept"}
