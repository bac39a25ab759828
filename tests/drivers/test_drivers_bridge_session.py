"""The bridge driver against a device in the test's hand: who begins, who is silent, who was exchanged."""

from collections.abc import Iterator

import msgspec
import pytest

from drivers import cas
from drivers.base import Sample, SensorError
from drivers.bridge_frames import Action, BridgeFlag, CommandFrame, HelloFrame, PongFrame, SampleFrame, encode, parse
from drivers.framing import FrameDecoder
from drivers.hx711_bridge import Driver, Options
from station.sensing import ScaleWorker
from tests.drivers.wire import Peer, read_to_error

COUNTS = (10, 20, 30, 40)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


@pytest.fixture
def driver(peer: Peer) -> Iterator[Driver]:
    driver = Driver(Options(port=peer.path, startup_s=0.5))
    driver.open()
    yield driver
    driver.close()


def samples(first: int, count: int, counts: tuple[int, ...] = COUNTS) -> bytes:
    numbers = range(first, first + count)
    return b"".join(encode(SampleFrame(number * 12_190, BridgeFlag(0), counts), number) for number in numbers)


def read_samples(driver: Driver, count: int) -> list[Sample]:
    found: list[Sample] = []
    while len(found) < count:
        found += [value for value in driver.read(5.0) if isinstance(value, Sample)]
    return found


def hello(unique_id: bytes) -> bytes:
    return b"\0" + encode(HelloFrame(unique_id, 4, 128, 80, "x"), 0)


def test_the_first_thing_said_is_start(peer: Peer, driver: Driver) -> None:
    payloads = FrameDecoder().feed(b"\0" + peer.heard())
    assert driver.device_id is None
    assert parse(payloads[0]) == (0, CommandFrame(Action.START))


def test_a_bridge_that_listens_to_nothing_is_served(peer: Peer, driver: Driver) -> None:
    peer.say(b"\0" + samples(0, 5))
    values = read_samples(driver, 4)
    assert [value.counts for value in values] == [COUNTS] * 4


def test_what_arrived_before_the_opening_is_not_served(peer: Peer) -> None:
    peer.say(b"\0" + samples(0, 300, counts=(1, 1, 1, 1)))
    driver = Driver(Options(port=peer.path))
    driver.open()
    peer.say(samples(300, 6))
    assert {value.counts for value in read_samples(driver, 4)} == {COUNTS}
    driver.close()


def test_start_is_said_again_while_nothing_comes(peer: Peer, driver: Driver) -> None:
    peer.heard()
    assert driver.read(0.4) == []
    [payload, *_] = FrameDecoder().feed(b"\0" + peer.heard())
    assert parse(payload) == (2, CommandFrame(Action.START))


def test_silence_is_an_error(driver: Driver) -> None:
    with pytest.raises(SensorError, match="no data from the bridge on /dev/pts/") as caught:
        read_to_error(driver)
    assert "power" in caught.value.remedy


def test_silence_after_samples_is_an_error_too(peer: Peer, driver: Driver) -> None:
    peer.say(b"\0" + samples(0, 5))
    with pytest.raises(SensorError, match="no data"):
        read_to_error(driver)


def test_a_bridge_that_lives_but_sends_nothing_has_dead_converters(peer: Peer, driver: Driver) -> None:
    peer.say(b"\0" + samples(0, 5))
    assert driver.read(5.0)
    peer.say(encode(PongFrame(1, 2), 5))
    with pytest.raises(SensorError, match="sends no samples") as caught:
        read_to_error(driver)
    assert "converters" in caught.value.remedy


def test_garbage_is_no_sign_of_life(peer: Peer, driver: Driver) -> None:
    def babble() -> None:
        for _ in range(1000):
            peer.say(b"\0\x05abc")
            driver.read(0.02)

    with pytest.raises(SensorError, match="no data"):
        babble()


def test_another_bridge_on_the_same_port_is_refused(peer: Peer, driver: Driver) -> None:
    peer.say(hello(b"AAAAAAAA") + samples(1, 3))
    while driver.device_id is None:
        driver.read(0.1)
    peer.say(hello(b"BBBBBBBB"))
    with pytest.raises(SensorError, match="now another bridge") as caught:
        read_to_error(driver)
    assert "calibrate" in caught.value.remedy


def test_the_configured_number_of_channels_is_enforced(peer: Peer) -> None:
    driver = Driver(Options(port=peer.path, channels=3))
    driver.open()
    peer.say(b"\0" + samples(0, 5))
    with pytest.raises(SensorError, match="4 channels, 3 were expected"):
        read_to_error(driver)
    driver.close()


@pytest.mark.parametrize(
    "keys",
    [{}, {"port": "/dev/x", "channels": 0}, {"port": "/dev/x", "channels": 9}, {"port": "/dev/x", "baud": 300},
     {"port": "/dev/x", "startup_s": 60}, {"port": "/dev/x", "capacity_g": -1}, {"port": "/dev/x", "extra": 1}],
)  # fmt: skip
def test_options_have_bounds_and_no_leftovers(keys: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(keys, Options)


def test_the_keys_of_the_published_example_are_enough() -> None:
    options = msgspec.convert({"port": "/dev/serial/by-id/x", "capacity_g": 50000, "division_g": 5}, Options)
    assert (options.capacity_g, options.division_g, options.channels) == (50_000.0, 5.0, None)


def test_while_all_is_calm_samples_come_in_portions_and_none_is_lost(peer: Peer, driver: Driver) -> None:
    peer.say(b"\0" + samples(0, 9))
    read_samples(driver, 8)
    driver.calm = True
    peer.say(samples(9, 5))
    peer.say(samples(14, 5))
    portion = driver.read(0.3)  # no fresh one comes, so it waits to the end
    assert [value.counts for value in portion if isinstance(value, Sample)] == [COUNTS] * 10
    times = [value.t_ns for value in portion]
    assert times == sorted(set(times))
    assert driver.rejects == {}


def test_a_bridge_that_falls_silent_while_all_is_calm_is_lost_all_the_same(peer: Peer, driver: Driver) -> None:
    peer.say(b"\0" + samples(0, 9))
    read_samples(driver, 8)
    driver.calm = True
    with pytest.raises(SensorError, match="no data"):
        read_to_error(driver)


def test_the_stations_thread_passes_calm_on_to_drivers_that_can_rest(driver: Driver) -> None:
    ScaleWorker(0, driver, print).relax(calm=True)
    assert driver.calm
    ScaleWorker(0, cas.Driver(cas.Options(port="/dev/x")), print).relax(calm=True)
