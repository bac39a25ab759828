"""What a calibration means for readings and watches: its uncertainty by age and place, span checks, what is usual."""

import math

import msgspec
import pytest

from calibration.model import Calibration, Cell
from calibration.platform import UNIT_SQUARE, Platform
from station.core import events
from station.core.cell_parity import Load, ParityWatch
from station.core.cell_signal import CellSignals
from station.core.effects import SpanChecked
from station.core.transaction import State
from tests.support.virtual import CALIBRATION, Virtual, claim, phases, ready, verdicts

WEIGHT_G = 5000.0
YEAR_DAYS = 365.25


def sd_g(virtual: Virtual, grams: float) -> float:
    """The uncertainty of a settled load."""
    virtual.put(grams, 3.0)
    reading = virtual.engine.weighing.reading
    assert reading is not None
    assert reading.gross_g == pytest.approx(grams, abs=1.0)
    virtual.put(0.0, 2.0)
    return reading.sd_g


def calibrated(**more: float) -> Virtual:
    virtual = ready()
    calibration = msgspec.structs.replace(CALIBRATION, **more)
    virtual.feed(events.Calibrated(t_ns=virtual.t_ns, scale=0, calibration=calibration))
    virtual.wait(2)
    return virtual


def test_what_calibrating_left_open_is_in_every_reading() -> None:
    bare, known = calibrated(), calibrated(gain_rel_sd=3e-4, place_rel_sd=4e-4, placement_sd_g=1.0)
    without, with_all = sd_g(bare, 20_000), sd_g(known, 20_000)
    assert with_all == pytest.approx(math.hypot(without, 5e-4 * 20_000, 1.0), rel=0.03)


def test_a_calibration_grows_less_sure_with_age() -> None:
    virtual = calibrated(drift_rel_sd_per_year=2e-4)
    new_g = sd_g(virtual, 20_000)
    virtual.feed(events.Aged(t_ns=virtual.t_ns, scale=0, age_days=4 * YEAR_DAYS))
    assert sd_g(virtual, 20_000) == pytest.approx(math.hypot(new_g, 2 * 2e-4 * 20_000), rel=0.03)


def test_a_failed_span_check_widens_readings() -> None:
    virtual = calibrated()
    sure_g = sd_g(virtual, 10_000)
    virtual.feed(events.Aged(t_ns=virtual.t_ns, scale=0, age_days=0, doubt_rel=0.003))
    assert sd_g(virtual, 10_000) == pytest.approx(math.hypot(sure_g, 30), rel=0.03)


def test_where_the_load_presses_says_which_gains_count() -> None:
    cells = (Cell(zero_counts=0.0, counts_per_g=20.0),) * 2
    cov = ((4e-6, 0.0), (0.0, 0.0))
    sure = Calibration(cells=cells, gain_rel_sd=1e-3, gain_cov=cov)
    assert sure.gain_sd((1.0, 0.0)) == pytest.approx(2e-3)
    assert sure.gain_sd((0.0, 1.0)) == 0.0


def checked(virtual: Virtual) -> list[SpanChecked]:
    return [effect for effect in virtual.effects if isinstance(effect, SpanChecked)]


def order(virtual: Virtual, *, wait_s: float | None = 30.0, number: int = 1) -> None:
    until_ns = None if wait_s is None else virtual.t_ns + round(wait_s * 1e9)
    virtual.feed(events.SpanCheckOrdered(t_ns=virtual.t_ns, number=number, weight_g=WEIGHT_G, until_ns=until_ns))


def test_an_ordered_check_takes_the_weight_and_releases_its_visit() -> None:
    virtual = ready()
    order(virtual)
    virtual.put(WEIGHT_G + 12.0, 20.0)
    [found] = checked(virtual)
    assert found.weighed_g == pytest.approx(WEIGHT_G + 12.0, abs=0.5)
    assert verdicts(virtual.effects) == []  # no claim for ten seconds, yet nobody is asked for one
    virtual.put(0.0)
    assert phases(virtual.effects)[-1] == "closed"
    assert virtual.engine.state is State.IDLE


def test_an_order_is_refused_while_something_lies_there() -> None:
    virtual = ready()
    virtual.put(800)
    order(virtual)
    [found] = checked(virtual)
    assert (found.weighed_g, found.number) == (None, 1)
    assert "a visit is open" in found.problem


def test_an_order_ends_at_its_time() -> None:
    virtual = ready()
    order(virtual, wait_s=5.0)
    assert virtual.engine.next_deadline_ns is not None
    virtual.wait(5.1)
    [found] = checked(virtual)
    assert "nothing near 5000 g" in found.problem
    virtual.put(WEIGHT_G)
    assert len(checked(virtual)) == 1


def test_a_due_check_waits_for_a_load_that_comes_and_goes_unclaimed() -> None:
    virtual = ready()
    order(virtual, wait_s=None, number=0)
    virtual.put(WEIGHT_G + 3)
    virtual.claim(claim("T-1"))
    virtual.put(0.0)
    assert checked(virtual) == []
    virtual.put(700)
    virtual.put(0.0)
    assert checked(virtual) == []
    virtual.put(WEIGHT_G - 4)
    assert checked(virtual) == []
    virtual.put(0.0)
    [found] = checked(virtual)
    assert found.weighed_g == pytest.approx(WEIGHT_G - 4, abs=0.5)
    assert found.number == 0


def test_the_deck_is_known_from_the_first_load_where_calibrating_measured_it() -> None:
    platform = Platform(UNIT_SQUARE)
    known, learning = ParityWatch(platform, 5.0, kappa=0.9, kappa_sd=0.01), ParityWatch(platform, 5.0)
    forces = (3000.0, 1500.0, 500.0, 1500.0)
    u, v = platform.offset(forces)
    assert known.expected_g(forces) == pytest.approx(0.9 * sum(forces) * u * v)
    assert learning.kappa == pytest.approx(0.4)
    for _ in range(20):
        known.judge(Load(forces, (0.1,) * 4), fresh=True)
    assert known.kappa == pytest.approx(0.9, abs=0.3)


def test_a_cell_that_is_noisier_than_when_calibrated_is_told_at_once() -> None:
    signals = CellSignals(4, (10.0, 10.0, 10.0, 10.0))
    quiet = CellSignals(4)
    for look in range(12):
        for sample in range(64):
            sign = 1 if sample % 2 else -1
            row = (1000 + 10 * sign, 2000 + 80 * sign, 3000 + 9 * sign, 4000 - 11 * sign)
            row = tuple(count + (sample * 7919 + look) % 5 for count in row)  # type: ignore[assignment]
            signals.feed((look * 64 + sample) * 12_500_000, row)
            quiet.feed((look * 64 + sample) * 12_500_000, row)
        signals.look(still=True)
        quiet.look(still=True)
    assert [(cell, found.trouble.value) for cell, found in signals.found.items()] == [(1, "noisy")]
    assert quiet.found == {}
