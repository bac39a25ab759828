"""What can be said the moment a capture is made: what a load implies, which cell a hand pressed, one that is stuck."""

from collections.abc import Sequence
from typing import Any

import msgspec

from calibration import provisional
from calibration.captures import Capture
from calibration.capturing import Weigher

FREEZE_N, FREEZE_DISTINCT = 10, 3  # noise alone gives more than two readings in ten


class Message(msgspec.Struct, frozen=True):
    """A text of the catalogue with its values."""

    key: str
    values: dict[str, Any] = {}


def on(
    capture: Capture, history: Sequence[Capture], weigher: Weigher | None, capacity_g: float
) -> tuple[list[Message], Message | None]:
    """Return what to say of the newest capture, and what is so odd that somebody must look at it first."""
    if capture.skipped is not None:
        return [], None
    notes = [Message("frozen", {"cell": channel}) for channel in _frozen(capture)]
    if capture.position is not None and capture.load_g == 0 and weigher is not None:
        notes.append(_answer(capture, weigher))
    found = provisional.last_implied(history, capacity_g)
    if found is None:
        return notes, None
    said = Message("implied", {
        **msgspec.structs.asdict(found), "cells": len(capture.cells),
        "expected_g": provisional.expected_rating_g(capacity_g, len(capture.cells)),
    })  # fmt: skip
    if not found.usual:
        return notes, Message("odd", said.values)
    first = len([made for made in history if made.load_g > 0 and made.skipped is None]) == 1
    return [*notes, said] if first else notes, None


def _frozen(capture: Capture) -> list[int]:
    """Return the channels that said the same again and again."""
    cells = enumerate(capture.cells, 1)
    return [channel for channel, cell in cells if cell.n >= FREEZE_N and cell.distinct < FREEZE_DISTINCT]


def _answer(capture: Capture, weigher: Weigher) -> Message:
    """Say which cell answered a press, and how."""
    highs = weigher.cells_g([cell.high for cell in capture.cells])
    lows = weigher.cells_g([cell.low for cell in capture.cells])
    felt = [high if abs(high) > abs(low) else low for high, low in zip(highs, lows, strict=True)]
    most = max(range(len(felt)), key=lambda cell: abs(felt[cell]))
    return Message("answered", {"position": capture.position, "cell": most + 1, "felt_g": felt[most]})
