"""`hx711-iio` on the kernel's own driver: values, every fault of the chip, and a device that comes and goes."""

from collections.abc import Callable

import pytest

from tests.hw.machine import Seen

pytestmark = [pytest.mark.hw, pytest.mark.timeout(600)]
BOTH = pytest.mark.parametrize("mode", ["sysfs", "buffer"])


@pytest.fixture
def seen(machine: Callable[[str], Seen]) -> Seen:
    return machine("hx711_iio")


@BOTH
def test_values_are_those_of_the_chip_and_codes_of_dead_lines_and_ends_of_range_are_rejected(
    seen: Seen, mode: str
) -> None:
    values = seen(f"values {mode}")["values"]
    assert len(values) == 11
    for word, counts, believed in values:
        assert counts == word - ((word & 0x800000) << 1)
        assert believed == (counts not in {0, -1, 0x7FFFFF, -0x800000})


@pytest.mark.parametrize(
    ("experiment", "least"),
    [("truth sysfs", 100), ("truth buffer", 100), ("truth at 10 a second", 10), ("channel b", 40)],
)
def test_no_false_value_is_believed(seen: Seen, experiment: str, least: int) -> None:
    facts = seen(experiment)
    assert facts["believed_false"] == []
    assert facts["believed"] > least


def test_the_other_input_has_its_gain(seen: Seen) -> None:
    assert seen("channel b")["gain"] == 32


@BOTH
def test_chips_that_reset_themselves_within_reads_are_not_believed(seen: Seen, mode: str) -> None:
    facts = seen(f"power-downs {mode}")
    assert facts["believed_false"] == []
    assert facts["rejected_false"] > 0
    assert facts["believed"] > 0


@pytest.mark.parametrize(
    "experiment",
    [
        "stuck-low sysfs",
        "stuck-low buffer",
        "stuck from the start sysfs",
        "stuck from the start buffer",
        "stuck-low at 10 a second",
    ],
)
def test_a_line_stuck_low_which_the_kernel_calls_zero_is_found_out(seen: Seen, experiment: str) -> None:
    facts = seen(experiment)
    assert "its data line is stuck" in facts["error"]
    assert facts["believed_false"] == []
    assert facts["samples"] <= 41
    assert facts["true"]


def test_the_kernel_itself_reports_a_clean_zero_there(seen: Seen) -> None:
    assert seen("stuck from the start sysfs")["raw"] == "8388608"


@pytest.mark.parametrize("fault", ["unplugged", "never-ready"])
@BOTH
def test_a_silent_chip_is_lost_and_found_again(seen: Seen, fault: str, mode: str) -> None:
    facts = seen(f"{fault} {mode}")
    assert "gives no results" in facts["error"]
    assert facts["believed_false"] == []
    assert facts["true"]


@BOTH
def test_a_device_taken_from_its_driver_is_lost_and_found_again(seen: Seen, mode: str) -> None:
    facts = seen(f"unbound {mode}")
    assert "is not there" in facts["error"]
    assert "is not there" in facts["absent"]
    assert facts["true"]


def test_a_module_that_is_unloaded_comes_back(seen: Seen) -> None:
    facts = seen("reloaded")
    assert facts["unloaded"]
    assert "is not there" in facts["absent"]
    assert facts["true"]


def test_an_input_that_something_else_left_on_does_not_get_into_the_records(seen: Seen) -> None:
    facts = seen("other channel on")
    assert facts["believed_false"] == []
    assert facts["believed"] > 40


def test_a_trigger_that_is_not_there_is_told(seen: Seen) -> None:
    assert "has no trigger of the name nothing" in seen("wrong trigger")["error"]
