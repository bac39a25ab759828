"""A whole engine on the simulated platform of four load cells, in virtual time."""

import math
import random

from calibration.model import Calibration, Cell
from drivers.sim.world import PlacedObject, PlatformSpec, World
from station.core import events
from station.core.effects import Alarm, Deliver, Effect, Judge
from station.core.engine import Engine
from station.core.setup import Setup
from station.core.tracks import ScaleSpec
from station.core.verdict import Judgement, Verdict, Versions
from tests.support.virtual import claim

SPEC = PlatformSpec(creep=())
PLACES_MM = ((-300.0, 200.0), (300.0, 200.0), (300.0, -200.0), (-300.0, -200.0))  # the world's channels
CALIBRATION = Calibration(
    cells=tuple(Cell(zero_counts=z, counts_per_g=g) for z, g in zip(SPEC.zero_counts, SPEC.counts_per_g, strict=True)),
    certified=True,
)
SCALE = ScaleSpec(counts=True, capacity_g=50_000, division_g=5)
SATURATED = 4


class FourCells:
    """An engine, a world at `rate_hz`, and a checker that accepts."""

    def __init__(self, *, spec: PlatformSpec = SPEC, seed: int = 1, rate_hz: float = 80.0) -> None:
        setup = Setup(session="S", scales=(SCALE,), positions_mm=(PLACES_MM,))
        self.engine = Engine(setup, Versions(software="test"))
        self.world = World(spec, seed=seed)
        self.effects: list[Effect] = []
        self._period_ns = round(1e9 / rate_hz)
        self.t_ns = 1_000_000_000
        self._random = random.Random(seed)
        self._claims = 0
        self.feed(events.Calibrated(t_ns=self.t_ns, scale=0, calibration=CALIBRATION))
        self.feed(events.ScaleFound(t_ns=self.t_ns, scale=0))

    def feed(self, event: events.AnyEvent) -> None:
        """Hand one event over, and answer the checker's questions."""
        given = self.engine.handle(event)
        self.effects.extend(given)
        for effect in given:
            if isinstance(effect, Judge):
                judgement = Judgement(decision="accept", action="release", currency="EUR")
                answer = events.Judged(t_ns=event.t_ns, judge_no=effect.judge_no, judgement=judgement, fusion_ms=1.0)
                self.feed(answer)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        end_ns = self.t_ns + int(seconds * 1e9)
        while self.t_ns < end_ns:
            self.t_ns += self._period_ns
            self.world.advance_to(self.t_ns / 1e9)
            counts = self.world.counts()
            flags = SATURATED if 0x7FFFFF in counts else 0
            self.feed(events.Sampled(t_ns=self.t_ns, scale=0, counts=counts, flags=flags))
        self.feed(events.Ticked(t_ns=self.t_ns))

    def skip(self, seconds: float) -> None:
        """Let time pass unseen, but for the world."""
        self.t_ns += int(seconds * 1e9)
        self.world.advance_to(self.t_ns / 1e9)

    def put(self, mass_g: float, x_m: float = 0.0, y_m: float = 0.0) -> None:
        """Put something down."""
        self.world.place(PlacedObject("", "", mass_g, x_m, y_m))

    def put_anywhere(self) -> None:
        """Put something of any weight down anywhere."""
        mass_g = math.exp(self._random.uniform(math.log(500), math.log(20_000)))
        self.put(mass_g, self._random.uniform(-0.25, 0.25), self._random.uniform(-0.16, 0.16))

    def visit(self) -> None:
        """Let a shopper come, have a basket judged, and go."""
        self._claims += 1
        self.t_ns += 1_000_000
        self.feed(events.Claimed(t_ns=self.t_ns, claim=claim(f"V-{self._claims}"), command=1))
        self.put_anywhere()
        self.wait(2.0)
        self.world.clear()
        self.wait(2.0)

    def verdicts(self) -> list[Verdict]:
        """Return the verdicts so far."""
        return [effect.verdict for effect in self.effects if isinstance(effect, Deliver)]

    def alarms(self) -> list[tuple[str, str, bool]]:
        """Return code, part and whether it was raised, of the alarms so far."""
        return [(effect.code, effect.part, effect.raised) for effect in self.effects if isinstance(effect, Alarm)]

    def raised(self) -> list[Alarm]:
        """Return the alarms that were raised so far."""
        return [effect for effect in self.effects if isinstance(effect, Alarm) and effect.raised]
