"""Slow motion: bags that swing, hands that lean, and what is known of the zero."""

import math
import random

import pytest

from benchmarks import settling_world
from benchmarks.settling import ours
from station.core.zero import NS, Zero

SCENES = {scene.name: scene for scene in settling_world.SCENES}


@pytest.mark.parametrize("name", ["swinging bag", "two bags swing"])
@pytest.mark.parametrize("seed", range(3))
def test_no_reading_is_off_by_more_than_it_states_while_a_bag_swings(name: str, seed: int) -> None:
    readings = list(ours(SCENES[name], seed))
    assert readings
    assert all(abs(reading.grams - true_g) <= 4 * (reading.sd_g or 0) for reading, true_g, _ in readings)


@pytest.mark.parametrize("seed", range(3))
def test_a_swinging_bag_is_weighed_before_it_hangs_still(seed: int) -> None:
    reading, _, over_s = next(ours(SCENES["swinging bag"], seed))
    assert reading.t_s - over_s < 5
    assert reading.sd_g is not None
    assert reading.sd_g < 0.6


@pytest.mark.parametrize("seed", range(4))
def test_a_hand_that_keeps_as_still_as_it_can_is_never_weighed(seed: int) -> None:
    found = list(ours(SCENES["steady hand"], seed))
    assert all(abs(reading.grams - true_g) <= 10 for reading, true_g, _ in found)
    assert any(reading.t_s > over_s for reading, _, over_s in found)


def looked(drift_g_s: float, random_g: float, warm_up_s: float = 0.0) -> Zero:
    zero, rng, off_g = Zero(50_000, 5, warm_up_s), random.Random(1), 0.0
    zero.power_up(0)
    for tenth in range(2400):
        off_g += drift_g_s / 10 + rng.gauss(0, random_g * math.sqrt(0.1))
        zero.shift(off_g - zero.grams)
        zero.see(tenth * NS // 10, 0.0, 0.01, 0.0)
    return zero


def test_the_zero_grows_uncertain_as_fast_as_it_was_seen_to_drift() -> None:
    now_ns = 240 * NS
    assert looked(0.02, 0.0).sd_g(now_ns + 60 * NS, 0.0) == pytest.approx(0.02 * 60, rel=0.3)
    assert looked(0.0, 0.05).sd_g(now_ns + 60 * NS, 0.0) == pytest.approx(0.05 * math.sqrt(60), rel=0.5)
    assert looked(0.0, 0.0).sd_g(now_ns + 60 * NS, 0.0) < 0.2


def test_while_the_electronics_warm_up_the_zero_is_trusted_less() -> None:
    now_ns = 240 * NS
    cold, warm = looked(0.0, 0.0, warm_up_s=1800), looked(0.0, 0.0)
    assert cold.sd_g(now_ns + 60 * NS, 0.0) > 0.4
    assert warm.sd_g(now_ns + 60 * NS, 0.0) < 0.2
    later_ns = 1800 * NS
    cold.see(later_ns, 0.0, 0.01, 0.0)
    warm.see(later_ns, 0.0, 0.01, 0.0)
    assert cold.sd_g(later_ns + 60 * NS, 0.0) == pytest.approx(warm.sd_g(later_ns + 60 * NS, 0.0), rel=0.1)


def test_creep_since_the_zero_was_seen_counts() -> None:
    zero = looked(0.0, 0.0)
    assert zero.sd_g(240 * NS, 3.0) == pytest.approx(3.0, rel=0.05)
