"""The simulated platform's physics, in virtual time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.sim.live import LiveWorld
from drivers.sim.world import FULL_SCALE_COUNTS, PlacedObject, PlatformSpec, World

SPEC = PlatformSpec()
CALM = PlatformSpec(noise_counts=0.0, drift_g_per_sqrt_s=0.0, creep=())


def crate(mass_g: float, x_m: float = 0.0, y_m: float = 0.0) -> PlacedObject:
    return PlacedObject("04006381333931", "crate", mass_g, x_m, y_m)


def cells_g(world: World) -> list[float]:
    spec = world.spec
    table = zip(world.counts(), spec.zero_counts, spec.counts_per_g, strict=True)
    return [(count - zero) / gain for count, zero, gain in table]


def run(world: World, seconds: float, rate_hz: float = 80.0) -> np.ndarray:
    """Return the cells' grams, one row a conversion."""
    start_s, rows = world.t_s, []
    for number in range(1, int(seconds * rate_hz) + 1):
        world.advance_to(start_s + number / rate_hz)
        rows.append(cells_g(world))
    return np.array(rows)


def test_an_empty_platform_reads_its_zero_with_the_noise_of_the_converter() -> None:
    rows = run(World(seed=1), 10)
    assert np.mean(rows, axis=0) == pytest.approx([0, 0, 0, 0], abs=0.3)
    noise_counts = np.std(np.diff(rows, axis=0), axis=0) / np.sqrt(2) * SPEC.counts_per_g
    assert noise_counts == pytest.approx([38.7] * 4, rel=0.15)


@given(st.floats(1, 40_000), st.floats(-0.25, 0.25), st.floats(-0.15, 0.15))
def test_the_sum_is_the_mass_wherever_it_stands(mass_g: float, x_m: float, y_m: float) -> None:
    world = World(CALM)
    world.place(crate(mass_g, x_m, y_m))
    world.advance_to(10.0)
    assert sum(cells_g(world)) == pytest.approx(mass_g, abs=0.02)
    assert world.load_g() == pytest.approx(mass_g, abs=1e-3)


def test_an_eccentric_load_rests_on_the_cells_beneath_it() -> None:
    world = World(CALM)
    world.place(crate(20_000.0, 0.25, -0.15))  # to the right and to the front
    world.advance_to(10.0)
    back_left, back_right, front_right, front_left = cells_g(world)
    assert front_right > max(back_left, back_right, front_left) > 0
    assert front_right > 12_000


def test_a_placement_rings_and_settles() -> None:
    world = World(CALM)
    world.place(crate(10_000.0))
    sums = run(world, 3).sum(axis=1)
    assert sums.max() > 10_050  # it overshoots
    assert np.abs(sums[-80:] - 10_000).max() < 1


def test_a_heavier_load_rings_slower() -> None:
    def crossings(mass_g: float) -> int:
        world = World(CALM)
        world.place(crate(mass_g), ramp_s=0.01)
        sums = run(world, 1.0, 1000.0).sum(axis=1)
        return int(np.count_nonzero(np.diff(np.sign(sums - mass_g))))

    assert crossings(1_000) > crossings(10_000) > crossings(40_000) > 4


def test_a_removed_load_leaves_nothing_but_creep() -> None:
    world = World(PlatformSpec(noise_counts=0.0, drift_g_per_sqrt_s=0.0))
    handle = world.place(crate(20_000.0))
    world.advance_to(600.0)
    assert world.load_g() == pytest.approx(20_000 * (1 + 3e-4), rel=5e-5)
    world.remove(handle)
    assert world.objects == ()
    world.advance_to(603.0)
    assert 2 < world.load_g() < 6
    world.advance_to(3_600.0)
    assert world.load_g() == pytest.approx(0, abs=0.1)


def test_a_hand_comes_trembles_and_goes() -> None:
    world = World(CALM)
    world.push(800.0, duration_s=1.0, x_m=0.1, y_m=0.0)
    sums = run(world, 4).sum(axis=1)
    assert 600 < sums[:80].max() < 1_000
    assert np.abs(sums[-80:]).max() < 1


def test_a_rolling_cart_shakes_moves_and_keeps_its_mass() -> None:
    world = World(CALM)
    handle = world.place(crate(25_000.0, -0.2, 0.0))
    world.advance_to(5.0)
    world.move(handle, 0.2, 0.05, duration_s=2.0, rumble_g=2_000.0)
    rolling = run(world, 2.0).sum(axis=1)
    assert np.std(rolling) > 50
    assert world.objects[0].x_m == pytest.approx(0.2)
    world.advance_to(12.0)
    assert sum(cells_g(world)) == pytest.approx(25_000, abs=0.1)
    assert (world.objects[0].x_m, world.objects[0].y_m) == (0.2, 0.05)


def test_an_unplugged_cell_reads_full_scale_until_it_is_plugged_again() -> None:
    world = World()
    world.unplug(1)
    assert world.counts()[1] == FULL_SCALE_COUNTS
    world.plug(1)
    assert world.counts()[1] < FULL_SCALE_COUNTS


def test_an_overload_clamps() -> None:
    world = World(CALM)
    world.place(crate(1_000_000.0))
    world.advance_to(10.0)
    assert world.counts() == (FULL_SCALE_COUNTS,) * 4


def test_drift_wanders_like_a_random_walk() -> None:
    ends = []
    for seed in range(60):
        world = World(PlatformSpec(noise_counts=0.0, creep=()), seed=seed)
        world.advance_to(10_000.0)
        ends.append(world.load_g())
    assert np.std(ends) == pytest.approx(0.01 * 2 * 100, rel=0.3)  # four cells, the root of 10 000 s


def test_the_same_seed_is_the_same_world() -> None:
    def tale(seed: int) -> list[tuple[int, ...]]:
        world = World(seed=seed)
        world.place(crate(3_000.0))
        world.push(500.0, duration_s=0.5)
        counts = []
        for number in range(100):
            world.advance_to(number / 80)
            counts.append(world.counts())
        return counts

    assert tale(7) == tale(7)
    assert tale(7) != tale(8)


def test_time_that_stands_or_runs_back_changes_nothing() -> None:
    world = World(CALM)
    world.place(crate(500.0))
    world.advance_to(1.0)
    before = world.load_g()
    world.advance_to(1.0)
    world.advance_to(0.2)
    assert (world.t_s, world.load_g()) == (1.0, before)


def test_a_live_world_follows_its_clock() -> None:
    now_s = [100.0]
    live = LiveWorld(World(CALM), clock=lambda: now_s[0])
    with live.now() as world:
        world.place(crate(500.0))
    now_s[0] = 105.0
    assert live.snapshot() == (crate(500.0),)
    assert live.load_at(live.elapsed_s()) == pytest.approx(500.0)
    assert live.elapsed_s() == 5.0
