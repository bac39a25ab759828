"""The eye: one frame in, sightings out.

The parts are values and are exchanged from outside: the reference when the platform is empty, the gallery when a
product is enrolled. The clock is the caller's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from station.core.evidence import Sighting
from station.vision import crop, detect
from station.vision.detect import Box, Outline, Reference, Thing
from station.vision.gallery import Gallery
from station.vision.interpreter import Embedder

THINGS_MAX = 40  # the largest are looked at; more is no basket but a change of the view

Pixels = NDArray[np.uint8]
Clock = Callable[[], int]  # nanoseconds, monotonic


class NoReferenceError(RuntimeError):
    """The eye has not seen the empty platform yet, so it cannot tell what lies on it."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one frame showed: sightings with their boxes (same order), and where the time went."""

    sightings: tuple[Sighting, ...]
    boxes: tuple[Box, ...]
    timing_ms: dict[str, float]  # detect, crop, inference (the model alone), match


@dataclass(slots=True)
class Eye:
    """One camera's view of the platform; `region` bounds the platform in the picture, None: all of it."""

    camera: str
    embedder: Embedder
    gallery: Gallery
    region: Box | Outline | None = None
    reference: Reference | None = None

    def see_empty(self, pixels: Pixels, weight: float = 0.2) -> None:
        """Learn from a frame of the empty platform; `weight` is its share once there is a reference."""
        if self.reference is None:
            self.reference = detect.reference(pixels)
        else:
            self.reference = detect.refreshed(self.reference, pixels, weight)

    def look(self, pixels: Pixels, clock: Clock) -> Look:
        """Return what lies on the platform; raise `NoReferenceError` before the first `see_empty`."""
        if self.reference is None or not detect.fits(self.reference, pixels):
            self.reference = None  # a picture of another size is another view
            raise NoReferenceError(f"camera {self.camera} has not seen the empty platform yet; clear it once")
        times = [clock()]
        found = detect.find(self.reference, pixels, self.region)
        things = sorted(found, key=lambda thing: -thing.area_px)[:THINGS_MAX]
        times.append(clock())
        side = self.embedder.side_px
        frame = Image.fromarray(pixels)
        crops = np.stack([crop.cut(frame, thing, side) for thing in things]) if things else _none(side)
        times.append(clock())
        features = self.embedder.embed(crops)
        times.append(clock())
        seen = self.gallery.recognise(features)
        times.append(clock())
        spans = (round((end - start) / 1e6, 3) for start, end in pairwise(times))
        return Look(
            sightings=tuple(
                Sighting(camera=self.camera, candidates=each.candidates, unknown=each.unknown) for each in seen
            ),
            boxes=tuple(thing.box for thing in things),
            timing_ms=dict(zip(("detect", "crop", "inference", "match"), spans, strict=True)),
        )


def single(reference: Reference, pixels: Pixels, side_px: int, region: Box | None = None) -> Pixels | None:
    """Return the crop of the one object on the platform, for enrolment; None when there is not exactly one."""
    return cropped(pixels, detect.find(reference, pixels, region), side_px)


def cropped(pixels: Pixels, things: tuple[Thing, ...], side_px: int) -> Pixels | None:
    """Return the crop of what was found, None when that is not exactly one object."""
    return crop.cut(Image.fromarray(pixels), things[0], side_px) if len(things) == 1 else None


def _none(side_px: int) -> Pixels:
    return np.zeros((0, side_px, side_px, 3), np.uint8)
