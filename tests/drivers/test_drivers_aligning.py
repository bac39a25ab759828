"""Several free-running converters as one stream."""

import math
import random

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


RATES_HZ = (79.1, 80.6, 10.2, 80.0)
RAMP_G_S, KNEE_S = 4_000.0, 1.5


def moving_load(t_s: float) -> float:
    """Return grams on each cell: a load that is put on within half a second, and rings at four hertz."""
    part = min(max((t_s - KNEE_S) / 0.5, 0.0), 1.0)
    ring = math.exp(-(t_s - KNEE_S) * 2) * math.sin(25 * (t_s - KNEE_S)) if t_s > KNEE_S else 0.0
    return RAMP_G_S * 0.5 * part * part * (3 - 2 * part) + 100 * ring


def jittered(rng: random.Random) -> list[tuple[int, int, int]]:
    """Return (time, source, counts) of free-running converters whose clocks jitter, in order of time."""
    found = []
    for source, rate_hz in enumerate(RATES_HZ):
        t_s = rng.uniform(0, 1 / rate_hz)
        while t_s < 4:
            found.append((int(t_s * 1e9), source, round(100 * moving_load(t_s))))
            t_s += (1 + rng.gauss(0, 0.01)) / rate_hz
    return sorted(found)


@given(st.integers(0, 10_000))
def test_the_sum_of_a_moving_load_is_right_to_the_second_order_of_the_slowest_period(seed: int) -> None:
    aligner, newest, worst, worst_newest = Aligner(4, 10**9), dict[int, int](), 0.0, 0.0
    for t_ns, source, counts in jittered(random.Random(seed)):
        newest[source] = counts
        if source == 0 and len(newest) == len(RATES_HZ):
            worst_newest = max(worst_newest, abs(sum(newest.values()) - 400 * moving_load(t_ns / 1e9)))
        for joined in aligner.feed(source, sample(t_ns, counts)):
            worst = max(worst, abs(sum(joined.counts) - 400 * moving_load(joined.t_ns / 1e9)))
    # a line between samples h apart is off by h^2/8 of the second derivative at most; only the slow one counts
    second_g_s2 = RAMP_G_S * 0.5 * 6 / 0.5**2 + 100 * (25**2 + 2 * 2 * 25 + 2**2)
    fast = sum((1.05 / rate_hz) ** 2 for rate_hz in RATES_HZ[1:])
    assert worst <= 100 * second_g_s2 * fast / 8 + 100 * 100 * 25 * 0.1 / 4 + 4
    assert worst < worst_newest / 2
