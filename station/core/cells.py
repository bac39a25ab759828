"""The health of a scale's load cells, with evidence: which one is dead, drifts, is bound, or how the platform stands.

Three watches see different moments. `cell_signal` sees the samples (frozen, quiet, noisy); `cell_zero` the empty
platform between loads (drifting, bound, rocking); `cell_parity` settled loads (no response, wrong sign, bound,
uneven), beyond what the empty platform showed before, so that slow drift of a zero is no load. What they find is a
`Diagnosis` each; a grave one means that the weight cannot be trusted. A station that knows nothing yet says nothing:
every expectation is learned, and a fault must stand out against it or against the other cells.
"""

from typing import NamedTuple

from calibration.model import Calibration
from calibration.platform import CORNERS, CentreOfMass, Platform, place_name, shares, usual_platform
from station.core.cell_parity import Load, ParityWatch
from station.core.cell_signal import CellSignals, Row, Window
from station.core.cell_words import Diagnosis, Trouble
from station.core.cell_zero import ZeroWatch

LOOK_NS = 500_000_000
EMPTY_EVERY_NS = 10_000_000_000
SINCE_NS = 400_000_000  # what has settled has been still for so long
SAME_SHARE, SAME_DIVISIONS = 0.02, 10.0  # a load that differs by less from the one judged before is the same


class CellState(NamedTuple):
    """One cell as it stands."""

    place: str | None
    grams: float  # from its calibrated zero
    share: float | None  # of the load beyond the empty platform; None while nothing much lies there
    noise_g: float
    state: str


class Snapshot(NamedTuple):
    """All cells of a scale as they stand."""

    cells: tuple[CellState, ...]
    centre: CentreOfMass | None
    in_mm: bool  # else in half sides of the platform
    parity_g: float | None
    expected_parity_g: float | None
    kappa: float | None


