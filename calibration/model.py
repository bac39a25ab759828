"""Counts to grams: one straight line a load cell, summed over the platform, and what the sum still lacks.

Model: raw = sum over cells of (counts - zero) / (counts per gram); gross = raw + correction(raw), the correction being
linear between knots (`linearity`), nothing below zero and constant beyond the last knot; where the load cells'
temperature is told and the coefficients are known, zero and span are corrected for it first.

Uncertainty: what a calibration leaves does not average out. Zero; the gains, whose relative covariance C makes
W sqrt(f' C f) of a load W that presses with shares f (goods whose place is unknown: `gain_rel_sd`, the same averaged
over the platform); what repeated placements scatter; the rest of the line's curvature; the place of the load beyond
what gains explain; temperature since calibrating; drift since calibrating. All are standard uncertainties.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence

import msgspec

DAYS_A_YEAR = 365.25


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One load cell: its reading on the empty platform and its sensitivity (negative when wired the other way)."""

    zero_counts: float
    counts_per_g: float


class Knot(msgspec.Struct, frozen=True, kw_only=True):
    """At `load_g` of the plain sum, add `correction_g`."""

    load_g: float
    correction_g: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """One platform. `certified` only when the calibration procedure made it; factory values are wide and are not.

    `gain_cov` is the relative covariance of the gains, row by row (empty: unknown, `gain_rel_sd` stands for all);
    `linearity` rises strictly in load and begins above 0. `per_k` values are relative (span) or grams (zero) a kelvin
    away from `temperature_c`, the load cells' temperature when calibrating; `swing_k` is the standard deviation of
    that difference where nobody measures it. `kappa` and `parity_g` say what twist the deck shows, `noise_counts` how
    quiet each cell was: a later watch compares.
    """

    cells: tuple[Cell, ...]
    certified: bool = False
    zero_sd_g: float = 0.0
    gain_rel_sd: float = 0.0
    gain_cov: tuple[tuple[float, ...], ...] = ()
    linearity: tuple[Knot, ...] = ()
    linearity_rel_sd: float = 0.0
    place_rel_sd: float = 0.0
    placement_sd_g: float = 0.0
    creep_rel_sd: float = 0.0
    temperature_c: float | None = None
    zero_g_per_k: float = 0.0
    span_rel_per_k: float = 0.0
    zero_sd_g_per_k: float = 0.0
    span_rel_sd_per_k: float = 0.0
    swing_k: float = 0.0
    drift_rel_sd_per_year: float = 0.0
    kappa: float | None = None
    kappa_sd: float | None = None
    parity_g: float | None = None
    noise_counts: tuple[float, ...] = ()

    def cell_grams(self, counts: Sequence[float]) -> tuple[float, ...]:
        """Return the load on each cell in grams; the number of counts must be that of the cells."""
        return tuple([
            (count - cell.zero_counts) / cell.counts_per_g for count, cell in zip(counts, self.cells, strict=True)
        ])  # fmt: skip

    def gross_g(self, counts: Sequence[float], temperature_c: float | None = None) -> float:
        """Return the load on the platform in grams."""
        raw_g = 0.0
        for count, cell in zip(counts, self.cells, strict=True):
            raw_g += (count - cell.zero_counts) / cell.counts_per_g
        if temperature_c is not None and self.temperature_c is not None:
            away_k = temperature_c - self.temperature_c
            raw_g = (raw_g - self.zero_g_per_k * away_k) / (1 + self.span_rel_per_k * away_k)
        return raw_g + self.correction_g(raw_g) if self.linearity else raw_g

    def correction_g(self, raw_g: float) -> float:
        """Return what linearity adds to the plain sum."""
        knots = self.linearity
        if not knots or raw_g <= 0:
            return 0.0
        after = bisect_right(knots, raw_g, key=_load_g)
        if after == len(knots):
            return knots[-1].correction_g
        above = knots[after]
        if after == 0:
            return above.correction_g * raw_g / above.load_g
        below = knots[after - 1]
        part = (raw_g - below.load_g) / (above.load_g - below.load_g)
        return below.correction_g + part * (above.correction_g - below.correction_g)

    def gain_sd(self, shares: Sequence[float] | None = None) -> float:
        """Return the relative uncertainty that the gains leave on a load with these shares (None: anywhere)."""
        if shares is None or not self.gain_cov:
            return self.gain_rel_sd
        variance = 0.0
        for share, row in zip(shares, self.gain_cov, strict=True):
            for other, cov in zip(shares, row, strict=True):
                variance += share * other * cov
        return math.sqrt(max(variance, 0.0))

    def span_sd_g(
        self,
        gross_g: float,
        shares: Sequence[float] | None = None,
        *,
        away_k: float | None = None,
        age_days: float = 0.0,
    ) -> float:
        """Return the uncertainty of `gross_g` without the zero's.

        `shares` are the cells' parts of the load beyond the empty platform, None where unknown; `away_k` is how far
        the load cells are from the temperature of calibrating, None where nobody measures it; `age_days` since then.
        """
        away = self.swing_k if away_k is None else away_k
        unknown_per_k = self.span_rel_sd_per_k if away_k is not None else math.hypot(
            self.span_rel_sd_per_k, self.span_rel_per_k
        )  # fmt: skip
        relative = math.hypot(
            self.gain_sd(shares),
            self.place_rel_sd,
            self.linearity_rel_sd,
            self.creep_rel_sd,
            unknown_per_k * away,
            self.drift_rel_sd_per_year * math.sqrt(max(age_days, 0.0) / DAYS_A_YEAR),
        )
        return math.hypot(self.placement_sd_g, relative * gross_g)

    def sd_g(
        self,
        gross_g: float,
        shares: Sequence[float] | None = None,
        *,
        away_k: float | None = None,
        age_days: float = 0.0,
    ) -> float:
        """Return the standard uncertainty that calibration alone leaves on `gross_g`, from the calibrated zero."""
        away = self.swing_k if away_k is None else away_k
        zero_g = math.hypot(self.zero_sd_g, self.zero_sd_g_per_k * away)
        return math.hypot(zero_g, self.span_sd_g(gross_g, shares, away_k=away_k, age_days=age_days))


def _load_g(knot: Knot) -> float:
    return knot.load_g
