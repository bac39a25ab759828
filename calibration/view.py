"""What passes between the guide and whoever shows it or keeps what it hands out."""

from typing import Literal

import msgspec

from calibration.capturing import Live, Measured
from calibration.procedure import Action
from calibration.remarks import Message

Phase = Literal["place", "doubt", "measure", "hold", "press", "type", "skip", "odd", "done"]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a screen shows."""

    action: Action | None
    number: int
    count: int
    phase: Phase
    live: Live | None
    gross_g: float | None
    believed: bool
    provisional: bool
    cells_g: tuple[float, ...]
    band_g: float
    left_s: float = 0.0
    question: Message | None = None
    notes: tuple[Message, ...] = ()
    typed: str | None = None
    step_number: int = 0
    step_count: int = 0


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A capture to keep: the action as it was carried out, what was measured, or why it was left out."""

    action: Action
    key: str
    measured: Measured | None
    replaces: int | None = None
    skipped: str | None = None
