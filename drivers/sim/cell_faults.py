"""What can be wrong with a simulated load cell, between the force on it and the counts of its converter."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CellFault:
    """One cell's troubles; the default has none.

    `stuck_counts`: its converter says only this. `response`: the part of the force that reaches the cell (0: none;
    negative: its signal wires are exchanged). `friction_g`: what holds it, so that it follows the force only so far
    and comes back as little. `drift_g_per_s`: how its zero wanders. `noise`: times its usual noise.
    """

    stuck_counts: int | None = None
    response: float = 1.0
    friction_g: float = 0.0
    drift_g_per_s: float = 0.0
    noise: float = 1.0


SOUND = CellFault()


def held_g(before_g: float, force_g: float, friction_g: float) -> float:
    """Return where a cell with friction stands: it stays until the force is further away than friction holds."""
    return min(max(before_g, force_g - friction_g), force_g + friction_g)
