"""What the senses report: a settled weight, and the objects the cameras saw."""

import msgspec


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A settled weight of everything on the platform, with its standard uncertainty, and when it settled.

    `noise_sd_g` is the part of the uncertainty that two readings of one load do not share: what a difference has.
    """

    t_ns: int
    gross_g: float
    sd_g: float
    noise_sd_g: float = 0.0


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """One physical object seen by one camera.

    `candidates` are pairs (GTIN-14, calibrated probability) under a uniform prior over the gallery; what is left up
    to 1 - `unknown` is spread evenly over the rest of it; `unknown` is the probability of a product outside it.
    """

    camera: str
    candidates: tuple[tuple[str, float], ...]
    unknown: float


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All sightings of one load. `visibility` is the chance that an object is seen at all; no camera, no evidence."""

    sightings: tuple[Sighting, ...] = ()
    visibility: float = 0.0
    cameras: int = 0
    gallery_size: int = 0  # products a camera could have named ...
    gallery: frozenset[str] | None = None  # ... and which they are (GTIN-14); None: nobody told
