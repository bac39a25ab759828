"""Test weights: what R 111 allows them to be off by, what they really are worth, and whether they will do.

Source: OIML R 111-1 table 1 (maximum permissible errors), OIML R 76-1 3.7.1 (a third of the instrument's limit).
Weights that were calibrated together may all be off the same way, so their parts add up, not their squares.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from calibration.captures import TestWeight, WeightClass

CLASSES: tuple[WeightClass, ...] = ("E2", "F1", "F2", "M1", "M2", "M3")
MPE_MG: dict[float, tuple[float, ...]] = {
    50_000: (80, 250, 800, 2500, 8000, 25_000),
    20_000: (30, 100, 300, 1000, 3000, 10_000),
    10_000: (16, 50, 160, 500, 1600, 5000),
    5000: (8.0, 25, 80, 250, 800, 2500),
    2000: (3.0, 10, 30, 100, 300, 1000),
    1000: (1.6, 5.0, 16, 50, 160, 500),
    500: (0.8, 2.5, 8.0, 25, 80, 250),
    200: (0.3, 1.0, 3.0, 10, 30, 100),
    100: (0.16, 0.5, 1.6, 5.0, 16, 50),
    50: (0.10, 0.3, 1.0, 3.0, 10, 30),
    20: (0.08, 0.25, 0.8, 2.5, 8.0, 25),
    10: (0.06, 0.20, 0.6, 2.0, 6.0, 20),
    5: (0.05, 0.16, 0.5, 1.6, 5.0, 16),
    2: (0.04, 0.12, 0.4, 1.2, 4.0, 12),
    1: (0.03, 0.10, 0.3, 1.0, 3.0, 10),
}
RHO_AIR, RHO_WEIGHT = 1.2, 8000.0  # kg/m3, conventional
UNKNOWN_REL = 1e-3  # a weight of no class and without certificate: a part in a thousand, and that is said


class Reference(NamedTuple):
    """A load of test weights: its value and the correlated parts of its uncertainty."""

    mass_g: float
    calibration_sd_g: float
    buoyancy_sd_g: float
    drift_sd_g: float

    @property
    def sd_g(self) -> float:
        """Return the standard uncertainty of the load."""
        return math.hypot(self.calibration_sd_g, self.buoyancy_sd_g, self.drift_sd_g)


def class_mpe_g(nominal_g: float, weight_class: WeightClass) -> float | None:
    """Return what a weight of this class may be off by; None for a nominal value that the table has not."""
    row = MPE_MG.get(round(nominal_g, 6))
    return None if row is None else row[CLASSES.index(weight_class)] / 1000


def mass_g(weight: TestWeight) -> float:
    """Return the weight's conventional value, else its nominal one."""
    return weight.nominal_g if weight.conventional_g is None else weight.conventional_g


def tolerance_g(weight: TestWeight) -> float | None:
    """Return what the weight is known within: its class's limit, else its certificate's U; None for neither."""
    limit_g = None if weight.weight_class is None else class_mpe_g(weight.nominal_g, weight.weight_class)
    return weight.expanded_g if limit_g is None else limit_g


def reference(weights: Sequence[TestWeight]) -> Reference:
    """Return the load that these weights make together; uncertainties add up arithmetically (EURAMET cg-18 7.1.2).

    Calibration: U/k of the certificate, else limit/sqrt 3. Buoyancy where the instrument was adjusted on site:
    limit/(4 sqrt 3). Drift: limit/(3 sqrt 3), else a rectangular U.
    """
    parts = [_parts(weight) for weight in weights]
    return Reference(sum(map(mass_g, weights)), *(sum(column) for column in zip(*parts, strict=True)))


def _parts(weight: TestWeight) -> tuple[float, float, float]:
    known_g = tolerance_g(weight)
    limit_g = UNKNOWN_REL * weight.nominal_g if known_g is None else known_g
    certified = weight.expanded_g is not None and weight.conventional_g is not None
    calibration_g = (weight.expanded_g or 0.0) / weight.coverage_k if certified else limit_g / math.sqrt(3)
    drift_g = 0.0 if not certified else limit_g / (3 * math.sqrt(3))  # the limit holds over the weight's time of use
    return calibration_g, limit_g / (4 * math.sqrt(3)), drift_g


def total_tolerance_g(weights: Sequence[TestWeight]) -> float | None:
    """Return the sum of what the weights are known within; None where nobody knows of one of them."""
    known = [tolerance_g(weight) for weight in weights]
    return None if None in known else sum(value for value in known if value is not None)


def suitable(weights: Sequence[TestWeight], instrument_mpe_g: float, part: float = 1 / 3) -> bool:
    """Tell whether the weights together are known within this part of the instrument's limit."""
    total_g = total_tolerance_g(weights)
    return total_g is not None and total_g <= part * instrument_mpe_g * (1 + 1e-12)


def overdue(weight: TestWeight, today: str) -> bool:
    """Tell whether the weight's time is over on this day; both dates begin with YYYY-MM-DD."""
    return weight.due is not None and weight.due[:10] < today[:10]


def recognise(load_g: float, nominals_g: Sequence[float]) -> float | None:
    """Return the power of ten by which a typed load misses the sum of the weights named; None where it does not."""
    total_g = sum(nominals_g)
    if total_g <= 0 or load_g <= 0:
        return None
    exponent = round(math.log10(load_g / total_g))
    return 10.0**exponent if exponent and abs(load_g / total_g / 10.0**exponent - 1) < 0.01 else None  # noqa: PLR2004
