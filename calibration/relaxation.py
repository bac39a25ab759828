"""Creep as relaxations: fitted while a load lies there, proved on what it leaves behind; off unless it proves itself.

Each part follows the load with a time constant of its own, c' = (a W - c) / tau, from whatever the load was before; the
same states are what an unloaded cell still shows. A reading is W + sum c + a constant (the span's error). For given
time constants that is linear in the parts a, so only tau is searched, over the ranges that load cells have: 5 to 60 s,
and 5 to 20 min. A model may correct readings if it takes more than half off the scatter of readings that it was not
fitted to, and takes the parts of a sound cell: below 0.3 %. Beyond, a cell is faulty, and a formula would hide it.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from calibration.fit import Matrix

FAST_S, SLOW_S = (5.0, 60.0), (300.0, 1200.0)
GRID, ROUNDS = 9, 3  # time constants tried in each range; each round looks closer around the best
IMPROVED = 0.5  # of the scatter must go
MOST_REL = 0.003  # of the load: more than a sound cell creeps
READINGS_LEAST = 8  # four unknowns, and as many to spare


class Step(NamedTuple):
    """From this moment on the load is this."""

    at_s: float
    load_g: float


class Reading(NamedTuple):
    """What the scale showed, from the zero before the load."""

    at_s: float
    shown_g: float


class Part(NamedTuple):
    """One relaxation: how much of the load in the end, and how fast."""

    share: float
    tau_s: float


class Relaxation(NamedTuple):
    """A model with what it leaves of the readings it was not fitted to (rms), beside what they were without it."""

    parts: tuple[Part, ...]
    before_g: float
    after_g: float

    @property
    def usable(self) -> bool:
        """Return whether readings may be corrected by it."""
        sound = max(abs(sum(part.share for part in self.parts)), *(abs(part.share) for part in self.parts)) < MOST_REL
        return sound and self.after_g < (1 - IMPROVED) * self.before_g


def fit(history: Sequence[Step], loaded: Sequence[Reading], unloaded: Sequence[Reading]) -> Relaxation | None:
    """Return the model of `loaded`, judged by `unloaded`; None where the readings do not suffice.

    `history` is every change of the load in order of time, from before the first reading on. Readings after the load
    was taken off should be zero, and are what the model is judged by.
    """
    if len(loaded) < READINGS_LEAST or not unloaded or not any(step.load_g for step in history):
        return None
    best = _time_constants(history, loaded)
    shares, _ = _solved(history, loaded, best)
    parts = tuple(Part(float(share), tau) for share, tau in zip(shares, best, strict=True))
    return Relaxation(
        parts=parts,
        before_g=_rms([reading.shown_g for reading in unloaded]),
        after_g=_rms(corrected_g(unloaded, history, parts)),
    )


def corrected_g(readings: Sequence[Reading], history: Sequence[Step], parts: Iterable[Part]) -> list[float]:
    """Return the readings without the creep that the history of the load explains."""
    times = [reading.at_s for reading in readings]
    crept = [part.share * response(times, history, part.tau_s) for part in parts]
    return [reading.shown_g - float(sum(row[n] for row in crept)) for n, reading in enumerate(readings)]


def response(times_s: Sequence[float], history: Sequence[Step], tau_s: float) -> Matrix:
    """Return the state of a relaxation of share 1 at these times, in grams: causal, from an empty platform at rest."""
    found = np.zeros(len(times_s))
    for number, at_s in enumerate(times_s):
        before_g = 0.0
        for step in history:
            if step.at_s <= at_s:
                found[number] += (step.load_g - before_g) * -math.expm1(-(at_s - step.at_s) / tau_s)
                before_g = step.load_g
    return found


def _time_constants(history: Sequence[Step], loaded: Sequence[Reading]) -> tuple[float, ...]:
    """Return those that leave least, ever closer around the best."""
    ranges = [FAST_S, SLOW_S]
    best: tuple[float, ...] = (FAST_S[0], SLOW_S[0])
    for _ in range(ROUNDS):
        best = min(product(*(_grid(*bounds) for bounds in ranges)), key=lambda taus: _solved(history, loaded, taus)[1])
        ranges = [_closer(tau, bounds) for tau, bounds in zip(best, ranges, strict=True)]
    return best


def _solved(history: Sequence[Step], loaded: Sequence[Reading], taus: Sequence[float]) -> tuple[Matrix, float]:
    """Return the shares for these time constants, and the squares that are left."""
    times = [reading.at_s for reading in loaded]
    design = np.column_stack([*(response(times, history, tau) for tau in taus), np.ones(len(times))])
    shown = np.array([reading.shown_g for reading in loaded])
    found, *_ = np.linalg.lstsq(design, shown, rcond=None)
    return found[:-1], float(np.sum((shown - design @ found) ** 2))


def _grid(low_s: float, high_s: float) -> list[float]:
    return [float(tau) for tau in np.geomspace(low_s, high_s, GRID)]


def _closer(tau_s: float, bounds: tuple[float, float]) -> tuple[float, float]:
    """Return the range between a time constant's neighbours, within the range before."""
    low, high = bounds
    ratio = (high / low) ** (1 / (GRID - 1))
    return max(low, tau_s / ratio), min(high, tau_s * ratio)


def _rms(values: Sequence[float]) -> float:
    return math.sqrt(sum(value**2 for value in values) / len(values))
