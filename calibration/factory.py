"""Factory values: what the makers of load cells and converters state, judged for plausibility before it is believed.

A maker's sensitivity is good to a part in a thousand or so, and says nothing of this platform's frame, cables and
place on earth; the empty platform was read once. So the result is uncertified and its uncertainty wide: goods are
weighed well enough to find what is grossly wrong, and honest baskets are not doubted for a calibration's sake.
"""

import math
from collections.abc import Sequence

import msgspec

from calibration.model import Calibration, Cell

FULL_SCALE_COUNTS = (1 << 23) - 1
_RATED_SHARE = 0.512  # of the converter's half range: a 2 mV/V cell at gain 128, whatever the supply
_CELLS_MAX = 8

# Sensitivities are matched by makers to 0.1 % at best, and gravity differs by some 0.05 % between the factory and
# most stores (0.5 % between equator and pole: nobody ships that far without weighing something).
GAIN_REL_SD = 0.001
# The zero moves by creep, temperature and what was on the platform when it was read: a division is the least that a
# platform must be assumed to have wandered. Zeroing at start-up takes most of it out again.
ZERO_SD_DIVISIONS = 1.0
_SPREAD_WARN = 0.07  # siblings of one platform differ by less, or something binds (trim limit of platform makers)
_OVERSIZED = 20.0  # cells rated for 20 times what they can get: most likely a slipped decimal point


class FactoryFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `calibrate import` reads: cells in the order of the channels."""

    cells: tuple[Cell, ...]


class CellPlausibility(msgspec.Struct, frozen=True, kw_only=True):
    """What a cell's numbers imply, so that a slipped digit is seen."""

    channel: int
    zero_counts: float
    counts_per_g: float
    rated_g: float  # of a usual 2 mV/V cell with this sensitivity
    saturates_g: float  # load on this cell at which its converter ends


def factory_calibration(cells: Sequence[Cell], division_g: float) -> Calibration:
    """Return the working calibration of unverified cells on a platform with this division."""
    return Calibration(
        cells=tuple(cells), certified=False, zero_sd_g=ZERO_SD_DIVISIONS * division_g, gain_rel_sd=GAIN_REL_SD
    )


def implied(cells: Sequence[Cell]) -> tuple[CellPlausibility, ...]:
    """Return what each cell's numbers imply."""
    return tuple(_implied(channel, cell) for channel, cell in enumerate(cells, 1))


def rated_g(counts_per_g: float) -> float:
    """Return the rating of a usual 2 mV/V cell with this sensitivity."""
    return _RATED_SHARE * FULL_SCALE_COUNTS / abs(counts_per_g)


def faults(cells: Sequence[Cell], capacity_g: float) -> list[str]:
    """Return why these cells cannot be right for a platform of this capacity; empty when they may be."""
    if not 1 <= len(cells) <= _CELLS_MAX:
        return [f"{len(cells)} cells: a platform has 1 to {_CELLS_MAX}"]
    found = []
    for channel, cell in enumerate(cells, 1):
        if not math.isfinite(cell.counts_per_g) or cell.counts_per_g == 0:
            found.append(f"cell {channel}: counts_per_g = {cell.counts_per_g}: must be a number other than 0")
        elif not abs(cell.zero_counts) < FULL_SCALE_COUNTS:
            found.append(
                f"cell {channel}: zero_counts = {cell.zero_counts}: a converter reads {FULL_SCALE_COUNTS} at most"
            )
        else:
            found.extend(_range_faults(_implied(channel, cell), capacity_g / len(cells)))
    return found


def warnings(cells: Sequence[Cell]) -> list[str]:
    """Return what is odd about these cells without making them useless."""
    gains = [abs(cell.counts_per_g) for cell in cells]
    found = []
    if max(gains) > min(gains) * (1 + _SPREAD_WARN):
        found.append(
            f"the cells' sensitivities differ by {max(gains) / min(gains) - 1:.0%}: cells of one kind differ less"
        )
    if len({cell.counts_per_g > 0 for cell in cells}) > 1:
        found.append("some cells are negative and some positive: check which are wired the other way")
    return found


def _implied(channel: int, cell: Cell) -> CellPlausibility:
    end_counts = math.copysign(FULL_SCALE_COUNTS, cell.counts_per_g)
    return CellPlausibility(
        channel=channel,
        zero_counts=cell.zero_counts,
        counts_per_g=cell.counts_per_g,
        rated_g=rated_g(cell.counts_per_g),
        saturates_g=(end_counts - cell.zero_counts) / cell.counts_per_g,
    )


def _range_faults(cell: CellPlausibility, share_g: float) -> list[str]:
    """Judge one cell against its even share of the platform's capacity."""
    name = f"cell {cell.channel}: counts_per_g = {cell.counts_per_g}"
    if cell.saturates_g < share_g:
        return [f"{name}: its converter ends at {_kg(cell.saturates_g)}, its share of the capacity is {_kg(share_g)}"]
    if cell.rated_g > _OVERSIZED * share_g:
        return [f"{name}: that is a {_kg(cell.rated_g)} cell for a share of {_kg(share_g)}; is a decimal point wrong?"]
    return []


def _kg(grams: float) -> str:
    return f"{grams / 1000:.3g} kg"
