"""The thorough solution: all lessons that are kept, solved together, in steps that are each short.

A sweep solves the equations, keeps every shopper within bounds, judges each lesson anew by what all the others say,
and lets the beliefs follow as far as different shoppers bear them out. While it is under way new lessons are taken in
by quick updates; what the solution does not know of them is done again on top of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from station.core import honesty, solving, voices
from station.core.beliefs import Beliefs
from station.core.density import Floats
from station.core.influence import Bounds, pulls
from station.core.learned import Learned
from station.core.learning_settings import LearningSettings
from station.core.lessons_kept import LEAST_WEIGHT, Kept

DRIFT_SD = 0.5  # of one unit: how far a weight may have wandered within a half-life, as a random walk
OWN_MAX = 0.99  # of a lesson in what it is judged by: with less, lessons about new products bear themselves out
FIRST_SHARE = 3.0  # how far one shopper moves the solution where nobody else spoke, in sd of what the label leaves


@dataclass(frozen=True, eq=False)
class Sources:
    """What a solution works on; state and lessons are changed in place."""

    state: Learned
    kept: Kept
    beliefs: Beliefs
    settings: LearningSettings


def sum_up(of: Sources, day: float, count: int) -> None:
    """Let the oldest lessons leave, their information added to the prior."""
    state, kept = of.state, of.kept
    system = kept.equations(state.sigma_g2, kept.row("weight") * _age(of, day, kept.lessons), upto=count)
    ends = np.append(system.start, system.place.size)
    for row in range(system.start.size):
        span = slice(int(ends[row]), int(ends[row + 1]))
        at, units = system.place[span], system.units[span]
        spread = units * state.base_g2[at]
        variance = system.noise_g2[row] + float((units * spread).sum())
        residual = system.goods_g[row] - float((units * state.base_g[at]).sum())
        state.base_g[at] += spread / variance * residual
        state.base_g2[at] *= 1 - units * spread / variance
    kept.drop(count)


def drift(of: Sources, days: float) -> None:
    """Let what is known from before the kept lessons grow uncertain with time: nothing stays what it was."""
    state = of.state
    of_known = np.where(state.touched(), state.sigma_g2, 0.0)  # the others are what the catalogue says
    state.base_g2[:] += DRIFT_SD**2 * days / of.settings.half_life_days * of_known


def sweep(of: Sources, day: float) -> Iterator[None]:
    """Solve once; yield between the steps."""
    state, kept, size = of.state, of.kept, of.kept.lessons
    aged = kept.row("weight") * _age(of, day, size)
    system = kept.equations(state.sigma_g2, aged, upto=size)
    if not system.start.size:
        return
    yield
    mean_g, tau_g2 = yield from solving.in_steps(system, state.base_g, state.base_g2, state.mean_g)
    yield
    used = aged > LEAST_WEIGHT
    shopper = kept.row("shopper")[:size][used]
    bounds = Bounds(of.settings.shopper_share, FIRST_SHARE)
    found = pulls(system, shopper, mean_g, (tau_g2, state.sigma_g2, state.base_g2), bounds)
    yield
    lessons = shopper, kept.row("number")[:size][used]
    heard = voices.listened(system, lessons, (mean_g, tau_g2), state.base_g2, of.settings.first_voices)
    yield
    of_used = np.repeat(used, kept.terms_of(size))
    for name, values in (("step_g", found.step_g), ("told", found.told)):
        term = kept.term(name)[: of_used.size]
        term[:] = 0.0
        term[of_used] = values
    was_g = state.mean_g - state.held_g
    state.mean_g[:], state.tau_g2[:] = mean_g - found.over_g, np.maximum(tau_g2, found.left_g2)
    state.let_out(was_g, heard, of.settings.shopper_share, of.settings.first_voices)
    _catch_up(of, size)
    yield
    yield from _reweigh(of, aged, size)


def _catch_up(of: Sources, solved: int) -> None:
    """Take in anew the lessons that came while the others were solved."""
    state, kept = of.state, of.kept
    if kept.lessons <= solved:
        return
    start = np.append(kept.row("start"), kept.terms)
    for row in range(solved, kept.lessons):
        weight = float(kept.row("weight")[row])
        if weight <= LEAST_WEIGHT:
            continue
        span = slice(int(start[row]), int(start[row + 1]))
        at, units = kept.term("place")[span].astype(np.int64), kept.term("units")[span].astype(np.float64)
        spread = units * state.tau_g2[at]
        noise = float(kept.row("noise_g2")[row]) + float((units * state.sigma_g2[at]).sum())
        gain = spread / (noise / weight + float((units * spread).sum()))
        step_g = gain * (float(kept.row("goods_g")[row]) - float((units * state.mean_g[at]).sum()))
        state.mean_g[at] += step_g
        state.held_g[at] += 0.0 if kept.row("shopper")[row] == voices.ATTENDANT else step_g
        state.tau_g2[at] *= np.maximum(1 - gain * units, 1e-6)


def _reweigh(of: Sources, aged: Floats, size: int) -> Iterator[None]:
    """Judge each lesson by what all the others say: its difference with its own influence taken out."""
    state, kept = of.state, of.kept
    system = kept.equations(state.sigma_g2, np.ones(size), upto=size)
    yield
    noise = system.noise_g2
    apart_g = system.goods_g - system.sums(system.units * state.mean_g[system.place])
    spread = system.sums(system.units**2 * (state.tau_g2 + state.wide_g2)[system.place])
    own = np.clip(aged * spread / noise, 0.0, OWN_MAX)
    residual, variance = apart_g / (1 - own), noise + spread / (1 - own)
    yield
    ratio = honesty.ratio(residual, variance, of.beliefs)
    honest = honesty.believed(kept.row("trust")[:size], ratio)
    kept.row("weight")[:size] = honest * honesty.damped(residual, variance, 1 - noise / variance)


def _age(of: Sources, day: float, size: int) -> Floats:
    days = of.kept.row("day")[:size]
    old = np.where(days > 0, np.maximum(day - days, 0.0), 0.0)
    return np.asarray(0.5 ** (old / of.settings.half_life_days), dtype=np.float64)
