"""Counts to grams: one straight line a load cell, summed over the platform.

Model: gross = sum over cells of (counts - zero) / (counts per gram). The standard uncertainty of a gross weight has
two parts that do not average out: that of the zero, and that of the gain, taken as fully correlated over the cells.
"""

from collections.abc import Sequence

import msgspec


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One load cell: its reading on the empty platform and its sensitivity (negative when wired the other way)."""

    zero_counts: float
    counts_per_g: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """One platform. `certified` only when the calibration procedure made it; factory values are wide and are not."""

    cells: tuple[Cell, ...]
    certified: bool = False
    zero_sd_g: float = 0.0
    gain_rel_sd: float = 0.0

    def cell_grams(self, counts: Sequence[int]) -> tuple[float, ...]:
        """Return the load on each cell in grams; the number of counts must be that of the cells."""
        return tuple(
            (count - cell.zero_counts) / cell.counts_per_g for count, cell in zip(counts, self.cells, strict=True)
        )

    def gross_g(self, counts: Sequence[int]) -> float:
        """Return the load on the platform in grams."""
        return sum(self.cell_grams(counts))

    def sd_g(self, gross_g: float) -> float:
        """Return the standard uncertainty that calibration alone leaves on `gross_g`."""
        return float((self.zero_sd_g**2 + (self.gain_rel_sd * gross_g) ** 2) ** 0.5)
