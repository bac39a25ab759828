"""Densities that weigh one explanation against another.

Three kinds are needed. `log_t` is the residual of an enumerable explanation: a Gaussian whose tails widen where the
scatter itself rests on few units (Student's t; its normaliser by Stirling's series, relative error < 1e-3 from two
degrees of freedom up). `Grid` is the density of a sum of unknown catalogue items: the weights on a grid, convolved by
FFT, and stored at several coarsenesses, so that smoothing it with any variance costs some hundred additions. `Broad` is
a wide density of something nobody described: a log-normal as a sum of Gaussians.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

STEP_G = 2.0
BINS = 32768  # 65.5 kg: four items of the heaviest kind we let into a sum
ITEM_MAX_G = 16_000.0
COARSER = 4  # from one level to the next
LEVELS = 6
REACH_SD = 6.0  # how far from the middle a kernel is summed; beyond lies 2e-9 of it
FLOOR = 1e-300


def log_t(x_g: Floats, variance_g2: Floats, freedom: Floats) -> Floats:
    """Return the log density of Student's t at `x_g` with squared scale `variance_g2`; broadcasts."""
    few = 1 / freedom
    series = few * (few * few / 24 - 0.25) - 0.5 * math.log(2 * math.pi)  # `**` costs as much as all the rest
    result: Floats = series - 0.5 * (np.log(variance_g2) + (freedom + 1) * np.log1p(x_g * x_g / variance_g2 * few))
    return result


def above_nothing(target_g: Floats, variance_g2: Floats | float, mean_g: Floats, own_g2: Floats) -> Floats:
    """Return how likely an item of mean ± sqrt(own) weighs more than nothing when it fills the target; broadcasts.

    The normal distribution by a cubic logistic, absolute error below 2e-4.
    """
    x = (mean_g * variance_g2 + target_g * own_g2) / np.sqrt(own_g2 * variance_g2 * (own_g2 + variance_g2))
    x = np.clip(x, -8.0, 8.0)
    return np.asarray(1 / (1 + np.exp(-(0.07056 * x**3 + 1.5976 * x))), dtype=np.float64)


def gauss(x_g: Floats, variance_g2: Floats) -> Floats:
    """Return the Gaussian density at `x_g`; broadcasts."""
    result: Floats = np.exp(-0.5 * x_g * x_g / variance_g2) / np.sqrt(2 * math.pi * variance_g2)
    return result


@dataclass(frozen=True, eq=False)
class Grid:
    """A density on an even grid from 0 g up, ready to be smoothed by any Gaussian."""

    levels: tuple[Floats, ...]  # each with an empty bin before its first and after its last one

    @classmethod
    def of(cls, masses: Floats) -> "Grid":
        """Take the probability of every bin (centre at bin * STEP_G) and build the coarser levels."""
        levels = [np.maximum(masses, 0.0)]
        for _ in range(LEVELS - 1):
            levels.append(levels[-1].reshape(-1, COARSER).sum(axis=1))
        return cls(tuple(np.pad(level, 1) for level in levels))

    def highest(self, sd_g: float) -> float:
        """Return a bound of the density after adding a Gaussian of this standard deviation or a wider one."""
        level = min(max(int(math.log(max(sd_g / STEP_G, 1.0)) / math.log(COARSER)), 0), LEVELS - 1)
        return float(1.5 * self.levels[level].max() / (STEP_G * COARSER**level))

    def smoothed(self, x_g: Floats, variance_g2: Floats) -> Floats:
        """Return the density at each `x_g` after adding a Gaussian of `variance_g2` (arrays of one shape)."""
        result: Floats = smoothed_all((self,), x_g, variance_g2)[0]
        return result


def smoothed_all(grids: Sequence[Grid], x_g: Floats, variance_g2: Floats) -> Floats:
    """Return (grids, …) the densities of several grids at the same places, see `Grid.smoothed`."""
    result = np.zeros((len(grids), *x_g.shape))
    finer = np.maximum(np.sqrt(variance_g2) / (3 * STEP_G), 1.0)  # a step of a third of the kernel: exact to 1e-6
    level_of = np.minimum(np.log(finer) / math.log(COARSER), LEVELS - 1).astype(np.int64)
    for level in range(int(level_of.min(initial=LEVELS)), int(level_of.max(initial=-1)) + 1 if grids else 0):
        here = level_of == level
        result[:, here] = _at_level([grid.levels[level] for grid in grids], level, x_g[here], variance_g2[here])
    return result


