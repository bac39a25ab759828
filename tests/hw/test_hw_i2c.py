"""`nau7802` and `dfrobot-i2c` over the kernel's i2c-dev: an adapter that only speaks SMBus, chips that hang and go."""

from collections.abc import Callable

import pytest

from tests.hw.machine import Seen

pytestmark = [pytest.mark.hw, pytest.mark.timeout(600)]


@pytest.fixture
def seen(machine: Callable[[str], Seen]) -> Seen:
    return machine("i2c")


def test_the_adapter_only_speaks_smbus(seen: Seen) -> None:
    assert seen("start") == {"loaded": True, "plain_reads": False}


def test_the_converter_is_set_as_configured(seen: Seen) -> None:
    # 3.3 V, gain 128; 80 a second; chopper off; no bypass of the amplifier's supply; its capacitor on
    assert seen("settings") == {"0x01": 0x27, "0x02": 0x30, "0x15": 0x30, "0x1b": 0x00, "0x1c": 0x80}


@pytest.mark.parametrize(
    ("experiment", "least"), [("truth nau7802", 100), ("truth behind a multiplexer", 40), ("truth dfrobot", 30)]
)
def test_no_false_value_is_believed(seen: Seen, experiment: str, least: int) -> None:
    facts = seen(experiment)
    assert facts["believed_false"] == []
    assert facts["believed"] > least


@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        ("hangs nau7802", "gives no results"),
        ("hangs ready nau7802", "nothing that can be believed"),
        ("hangs dfrobot", "its value never changes"),
        ("restarts", "restarted and lost its settings"),
    ],
)
def test_a_chip_that_hangs_or_restarts_is_lost_and_found_again(seen: Seen, experiment: str, message: str) -> None:
    facts = seen(experiment)
    assert message in facts["error"]
    assert facts["believed_false"] == []
    assert facts["true"]


def test_answers_that_are_no_values_are_counted_and_the_board_is_lost(seen: Seen) -> None:
    facts = seen("invalid")
    assert "gives no results" in facts["error"]
    assert facts["rejects"]["error_word"] > 10


def test_a_chip_that_never_powers_up_and_one_that_is_not_there_are_told(seen: Seen) -> None:
    assert "does not power up" in seen("never ready")["error"]
    assert "0x65 on i2c-0 does not acknowledge" in seen("nobody")["board"]
    assert "multiplexer at 0x71 does not acknowledge" in seen("nobody")["multiplexer"]


@pytest.mark.parametrize("driver", ["nau7802", "dfrobot"])
def test_an_adapter_that_goes_is_let_go_and_found_again(seen: Seen, driver: str) -> None:
    facts = seen(f"removed {driver}")
    assert (facts["while_open"], facts["gone"]) == (False, True)
    assert "i2c-0 cannot be opened" in facts["absent"]
    assert facts["true"]
