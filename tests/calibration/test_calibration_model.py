"""Counts to grams, and what a calibration leaves unsure."""

import math

import msgspec
import pytest

from calibration.model import Calibration, Cell, Knot

FOUR = tuple(Cell(zero_counts=1000.0 * n, counts_per_g=200.0 + n) for n in range(4))
COUNTS = (201_000, 101_500, 52_400, 63_900)


def test_a_record_of_before_keeps_its_meaning() -> None:
    old = b'{"cells": [{"zero_counts": 10.0, "counts_per_g": 2.0}], "zero_sd_g": 5, "gain_rel_sd": 0.001}'
    read = msgspec.json.decode(old, type=Calibration)
    assert read.gross_g((210,)) == 100
    assert read.sd_g(10_000) == pytest.approx(math.hypot(5, 10))
    assert read.sd_g(10_000, (1.0,), away_k=7.0, age_days=900) == pytest.approx(math.hypot(5, 10))
    assert read.span_sd_g(10_000) == pytest.approx(10)
    assert Calibration(cells=FOUR) == msgspec.json.decode(
        msgspec.json.encode(Calibration(cells=FOUR)), type=Calibration
    )


def test_everything_survives_being_written_down() -> None:
    full = Calibration(
        cells=FOUR, certified=True, zero_sd_g=0.3, gain_rel_sd=1e-5, gain_cov=((1e-10,) * 4,) * 4,
        linearity=(Knot(load_g=10_000, correction_g=-2),), linearity_rel_sd=1e-5, place_rel_sd=1e-5,
        placement_sd_g=0.2, creep_rel_sd=1e-5, temperature_c=21.5, zero_g_per_k=0.1, span_rel_per_k=1e-5,
        zero_sd_g_per_k=0.2, span_rel_sd_per_k=2e-6, swing_k=3, drift_rel_sd_per_year=1e-4, kappa=0.3, kappa_sd=0.01,
        parity_g=-4.0, noise_counts=(20.0,) * 4,
    )  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(full), type=Calibration) == full


def test_the_sum_of_the_cells_is_the_load() -> None:
    calibration = Calibration(cells=FOUR)
    assert sum(calibration.cell_grams(COUNTS)) == pytest.approx(calibration.gross_g(COUNTS))
    with pytest.raises(ValueError, match=r"shorter|longer"):
        calibration.gross_g(COUNTS[:3])
    with pytest.raises(ValueError, match=r"shorter|longer"):
        calibration.cell_grams((*COUNTS, 1))


def test_a_negative_cell_counts_the_other_way() -> None:
    calibration = Calibration(cells=(Cell(zero_counts=0, counts_per_g=-20),))
    assert calibration.gross_g((-20_000,)) == 1000


def test_temperature_is_taken_out_where_it_is_told() -> None:
    calibration = Calibration(
        cells=(Cell(zero_counts=0, counts_per_g=1),), temperature_c=20.0, zero_g_per_k=0.5, span_rel_per_k=1e-4
    )
    warm = 10_000 * (1 + 1e-4 * 5) + 0.5 * 5
    assert calibration.gross_g((warm,), 25.0) == pytest.approx(10_000)
    assert calibration.gross_g((warm,)) == warm


def test_shares_tell_a_surer_weight_than_none() -> None:
    # the gains' ratio across the diagonals is unknown, their sum well known: what a rigid deck leaves
    twist = [[1e-6 * (-1) ** (row + column) for column in range(4)] for row in range(4)]
    cov = tuple(tuple(value + 1e-10 for value in row) for row in twist)
    calibration = Calibration(cells=FOUR, gain_rel_sd=5e-4, gain_cov=cov)
    assert calibration.gain_sd((0.25, 0.25, 0.25, 0.25)) == pytest.approx(1e-5)
    assert calibration.gain_sd((1.0, 0.0, 0.0, 0.0)) == pytest.approx(1e-3, rel=1e-3)
    assert calibration.gain_sd() == 5e-4
    assert calibration.span_sd_g(20_000, (0.25,) * 4) == pytest.approx(0.2)
    with pytest.raises(ValueError, match=r"shorter|longer"):
        calibration.gain_sd((0.5, 0.5))


def test_every_part_widens_the_uncertainty() -> None:
    plain = Calibration(cells=FOUR, zero_sd_g=1.0)
    assert plain.sd_g(30_000) == 1.0
    parts = {
        "gain_rel_sd": 1e-4, "placement_sd_g": 3.0, "linearity_rel_sd": 1e-4, "place_rel_sd": 1e-4,
        "creep_rel_sd": 1e-4, "drift_rel_sd_per_year": 1e-4,
    }  # fmt: skip
    for name, value in parts.items():
        wider = msgspec.structs.replace(plain, **{name: value})
        assert wider.sd_g(30_000, age_days=365.25) == pytest.approx(math.hypot(1, 3)), name
        assert wider.sd_g(0) < 3.2


def test_drift_grows_with_the_root_of_time() -> None:
    calibration = Calibration(cells=FOUR, drift_rel_sd_per_year=2e-4)
    year = calibration.span_sd_g(10_000, age_days=365.25)
    assert year == pytest.approx(2)
    assert calibration.span_sd_g(10_000, age_days=4 * 365.25) == pytest.approx(2 * year)
    assert calibration.span_sd_g(10_000, age_days=-3) == 0


def test_an_unmeasured_temperature_leaves_its_swing() -> None:
    known = Calibration(cells=FOUR, span_rel_per_k=3e-5, span_rel_sd_per_k=4e-5, swing_k=2.0, zero_sd_g_per_k=1.0)
    assert known.span_sd_g(10_000) == pytest.approx(10_000 * 5e-5 * 2)  # coefficient and its doubt both count
    assert known.span_sd_g(10_000, away_k=-3.0) == pytest.approx(10_000 * 4e-5 * 3)
    assert known.sd_g(0) == 2
    assert known.sd_g(0, away_k=0.0) == 0
