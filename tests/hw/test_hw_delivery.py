"""Delivery on a real kernel: a disk that keeps only what was flushed, a network that delays and loses packets."""

from collections.abc import Callable

import pytest

from tests.hw.machine import Seen

pytestmark = [pytest.mark.hw, pytest.mark.timeout(600)]


@pytest.fixture
def seen(machine: Callable[[str], Seen]) -> Seen:
    return machine("delivery")


def test_all_that_was_announced_is_there_when_only_what_was_flushed_is(seen: Seen) -> None:
    facts = seen("cuts")
    assert (facts["told"], facts["cuts"]) == (60, 12)
    assert (facts["missing"], facts["otherwise wrong"]) == (0, 0)


@pytest.mark.parametrize("control", ["cuts, synchronous off", "cuts, no barriers"])
def test_without_syncs_or_flushes_it_is_not(seen: Seen, control: str) -> None:
    assert seen(control)["missing"] > 0


def test_a_storm_with_delay_and_loss_loses_nothing(seen: Seen) -> None:
    facts = seen("storm")
    assert facts["strikes"]["100 ms and 10 % loss"] > 0
    assert facts["settled"]
    assert facts["product"]["made"] == facts["product"]["stored"] == 200
    assert not any(facts["product"][what] for what in ("lost", "gaps", "corrupt", "misordered", "differing"))
