"""The two wires between a host and an emulated HX711, and what can go wrong on them."""

import random
from dataclasses import dataclass

from drivers.sim.hx711_chip import Hx711Chip


@dataclass(slots=True)
class WireFaults:
    """Chances: for each pulse that it does not reach the chip, or that the supply dips; for each look a wrong level."""

    missing_pulse: float = 0.0
    brown_out: float = 0.0
    flipped_bit: float = 0.0
    stuck_dout: bool | None = None  # at once, until taken back


class WiredChip:
    """A chip as the host sees it. `faults` may be changed at any time; `harmed` counts what was done."""

    def __init__(self, chip: Hx711Chip, *, seed: int = 0) -> None:
        self.chip = chip
        self.faults = WireFaults()
        self.harmed = 0
        self._random = random.Random(seed)
        self._sck = False

    def set_sck(self, t_ns: int, *, high: bool) -> None:
        """Drive the clock wire."""
        if high and not self._sck:
            if self._happens(self.faults.missing_pulse):
                return
            if self._happens(self.faults.brown_out):
                self.chip.brown_out(t_ns)
        self._sck = high
        self.chip.set_sck(high, t_ns)

    def dout(self, t_ns: int) -> bool:
        """Return the level at the host's end of the data wire."""
        level = self.chip.dout(t_ns)
        if self.faults.stuck_dout is not None:
            return self.faults.stuck_dout
        return level != self._happens(self.faults.flipped_bit)

    def _happens(self, chance: float) -> bool:
        happens = chance > 0 and self._random.random() < chance
        self.harmed += happens
        return happens