class CellMonitor:
    """The cells of one converter with its calibration; a new calibration has a new monitor."""

    def __init__(
        self,
        calibration: Calibration,
        capacity_g: float,
        division_g: float,
        positions_mm: tuple[tuple[float, float], ...] | None = None,
    ) -> None:
        count = len(calibration.cells)
        self._calibration = calibration
        self._division_g = division_g
        self._misplaced = positions_mm is not None and len(positions_mm) != count
        self._placed = positions_mm is not None and not self._misplaced
        self.platform = Platform(positions_mm) if positions_mm and self._placed else usual_platform(count)
        self._signals = CellSignals(count, calibration.noise_counts)
        self._zeros = ZeroWatch(count, self.platform, capacity_g, division_g)
        square = self.platform is not None and self.platform.parity_weights is not None and count == CORNERS
        self._parity: ParityWatch | None = None
        if square and self.platform:
            self._parity = ParityWatch(self.platform, division_g, calibration.kappa, calibration.kappa_sd)
        self._looked_ns = self._emptied_ns = self._settled_ns = 0
        self._judged: Load | None = None  # since the platform was empty last
        self._empty_found: list[Diagnosis] = []
        self._load_found: list[Diagnosis] = []
        self.found = self._found()

    def _found(self) -> tuple[Diagnosis, ...]:
        """Return what is wrong now: one trouble a cell, the gravest first, and those of the platform."""
        told: dict[int | None, Diagnosis] = {}
        if self._misplaced:
            told[None] = Diagnosis(
                trouble=Trouble.POSITIONS, evidence="positions_mm does not name as many cells as are calibrated"
            )
        for diagnosis in (*self._signals.found.values(), *self._load_found, *self._empty_found):
            told.setdefault(diagnosis.cell, diagnosis)
        return tuple(sorted(told.values(), key=lambda diagnosis: not diagnosis.grave))

    # samples

    def sampled(self, t_ns: int, counts: Row, *, still: bool) -> None:
        """Take a sample, sound or frozen; look at the last ones twice a second."""
        if len(counts) != len(self._calibration.cells):
            return
        self._signals.feed(t_ns, counts)
        if t_ns - self._looked_ns >= LOOK_NS:
            self._looked_ns = t_ns
            self._signals.look(still=still)
            self.found = self._found()

    def saturated(self, counts: Row) -> None:
        """Take a sample of which a cell is at the end of its range."""
        if len(counts) == len(self._calibration.cells):
            self._signals.saturated(counts)
            self.found = self._found()

    def interrupted(self) -> None:
        """There was a break: earlier samples are no neighbours of later ones."""
        self._signals.clear()
        self.found = self._found()

    def settled_now(self, t_ns: int) -> None:
        """The load has settled at this sample; while a fault keeps it from being judged, it is said again and again."""
        if self.found and t_ns - self._settled_ns < LOOK_NS:
            return
        self._settled_ns = t_ns
        self._signals.look(still=False)
        self.found = self._found()
        window = self._signals.window(t_ns - SINCE_NS)
        if window is not None:
            self.settled(self._grams(window), self._sds_g(window))

    def emptied_now(self, t_ns: int) -> None:
        """The platform is empty and still at this sample; of a lasting emptiness, one in ten seconds is looked at."""
        if self._judged is None and t_ns - self._emptied_ns < EMPTY_EVERY_NS:
            return
        window = self._signals.window(t_ns - SINCE_NS)
        if window is not None:
            self._emptied_ns = t_ns
            self.emptied(t_ns, self._grams(window))

    # moments, in grams from the calibrated zeros

    def settled(self, grams: tuple[float, ...], sds_g: tuple[float, ...]) -> None:
        """Judge a settled load against the last empty platform; nothing can be said before there was one."""
        empty = self._zeros.last
        if empty is None or self._signals.found:
            return
        load = Load(tuple(now - zero for now, zero in zip(grams, empty, strict=True)), sds_g)
        before = self._judged
        if before is not None and self._same(before, load):
            return
        self._judged = load
        if self._parity is not None:
            self._load_found = self._parity.judge(load, fresh=before is None)
            self.found = self._found()

    def emptied(self, t_ns: int, grams: tuple[float, ...]) -> None:
        """Judge the empty platform."""
        if self._signals.found:
            return
        load_g = None if self._judged is None else self._judged.forces_g
        self._judged = None
        self._empty_found = self._zeros.empty(t_ns, grams, load_g)
        self.found = self._found()

    def _same(self, one: Load, other: Load) -> bool:
        most_g = SAME_DIVISIONS * self._division_g + SAME_SHARE * one.weight_g
        return all(abs(a - b) <= most_g for a, b in zip(one.forces_g, other.forces_g, strict=True))

    # what can be asked

    def snapshot(self) -> Snapshot | None:
        """Return the cells as they stand; None while nothing was measured."""
        window = self._signals.window(self._looked_ns)
        if window is None:
            return None
        grams, sds_g = self._grams(window), self._sds_g(window)
        zeros = self._zeros.last or (0.0,) * len(grams)
        forces = tuple(now - zero for now, zero in zip(grams, zeros, strict=True))
        centre = None if self.platform is None else self.platform.centre_of_mass(forces, sds_g, self._division_g)
        parts: tuple[float | None, ...] = shares(forces) if centre else (None,) * len(forces)
        troubles = {diagnosis.cell: diagnosis.trouble.value for diagnosis in self.found}
        noises = self._noises_g(window)
        places = [None if self.platform is None else place_name(self.platform, cell) for cell in range(len(grams))]
        cells = tuple(
            CellState(places[cell], gram, part, noise, troubles.get(cell, "ok"))
            for cell, (gram, part, noise) in enumerate(zip(grams, parts, noises, strict=True))
        )
        if self._parity is None or self.platform is None:
            return Snapshot(cells, centre, self._placed, None, None, None)
        expected_g = self._parity.expected_g(forces) if centre else None
        return Snapshot(cells, centre, self._placed, self.platform.parity_g(forces), expected_g, self._parity.kappa)

    def _grams(self, window: Window) -> tuple[float, ...]:
        cells = zip(window.means, self._calibration.cells, strict=True)
        return tuple((mean - cell.zero_counts) / cell.counts_per_g for mean, cell in cells)

    def _noises_g(self, window: Window) -> tuple[float, ...]:
        cells = zip(window.noises, self._calibration.cells, strict=True)
        return tuple(noise / abs(cell.counts_per_g) for noise, cell in cells)

    def _sds_g(self, window: Window) -> tuple[float, ...]:
        return tuple(noise / len(window.rows) ** 0.5 for noise in self._noises_g(window))
