"""Out of service and back, minute by minute: who waits for whom, and for how long at most."""

from typing import Literal

import pytest

from calibration.control import Ask, Do, Told
from drivers.sim import scale as sim_scale
from station.control import Asked, Gone
from station.core import events
from station.core.effects import Effect
from station.core.transaction import State
from station.sensing import Released, ScaleWorker
from station.service import DRAIN_NS, RELEASE_NS, UNCLAIMED_NS, Desk, Service
from tests.support.virtual import Virtual, alarms, ready, reasons, verdicts

SECOND_NS = 10**9


class Bench:
    """A service around a real engine in virtual time, with one sensor's thread that is not started."""

    def __init__(self) -> None:
        self.virtual: Virtual = ready()
        self.announced: list[str] = []
        self.told: list[tuple[int, Told]] = []
        self.sensor = ScaleWorker(0, sim_scale.Driver(sim_scale.Options(world="/nowhere")), lambda _: None)
        self.service = Service(
            Desk(
                engine=self.virtual.engine, sensors=[self.sensor], scales=1, announce=self._announce, tell=self._tell,
                think=self._think, check=lambda _asked, _now: None,
            )
        )  # fmt: skip

    def _announce(self, state: Literal["online", "draining"]) -> None:
        self.announced.append(state)

    def _tell(self, caller: int, told: Told) -> None:
        self.told.append((caller, told))

    def _think(self, event: events.AnyEvent) -> None:
        self.virtual.feed(event)

    def ask(self, do: Do, caller: int = 1, scale: int | None = None) -> None:
        self.service.take(Asked(caller, "mm, pid 7", Ask(do=do, who="bench", scale=scale)), self.virtual.t_ns)

    def tick(self, seconds: float = 0.0) -> list[Effect]:
        found = self.virtual.wait(seconds) if seconds else []
        self.service.tick(self.virtual.t_ns)
        return found

    def released(self, number: int = 1) -> None:
        self.service.take(Released(self.sensor.name, number), self.virtual.t_ns)

    def last(self) -> Told:
        return self.told[-1][1]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_idle_station_lets_go_at_once_and_comes_back(bench: Bench) -> None:
    bench.ask("take")
    assert (bench.announced, bench.last().waiting, bench.sensor.at_work) == (["draining"], True, False)
    bench.released()
    bench.tick()
    assert (bench.last().state, bench.last().waiting) == ("out_of_service", False)
    assert ("OUT_OF_SERVICE", True) in alarms(bench.virtual.effects)
    assert bench.virtual.engine.state is State.OUT_OF_ORDER
    bench.ask("back")
    assert (bench.last().state, bench.announced, bench.sensor.at_work) == ("in_service", ["draining", "online"], True)


def test_a_visit_is_waited_for(bench: Bench) -> None:
    bench.virtual.put(810)
    bench.ask("take")
    bench.tick(5)
    assert bench.sensor.at_work
    bench.virtual.put(0)
    bench.tick()
    assert not bench.sensor.at_work


@pytest.mark.parametrize(("claimed", "patience_ns"), [(False, UNCLAIMED_NS), (True, DRAIN_NS)])
def test_a_claim_is_served_to_the_end_weights_without_one_hold_nobody_back(
    bench: Bench, claimed: bool, patience_ns: int
) -> None:
    bench.virtual.put(810)
    if claimed:
        bench.virtual.claim()
    bench.ask("take")
    bench.virtual.t_ns += patience_ns - 1
    bench.tick()
    assert bench.sensor.at_work
    bench.virtual.t_ns += 1
    bench.tick()
    assert not bench.sensor.at_work


def test_a_visit_without_an_end_is_judged_abstain(bench: Bench) -> None:
    bench.virtual.put(810)
    bench.virtual.effects.clear()
    bench.ask("take")
    bench.virtual.t_ns += UNCLAIMED_NS
    bench.tick()
    bench.released()
    bench.tick()
    assert reasons(verdicts(bench.virtual.effects))[-1] == ("SCALE_FAULT",)
    assert bench.last().state == "out_of_service"


def test_a_port_that_hangs_gives_the_station_back(bench: Bench) -> None:
    bench.ask("take")
    bench.virtual.t_ns += RELEASE_NS
    bench.tick()
    assert (bench.last().error, bench.last().state) == ("sensors_stuck", "in_service")
    assert "scale-0 does not let go" in bench.last().message
    assert bench.announced[-1] == "online"


def test_one_at_a_time(bench: Bench) -> None:
    bench.ask("take")
    bench.ask("take", caller=2)
    assert (bench.told[-1][0], bench.last().error) == (2, "busy")
    bench.ask("back", caller=2)
    assert bench.last().error == "not_holder"
    bench.service.take(Gone(2), 0)
    assert bench.service.state == "draining"
    bench.service.take(Gone(1), 0)
    assert (bench.service.state, bench.service.holder) == ("in_service", "")


def test_late_news_of_a_former_order_is_no_port_of_now(bench: Bench) -> None:
    bench.ask("take")
    bench.service.take(Gone(1), bench.virtual.t_ns)
    bench.ask("take", caller=2)
    bench.released(1)
    bench.tick()
    assert bench.told[-1][1].waiting
    bench.released(2)
    bench.tick()
    assert bench.service.state == "out_of_service"


def test_an_unknown_scale_is_refused(bench: Bench) -> None:
    bench.ask("take", scale=2)
    assert (bench.last().error, bench.announced) == ("unknown_scale", [])


def test_a_new_configuration_waits_for_visit_and_tool(bench: Bench) -> None:
    bench.virtual.put(810)
    bench.service.restart_wanted(bench.virtual.t_ns)
    assert not bench.service.may_restart(bench.virtual.t_ns)
    assert bench.service.may_restart(bench.virtual.t_ns + DRAIN_NS)
    bench.virtual.put(0)
    assert bench.service.may_restart(bench.virtual.t_ns)
    bench.ask("take")
    assert not bench.service.may_restart(bench.virtual.t_ns + 2 * DRAIN_NS)
    bench.ask("back")
    assert bench.announced == ["draining", "draining"]  # it is not online for the moment until the restart
    assert bench.service.may_restart(bench.virtual.t_ns)
