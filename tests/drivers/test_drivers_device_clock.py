"""The device's clock on the host's: latency in bursts, drift, wrap, restarts, stalls."""

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.device_clock import DeviceClock

PERIOD_NS = 12_190_000
WRAP = 1 << 32
MS = 1_000_000


def stream(
    samples: int, *, rate: float = 1.0, start_us: int = 0, batch_ms: int = 16, seed: int = 1
) -> Iterator[tuple[int, int, int]]:
    """Yield true time, stamp and arrival: bytes are held for up to `batch_ms`, and now and then for 60 ms more."""
    rng = random.Random(seed)
    held_until_ns = 0
    for number in range(samples):
        true_ns = 1_000_000_000 + number * PERIOD_NS
        if true_ns > held_until_ns:
            held_until_ns = true_ns + rng.randint(200_000, batch_ms * MS) + (60 * MS if rng.random() < 0.01 else 0)
        yield true_ns, (start_us + round(true_ns / 1000 * rate)) % WRAP, held_until_ns


def errors_ms(clock: DeviceClock, samples: Iterator[tuple[int, int, int]]) -> list[float]:
    return [(clock.host_ns(stamp, arrival) - true_ns) / MS for true_ns, stamp, arrival in samples]


@pytest.mark.parametrize("rate", [1.0, 1.00004, 0.9995, 1.01])
def test_the_error_stays_within_a_few_milliseconds_though_bytes_come_in_bursts(rate: float) -> None:
    settled = errors_ms(DeviceClock(), stream(2000, rate=rate))[400:]
    assert max(settled) - min(settled) < 4.0  # arrivals alone scatter over 76 ms
    assert min(settled) > -1.0
    assert max(settled) < 5.0


def test_the_first_samples_are_usable_at_once() -> None:
    assert all(-1.0 < error < 17.0 for error in errors_ms(DeviceClock(), stream(8)))


def test_the_wrap_of_the_device_clock_is_not_seen() -> None:
    whole = errors_ms(DeviceClock(), stream(1000))
    wrapping = errors_ms(DeviceClock(), stream(1000, start_us=WRAP - 6_000_000))
    assert wrapping == pytest.approx(whole, abs=0.01)


def test_a_restarted_device_clock_is_followed_within_a_window() -> None:
    clock = DeviceClock()
    errors_ms(clock, stream(500))
    after = [(true_ns + 60_000 * MS, stamp, arrival + 60_000 * MS) for true_ns, stamp, arrival in stream(500)]
    restarted = errors_ms(clock, iter(after))  # the stamps begin again: time ran backwards for the device
    assert max(abs(error) for error in restarted[50:]) < 5.0


def test_a_stalled_host_does_not_shift_the_clock() -> None:
    clock = DeviceClock()
    samples = list(stream(1200))
    stall_end_ns = samples[600][2] + 900 * MS
    stalled = [
        (true, stamp, max(arrival, stall_end_ns) if n >= 600 else arrival)
        for n, (true, stamp, arrival) in enumerate(samples)
    ]
    errors = errors_ms(clock, iter(stalled))
    assert max(abs(error) for error in errors[600:]) < 5.0


def test_a_later_but_steady_latency_is_accepted_in_the_end() -> None:
    clock = DeviceClock()
    samples = list(stream(2000, batch_ms=2))
    shifted = [
        (true, stamp, arrival + (40 * MS if n >= 500 else 0)) for n, (true, stamp, arrival) in enumerate(samples)
    ]
    errors = errors_ms(clock, iter(shifted))
    assert errors[-1] == pytest.approx(40, abs=3)


@given(st.lists(st.tuples(st.integers(0, WRAP - 1), st.integers(0, 10**9)), min_size=2, max_size=60))
def test_host_times_never_go_back_and_never_lie_ahead_whatever_the_stamps(pairs: list[tuple[int, int]]) -> None:
    clock = DeviceClock()
    arrival_ns, times = 10**9, []
    for stamp, step_ns in pairs:
        arrival_ns += step_ns
        times.append(clock.host_ns(stamp, arrival_ns))
        assert times[-1] <= arrival_ns + len(times)  # equal arrivals are told apart by a nanosecond each
    assert all(later > earlier for earlier, later in pairwise(times))


@given(st.integers(0, WRAP - 1), st.integers(-(2**31) + 1, 2**31 - 1))
def test_elapsed_time_is_right_across_the_wrap(start: int, elapsed: int) -> None:
    assert elapsed == DeviceClock().elapsed_us(start, (start + elapsed) % WRAP)
