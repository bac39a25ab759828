"""A technician at simulated platforms: the full and the routine procedure, as sessions and captures.

Weights of class M1, each off by some part of its tolerance; put down by hand, to a few hundredths of half a side; three
seconds a capture, some twenty from one to the next. Steps and loads follow the guided flow: as found, exercise, zero,
corners, span, linearity up and down, eccentricity, repeatability, creep.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from calibration.captures import (
    Capture,
    CellCounts,
    Direction,
    Hardware,
    Position,
    Session,
    Step,
    TestWeight,
)
from calibration.weights import class_mpe_g
from drivers.sim.platform import Load, Platform, Traits, random_traits

CAPACITY_G, INTERVAL_G = 50_000.0, 10.0
PLACES: dict[Position, tuple[float, float]] = {
    "C": (0.0, 0.0), "FL": (-0.7, -0.7), "FR": (0.7, -0.7), "BR": (0.7, 0.7), "BL": (-0.7, 0.7),
}  # fmt: skip
ROUND: tuple[Position, ...] = ("C", "FL", "FR", "BR", "BL")
POSITIONS_MM = ((-300.0, -200.0), (300.0, -200.0), (300.0, 200.0), (-300.0, 200.0))
NOMINALS_G = {"A20": 20_000.0, "B20": 20_000.0, "C10": 10_000.0, "D5": 5_000.0}
CORNER, SPAN = ("C10", "D5"), ("A20", "B20")
LADDER: tuple[tuple[str, ...], ...] = (("C10",), ("A20", "D5"), ("A20", "B20"), ("A20", "B20", "C10"))
HAND = 0.03  # half sides
CAPTURE_S, MOVE_S, REST_S = 3.0, 12.0, 4.0


class Technician:
    """One technician with a set of weights at one platform."""

    def __init__(self, traits: Traits, chance: random.Random, *, kind: str = "full", due: str = "2027-06-30") -> None:
        self.chance = chance
        self.platform = Platform(traits, chance)
        self.captures: list[Capture] = []
        self.true_g = {name: self._made(nominal) for name, nominal in NOMINALS_G.items()}
        self.session = Session(
            session_id="S-1", station="vs-01", scale=1, kind="full" if kind == "full" else "routine",
            created="2026-05-04T08:00:00Z", operator="T. Weller",
            hardware=Hardware(driver="sim", part="scale-1", channels=4, gain=128, rate_hz=80.0),
            capacity_g=CAPACITY_G, division_g=INTERVAL_G, verification_interval_g=INTERVAL_G,
            positions_mm=POSITIONS_MM,
            weights=tuple(
                TestWeight(weight_id=name, nominal_g=nominal, weight_class="M1", due=due)
                for name, nominal in NOMINALS_G.items()
            ),
        )  # fmt: skip
        self.at_last: dict[str, object] = {}  # faults that only the cart brings
        self.platform.wait(1800.0)

    def _made(self, nominal_g: float) -> float:
        tolerance_g = class_mpe_g(nominal_g, "M1") or 0.0
        return nominal_g + self.chance.uniform(-tolerance_g, tolerance_g)

    # single doings

    def zero(self, step: Step, series: int = 1) -> None:
        """Clear the platform and capture it empty."""
        self.platform.put()
        self.platform.wait(MOVE_S)
        self._capture(step, series, 0.0)

    def load(
        self,
        step: Step,
        series: int,
        names: Sequence[str],
        position: Position = "C",
        direction: Direction | None = None,
    ) -> None:
        """Put these weights at a position and capture them."""
        self.stand(names, position)
        self.platform.wait(REST_S)
        nominal_g = sum(NOMINALS_G[name] for name in names)
        self._capture(step, series, nominal_g, tuple(names), position, direction)

    def stand(self, names: Sequence[str], position: Position = "C") -> None:
        """Put these weights at a position."""
        u, v = (at + self.chance.gauss(0, HAND) for at in PLACES[position])
        self.platform.wait(MOVE_S / 2)
        self.platform.put(*(Load(self.true_g[name], u, v) for name in names))

    def _capture(
        self,
        step: Step,
        series: int,
        load_g: float,
        names: tuple[str, ...] = (),
        position: Position | None = None,
        direction: Direction | None = None,
    ) -> None:
        start_ns = int(self.platform.t_s * 1e9)
        seen = self.platform.look(CAPTURE_S)
        cells = tuple(
            CellCounts(mean=cell.mean, sd=cell.sd, n=cell.n, low=cell.low, high=cell.high, distinct=cell.distinct)
            for cell in seen
        )  # fmt: skip
        self.captures.append(Capture(
            number=len(self.captures) + 1, step=step, series=series, time="2026-05-04T08:00:00Z", start_ns=start_ns,
            end_ns=int(self.platform.t_s * 1e9), load_g=load_g, cells=cells, position=position, direction=direction,
            weights=names,
        ))  # fmt: skip

    # steps

    def as_found(self) -> None:
        """Read what the calibration in force says before anything is touched."""
        self.zero("as-found")
        self.load("as-found", 1, ("A20", "D5"))
        self.zero("as-found")

    def exercise(self) -> None:
        """Load about Max three times."""
        for _ in range(3):
            self.stand(LADDER[-1])
            self.platform.wait(10.0)
            self.platform.put()
            self.platform.wait(10.0)
        self.platform.wait(120.0)

    def corners(self, step: Step, names: Sequence[str] = CORNER) -> None:
        """Weigh at the centre, the corners, and the centre again, each from its own zero."""
        self.zero(step)
        for number, position in enumerate((*ROUND, "C"), 1):
            self.load(step, number, names, "C" if position == "C" else position)
            self.zero(step, number)

    def repeated(self, step: Step, times: int, names: Sequence[str]) -> None:
        """Put one load down again and again."""
        self.zero(step)
        for number in range(1, times + 1):
            self.load(step, number, names)
            self.zero(step, number)

    def ladder(self, *, down: bool) -> None:
        """Weigh rising loads, unloading each time; then, if asked, come down without unloading."""
        self.zero("linearity")
        for names in LADDER:
            self.load("linearity", 1, names, "C", "up")
            self.zero("linearity")
        if down:
            for names in reversed(LADDER):
                self.load("linearity", 1, names, "C", "down")
            self.zero("linearity")

    def creep(self, minutes: int) -> None:
        """Keep a load on, look every minute, and see what zero does afterwards."""
        self.zero("creep")
        self.stand(LADDER[-1])
        for minute in range(minutes + 1):
            self.platform.wait(REST_S if minute == 0 else 60.0 - CAPTURE_S)
            self._capture("creep", minute + 1, CAPACITY_G, LADDER[-1], "C")
        self.zero("creep")

    def with_cart(self) -> None:
        """Verify the corners with the real cart, which may touch something."""
        traits = self.platform.traits
        self.platform.traits = replace(traits, faults=replace(traits.faults, **self.at_last))  # type: ignore[arg-type]
        self.corners("verify")

    def full(self) -> None:
        """Do everything."""
        self.as_found()
        self.exercise()
        self.zero("zero")
        self.corners("corners")
        self.repeated("span", 3, SPAN)
        self.ladder(down=True)
        self.corners("eccentricity")
        self.repeated("repeatability", 10, SPAN)
        self.creep(30)

    def routine(self) -> None:
        """Do what is done twice a year."""
        self.as_found()
        self.exercise()
        self.zero("zero")
        self.corners("corners")
        self.repeated("span", 3, SPAN)
        self.ladder(down=False)
        self.repeated("repeatability", 3, SPAN)


def technician(seed: int, kind: str = "full", **faults: object) -> Technician:
    """Return a technician at a random platform, sound but for these faults, with nothing done yet."""
    chance = random.Random(seed)
    traits = random_traits(chance, CAPACITY_G)
    if faults:
        traits = replace(traits, faults=replace(traits.faults, **faults))  # type: ignore[arg-type]
    return Technician(traits, chance, kind=kind)
