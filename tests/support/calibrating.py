"""Sessions of instruments with any number of cells, or of none that shows counts, for tests of evaluating them."""

import random
from collections.abc import Sequence

from calibration.captures import Capture, CellCounts, Direction, Hardware, Position, Session, Step, TestWeight

WEIGHTS = {"A20": 20_000.0, "B20": 20_000.0, "C10": 10_000.0, "D5": 5_000.0}
PLACES: dict[Position, tuple[float, float]] = {
    "C": (0.0, 0.0), "FL": (-0.7, -0.7), "FR": (0.7, -0.7), "BR": (0.7, 0.7), "BL": (-0.7, 0.7),
}  # fmt: skip
MINUTE_NS = 60_000_000_000


def session(channels: int = 4, **changes: object) -> Session:
    """A full session of a 50 kg platform, e = 10 g, with M1 weights in date."""
    weights = tuple(
        TestWeight(weight_id=name, nominal_g=grams, weight_class="M1", due="2027-01-01")
        for name, grams in WEIGHTS.items()
    )
    values: dict[str, object] = {
        "session_id": "S-1", "station": "vs-01", "scale": 1, "kind": "full", "created": "2026-05-04T08:00:00Z",
        "operator": "T. Weller", "hardware": Hardware(driver="sim", part="scale-1", channels=channels),
        "capacity_g": 50_000.0, "division_g": 10.0, "verification_interval_g": 10.0, "weights": weights,
    }  # fmt: skip
    return Session(**(values | changes))  # type: ignore[arg-type]


class Bench:
    """An instrument whose cells share a load as told: (u, v) to each cell's part; noise of a count or so."""

    def __init__(
        self,
        per_g: Sequence[float],
        places: Sequence[tuple[float, float]],
        *,
        shares: Sequence[Sequence[float]] | None = None,
        shown_g: float | None = None,
        seed: int = 1,
    ) -> None:
        self.per_g, self.places, self._shares, self._shown_g = per_g, places, shares, shown_g
        self.captures: list[Capture] = []
        self.bend = 0.0  # relative, at capacity; none at zero
        self.drift_g = 0.0  # of zero, a capture
        self.off_g: dict[Position, float] = {}  # what an instrument that knows grams reads too much there
        self._chance = random.Random(seed)

    def parts(self, position: Position) -> Sequence[float]:
        """Return how the cells share a load at a position."""
        u, v = PLACES[position]
        if self._shares is not None:
            return self._shares[list(PLACES).index(position)]
        return [(1 + u * x + v * y) / len(self.places) for x, y in self.places]

    def take(
        self,
        step: Step,
        names: Sequence[str] = (),
        position: Position | None = None,
        direction: Direction | None = None,
        **more: object,
    ) -> Capture:
        """Capture these weights at a position."""
        number = len(self.captures) + 1
        load_g = sum(WEIGHTS[name] for name in names)
        read_g = load_g * (1 + self.bend * load_g / 50_000)
        parts = self.parts(position or "C")
        drift_g = self.drift_g * number
        counts = tuple(self._cell((read_g * part + drift_g / len(parts)) * gain, gain)
                       for part, gain in zip(parts, self.per_g, strict=True))  # fmt: skip
        shown = None
        if self._shown_g is not None:
            read_g += self.off_g.get(position or "C", 0.0) * bool(load_g) + drift_g
            grams = round(read_g / self._shown_g) * self._shown_g
            shown = CellCounts(mean=grams, sd=0.0, n=20, low=round(grams), high=round(grams), distinct=1)
        values: dict[str, object] = {
            "number": number, "step": step, "series": 1, "time": "2026-05-04T08:00:00Z",
            "start_ns": number * MINUTE_NS // 3, "end_ns": number * MINUTE_NS // 3 + 3_000_000_000, "load_g": load_g,
            "cells": () if shown else counts, "indicated_g": shown, "position": position, "direction": direction,
            "weights": tuple(names),
        }  # fmt: skip
        capture = Capture(**(values | more))  # type: ignore[arg-type]
        self.captures.append(capture)
        return capture

    def _cell(self, counts: float, gain: float) -> CellCounts:
        noise = 0.15 * abs(gain)
        mean = 50_000 + counts + self._chance.gauss(0, noise / 15)
        low, high = round(mean - 3 * noise), round(mean + 3 * noise)
        return CellCounts(mean=mean, sd=noise, n=240, low=low, high=high, distinct=high - low)

    def everything(self, *, corners: bool = True) -> None:
        """Zero, corners, span, linearity, eccentricity, repeatability, each load from its own zero."""
        ladder: tuple[tuple[str, ...], ...] = (("C10",), ("A20", "D5"), ("A20", "B20"), ("A20", "B20", "C10"))
        self.take("zero")
        if corners:
            self._round("corners")
        self.each("span", [("A20", "B20")] * 3)
        self.each("linearity", ladder, "up")
        if corners:
            self._round("eccentricity")
        self.each("repeatability", [("A20", "B20")] * 5)

    def _round(self, step: Step) -> None:
        for position in PLACES:
            self.take(step, ("C10", "D5"), position)
            self.take(step)

    def each(self, step: Step, loads: Sequence[Sequence[str]], direction: Direction | None = None) -> None:
        """Put each load in the middle, with a zero after it."""
        for names in loads:
            self.take(step, names, "C", direction)
            self.take(step)
