"""What one run of the core starts with."""

import msgspec

from station.core.tracks import ScaleSpec
from station.core.weighing import WeighingSettings

Places = tuple[tuple[float, float], ...]


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """How long each state may last, in seconds."""

    no_claim_s: float = 10.0
    settle_s: float = 15.0
    claim_expiry_s: float = 300.0
    evidence_s: float = 1.5


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of the engine starts with; `session` makes its visit ids unique."""

    session: str
    scales: tuple[ScaleSpec, ...]
    cameras: tuple[str, ...] = ()
    weighing: WeighingSettings = WeighingSettings()
    deadlines: Deadlines = Deadlines()
    currency: str = "EUR"
    positions_mm: tuple[Places | None, ...] = ()  # of each scale's cells, where they are configured
