"""The word-by-word model of the corruption benchmark against the emulated chip, and that the benchmark can fail."""

import numpy as np
import pytest

from benchmarks import corruption
from benchmarks.corruption_world import DOUBTFUL, FALSE, RATES, RESET_PERIODS, generate
from drivers.hx711_pins import Pulse, conversion
from drivers.sim.hx711_chip import ChipSpec, Hx711Chip

PERIOD_NS = 12_192_000
COUNTS = 654_321


def clock(chip: Hx711Chip, t_ns: int, *, reset_at: int = -1, lose: int = -1) -> tuple[int, bool, int]:
    """Wait for a result and read it; return the counts, the extra bit and the end."""
    while chip.dout(t_ns):
        t_ns += 5_000
    ready_ns, pulses = t_ns, []
    for number in range(25):
        if number != lose:
            chip.set_sck(True, t_ns)
        t_ns += 70_000 if number == reset_at else 1_000
        chip.set_sck(False, t_ns)
        pulses.append(Pulse(chip.dout(t_ns), 0))
        t_ns += 1_000
    read = conversion(ready_ns, pulses)
    assert read is not None
    return read.counts, read.extra_bits_high, ready_ns


def chip(counts: int = COUNTS) -> Hx711Chip:
    return Hx711Chip(lambda _: counts, ChipSpec(period_ns=PERIOD_NS, jitter_ns=0, noise_counts=0.0))


@pytest.mark.parametrize("bit", [0, 3, 12, 20, 23])
def test_a_reset_leaves_ones_and_a_late_edge(bit: int) -> None:
    one = chip()
    counts, extra_high, ready_ns = clock(one, 0, reset_at=bit)
    ones = (1 << 24 - bit) - 1
    word = COUNTS & ~ones | ones
    assert (counts, extra_high) == (word - ((word & 1 << 23) << 1), True)
    after_ns = clock(one, ready_ns + 2_000_000)[2]
    assert 3.9 < (after_ns - ready_ns) / PERIOD_NS < RESET_PERIODS + 0.1


@pytest.mark.parametrize("counts", [COUNTS, COUNTS - 1, 0b1011_0110_0101_0011_1010_110, 77])
@pytest.mark.parametrize("bit", [1, 5, 17, 23])
def test_a_lost_pulse_repeats_a_bit_and_shows_only_after_an_even_count(counts: int, bit: int) -> None:
    got, extra_high, _ = clock(chip(counts), 0, lose=bit)
    bits = f"{counts:024b}"
    assert got == int(bits[:bit] + bits[bit - 1 : 23], 2)
    assert extra_high == bool(counts & 1)


def test_the_model_makes_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RATES, "lost_pulse", 1e-3)
    reads = generate(60_000, 5)
    lost = np.flatnonzero((reads.fault == "lost_pulse") & (reads.got != -1) & (reads.true >= 0))
    assert len(lost) > 0
    for at in lost:
        bits, got = f"{reads.true[at]:024b}", int(reads.got[at])
        assert got in {int(bits[:bit] + bits[bit - 1 : 23], 2) for bit in range(1, 24)}
        assert reads.extra_high[at] == bool(reads.true[at] & 1)
    reset = np.flatnonzero((reads.fault == "reset") & (reads.kind == FALSE) & (reads.true >= 0))
    for at in reset[:-1]:
        true = int(reads.true[at])
        words = {(true | (1 << ones) - 1) - ((((true | (1 << ones) - 1) >> 23) & 1) << 24) for ones in range(25)}
        assert int(reads.got[at]) in words
    assert np.count_nonzero(reads.kind == DOUBTFUL) > 4 * len(reset)


def test_the_layer_keeps_the_limits_where_filters_do_not() -> None:
    result = corruption.measure(60_000, 3_000, seed=3)
    assert result["kept"]
    rows = result["filters"]
    assert rows["Hampel"]["beyond_bound"] > 0
    assert rows["extra bit alone"]["by_fault"]["reset"] > 50
    assert rows["median of five"]["beyond_bound"] > 0


def test_the_benchmark_fails_where_a_rule_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.integrity.Gate._judge_edge", lambda *_: False)
    result = corruption.measure(30_000, 100, seed=3)
    assert not result["kept"]
    assert result["filters"][corruption.OURS]["by_fault"]["reset"] > 0
