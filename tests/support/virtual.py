"""A whole engine in virtual time: weights in, effects out, not a millisecond of waiting."""

import random

from calibration.model import Calibration, Cell
from station.core import events, visit
from station.core.claim import Claim, Line
from station.core.effects import Alarm, Announce, Answer, Capture, Deliver, Effect, Judge, KeepVisit
from station.core.engine import Engine
from station.core.evidence import Sighting
from station.core.setup import Setup
from station.core.tracks import ScaleSpec
from station.core.transaction import State
from station.core.verdict import Decision, Judgement, Verdict, Versions

MS_NS = 1_000_000
COUNTS_PER_G = 20.0
CALIBRATION = Calibration(cells=(Cell(zero_counts=0.0, counts_per_g=COUNTS_PER_G),), certified=True)
CONVERTER = ScaleSpec(counts=True, capacity_g=50_000, division_g=5)
INSTRUMENT = ScaleSpec(counts=False, capacity_g=15_000, division_g=5)


def claim(transaction_id: str = "T-1", revision: int = 1, quantity: int = 1) -> Claim:
    line = Line(line=1, gtin="04006381333931", quantity=quantity)
    return Claim(transaction_id=transaction_id, revision=revision, lines=(line,))


class Virtual:
    """An engine, a converter with noise at 80 samples a second, and a checker that says what it is told."""

    def __init__(
        self,
        *,
        scale: ScaleSpec = CONVERTER,
        cameras: tuple[str, ...] = (),
        noise_g: float = 0.4,
        seed: int = 1,
        calibrated: bool = True,
        kept_zero_g: float | None = None,
    ) -> None:
        self.engine = Engine(Setup(session="S", scales=(scale,), cameras=cameras), Versions(software="test"))
        self.t_ns = 1_000 * MS_NS
        self.grams = 0.0
        self.effects: list[Effect] = []
        self.decision: Decision = "accept"
        self.scale = scale
        self._random = random.Random(seed)
        self._noise_g = noise_g
        if kept_zero_g is not None:
            self.feed(events.ZeroRestored(t_ns=self.t_ns, zero_g=kept_zero_g))
        if scale.counts and calibrated:
            self.feed(events.Calibrated(t_ns=self.t_ns, scale=0, calibration=CALIBRATION))
        self.feed(events.ScaleFound(t_ns=self.t_ns, scale=0))

    def feed(self, event: events.AnyEvent) -> list[Effect]:
        """Hand one event over, answer the checker's questions, and keep the effects."""
        given = self.engine.handle(event)
        self.effects.extend(given)
        for effect in given:
            if isinstance(effect, Judge):
                judgement = Judgement(decision=self.decision, action="release", currency="EUR")
                answer = events.Judged(t_ns=event.t_ns, judge_no=effect.judge_no, judgement=judgement, fusion_ms=1.0)
                given = given + self.feed(answer)
        return given

    def wait(self, seconds: float, *, ringing_g: float = 0.0) -> list[Effect]:
        """Let time pass with the load as it is; `ringing_g` shakes it."""
        before = len(self.effects)
        end_ns = self.t_ns + int(seconds * 1e9)
        while self.t_ns < end_ns:
            self.t_ns += 12_500_000 if self.scale.counts else 100 * MS_NS
            self._report(ringing_g)
        self.feed(events.Ticked(t_ns=self.t_ns))
        return self.effects[before:]

    def _report(self, ringing_g: float) -> None:
        if self.scale.counts:
            shake = ringing_g * (self._random.random() * 2 - 1)
            counts = round((self.grams + shake + self._random.gauss(0, self._noise_g)) * COUNTS_PER_G)
            self.feed(events.Sampled(t_ns=self.t_ns, scale=0, counts=(counts,)))
        elif ringing_g:
            self.feed(events.Indicated(t_ns=self.t_ns, scale=0, state="motion"))
        else:
            shown = round(self.grams / 5) * 5.0
            self.feed(events.Indicated(t_ns=self.t_ns, scale=0, state="stable", weight_g=shown))

    def put(self, grams: float, seconds: float = 1.5) -> list[Effect]:
        """Change the load and wait for it to settle."""
        self.grams = grams
        return self.wait(seconds)

    def claim(self, given: Claim | None = None, *, command: int = 1, last_verdict_no: int = 0) -> list[Effect]:
        """Send a claim."""
        self.t_ns += MS_NS
        event = events.Claimed(t_ns=self.t_ns, claim=given or claim(), command=command, last_verdict_no=last_verdict_no)
        return self.feed(event)

    def see(self, capture: Capture, camera: str = "top") -> list[Effect]:
        """Answer a capture with one sighting."""
        self.t_ns += 80 * MS_NS
        sighting = Sighting(camera=camera, candidates=(("04006381333931", 0.9),), unknown=0.05)
        event = events.Seen(
            t_ns=self.t_ns, capture_no=capture.capture_no, camera=camera, sightings=(sighting,), visibility=0.6,
            gallery_size=40, capture_ms=50.0, vision_ms=30.0,
        )  # fmt: skip
        return self.feed(event)


def verdicts(effects: list[Effect]) -> list[Verdict]:
    return [effect.verdict for effect in effects if isinstance(effect, Deliver)]


def phases(effects: list[Effect]) -> list[str]:
    return [effect.phase for effect in effects if isinstance(effect, Announce)]


def answers(effects: list[Effect]) -> list[str | None]:
    return [effect.code for effect in effects if isinstance(effect, Answer)]


def alarms(effects: list[Effect]) -> list[tuple[str, bool]]:
    return [(effect.code, effect.raised) for effect in effects if isinstance(effect, Alarm)]


def ready(**options: object) -> Virtual:
    """Return a station whose platform is known to be empty."""
    virtual = Virtual(**options)  # type: ignore[arg-type] # the options of Virtual
    virtual.wait(1)
    assert virtual.engine.state is State.IDLE
    virtual.effects.clear()
    return virtual


def reasons(given: list[Verdict]) -> list[tuple[str, ...]]:
    return [verdict.judgement.reasons for verdict in given]


def captures(virtual: Virtual) -> list[Capture]:
    return [effect for effect in virtual.effects if isinstance(effect, Capture)]


def restarted(first: Virtual) -> Virtual:
    """Return a second station that goes on with what the first has kept."""
    kept = next(effect.snapshot for effect in reversed(first.effects) if isinstance(effect, KeepVisit))
    assert kept is not None
    second = Virtual(kept_zero_g=0.0)
    second.engine.resume(visit.restore(kept))
    return second
