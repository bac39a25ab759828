"""The station on scales of other makes: the whole way from their bytes to a verdict, and back after an unplugged cable.

One of each kind of wire is in the ordinary suite; all of them are among the slow tests.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from drivers.sim.cas_device import CasDevice
from drivers.sim.dialog_device import DialogDevice
from drivers.sim.line_device import LineDevice, ToledoContinuousDevice
from drivers.sim.magellan_device import MagellanDevice
from drivers.sim.nci_device import NciDevice
from tests.support.rig import CHEESE, MILK, Rig, retail_rig, text_rig

DIVISION_G = 5.0
MakeRig = Callable[[Path], AbstractContextManager[Rig]]


def nci(folder: Path) -> AbstractContextManager[Rig]:
    return retail_rig(folder, "nci", NciDevice())


def mt_sics(folder: Path) -> AbstractContextManager[Rig]:
    return retail_rig(folder, "mt-sics", LineDevice("mt-sics"))


def dialog_06(folder: Path) -> AbstractContextManager[Rig]:
    return retail_rig(folder, "dialog-06", DialogDevice(), more='polynomial = "11021"')


def cas(folder: Path) -> AbstractContextManager[Rig]:
    return retail_rig(folder, "cas", CasDevice())


def ascii_line(folder: Path) -> AbstractContextManager[Rig]:
    device = LineDevice("dini-argeo", every_s=0.1)
    return retail_rig(folder, "ascii-line", device, more='profile = "dini-argeo"\ncontinuous = true')


def toledo_continuous(folder: Path) -> AbstractContextManager[Rig]:
    return retail_rig(folder, "ascii-line", ToledoContinuousDevice(), more='profile = "toledo-continuous"')


def magellan(folder: Path) -> AbstractContextManager[Rig]:
    return retail_rig(folder, "magellan", MagellanDevice())


ORDINARY: tuple[MakeRig, ...] = (mt_sics, text_rig)
SLOW: tuple[MakeRig, ...] = (nci, dialog_06, cas, ascii_line, toledo_continuous, magellan)
EVERY = [
    *(pytest.param(make, id=make.__name__) for make in ORDINARY),
    *(pytest.param(make, id=make.__name__, marks=pytest.mark.slow) for make in SLOW),
]


@pytest.fixture(params=EVERY)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    with request.param(tmp_path) as made:
        made.wait_idle()
        yield made


def test_a_basket_is_accepted_and_an_unplugged_cable_is_told_until_it_is_back(rig: Rig) -> None:
    rig.claim(CHEESE, MILK)
    rig.put(411, 1033)
    [verdict] = rig.wait_verdicts(1)
    assert verdict["decision"] == "accept"
    assert verdict["weight"]["gross_g"] == pytest.approx(1444, abs=DIVISION_G)
    rig.clear()
    rig.wait(lambda: rig.phases() == ["placed", "stable", "removed", "closed"])
    rig.scale.unplug()
    rig.wait(lambda: ("SCALE_LOST", "raised") in rig.alarms())
    rig.claim(CHEESE, transaction_id="T-2")
    abstained = rig.wait_verdicts(2)[1]
    assert (abstained["decision"], abstained["reasons"]) == ("abstain", ["SCALE_FAULT"])
    rig.scale.replug()
    rig.wait(lambda: ("SCALE_LOST", "cleared") in rig.alarms())
    rig.put(411)
    accepted = rig.wait_verdicts(3)[2]
    assert accepted["decision"] == "accept"
    assert accepted["weight"]["gross_g"] == pytest.approx(411, abs=DIVISION_G)
