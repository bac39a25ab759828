"""What evaluating a session gives: errors with uncertainty, gains, tests, findings, and a decision; values only.

A finding says what was found, where, and what to do; `blocks` says what it stands in the way of: nothing, a
certificate (the calibration may be applied, uncertified), or applying it at all. Texts are English; `code` and the
numbers are what a translation is made from. All of it is recomputed from raw captures; nothing here is stored as such.
"""

from typing import Literal

import msgspec

from calibration.captures import Position
from calibration.model import Calibration

Severity = Literal["pass", "warn", "fail"]
Code = Literal[
    "bound-corner", "cell-overload", "cells-exchanged", "corner-error", "corrected", "creep", "creep-late", "curve",
    "discrimination", "error", "few-loads", "few-repeats", "force-shunt", "gain-spread", "hysteresis",
    "identical-readings", "implausible-gain", "load-typed", "loose-foot", "no-corners", "no-response", "noise",
    "noise-change", "not-linear", "not-warmed-up", "placement", "rank", "repeatability", "residual", "saturated",
    "span-change", "span-light", "uncertainty", "unstable", "warm-up", "weight-inconsistent", "weight-overdue",
    "weight-unknown", "weights", "weights-unnamed", "weights-unsuitable", "wrong-sign", "zero-drift", "zero-return",
    "zero-shift",
]  # fmt: skip
Blocks = Literal["nothing", "certificate", "accept"]
Decision = Literal["pass", "conditional pass", "conditional fail", "fail"]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Acceptance thresholds: `_e` in verification intervals, `_mpe` in maximum permissible errors, else relative.

    Design values, derived from OIML R 76-1, EURAMET cg-18 and makers' limits for corner trimming.
    """

    noise_pass_e: float = 0.1
    noise_warn_e: float = 0.2
    drift_pass_e: float = 0.25
    drift_warn_e: float = 0.5
    placement_pass_e: float = 0.5
    placement_warn_e: float = 1.0
    residual_pass_e: float = 0.25
    residual_warn_e: float = 0.5
    spread_pass: float = 0.02
    spread_warn: float = 0.05
    spread_fail: float = 0.07
    error_pass_mpe: float = 0.5
    error_warn_mpe: float = 1.0
    corner_rel: float = 0.001
    creep_30_e: float = 0.5
    creep_15_30_e: float = 0.2
    creep_short_e: float = 0.25
    zero_return_e: float = 0.5
    span_change_pass: float = 0.0005
    span_change_fail: float = 0.005
    uncertainty_pass_mpe: float = 1 / 3
    uncertainty_warn_mpe: float = 1.0
    weights_pass_mpe: float = 1 / 5
    weights_warn_mpe: float = 1 / 3
    span_load_pass: float = 2 / 3
    span_load_warn: float = 1 / 3
    no_response: float = 0.25  # of the median corner's answer
    saturated: float = 0.02  # of the converter's range, from its ends
    distinct_least: int = 3
    warm_up_e: float = 0.25  # in five minutes
    linearity_use_mpe: float = 1 / 3  # errors beyond are corrected
    linearity_most: float = 0.001  # of capacity: a larger correction hides a mechanical fault
    temperature_t: float = 5.0  # a coefficient counts from so many of its uncertainties
    temperature_zero_k: float = 5.0  # least swing
    temperature_span_k: float = 8.0
    seating_e: float = 4.0  # twist of the empty platform
    seating_rel: float = 0.001  # twist of a load
    weight_t: float = 4.5  # a test weight contradicts the others from so many uncertainties
    guarded: bool = False  # decide by |E| <= MPE - U instead of |E| <= MPE
    in_service: bool = False  # limits of service instead of those of a first verification
    required_rel: float = 0.01  # of the minimum weight
    safety_factor: float = 2.0
    certificate_loads: int = 3
    certificate_repeats: int = 3


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing found: `where` is a step, a position, a cell or a weight; `value` stands against `limit` in `unit`."""

    code: Code
    severity: Severity
    where: str
    text: str
    remedy: str = ""
    blocks: Blocks = "nothing"
    value: float | None = None
    limit: float | None = None
    unit: str = ""


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an uncertainty: standard uncertainty in grams and degrees of freedom (None: infinite)."""

    name: str
    sd_g: float
    dof: float | None = None


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Parts combined: standard uncertainty, effective degrees of freedom (None: infinite), k, and U = k u."""

    parts: tuple[Contribution, ...]
    sd_g: float
    nu_eff: float | None
    k: float
    expanded_g: float


class PointError(msgspec.Struct, frozen=True, kw_only=True):
    """The error of indication at one load: what was indicated, what should be, the limit, the budget."""

    load_g: float
    indicated_g: float
    error_g: float
    mpe_g: float
    budget: Budget
    captures: tuple[int, ...]
    direction: Literal["up", "down"] | None = None
    position: Position | None = None
    decision: Decision = "pass"


