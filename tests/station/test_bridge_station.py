"""A station of four load cells on a bridge: counts become grams by our own calibration."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.sim.faults import FaultRates
from tests.support.rig import CHEESE, MILK, Rig, bridge_rig, import_calibration


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with bridge_rig(tmp_path) as made:
        made.wait_idle()
        yield made


def test_counts_of_four_cells_become_an_accepted_basket(rig: Rig) -> None:
    rig.claim(CHEESE, MILK)
    rig.put(411, 1033)
    [verdict] = rig.wait_verdicts(1)
    assert verdict["decision"] == "accept"
    assert verdict["weight"]["gross_g"] == pytest.approx(1444, abs=4)
    assert verdict["versions"]["calibration"].startswith("sha256:")
    rig.clear()
    rig.wait(lambda: rig.phases() == ["placed", "stable", "removed", "closed"])


def test_an_unplugged_cell_abstains_and_recovers(rig: Rig) -> None:
    rig.claim(CHEESE)
    with rig.world.now() as world:
        world.unplug(2)
    [verdict] = rig.wait_verdicts(1)
    assert (verdict["decision"], verdict["reasons"]) == ("abstain", ["SCALE_FAULT"])
    rig.wait(lambda: ("SCALE_FAULT", "raised") in rig.alarms())
    with rig.world.now() as world:
        world.plug(2)
    rig.put(410)
    assert rig.wait_verdicts(2)[1]["decision"] == "accept"


def test_lost_and_damaged_frames_cost_time_but_never_a_false_gram(rig: Rig) -> None:
    rig.scale.line.rates = FaultRates(drop_byte=0.05, garbage=0.05, truncate=0.05, duplicate=0.05)
    rig.claim(CHEESE, MILK)
    rig.put(411, 1033)
    [verdict] = rig.wait_verdicts(1)
    assert verdict["weight"]["gross_g"] == pytest.approx(1444, abs=4)


def test_goods_on_the_platform_survive_a_restart(rig: Rig) -> None:
    rig.claim(CHEESE)
    rig.put(411)
    rig.wait_verdicts(1)
    rig.station.kill()
    rig.put(1035)
    rig.station.start()
    verdict = rig.wait_verdicts(2)[1]
    assert verdict["weight"]["gross_g"] == pytest.approx(1446, abs=4)
    assert (verdict["decision"] == "accept", verdict["verdict_no"]) == (False, 2)


def test_without_calibration_it_abstains_until_a_technician_imports_one(tmp_path: Path) -> None:
    with bridge_rig(tmp_path, start=False) as rig:
        (tmp_path / "state" / "calibration" / "scale-1.json").unlink()
        rig.station.start()
        rig.wait(lambda: ("NOT_CALIBRATED", "raised") in rig.alarms())
        rig.claim(CHEESE)
        [verdict] = rig.wait_verdicts(1)
        assert (verdict["decision"], verdict["reasons"]) == ("abstain", ["NOT_CALIBRATED"])
        import_calibration(rig.station.config)
        rig.wait(lambda: ("NOT_CALIBRATED", "cleared") in rig.alarms() and rig.health()["state"] == "claimed")
        rig.put(410)
        assert rig.wait_verdicts(2)[1]["decision"] == "accept"


def test_zero_is_set_on_command_only_when_nothing_lies_there(rig: Rig) -> None:
    rig.command("zero", {})
    rig.wait(lambda: rig.answers("zero") == [{"status": "ok"}])
    rig.put(500)
    rig.wait(lambda: "stable" in rig.phases())
    rig.command("zero", {"again": True})
    rig.wait(lambda: len(rig.answers("zero")) == 2)
    assert rig.answers("zero")[1]["code"] == "not_idle"


def test_rejected_samples_are_told_by_cause(rig: Rig) -> None:
    rig.scale.unplug()
    rig.wait(lambda: ("SCALE_LOST", "raised") in rig.alarms())
    rig.wait(lambda: rig.health()["rejected_samples"]["scale-1"].get("settling", 0) >= 4)
