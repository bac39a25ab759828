"""Several free-running converters as one stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.aligning import Aligner
from drivers.base import Sample, SampleFlag

NONE = SampleFlag(0)


def sample(t_ns: int, counts: int, flags: SampleFlag = NONE) -> Sample:
    return Sample(t_ns, (counts,), flags)


def test_one_source_passes_unchanged() -> None:
    one = sample(5, 7, SampleFlag.GAP)
    assert Aligner(1, 100).feed(0, one) == [one]


def test_the_others_are_read_from_the_line_between_their_samples() -> None:
    aligner = Aligner(2, 1000)
    assert aligner.feed(1, sample(0, 100)) == []
    assert aligner.feed(0, sample(25, 5)) == []
    assert aligner.feed(0, sample(75, 6)) == []
    assert aligner.feed(1, sample(100, 200)) == [Sample(25, (5, 125)), Sample(75, (6, 175))]
    assert aligner.feed(0, sample(100, 7)) == [Sample(100, (7, 200))]


def test_what_comes_before_another_source_has_begun_is_dropped() -> None:
    aligner = Aligner(2, 1000)
    aligner.feed(0, sample(10, 1))
    assert aligner.feed(1, sample(20, 100)) == []
    aligner.feed(0, sample(30, 2))
    assert aligner.feed(1, sample(40, 200)) == [Sample(30, (2, 150))]


@pytest.mark.parametrize("which", [0, 1])
def test_a_rejected_end_of_the_line_rejects_what_is_read_from_it(which: int) -> None:
    flags = [NONE, NONE]
    flags[which] = SampleFlag.CORRUPT
    aligner = Aligner(2, 1000)
    aligner.feed(1, sample(0, 100, flags[0]))
    aligner.feed(0, sample(50, 5, SampleFlag.GAP))
    [joined] = aligner.feed(1, sample(100, 200, flags[1]))
    assert joined.flags == SampleFlag.CORRUPT | SampleFlag.GAP


def test_ends_too_far_apart_are_stale() -> None:
    aligner = Aligner(2, 1000)
    aligner.feed(1, sample(0, 100))
    aligner.feed(0, sample(50, 5))
    assert aligner.feed(1, sample(1001, 200))[0].flags == SampleFlag.STALE


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 50)), max_size=300), st.integers(1, 4))
def test_any_order_gives_steady_loads_back_at_times_of_the_first(steps: list[tuple[int, int]], sources: int) -> None:
    aligner, times, out = Aligner(sources, 10**6), [0] * sources, []
    first = set()
    for source, step in steps:
        if source < sources:
            times[source] += step
            out += aligner.feed(source, sample(times[source], 1000 * source))
            first |= {times[0]} if source == 0 else set()
    assert {found.counts for found in out} <= {tuple(1000 * source for source in range(sources))}
    assert [found.t_ns for found in out] == sorted({found.t_ns for found in out} & first)
