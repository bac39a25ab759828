"""One of four load cells dies under a running station: the alarm names it, the verdict abstains, recovery clears."""

from pathlib import Path

import pytest

from drivers.sim.cell_faults import SOUND, CellFault
from drivers.sim.world import PlatformSpec
from tests.support.rig import CHEESE, MILK, bridge_rig

PLACES = "positions_mm = [[-300, 200], [300, 200], [300, -200], [-300, -200]]"  # as the world's channels are
DEAD = 2
PART = "scale-1 cell 3"


def test_a_dead_cell_is_named_and_no_false_weight_is_judged(tmp_path: Path) -> None:
    with bridge_rig(tmp_path, more=PLACES) as rig:
        rig.wait_idle()
        rig.wait(lambda: "scale-1" in rig.health().get("cells", {}))
        shown = rig.health()["cells"]["scale-1"]
        assert [(cell["place"], cell["state"]) for cell in shown["cells"]] == [
            ("back left", "ok"), ("back right", "ok"), ("front right", "ok"), ("front left", "ok"),
        ]  # fmt: skip
        with rig.world.now() as world:
            world.fail(DEAD, CellFault(stuck_counts=PlatformSpec().zero_counts[DEAD]))
        rig.claim(CHEESE, MILK)
        rig.put(411, 1033)
        [verdict] = rig.wait_verdicts(1)
        assert (verdict["decision"], verdict["reasons"]) == ("abstain", ["SCALE_FAULT"])
        rig.wait(lambda: ("SCALE_FAULT", "raised") in rig.alarms())
        alarm = rig.backend.heard("evt/alarm")[0].event["data"]
        assert (alarm["part"], alarm["severity"]) == (PART, "error")
        assert "cell 3 (front right)" in alarm["message"]
        rig.wait(lambda: rig.health()["parts"].get(PART) == "SCALE_FAULT")
        assert rig.health()["parts"]["scale-1"] == "SCALE_FAULT"
        with rig.world.now() as world:
            world.fail(DEAD, SOUND)
        assert rig.wait_verdicts(2)[1]["decision"] == "accept"
        rig.wait(lambda: rig.alarms() == [("SCALE_FAULT", "raised"), ("SCALE_FAULT", "cleared")])
        rig.wait(lambda: rig.health()["parts"] == {"scale-1": "ok"})
        health = rig.health()["cells"]["scale-1"]
        assert sum(cell["share"] for cell in health["cells"]) == pytest.approx(1, abs=1e-3)
        assert health["centre_of_mass"]["unit"] == "mm"