class Repeatability(msgspec.Struct, frozen=True, kw_only=True):
    """Placements of one load again and again: `sd_g` is used, never below `floor_g`."""

    load_g: float
    readings_g: tuple[float, ...]
    sd_g: float
    range_g: float
    floor_g: float
    mpe_g: float

    @property
    def dof(self) -> float:
        """Return the degrees of freedom of the standard deviation."""
        return len(self.readings_g) - 1


class CornerError(msgspec.Struct, frozen=True, kw_only=True):
    """What one position reads beside the centre, and its own error where the load is known."""

    position: Position
    difference_g: float
    error_g: float | None = None


class Eccentricity(msgspec.Struct, frozen=True, kw_only=True):
    """One load at the centre and the corners; `method` is cg-18's number."""

    load_g: float
    method: Literal[1, 2, 3, 4]
    rows: tuple[CornerError, ...]
    worst_g: float
    mpe_g: float
    sd_g: float  # of one difference, by noise


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """E(I) = slope I through zero, weighted; `accepted` when chi-square or every residual fits."""

    slope: float
    slope_sd: float
    chi2: float
    dof: int
    chi2_limit: float
    residuals_g: tuple[float, ...]
    accepted: bool


class Gains(msgspec.Struct, frozen=True, kw_only=True):
    """Four cells solved as one platform: values, relative standard deviations, and how much the captures tell.

    `rank` counts the directions in which the captures tell more than the prior; 3 of 4 on a rigid deck is information.
    `unidentified` is the direction of the least singular value where the rank is short.
    """

    counts_per_g: tuple[float, ...]
    rel_sd: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    rank: int
    singular_g: tuple[float, ...]
    unidentified: tuple[float, ...] | None
    spread: float
    residuals_g: tuple[float, ...]
    residual_rms_g: float
    captures: tuple[int, ...]
    kappa: float | None = None
    kappa_sd: float | None = None
    parity_g: float | None = None


class CreepResult(msgspec.Struct, frozen=True, kw_only=True):
    """A load kept on: (seconds since it was put there, change in grams), and what stayed after it was gone."""

    load_g: float
    series: tuple[tuple[float, float], ...]
    minutes: float
    change_g: float
    late_change_g: float | None  # from half of half an hour to its end
    zero_return_g: float | None


class HysteresisResult(msgspec.Struct, frozen=True, kw_only=True):
    """Down less up at the same loads."""

    rows: tuple[tuple[float, float], ...]
    worst_g: float
    worst_rel: float


class TemperatureResult(msgspec.Struct, frozen=True, kw_only=True):
    """Coefficients with their standard uncertainties; `used` where they pass their gates."""

    swing_k: float
    zero_g_per_k: float | None
    zero_sd_g_per_k: float | None
    zero_used: bool
    span_rel_per_k: float | None = None
    span_sd_per_k: float | None = None
    span_used: bool = False


class CellNoise(msgspec.Struct, frozen=True, kw_only=True):
    """One cell at rest: standard deviation of single samples, and the same in grams."""

    noise_counts: float
    noise_g: float


class MinimumWeight(msgspec.Struct, frozen=True, kw_only=True):
    """U of a weighing in use is about alpha + beta R; the least weight that keeps the required accuracy, if any."""

    alpha_g: float
    beta: float
    required_rel: float
    safety_factor: float
    weight_g: float | None


class WeightCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The test weights at the largest load they served for, against the limit there."""

    load_g: float
    tolerance_g: float | None  # None: some weight has neither class nor certificate
    mpe_g: float
    part: float | None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a session tells. `calibration` is None where nothing can be applied; see `may_accept`."""

    calibration: Calibration | None
    gains: Gains | None
    as_found: tuple[PointError, ...]
    as_left: tuple[PointError, ...]
    repeatability: tuple[Repeatability, ...]
    eccentricity: tuple[Eccentricity, ...]
    curve: Curve | None
    creep: CreepResult | None
    hysteresis: HysteresisResult | None
    temperature: TemperatureResult | None
    noise: tuple[CellNoise, ...]
    minimum_weight: MinimumWeight | None
    weights: WeightCheck | None
    span_change: float | None
    findings: tuple[Finding, ...]
    decision: Decision
    decision_rule: str
    deviations: tuple[str, ...]  # steps skipped or missing, overrides

    @property
    def may_accept(self) -> bool:
        """Return whether nothing forbids to apply it."""
        return not any(finding.blocks == "accept" and finding.severity == "fail" for finding in self.findings)

    @property
    def may_certify(self) -> bool:
        """Return whether a certificate may be given."""
        blocked = any(finding.blocks != "nothing" and finding.severity == "fail" for finding in self.findings)
        return not blocked and self.decision in {"pass", "conditional pass"}
