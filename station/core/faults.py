"""What is wrong with the scales: lost, silent, not calibrated, overloaded; raised and cleared once each."""

from collections.abc import Iterable

from station.core.cell_watch import CODE, CellWatch
from station.core.effects import Alarm
from station.core.weighing import Weighing

_REMEDIES = {
    "not calibrated": ("NOT_CALIBRATED", "calibrate it, or import factory values: calibrate import FILE"),
    "silent": ("SCALE_SILENT", "check its power and cable"),
    "overloaded": ("SCALE_OVERLOADED", "take load off the platform"),
    "below zero": ("SCALE_FAULT", "see that the platform's top lies in place; check the load cells and their cables"),
}
_NOT_READY = ("SCALE_NOT_READY", "see what its display says; let it warm up, and set it to gross weight")
_OTHER = ("SCALE_FAULT", "check the load cells and their cables")


class Faults:
    """The present fault of each scale, and the alarms that follow from it."""

    def __init__(self, weighing: Weighing, cells: CellWatch) -> None:
        self._weighing = weighing
        self._cells = cells
        self._lost: dict[int, tuple[str, str, str]] = {}
        self._present: dict[int, tuple[str, str]] = {}  # code and part of the alarms

    @property
    def present(self) -> bool:
        """Return whether any scale has a fault."""
        return bool(self._present)

    @property
    def uncalibrated(self) -> bool:
        """Return whether a missing calibration is among the faults."""
        return any(code == "NOT_CALIBRATED" for code, _ in self._present.values())

    def lost(self, scale: int, message: str, remedy: str, code: str) -> None:
        """The driver cannot reach the scale, or shall not."""
        self._lost[scale] = (code, message, remedy)

    def found(self, scale: int) -> None:
        """The driver has the scale again."""
        self._lost.pop(scale, None)

    def watch(self, scales: Iterable[int], t_ns: int) -> tuple[list[Alarm], bool]:
        """Return the alarms that begin or end now, and whether a fault began."""
        alarms: list[Alarm] = []
        began = False
        for scale in scales:
            name = self._weighing.specs[scale].name
            code, message, remedy = self._look_at(scale, t_ns)
            part, text = name, f"{name}: {message}"
            if code in {CODE, ""} and (cell := self._cells.grave(scale)) is not None:
                code, (part, text, remedy) = CODE, cell
            before = self._present.get(scale)
            if before == ((code, part) if code else None):
                continue
            if before:
                alarms.append(Alarm(code=before[0], part=before[1], raised=False))
                del self._present[scale]
            if code:
                self._present[scale] = (code, part)
                self._weighing.distrust()
                alarms.append(Alarm(code=code, part=part, raised=True, message=text, remedy=remedy))
                began = began or before is None or before[0] != code
        return alarms, began

    def _look_at(self, scale: int, t_ns: int) -> tuple[str, str, str]:
        if scale in self._lost:
            return self._lost[scale]
        fault = self._weighing.fault(scale, t_ns)
        if fault is None:
            return "", "", ""
        code, remedy = _REMEDIES.get(fault, _NOT_READY if fault.startswith("not ready") else _OTHER)
        return code, fault, remedy
