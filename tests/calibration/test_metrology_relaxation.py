"""Creep as relaxations: found again in readings that were made of them, and believed only where it proves itself."""

import math
import random

import numpy as np
import pytest

from calibration.relaxation import Part, Reading, Relaxation, Step, corrected_g, fit, response

LOAD_G, HALF_HOUR_S = 50_000.0, 1800.0
HISTORY = (Step(0.0, LOAD_G), Step(HALF_HOUR_S, 0.0))
TRUE = (Part(2e-4, 20.0), Part(5e-4, 600.0))


def readings(parts: tuple[Part, ...], start_s: float, *, noise_g: float = 0.3, span: float = 1e-4) -> list[Reading]:
    """Return a reading every twenty seconds for half an hour; the span is a little off, as a real one is."""
    times = [start_s + 5.0 + 20.0 * n for n in range(90)]
    load_g = LOAD_G if start_s < HALF_HOUR_S else 0.0
    chance = random.Random(4)
    crept = sum(part.share * response(times, HISTORY, part.tau_s) for part in parts)
    return [
        Reading(at_s, load_g * (1 + span) + float(more) + chance.gauss(0, noise_g))
        for at_s, more in zip(times, np.broadcast_to(crept, len(times)), strict=True)
    ]


def test_a_step_is_answered_as_the_equation_says_and_forgotten_the_same_way() -> None:
    on, off = response([30.0, HALF_HOUR_S + 30.0], HISTORY, 60.0)
    assert on == pytest.approx(LOAD_G * (1 - math.exp(-0.5)))
    reached = LOAD_G * (1 - math.exp(-HALF_HOUR_S / 60.0))
    assert off == pytest.approx(reached * math.exp(-0.5))


def test_nothing_is_known_of_a_load_before_it_is_there() -> None:
    assert response([-1.0, 0.0], HISTORY, 60.0) == pytest.approx([0.0, 0.0])


def test_the_state_obeys_its_differential_equation() -> None:
    state, tau_s, step_s = 0.0, 45.0, 0.05
    steps = (Step(0.0, 10_000.0), Step(40.0, 25_000.0), Step(100.0, 5_000.0))
    for n in range(round(160.0 / step_s)):
        load_g = next(step.load_g for step in reversed(steps) if step.at_s <= n * step_s)
        state += (load_g - state) * step_s / tau_s
    assert response([160.0], steps, tau_s)[0] == pytest.approx(state, rel=2e-3)


def test_the_parts_are_found_on_load_and_prove_themselves_on_what_is_left() -> None:
    found = fit(HISTORY, readings(TRUE, 0.0), readings(TRUE, HALF_HOUR_S))
    assert found is not None
    assert found.usable
    assert sum(part.share for part in found.parts) == pytest.approx(7e-4, rel=0.1)
    assert found.parts[1].tau_s == pytest.approx(600.0, rel=0.25)
    assert found.before_g > 8.0
    assert found.after_g < 0.15 * found.before_g


def test_a_cell_without_creep_is_left_alone() -> None:
    found = fit(HISTORY, readings((), 0.0), readings((), HALF_HOUR_S))
    assert found is not None
    assert not found.usable


def test_a_faulty_cell_is_not_corrected_however_well_it_would_go() -> None:
    faulty = (Part(1e-3, 20.0), Part(6e-3, 600.0))
    found = fit(HISTORY, readings(faulty, 0.0), readings(faulty, HALF_HOUR_S))
    assert found is not None
    assert found.after_g < 0.1 * found.before_g
    assert not found.usable


def test_what_comes_back_otherwise_than_it_went_refutes_the_model() -> None:
    drift = [Reading(reading.at_s, reading.shown_g - 0.01 * (reading.at_s - HALF_HOUR_S)) for reading in
             readings((), HALF_HOUR_S)]  # fmt: skip
    found = fit(HISTORY, readings(TRUE, 0.0), drift)
    assert found is not None
    assert not found.usable


@pytest.mark.parametrize(
    ("shares", "after_g", "usable"),
    [((2e-4, 5e-4), 4.9, True), ((2e-4, 5e-4), 5.0, False), ((0.0, 3e-3), 1.0, False), ((-4e-3, 4e-3), 1.0, False),
     ((2e-3, 1.5e-3), 1.0, False)],
)  # fmt: skip
def test_the_gates(shares: tuple[float, float], after_g: float, usable: bool) -> None:
    parts = tuple(Part(share, 60.0) for share in shares)
    assert Relaxation(parts, 10.0, after_g).usable is usable


def test_too_little_is_no_model() -> None:
    loaded, unloaded = readings(TRUE, 0.0), readings(TRUE, HALF_HOUR_S)
    assert fit(HISTORY, loaded[:7], unloaded) is None
    assert fit(HISTORY, loaded, []) is None
    assert fit((Step(0.0, 0.0),), loaded, unloaded) is None


def test_correcting_takes_off_what_the_history_explains() -> None:
    shown = readings(TRUE, 0.0, noise_g=0.0, span=0.0)
    assert corrected_g(shown, HISTORY, TRUE) == pytest.approx([LOAD_G] * len(shown))
