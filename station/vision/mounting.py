"""Where a camera hangs: its calibration at work in the daemon, without the library that made it.

The platform's outline bounds what counts as goods. The calibration's picture of the empty platform is the first
reference, and the measure of whether the camera still hangs where it hung: every picture is compared with it at the
tags, or at whatever else was found to hold on to. A small move shifts the outline along and is told as a warning; a
large one is a fault until the camera is put back or calibrated again. A record that cannot be trusted, or is of
pictures of another size, is told and not used: the camera then works as one that was never calibrated.
"""

from pathlib import Path
from typing import Literal

import msgspec

from calibration import camera_store
from calibration.camera_light import luminance
from calibration.camera_plane import shifted
from calibration.camera_record import CameraRecord
from calibration.camera_shift import Grey, Moved, moved
from calibration.record import CalibrationError, Verifier
from station.vision.detect import Outline
from station.vision.view_check import WELL, Health, Pixels

AGAIN = "put the camera back, or run `calibrate camera`"
DOUBTED = 0.8  # trust in a picture whose view is a little off
RELEARN_PX = 1.0  # a reference that was learnt this far away is another view


class Misfit(msgspec.Struct, frozen=True):
    """Why the calibration is not used, in words; empty where there is no reason."""

    code: Literal["CALIBRATION_UNREADABLE", "CALIBRATION_MISFIT"] = "CALIBRATION_UNREADABLE"
    text: str = ""


class Mounting:
    """One camera's calibration, read again when its file changes."""

    def __init__(self, state_dir: Path, camera: str, verifier: Verifier | None = None) -> None:
        self._state_dir, self._camera, self._verifier = state_dir, camera, verifier
        self._stamp: int | None = None
        self._record: CameraRecord | None = None
        self._then: Grey | None = None
        self._learnt_at = (0.0, 0.0)
        self.misfit = Misfit()
        self.moved: Moved | None = None
        self.first: Pixels | None = None  # the empty platform as calibrated; taken away by whoever learns from it

    def refresh(self) -> None:
        """Read the record if it has changed."""
        stamp = self._file_stamp()
        if stamp == self._stamp:
            return
        self._stamp, self._record, self._then, self.first = stamp, None, None, None
        self.misfit, self.moved, self._learnt_at = Misfit(), None, (0.0, 0.0)
        try:
            record = camera_store.load(self._state_dir, self._camera, self._verifier)
            if record is not None:
                self.first = camera_store.reference(self._state_dir, record)
                self._record, self._then = record, luminance(self.first)
        except CalibrationError as error:
            self.misfit = Misfit(text=str(error))

    @property
    def outline(self) -> Outline | None:
        """Where the platform is in the picture now, None where nobody knows."""
        if self._record is None or not self._record.outline_px:
            return None
        if self.moved is None or self.moved.verdict != "warn":
            return self._record.outline_px
        return shifted(self._record.outline_px, self.moved.right_px, self.moved.down_px)

    def check(self, pixels: Pixels, *, empty: bool) -> Health:
        """Return whether the camera hangs where it was calibrated; `empty`: nothing hides the platform."""
        if self._record is None or self._then is None:
            return WELL
        if pixels.shape[:2] != self._then.shape:
            size, was = pixels.shape, self._record.size_px
            text = f"its pictures are {size[1]} x {size[0]}, at calibration {was[0]} x {was[1]}"
            self.misfit = Misfit("CALIBRATION_MISFIT", text)
            self._record = self._then = self.first = None
            return WELL
        found = moved(self._then, luminance(pixels), self._record.patches, empty=empty)
        if found.verdict != "unknown":
            self.moved = found
        return _health(found)

    def relearn(self) -> bool:
        """Tell whether the reference was learnt at another place than the camera is now at, and note this one."""
        if self.moved is None:
            return False
        here = (self.moved.right_px, self.moved.down_px)
        off = max(abs(now - then) for now, then in zip(here, self._learnt_at, strict=True))
        if off > RELEARN_PX:
            self._learnt_at = here
        return off > RELEARN_PX

    def warning(self) -> str:
        """Return what to warn of, empty where nothing is."""
        if self.moved is None or self.moved.verdict != "warn":
            return ""
        return f"camera {self._camera} hangs {self.moved.size_px:.0f} pixels from where it was calibrated"

    def _file_stamp(self) -> int | None:
        try:
            return camera_store.record_path(self._state_dir, self._camera).stat().st_mtime_ns
        except OSError:
            return None


def _health(found: Moved) -> Health:
    if found.verdict == "warn":
        return Health(DOUBTED)
    if found.verdict != "fault":
        return WELL
    if found.size_px:
        where = f"the view is off by {found.right_px:+.0f} pixels across and {found.down_px:+.0f} down"
    else:
        where = f"only {found.seen} of {found.patches} marks are where they were"
    return Health(0.0, f"camera moved, recalibrate: {where}", AGAIN)
