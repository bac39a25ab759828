"""The judge of raw converters: each rule alone, on conversions at a steady pace."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import Sample, SampleFlag
from drivers.integrity import STUCK_COUNTS, Cause, Gate, Rejects, Rules, total

PERIOD_NS = 12_192_000
NONE = SampleFlag(0)
SETTLING, CORRUPT, FROZEN, GAP = SampleFlag.SETTLING, SampleFlag.CORRUPT, SampleFlag.FROZEN, SampleFlag.GAP


class Feeder:
    """Offers conversions to a gate, each with counts of its own, so that none repeats unless told."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.gate = Gate(rules or Rules())
        self.t_ns = 0
        self.number = 1000
        self.out: list[Sample] = []
        self.first = True

    def send(
        self,
        times: int = 1,
        *,
        steps: float = 1.0,
        counts: int | None = None,
        causes: tuple[Cause, ...] = (),
        lost: int = 0,
    ) -> "Feeder":
        for _ in range(times):
            self.number += 7
            elapsed_ns = None if self.first else round(steps * PERIOD_NS)
            self.t_ns += elapsed_ns or 0
            self.first = False
            sample = Sample(self.t_ns, (self.number if counts is None else counts, -self.number))
            released = self.gate.offer(sample, elapsed_ns, lost=lost, causes=causes)
            self.out += [] if released is None else [released]
        return self

    def flags(self) -> list[SampleFlag]:
        return [sample.flags for sample in self.out]

    @property
    def rejects(self) -> dict[str, int]:
        return dict(self.gate.rejects.snapshot)


def test_sound_conversions_pass_unchanged_one_behind() -> None:
    feeder = Feeder().send(50)
    assert [sample.counts[0] for sample in feeder.out] == list(range(1007, 1007 + 49 * 7, 7))
    assert set(feeder.flags()) == {NONE}
    assert feeder.rejects == {}
    assert feeder.gate.period_ns == PERIOD_NS


def test_a_late_edge_rejects_the_sample_before_it_and_four_after() -> None:
    feeder = Feeder().send(10).send(steps=4.4).send(7)
    assert feeder.flags()[8:] == [NONE, *[SETTLING] * 5, NONE, NONE, NONE]
    assert feeder.rejects == {"late_edge": 1, "settling": 4}
    assert feeder.gate.late_edges == 1


def test_late_edges_after_known_losses_are_none() -> None:
    feeder = Feeder().send(10).send(steps=4.0, lost=3).send(5)
    assert feeder.rejects == {}


def test_an_edge_that_is_somewhat_late_is_a_gap_and_the_sample_sound() -> None:
    assert Feeder().send(10).send(steps=1.8).send(2).flags()[9:] == [NONE, GAP, NONE]


def test_where_a_late_edge_is_no_reset_it_is_a_gap_and_nothing_is_held() -> None:
    feeder = Feeder(Rules(reset_by_edge=False, early_edges=False)).send(10).send(steps=4.4).send(2)
    assert feeder.flags()[9:] == [NONE, GAP, NONE, NONE]
    assert feeder.rejects == {}


def test_an_early_edge_rejects_both_sides_of_it() -> None:
    feeder = Feeder().send(10).send(steps=0.1).send(steps=0.9).send(3)
    assert feeder.flags()[8:] == [NONE, CORRUPT, CORRUPT, NONE, NONE, NONE]
    assert feeder.rejects == {"early_edge": 2}


def test_no_edge_is_judged_before_the_period_is_known() -> None:
    feeder = Feeder().send(4).send(steps=4.4).send(4)
    assert feeder.rejects == {}


@pytest.mark.parametrize(
    ("cause", "flag"),
    [
        (Cause.EXTRA_BIT, CORRUPT),
        (Cause.LONG_PULSE, CORRUPT),
        (Cause.UNEQUAL_BITS, CORRUPT),
        (Cause.ERROR_WORD, CORRUPT),
        (Cause.LATE_READ, CORRUPT),
        (Cause.STALE, SampleFlag.STALE),
        (Cause.SATURATED, SampleFlag.SATURATED),
    ],
)
def test_what_the_read_broke_rejects_that_sample_alone(cause: Cause, flag: SampleFlag) -> None:
    feeder = Feeder().send(3).send(causes=(cause,)).send(2)
    assert feeder.flags() == [NONE, NONE, NONE, flag, NONE]
    assert feeder.rejects == {cause.value: 1}


