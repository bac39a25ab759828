"""The load cells of all converters, as the engine sees them: fed with every sample, they say what is wrong with which.

What makes a weight untrue (`grave`) is a fault of its scale; the rest becomes warnings of its own, raised and cleared
once each.
"""

from station.core.cell_words import Diagnosis, message, part_name, remedy
from station.core.cells import CellMonitor, Snapshot
from station.core.effects import Alarm
from station.core.events import Calibrated, Sampled
from station.core.setup import Places
from station.core.tracks import ScaleSpec

SATURATED, FROZEN, UNSOUND = 4, 32, 26  # bits of drivers.base.SampleFlag; unsound: settling, stale, corrupt
CODE, WARNING = "SCALE_FAULT", "SCALE_CELL"


class CellWatch:
    """The monitors of the scales that give counts and are calibrated."""

    def __init__(self, specs: tuple[ScaleSpec, ...], positions_mm: tuple[Places | None, ...]) -> None:
        self._specs = specs
        self._positions_mm = positions_mm or (None,) * len(specs)
        self._monitors: dict[int, CellMonitor] = {}
        self._told: dict[str, Alarm] = {}  # warnings, by part

    def calibrated(self, event: Calibrated) -> None:
        """Begin anew with another calibration: its gains and zeros are what everything is compared with."""
        self._monitors.pop(event.scale, None)
        if event.calibration is not None:
            spec, places = self._specs[event.scale], self._positions_mm[event.scale]
            self._monitors[event.scale] = CellMonitor(event.calibration, spec.capacity_g, spec.division_g, places)

    def connected(self, scale: int) -> None:
        """A scale was found: what it says now has no neighbour in what it said before."""
        if scale in self._monitors:
            self._monitors[scale].interrupted()

    def sampled(self, event: Sampled, *, empty: bool, settled: bool) -> None:
        """Take a sample, and how the platform stands with it: empty and still, or just settled under a load."""
        monitor = self._monitors.get(event.scale)
        if monitor is None:
            return
        if event.flags & SATURATED:
            monitor.saturated(event.counts)
        elif event.flags & UNSOUND:
            monitor.interrupted()
        else:
            monitor.sampled(event.t_ns, event.counts, still=empty)
            if settled:
                monitor.settled_now(event.t_ns)
            elif empty:
                monitor.emptied_now(event.t_ns)

    def grave(self, scale: int) -> tuple[str, str, str] | None:
        """Return part, message and remedy of what makes this scale's weight untrue; None if nothing does."""
        monitor = self._monitors.get(scale)
        found = next((diagnosis for diagnosis in monitor.found if diagnosis.grave), None) if monitor else None
        return None if monitor is None or found is None else self._words(scale, monitor, found)

    def warnings(self) -> list[Alarm]:
        """Return the warnings that begin or end now; asked with every sample, and mostly there are none."""
        if not self._told and not any(monitor.found for monitor in self._monitors.values()):
            return []
        now = {
            part: Alarm(code=WARNING, part=part, raised=True, severity="warning", message=text, remedy=help_)
            for scale, monitor in self._monitors.items()
            for part, text, help_ in (self._words(scale, monitor, d) for d in monitor.found if not d.grave)
        }
        ended = [Alarm(code=WARNING, part=part, raised=False) for part in self._told if part not in now]
        began = [alarm for part, alarm in now.items() if part not in self._told]
        self._told = now
        return ended + began

    def snapshot(self, scale: int) -> Snapshot | None:
        """Return a scale's cells as they stand; None while nothing was measured."""
        monitor = self._monitors.get(scale)
        return None if monitor is None else monitor.snapshot()

    def _words(self, scale: int, monitor: CellMonitor, diagnosis: Diagnosis) -> tuple[str, str, str]:
        name = self._specs[scale].name
        return part_name(name, diagnosis), message(name, diagnosis, monitor.platform), remedy(diagnosis)
