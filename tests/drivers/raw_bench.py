"""Emulated HX711 in virtual time, whose true results are known, and drivers read on them."""

import bisect
import random
from dataclasses import dataclass, field

from drivers.bank import Bank
from drivers.base import Sample, SampleFlag, SensorError
from drivers.sim.hx711_chip import ChipSpec, Hx711Chip
from drivers.sim.hx711_wires import WiredChip
from drivers.sim.virtual_pace import VirtualPace

PERIOD_NS = 12_192_000
LEVEL = 654_321


@dataclass
class Truth:
    """What a cell's converter really delivered, and when: the load as it is, with noise."""

    seed: int = 0
    level: float = LEVEL
    noise: float = 38.7
    times_ns: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def convert(self, t_ns: int) -> float:
        """Be the chip's input at the end of a conversion."""
        counts = round(self.level + self._random.gauss(0.0, self.noise))
        self.times_ns.append(t_ns)
        self.counts.append(min(max(counts, -(1 << 23)), (1 << 23) - 1))
        return float(counts)

    def at(self, t_ns: int) -> int:
        """Return the result that was the newest at `t_ns`."""
        return self.counts[bisect.bisect_right(self.times_ns, t_ns) - 1]

    def lately(self, t_ns: int) -> list[int]:
        """Return the result that was the newest at `t_ns`, and the two before it: no kernel's read takes longer."""
        end = bisect.bisect_right(self.times_ns, t_ns)
        return self.counts[max(0, end - 3) : end]


def chip(truth: Truth, *, period_ns: int = PERIOD_NS, seed: int = 0) -> WiredChip:
    """Return a chip without noise of its own: the truth has it."""
    spec = ChipSpec(period_ns=period_ns, noise_counts=0.0)
    return WiredChip(Hx711Chip(truth.convert, spec, seed=seed), seed=seed)


def believed(sample: Sample) -> bool:
    return not sample.flags & ~SampleFlag.GAP


def run(driver: Bank, pace: VirtualPace, seconds: float) -> list[Sample]:
    """Return all that a driver gives in that much virtual time."""
    found: list[Sample] = []
    until_ns = pace.t_ns + round(seconds * 1e9)
    while pace.t_ns < until_ns:
        found += driver.read(0.25)
    return found


def run_to_error(driver: Bank, reads: int = 10_000) -> tuple[list[Sample], str]:
    """Read until the driver gives up; return what it gave before, and why it gave up."""
    found: list[Sample] = []
    for _ in range(reads):
        try:
            found += driver.read(0.25)
        except SensorError as error:
            return found, error.message
    raise AssertionError(f"the driver did not give up: {found[-3:]}")


def false_ones(samples: list[Sample], truths: list[Truth]) -> list[Sample]:
    """Return the believed samples whose first channel is not what the chip delivered."""
    return [sample for sample in samples if believed(sample) and sample.counts[0] != truths[0].at(sample.t_ns)]
