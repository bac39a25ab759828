"""The thread that reads an instrument: orders between readings, in time or not at all; a scanner is no scale."""

import queue
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers import magellan, toledo_8217
from drivers.sim.live import LiveWorld
from drivers.sim.magellan_device import MagellanDevice
from drivers.sim.scale_emulator import ScaleEmulator, pty_scale
from drivers.sim.toledo_device import ToledoDevice
from drivers.sim.world import PlacedObject, World
from station.core import events
from station.core.effects import ZeroScale
from station.sensing import ScaleWorker

DEADLINE_S = 20.0
IN_TIME_NS = 3_600 * 10**9


class Bench:
    """A worker on an emulated scale, and what it emits."""

    def __init__(self, worker: ScaleWorker, scale: ScaleEmulator, inbox: "queue.SimpleQueue[object]") -> None:
        self.worker = worker
        self.scale = scale
        self.heard: list[object] = []
        self._inbox = inbox

    def next(self, kind: type[events.Event]) -> events.Event:
        """Return the next event of a kind, passing over the others."""
        end_s = time.monotonic() + DEADLINE_S
        while True:
            event = self._inbox.get(timeout=max(0.001, end_s - time.monotonic()))
            self.heard.append(event)
            if isinstance(event, kind):
                return event

    def order(self, number: int, due_ns: int) -> events.ScaleZeroed:
        """Order zero and return the answer."""
        self.worker.zero(ZeroScale(scale=0, number=number, due_ns=due_ns))
        event = self.next(events.ScaleZeroed)
        assert isinstance(event, events.ScaleZeroed)
        assert event.number == number
        return event


@pytest.fixture
def device() -> MagellanDevice:
    return MagellanDevice()


@pytest.fixture
def counter(tmp_path: Path, device: MagellanDevice) -> Iterator[Bench]:
    scale = pty_scale(LiveWorld(World(seed=4)), tmp_path / "port", device)
    yield from _run(scale, magellan.Driver(magellan.Options(port=str(tmp_path / "port"))))


@pytest.fixture
def toledo(tmp_path: Path) -> Iterator[Bench]:
    live = LiveWorld(World(seed=4))
    with live.now() as world:
        world.place(PlacedObject("", "dust", 15.0))
    scale = pty_scale(live, tmp_path / "port", ToledoDevice())
    yield from _run(scale, toledo_8217.Driver(toledo_8217.Options(port=str(tmp_path / "port"))))


def _run(scale: ScaleEmulator, driver: magellan.Driver | toledo_8217.Driver) -> Iterator[Bench]:
    inbox: queue.SimpleQueue[object] = queue.SimpleQueue()
    worker = ScaleWorker(0, driver, inbox.put)
    scale.start()
    worker.start()
    yield Bench(worker, scale, inbox)
    worker.stop()
    worker.join(DEADLINE_S)
    scale.stop()


def _wait_stable(bench: Bench) -> float | None:
    while True:
        event = bench.next(events.Indicated)
        if isinstance(event, events.Indicated) and event.state == "stable":
            return event.weight_g


def test_an_order_in_time_is_carried_out_and_the_next_weight_shows_it(toledo: Bench) -> None:
    assert _wait_stable(toledo) == 15.0
    assert toledo.order(1, time.monotonic_ns() + IN_TIME_NS).refusal == ""
    assert _wait_stable(toledo) == 0.0


def test_an_order_that_is_overdue_is_not_carried_out(toledo: Bench) -> None:
    _wait_stable(toledo)
    assert "too late" in toledo.order(1, time.monotonic_ns()).refusal
    assert _wait_stable(toledo) == 15.0


def test_an_order_while_the_scale_is_away_waits_for_it_or_grows_stale(toledo: Bench) -> None:
    _wait_stable(toledo)
    toledo.scale.unplug()
    toledo.next(events.ScaleLost)
    toledo.worker.zero(ZeroScale(scale=0, number=7, due_ns=time.monotonic_ns()))
    toledo.scale.replug()
    answer = toledo.next(events.ScaleZeroed)
    assert isinstance(answer, events.ScaleZeroed)
    assert (answer.number, "too late" in answer.refusal) == (7, True)


def test_a_protocol_without_the_command_refuses(counter: Bench) -> None:
    counter.next(events.ScaleFound)
    assert "zero key" in counter.order(1, time.monotonic_ns() + IN_TIME_NS).refusal


def test_a_scanner_that_reads_while_its_scale_is_silent_is_no_scale(counter: Bench, device: MagellanDevice) -> None:
    counter.next(events.ScaleFound)
    device.dead = True
    counter.next(events.ScaleLost)
    counter.heard.clear()
    for _ in range(100):  # while the port is closed for a moment, what is scanned is lost
        device.scan("]Q1PAY-1")
    scanned = counter.next(events.Scanned)
    assert isinstance(scanned, events.Scanned)
    assert (scanned.text, scanned.symbology) == ("PAY-1", "qr")
    assert not any(isinstance(event, events.ScaleFound) for event in counter.heard)
    device.dead = False
    counter.next(events.ScaleFound)


def test_a_scale_that_stays_silent_is_lost_again_and_again_but_never_found(toledo: Bench) -> None:
    _wait_stable(toledo)
    toledo.scale.mute = True
    toledo.next(events.ScaleLost)
    toledo.heard.clear()
    toledo.next(events.ScaleLost)  # the port opens again and again, and nobody answers
    assert not any(isinstance(event, events.ScaleFound) for event in toledo.heard)
    toledo.scale.mute = False
    toledo.next(events.ScaleFound)
    assert _wait_stable(toledo) == 15.0
