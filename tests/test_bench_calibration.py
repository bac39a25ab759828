"""The benchmarks of calibration run, and tell what they are for."""

import math
import random

import pytest

from benchmarks import calibration_faults, calibration_platforms
from benchmarks.calibration_world import CAPACITY_G
from drivers.sim.platform import CORNERS, Faults, Load, Platform, Traits, random_traits


def traits(faults: Faults | None = None, seed: int = 1) -> Traits:
    drawn = random_traits(random.Random(seed), CAPACITY_G)
    return Traits(cells=drawn.cells, kappa=drawn.kappa, seat_g=0.0, faults=faults or Faults())


def pressed(made: Traits, *loads: Load) -> tuple[float, ...]:
    platform = Platform(made, random.Random(2))
    platform.put(*loads)
    return platform.borne_g


def test_forces_balance_force_and_moments() -> None:
    forces = pressed(traits(), Load(10_000, 0.4, -0.3), Load(2_000, -0.9, 0.1))
    assert sum(forces) == pytest.approx(12_000)
    for axis, moment in ((0, 10_000 * 0.4 - 2_000 * 0.9), (1, -10_000 * 0.3 + 2_000 * 0.1)):
        assert sum(f * corner[axis] for f, corner in zip(forces, CORNERS, strict=True)) == pytest.approx(moment)
    parity = sum(f * x * y for f, (x, y) in zip(forces, CORNERS, strict=True))
    assert parity == pytest.approx(traits().kappa * (10_000 * 0.4 * -0.3 - 2_000 * 0.9 * 0.1))


def test_a_shunt_takes_from_its_side_only_and_a_bound_corner_from_its_cell_only() -> None:
    sound = pressed(traits(), Load(20_000))
    left = pressed(traits(Faults(shunt=(-1.0, 0.0), shunt_from_g=1_000, shunt_part=0.1)), Load(20_000))
    assert [a - b for a, b in zip(sound, left, strict=True)] == pytest.approx([450, 0, 0, 450])
    corner = pressed(traits(Faults(bound=2, bound_part=0.1)), Load(20_000))
    assert [a - b for a, b in zip(sound, corner, strict=True)] == pytest.approx([0, 0, 500, 0])


def test_a_loose_foot_moves_force_between_the_diagonals_and_keeps_the_sum() -> None:
    forces = pressed(traits(Faults(rocks_g=100)), Load(20_000))
    assert sum(forces) == pytest.approx(20_000)
    assert abs(sum(f * x * y for f, (x, y) in zip(forces, CORNERS, strict=True))) == pytest.approx(400)


def test_a_load_creeps_to_its_end_and_back() -> None:
    made = traits()
    platform = Platform(made, random.Random(2))
    platform.put(Load(20_000))
    fresh = platform.forces_g()[0]
    for _ in range(60):
        platform.wait(60)
    walked = platform.forces_g()[0] - fresh
    assert walked == pytest.approx(made.cells[0].creep * platform.borne_g[0], abs=5 * made.cells[0].walk_g * 60**0.5)


def test_wiring_faults_are_in_the_counts() -> None:
    usual = Platform(traits(), random.Random(3))
    usual.put(Load(20_000))
    zeros = [cell.zero_counts for cell in usual.traits.cells]
    seen = [cell.mean - zero for cell, zero in zip(usual.look(1.0), zeros, strict=True)]
    for faults, expected in (
        (Faults(dead=1), (seen[0], 0.0, seen[2], seen[3])),
        (Faults(reversed_wires=1), (seen[0], -seen[1], seen[2], seen[3])),
    ):
        other = Platform(traits(faults), random.Random(3))
        other.put(Load(20_000))
        found = [cell.mean - zero for cell, zero in zip(other.look(1.0), zeros, strict=True)]
        assert found == pytest.approx(expected, rel=1e-3, abs=60)


def test_calibrated_platforms_weigh_truly_and_say_how_truly() -> None:
    outcome = calibration_platforms.run("routine", 8, 12, 300)
    assert outcome.accepted == 8
    within = sum(abs(w.error_g) <= w.half_g for w in outcome.weighings) / len(outcome.weighings)
    assert within >= 0.9
    ours, *others = (
        math.sqrt(sum(error**2 for error in errors) / len(outcome.weighings))
        for errors in zip(*((w.error_g, *w.others_g) for w in outcome.weighings), strict=True)
    )
    assert all(ours * 10 < other for other in others)
    row = calibration_platforms.figures("routine", outcome)
    assert row["within 95 %"] == within
    assert sum(int(line["weighings"]) for line in calibration_platforms.by_load(outcome)) == 96


def test_the_table_of_faults_counts_what_was_found() -> None:
    row, said = calibration_faults.trial("loose foot", "routine", 3, 400)
    assert (row["found"], row["named"], row["accepted"]) == (1, 1, 0)
    assert not said
    row, said = calibration_faults.trial("sound", "routine", 3, 400)
    assert (row["found"], row["accepted"]) == (0, 1)