def _at_level(masses: list[Floats], level: int, x_g: Floats, variance_g2: Floats) -> Floats:
    """Return (grids, places): the sums of masses times kernel, the kernel worked out once for all grids."""
    size, step_g = masses[0].size - 2, STEP_G * COARSER**level
    variance = np.maximum(variance_g2, (0.7 * STEP_G) ** 2) / step_g**2
    half = min(math.ceil(REACH_SD * math.sqrt(float(variance.max(initial=0.0)))) + 1, size)
    at = (x_g - (step_g - STEP_G) / 2) / step_g  # in bins, from the centre of the first one
    middle = np.rint(np.clip(at, -half - 1, size + half))
    near = np.arange(-half, half + 1)
    kernel = (at - middle)[:, None] - near
    kernel *= kernel
    kernel *= (-0.5 / variance)[:, None]
    np.exp(kernel, out=kernel)
    bins = middle.astype(np.int64)[:, None] + (near + 1)
    sums = np.array([np.einsum("ij,ij->i", each.take(bins, mode="clip"), kernel) for each in masses])
    return np.asarray(sums / (np.sqrt(2 * math.pi * variance) * step_g), dtype=np.float64)


def sums_of(mean_g: Floats, sd_g: Floats, share: Floats, most: int) -> tuple[Grid, ...]:
    """Return the densities of the total weight of 1, 2, … `most` items, each drawn by `share` (sums to 1)."""
    spectrum = _spectrum(np.clip(mean_g, 0.0, ITEM_MAX_G), sd_g, share)
    power = np.ones_like(spectrum)
    grids = []
    for _ in range(most):
        power = power * spectrum
        grids.append(Grid.of(np.fft.irfft(power, BINS)))
    return tuple(grids)


def _spectrum(mean_g: Floats, sd_g: Floats, share: Floats) -> NDArray[np.complex128]:
    """Sum each product's Gaussian in the frequency domain, products of about the same spread together."""
    omega = 2 * math.pi * np.fft.rfftfreq(BINS, d=STEP_G)
    total = np.zeros(omega.size, dtype=np.complex128)
    group = np.rint(np.log(np.clip(sd_g, 0.5, 4000.0)) * 4).astype(np.int64)
    for number in np.unique(group):
        here = group == number
        spread_g = math.sqrt(float(np.average(sd_g[here] ** 2, weights=share[here] + FLOOR)))
        total += np.fft.rfft(_binned(mean_g[here], share[here])) * np.exp(-0.5 * (omega * spread_g) ** 2)
    return total


def _binned(mean_g: Floats, share: Floats) -> Floats:
    """Share each product between its two nearest bins, which keeps its mean exactly."""
    place = mean_g / STEP_G
    low = np.floor(place).astype(np.int64)
    upper = place - low
    return np.asarray(
        np.bincount(low, share * (1 - upper), BINS) + np.bincount(low + 1, share * upper, BINS), dtype=np.float64
    )


@dataclass(frozen=True, eq=False)
class Broad:
    """A log-normal weight, written as Gaussians so that smoothing it is exact and always finite."""

    mean_g: Floats
    variance_g2: Floats
    share: Floats

    @classmethod
    @functools.lru_cache(maxsize=64)
    def lognormal(cls, median_g: float, spread: float, nodes: int = 49, most_g: float = math.inf) -> "Broad":
        """Return it for a median and the standard deviation `spread` of its logarithm; nothing beyond `most_g`."""
        at = np.linspace(-3.5, 3.5, nodes)
        at = at[: max(int(np.count_nonzero(median_g * np.exp(spread * at) <= most_g)), 2)]
        mean_g = median_g * np.exp(spread * at)
        share = np.exp(-0.5 * at * at)
        return cls(mean_g, (mean_g * spread * (at[1] - at[0])) ** 2, share / share.sum())

    def smoothed(self, x_g: Floats, variance_g2: float) -> Floats:
        """Return the density at each `x_g` after adding a Gaussian of `variance_g2`."""
        return np.asarray(gauss(x_g[:, None] - self.mean_g, self.variance_g2 + variance_g2) @ self.share)
