"""`hx711-gpio` on the kernel's GPIO lines, on a machine that is held up all the time: nothing false is believed.

How many reads succeed says nothing of a board: a system call takes 15 us here and a pulse two of them.
"""

from collections.abc import Callable

import pytest

from tests.hw.machine import Seen

pytestmark = [pytest.mark.hw, pytest.mark.timeout(600)]


@pytest.fixture
def seen(machine: Callable[[str], Seen]) -> Seen:
    return machine("hx711_gpio")


def test_no_false_value_is_believed_of_hundreds_that_the_chip_gave(seen: Seen) -> None:
    facts = seen("truth")
    assert facts["samples"] >= 200
    assert facts["rejected_false"] > 10
    assert facts["believed_false"] == []
    assert facts["believed"] > 0


@pytest.mark.parametrize("experiment", ["truth timed by system calls", "busy"])
def test_nor_is_one_where_hardly_any_read_succeeds(seen: Seen, experiment: str) -> None:
    facts = seen(experiment)
    assert facts["samples"] > 0
    assert facts["believed_false"] == []


def test_pulses_are_timed_from_before_their_rise_to_after_their_fall(seen: Seen) -> None:
    facts = seen("pulses")
    assert not facts["edges"]  # the simulated GPIO chip gives no interrupts
    assert facts["width_us"]["p1"] > 1
    assert seen("pulses timed by system calls")["width_us"]["n"] == facts["width_us"]["n"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("unplugged", "gives no results"),
        ("never-ready", "gives no results"),
        ("stuck-low", "its data line is stuck low, or clock pulses get lost"),
    ],
)
def test_every_fault_of_the_chip_is_an_error_and_passes(seen: Seen, fault: str, message: str) -> None:
    facts = seen(fault)
    assert message in facts["error"]
    assert facts["believed_false"] == []
    assert facts["true"]


def test_lines_that_are_in_use_or_gone_are_told(seen: Seen) -> None:
    assert "in use" in seen("taken")["error"]
    facts = seen("unloaded")
    assert (facts["while_open"], facts["gone"]) == (False, True)
    assert "no GPIO chip" in facts["absent"]
    assert facts["true"]
