"""Wild single samples of one cell never reach the sum; steps do, unchanged."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.model import Calibration, Cell
from station.core.despike import Despiker
from station.core.tracks import ScaleSpec
from station.core.weighing import Moved, Settled, Weighing, WeighingSettings

NOISE_COUNTS = 40.0


def run(stream: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    despiker = Despiker()
    return [counts for number, taken in enumerate(stream) for _, counts in despiker.feed(number, taken)]


def noisy(rng: random.Random, levels: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(level + round(rng.gauss(0, NOISE_COUNTS)) for level in levels)


@given(st.integers(0, 1000), st.integers(0, 3), st.sampled_from([-1, 1]), st.floats(3.5, 6.9))
def test_a_spike_in_one_cell_becomes_what_its_neighbours_are(seed: int, cell: int, sign: int, size: float) -> None:
    rng = random.Random(seed)
    stream = [noisy(rng, (1000, 2000, 3000, 4000)) for _ in range(80)]
    spiked = list(stream[50])
    spiked[cell] += sign * int(10**size)
    got = run([*stream[:50], tuple(spiked), *stream[51:]])
    assert len(got) >= len(stream) - 1  # the last one may be held
    assert abs(got[50][cell] - stream[50][cell]) <= 8 * NOISE_COUNTS
    kept = [number for number in range(4) if number != cell]
    assert all(abs(got[50][number] - stream[50][number]) <= 8 * NOISE_COUNTS for number in kept)
    others = [number for number in range(30, len(got)) if number != 50]
    assert all(abs(got[n][c] - stream[n][c]) <= 8 * NOISE_COUNTS for n in others for c in range(4))


@given(st.integers(0, 1000), st.integers(1000, 1_000_000))
def test_a_step_passes_as_it_is(seed: int, height: int) -> None:
    rng = random.Random(seed)
    stream = [noisy(rng, (1000,)) for _ in range(60)] + [noisy(rng, (1000 + height,)) for _ in range(60)]
    assert all(abs(got[0] - true[0]) <= 8 * NOISE_COUNTS for got, true in zip(run(stream), stream, strict=False))


def test_what_does_not_jump_is_passed_on_at_once() -> None:
    rng, despiker = random.Random(1), Despiker()
    stream = [noisy(rng, (1000, 2000)) for _ in range(2000)]
    late = sum(not despiker.feed(number, counts) for number, counts in enumerate(stream))
    assert late < 10  # the first ones, while the noise is not known


@pytest.mark.parametrize("rate_hz", [10, 80])
def test_spikes_on_one_of_four_cells_never_move_a_settled_reading(rate_hz: int) -> None:
    rng = random.Random(rate_hz)
    weighing = Weighing((ScaleSpec(counts=True, capacity_g=50_000, division_g=5),), WeighingSettings())
    weighing.calibrate(0, Calibration(cells=(Cell(zero_counts=0.0, counts_per_g=200.0),) * 4))
    changes = []
    for number in range(12 * rate_hz):
        load = 0 if number < 3 * rate_hz else 100_000
        counts = list(noisy(rng, (load,) * 4))
        if number % 7 == 3:
            counts[rng.randrange(4)] += rng.choice((-1, 1)) * rng.randrange(5_000, 8_000_000)
        taken = weighing.sampled(0, number * 10**9 // rate_hz, tuple(counts), usable=True, settling=False)
        changes += [change for change in taken if isinstance(change, Settled | Moved)]
    [settled] = changes
    assert isinstance(settled, Settled)
    assert settled.reading.gross_g == pytest.approx(2_000, abs=1)