@pytest.mark.parametrize("end", [0x7FFFFF, -0x800000, 0x800000, -0x800001, 0x40000000, -0x80000000])
def test_the_ends_of_the_range_and_what_lies_beyond_are_saturated(end: int) -> None:
    feeder = Feeder().send(3).send(counts=end).send(2)
    assert feeder.flags() == [NONE, NONE, NONE, SampleFlag.SATURATED, NONE]
    assert feeder.rejects == {"saturated": 1}


@pytest.mark.parametrize("code", [0, -1])
def test_the_codes_of_a_stuck_line_are_never_believed_where_nothing_else_tells(code: int) -> None:
    feeder = Feeder(Rules(stuck_counts=STUCK_COUNTS)).send(3).send(2, counts=code).send(2)
    assert feeder.flags()[2:] == [NONE, FROZEN, FROZEN, NONE]
    assert feeder.rejects == {"stuck": 2}
    assert Feeder().send(3).send(counts=code).send(2).rejects == {}


def test_a_frozen_channel_is_found_at_the_promised_count_and_forgiven_when_it_moves() -> None:
    feeder = Feeder(Rules(frozen_after=6)).send(3).send(9, counts=500).send(3)
    assert feeder.flags() == [*[NONE] * 8, *[FROZEN] * 4, NONE, NONE]
    assert feeder.rejects == {"frozen": 4}


def test_an_impossible_rate_rejects_every_sample() -> None:
    feeder = Feeder(Rules(rate_hz=(56, 104))).send(20, steps=4.4)
    assert feeder.flags() == [*[NONE] * 5, *[CORRUPT] * 14]
    assert set(Feeder(Rules(rate_hz=(56, 104))).send(20).flags()) == {NONE}


def test_a_repeated_result_is_no_new_sample_and_too_many_are_frozen() -> None:
    feeder = Feeder(Rules(repeats=True, reset_by_edge=False, frozen_after=5))
    for number in (1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 4):
        released = feeder.gate.offer(Sample(0, (number,)), None)
        feeder.out += [] if released is None else [released]
    assert [(sample.counts[0], sample.flags) for sample in feeder.out] == [
        (1, NONE), (2, NONE), (3, NONE), (3, FROZEN), (3, FROZEN), (4, NONE),
    ]  # fmt: skip
    assert feeder.rejects == {"duplicate": 6, "frozen": 2}


def test_a_restart_forgets_the_held_sample_and_settles() -> None:
    feeder = Feeder().send(3)
    feeder.gate.restart()
    feeder.send(7)
    assert feeder.flags() == [NONE, NONE, *[SETTLING] * 4, NONE, NONE]
    assert feeder.rejects == {"restart": 1, "settling": 4}


def test_each_rejected_sample_is_counted_once_by_its_first_cause() -> None:
    feeder = Feeder().send(10).send(causes=(Cause.EXTRA_BIT, Cause.LONG_PULSE), counts=0x7FFFFF).send(steps=4.4)
    assert feeder.rejects == {"extra_bit": 1}
    assert feeder.out[-1].flags == CORRUPT | SampleFlag.SATURATED | SETTLING


def test_a_snapshot_does_not_change_any_more() -> None:
    rejects = Rejects()
    rejects.count(Cause.LOST, 2)
    before = rejects.snapshot
    rejects.count(Cause.LOST)
    assert (dict(before), dict(rejects.snapshot)) == ({"lost": 2}, {"lost": 3})
    assert dict(total([before, rejects.snapshot, {"stuck": 1}])) == {"lost": 5, "stuck": 1}


@given(st.lists(st.tuples(st.floats(0.0, 6.0), st.integers(-3, 3), st.integers(0, 2)), max_size=120), st.booleans())
def test_whatever_comes_all_are_given_out_in_order_or_counted(
    steps: list[tuple[float, int, int]], repeats: bool
) -> None:
    feeder = Feeder(Rules(frozen_after=5, stuck_counts=STUCK_COUNTS, repeats=repeats, rate_hz=(40, 200)))
    for step, counts, lost in steps:
        feeder.send(steps=step, counts=counts, lost=lost)
    rejected = sum(1 for sample in feeder.out if sample.flags & ~GAP)
    assert rejected + feeder.rejects.get("duplicate", 0) == sum(feeder.rejects.values())
    assert len(feeder.out) + feeder.rejects.get("duplicate", 0) in (len(steps), len(steps) - 1)
    assert all(early.t_ns <= late.t_ns for early, late in pairwise(feeder.out))
