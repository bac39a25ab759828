"""What a host gets from an HX711 over a long time, with every fault whose mark is known, and what was true.

Word by word instead of edge by edge, so that a million conversions take seconds; `tests/test_bench_corruption.py`
holds the model against the emulated chip. Rates: resets in mid-frame 0.18 % of the reads, as in 79 162 real
conversions read by a busy Raspberry Pi; a host that is away for up to three periods once in 10 000 reads; lost pulses
and bits misread once in 100 000; and now and then a line stuck low, an overload, a converter that repeats itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.integrity import Cause

PERIOD_NS = 12_192_000
NOISE_COUNTS = 38.7
RESET_PERIODS = 4.4
UNSETTLED = 5  # conversions after a reset that the data sheets do not vouch for
BITS, FULL = 24, (1 << 24) - 1
GOOD, FALSE, DOUBTFUL = 0, 1, 2
RATES = {"reset": 0.0018, "away": 1e-4, "lost_pulse": 1e-5, "misread_bit": 1e-5}
EPISODES = {"stuck_low": (2e-5, 40), "overload": (2e-5, 60), "frozen": (1e-5, 60)}  # (chance to begin, length)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Reads:
    """One row a read: what was true, what was got, its marks, and whether it is good, false or doubtful."""

    true: Ints
    got: Ints
    elapsed: Floats  # periods since the read before
    extra_high: Flags
    cause: Ints  # what the read itself shows beside the extra bit: index into CAUSES, 0 for nothing
    kind: Ints
    fault: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.true)


CAUSES: tuple[tuple[Cause, ...], ...] = ((), (Cause.UNEQUAL_BITS,), (Cause.LATE_READ,))


def generate(count: int, seed: int) -> Reads:
    """Return `count` reads and a few more."""
    rng = np.random.default_rng(seed)
    true = _loads(rng, count)
    got, extra = true.copy(), np.ones(count, bool)
    elapsed = 1.0 + np.diff(rng.uniform(0.0, 1 / 16, count + 1))  # the edge is seen at the next look
    cause, kind = np.zeros(count, np.int64), np.full(count, GOOD)
    fault = np.full(count, "", dtype="U12")
    for name, (chance, length) in EPISODES.items():
        for start in np.flatnonzero(rng.random(count) < chance):
            part = slice(start, start + length)
            got[part] = {"stuck_low": 0, "overload": 0x7FFFFF, "frozen": got[start]}[name]
            extra[part] = name != "stuck_low"
            fault[part] = name
    struck = {name: np.flatnonzero((rng.random(count) < chance) & (fault == "")) for name, chance in RATES.items()}
    _reset(rng, struck["reset"], got, elapsed)
    _away(rng, struck["away"], got, elapsed, cause)
    _lose_pulses(rng, struck["lost_pulse"], got, extra)
    got[struck["misread_bit"]] ^= 1 << rng.integers(0, BITS - 1, len(struck["misread_bit"]))
    cause[struck["misread_bit"]] = 1
    for name, at in struck.items():
        fault[at] = name
    kind[got != true] = FALSE
    for after in range(1, UNSETTLED + 1):
        follow = struck["reset"] + after
        follow = follow[follow < count]
        kind[follow[kind[follow] == GOOD]] = DOUBTFUL
    return _read_again(Reads(true, got, elapsed, extra, cause, kind, fault))


def _loads(rng: np.random.Generator, count: int) -> Ints:
    """Return a cell's counts: loads come and go every few seconds over a quarter of a second, and ring."""
    at = np.cumsum(rng.integers(160, 1600, count // 160 + 2))
    at = at[at < count - 100]
    level = np.zeros(count)
    shape = np.concatenate([np.linspace(0, 1, 20), 1 + 0.2 * np.sin(np.arange(80) * 1.4) * np.exp(-np.arange(80) / 15)])
    steps = np.diff(rng.integers(0, 1_000_000, len(at) + 1))
    for start, step in zip(at, steps, strict=True):
        level[start : start + len(shape)] += step * shape
        level[start + len(shape) :] += step
    noisy = 84_210 + level + rng.normal(0.0, NOISE_COUNTS, count)
    return np.clip(np.rint(noisy), -(1 << 23) + 1, (1 << 23) - 2).astype(np.int64)


def _reset(rng: np.random.Generator, at: Ints, got: Ints, elapsed: Floats) -> None:
    """After a random bit all others read one; the next result takes 4.4 periods."""
    ones = (1 << rng.integers(0, BITS + 1, len(at))) - 1
    got[at] = _signed(got[at] & FULL | ones)
    after = at[at + 1 < len(got)] + 1
    elapsed[after] = RESET_PERIODS


def _away(rng: np.random.Generator, at: Ints, got: Ints, elapsed: Floats, cause: Ints) -> None:
    """The host looks late; now and then the conversion ends while it reads, and gives ones."""
    elapsed[at] += rng.uniform(0.5, 3.0, len(at))
    cause[at] = 2
    got[at[rng.random(len(at)) < 0.03]] = -1


def _lose_pulses(rng: np.random.Generator, at: Ints, got: Ints, extra: Flags) -> None:
    """The chip misses a pulse: one bit is read twice, the last one becomes the extra bit."""
    words, places = got[at] & FULL, rng.integers(1, BITS, len(at))
    low = (1 << places) - 1
    extra[at] = (words & 1).astype(bool)
    again = words >> places & 1
    got[at] = _signed(
        (words & ~(low | (1 << places))) | (again << places) | again << (places - 1) | (words & low) >> 1 & low >> 1
    )


def _signed(words: Ints) -> Ints:
    return words - ((words & (1 << (BITS - 1))) << 1)


def _read_again(reads: Reads) -> Reads:
    """After a lost pulse whose extra bit is low, DOUT is low: the host reads at once again, and gets ones."""
    at = np.flatnonzero((reads.fault == "lost_pulse") & ~reads.extra_high) + 1
    at = at[at < len(reads)]
    elapsed = reads.elapsed.copy()
    elapsed[at] -= 0.02
    return Reads(
        true=np.insert(reads.true, at, reads.true[at - 1]),
        got=np.insert(reads.got, at, -1),
        elapsed=np.insert(elapsed, at, 0.02),
        extra_high=np.insert(reads.extra_high, at, True),
        cause=np.insert(reads.cause, at, 0),
        kind=np.insert(reads.kind, at, FALSE),
        fault=np.insert(reads.fault, at, "lost_pulse"),
    )
