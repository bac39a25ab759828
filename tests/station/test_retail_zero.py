"""`cmd/zero` on an instrument: carried out by its own command, answered when it shows zero; or refused with a code."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from drivers.sim.cas_device import CasDevice
from drivers.sim.line_device import LineDevice
from drivers.sim.nci_device import NciDevice
from tests.support.rig import CHEESE, Rig, retail_rig, toledo_rig

DRIFT_G = 15.0


def nci(folder: Path) -> AbstractContextManager[Rig]:
    return retail_rig(folder, "nci", NciDevice(), start=False)


def mt_sics(folder: Path) -> AbstractContextManager[Rig]:
    return retail_rig(folder, "mt-sics", LineDevice("mt-sics"), start=False)


def toledo(folder: Path) -> AbstractContextManager[Rig]:
    return toledo_rig(folder, start=False)


MakeRig = Callable[[Path], AbstractContextManager[Rig]]
EVERY = [
    pytest.param(toledo),
    *(pytest.param(make, marks=pytest.mark.slow) for make in (nci, mt_sics)),
]


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """A station that finds its empty scale three divisions off."""
    make: MakeRig = request.param
    with make(tmp_path) as made:
        made.put(DRIFT_G)
        made.station.start()
        made.wait_idle()
        yield made


def order(rig: Rig) -> dict[str, object]:
    """Order zero and return the answer."""
    before = len(rig.answers("zero"))
    rig.command("zero", {})
    rig.wait(lambda: len(rig.answers("zero")) > before)
    return rig.answers("zero")[-1]


@pytest.mark.parametrize("rig", EVERY, indirect=True)
def test_the_drift_of_an_empty_scale_is_zeroed_away_and_a_load_never(rig: Rig) -> None:
    assert order(rig) == {"status": "ok"}
    rig.claim(CHEESE)
    rig.put(411)
    [verdict] = rig.wait_verdicts(1)
    assert verdict["decision"] == "accept"
    assert verdict["weight"]["gross_g"] == pytest.approx(411, abs=5)
    assert order(rig)["code"] == "not_idle"


def test_a_scale_without_the_command_says_what_to_do(tmp_path: Path) -> None:
    with retail_rig(tmp_path, "cas", CasDevice()) as rig:
        rig.wait_idle()
        answer = order(rig)
        assert answer["code"] == "zero_refused"
        assert "zero key" in str(answer["message"])
