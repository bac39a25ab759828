"""The Toledo driver against a device in the test's hand: questions, answers, silence."""

from collections.abc import Iterator

import msgspec
import pytest

from drivers.base import Indication, ScaleState, SensorError
from drivers.toledo_8217 import Driver, Options
from tests.drivers.wire import Peer, read_to_error


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


@pytest.fixture
def driver(peer: Peer) -> Iterator[Driver]:
    driver = Driver(Options(port=peer.path, poll_s=0.05))
    driver.open()
    yield driver
    driver.close()


def asked(peer: Peer, driver: Driver) -> None:
    """Let the driver ask."""
    assert driver.read(0.0) == []
    assert peer.heard() == b"W"


def answer(driver: Driver) -> Indication:
    found = driver.read(5.0)
    assert len(found) == 1
    assert isinstance(found[0], Indication)
    return found[0]


def test_a_question_and_its_answer(peer: Peer, driver: Driver) -> None:
    asked(peer, driver)
    peer.say(b"\x0200.345\r")
    assert answer(driver).weight_g == 345.0


def test_parity_shown_as_bit_7_and_an_echo_are_no_matter(peer: Peer, driver: Driver) -> None:
    asked(peer, driver)
    peer.say(b"\xd7\x8200\xae345\x8d")
    assert answer(driver).weight_g == 345.0


def test_an_answer_in_pieces(peer: Peer, driver: Driver) -> None:
    asked(peer, driver)
    peer.say(b"\x0200.")
    assert driver.read(0.01) == []
    peer.say(b"345\r")
    assert answer(driver).weight_g == 345.0


def test_the_second_of_two_answers_is_noise(peer: Peer, driver: Driver) -> None:
    asked(peer, driver)
    peer.say(b"\x0200.345\r\x0200.999\r")
    assert answer(driver).weight_g == 345.0
    assert driver.read(0.0) == []


def test_what_came_unasked_while_nobody_read_is_no_answer(peer: Peer, driver: Driver) -> None:
    asked(peer, driver)
    peer.say(b"\x0200.345\r")
    answer(driver)
    peer.say(b"\x0200.999\r")
    assert peer.heard(timeout_s=0.1) == b""  # the next question is due, but nobody reads
    asked(peer, driver)
    assert driver.read(0.05) == []
    peer.say(b"\x0200.500\r")
    assert answer(driver).weight_g == 500.0


def test_an_answer_later_than_a_second_is_never_taken(peer: Peer, driver: Driver) -> None:
    asked(peer, driver)
    late = answer(driver)
    assert (late.state, late.weight_g, late.reason) == (ScaleState.NOT_READY, None, "the scale did not answer")
    peer.say(b"\x0200.345\r")
    while not peer.heard(timeout_s=0.01):
        assert driver.read(0.01) == []
    peer.say(b"\x0200.500\r")
    assert answer(driver).weight_g == 500.0


def test_a_silent_scale_is_lost_and_the_remedy_names_its_setting(peer: Peer, driver: Driver) -> None:
    with pytest.raises(SensorError, match=f"scale does not answer on {peer.path}") as caught:
        read_to_error(driver)
    assert caught.value.remedy == "check cable, power, and that it is set to 9600 7E1 protocol 8217"


def test_a_scale_that_only_babbles_is_lost_too(peer: Peer, driver: Driver) -> None:
    def babble() -> None:
        for _ in range(1000):
            peer.say(b"xyz")
            driver.read(0.02)

    with pytest.raises(SensorError, match="does not answer"):
        babble()


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"port": ""},
        {"port": "/dev/x", "baud": 9601},
        {"port": "/dev/x", "poll_s": 0.01},
        {"port": "/dev/x", "parity": "M"},
        {"port": "/dev/x", "dialect": "8218"},
        {"port": "/dev/x", "unit": "oz"},
        {"port": "/dev/x", "division_g": 0},
        {"port": "/dev/x", "typo": 1},
    ],
)
def test_options_have_bounds_and_no_leftovers(keys: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(keys, Options)


def test_a_port_is_enough_for_a_scale_from_the_factory() -> None:
    options = msgspec.convert({"port": "/dev/x"}, Options)
    assert (options.baud, options.bytesize, options.parity, options.dialect) == (9600, 7, "E", "8217")
