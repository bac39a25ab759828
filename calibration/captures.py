"""What calibrating starts from: raw captures of a scale, the weights on it, and who took them.

Everything that is computed is computed from these, again and again; nothing here is ever changed once it is stored.
Counts are the converter's own, a cell each, in the order of the channels; loads are what the technician said lay there.
"""

from typing import Literal

import msgspec

Step = Literal[
    "diagnose", "as-found", "exercise", "zero", "corners", "span", "linearity", "eccentricity", "repeatability",
    "discrimination", "creep", "verify",
]  # fmt: skip
# Centre, then the corners seen from the front: cells' usual order FL FR BR BL.
Position = Literal["C", "FL", "FR", "BR", "BL"]
Direction = Literal["up", "down"]
WeightClass = Literal["E2", "F1", "F2", "M1", "M2", "M3"]


class TestWeight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One test weight: nominal value, class (R 111) or its certificate's values; `due` is the last day it may serve.

    `conventional_g` and `expanded_g` (U, with `coverage_k`) come from the certificate, where there is one.
    """

    __test__ = False  # pytest takes the name for a test's

    weight_id: str
    nominal_g: float
    weight_class: WeightClass | None = None
    conventional_g: float | None = None
    expanded_g: float | None = None
    coverage_k: float = 2.0
    certificate: str | None = None
    due: str | None = None


class CellCounts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cell over a capture: mean, standard deviation of single samples, how many, and the extremes, in counts."""

    mean: float
    sd: float
    n: int
    low: int
    high: int
    distinct: int


class Capture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stretch of samples with one load at rest (or, for creep, one point of a series).

    `number` counts the session's captures from 1; `series` counts a step's repetitions from 1. `start_ns` and `end_ns`
    are of the machine's monotonic clock, `time` is UTC, RFC 3339. `load_g` is the sum of the weights' conventional
    (else nominal) values, or what was typed. `stable` tells whether the criterion held; `replaces` names the capture
    that this one repeats, `skipped` why there is none (then `cells` is empty). `indicated_g` stands instead of counts
    for an instrument that knows grams only.
    """

    number: int
    step: Step
    series: int
    time: str
    start_ns: int
    end_ns: int
    load_g: float
    cells: tuple[CellCounts, ...]
    position: Position | None = None
    direction: Direction | None = None
    weights: tuple[str, ...] = ()
    indicated_g: CellCounts | None = None
    temperature_c: float | None = None
    stable: bool = True
    flags: tuple[str, ...] = ()
    note: str = ""
    replaces: int | None = None
    skipped: str | None = None


class Hardware(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a calibration is bound to: the `[[scale]]` part, its channels, and how its converter is set."""

    driver: str
    part: str
    channels: int
    gain: int | None = None
    rate_hz: float | None = None
    serial: str | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The head of a session: what is calibrated, by whom, with what, and against which limits."""

    session_id: str
    station: str
    scale: int
    kind: Literal["full", "routine", "single"]
    created: str
    operator: str
    hardware: Hardware
    capacity_g: float
    division_g: float
    verification_interval_g: float
    positions_mm: tuple[tuple[float, float], ...] | None = None
    weights: tuple[TestWeight, ...] = ()
    as_found: bool = True
    overrides: tuple[str, ...] = ()
    place: str = ""
    gravity_m_s2: float | None = None
