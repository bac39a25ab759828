"""The cameras' answers to the one capture that matters now."""

import msgspec

from station.core.effects import Alarm
from station.core.events import Seen
from station.core.evidence import Evidence, Reading, Sighting
from station.core.verdict import EvidenceSummary

UNKNOWN_P = 0.5  # above this a sighting counts as an unknown object


class Gaze(msgspec.Struct, kw_only=True):
    """One capture of one load: who was asked, who has answered."""

    capture_no: int
    reading: Reading | None  # of the load that is looked at; None: it has not settled yet
    waiting: set[str]
    seen: list[Seen] = msgspec.field(default_factory=list)

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """Return all sightings of all cameras."""
        return tuple(sighting for answer in self.seen for sighting in answer.sightings)

    def take(self, capture_no: int, camera: str, seen: Seen | None) -> bool:
        """Take a camera's answer, None when it is blind; return whether it was waited for."""
        if capture_no != self.capture_no or camera not in self.waiting:
            return False
        self.waiting.discard(camera)
        if seen is not None:
            self.seen.append(seen)
        return True

    def evidence(self) -> Evidence | None:
        """Return what the cameras saw together, None if none of them answered."""
        if not self.seen:
            return None
        return Evidence(
            sightings=self.sightings,
            visibility=max(answer.visibility for answer in self.seen),
            cameras=len(self.seen),
            gallery_size=max(answer.gallery_size for answer in self.seen),
            gallery=self._gallery(),
        )

    def _gallery(self) -> frozenset[str] | None:
        """Return what all cameras together can name, None where one did not tell."""
        known = [answer.gallery for answer in self.seen if answer.gallery is not None]
        return frozenset().union(*known) if len(known) == len(self.seen) else None

    def summary(self) -> EvidenceSummary:
        """Return how much the cameras contributed."""
        unknown = sum(sighting.unknown > UNKNOWN_P for sighting in self.sightings)
        return EvidenceSummary(sightings=len(self.sightings), unknown_objects=unknown, cameras=len(self.seen))


def late(camera: str) -> Alarm:
    """Return the alarm of a camera that did not answer in time."""
    return Alarm(
        code="CAMERA_LATE",
        part=f"camera-{camera}",
        raised=True,
        severity="warning",
        message=f"camera {camera} gave no sightings in time; this verdict does without it",
        remedy="see whether the camera is connected and the machine is not overloaded",
    )


def in_time(camera: str) -> Alarm:
    """Return the end of that alarm."""
    return Alarm(code="CAMERA_LATE", part=f"camera-{camera}", raised=False)
