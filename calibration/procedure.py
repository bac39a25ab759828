"""What a technician does, as a table: every action with its place, its load, and how long it is measured.

A session's actions follow from the platform (capacity, cells), from the weights that are there, and from the flow:
`full` for commissioning and certificates, `routine` for a yearly look, or single steps. Every load is lifted off
before the next one, and the empty platform is measured between: each reading has its own zero just before it, which
is what a checkout does and what takes drift out (EURAMET cg-18, eccentricity method 3).

`series` counts an action's repetitions within its step; step, place, direction, load and series name an action for
good, so that a session that was left can be taken up where it stood.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, get_args

import msgspec

from calibration.captures import Direction, Position, Step, TestWeight
from calibration.loads import Load, choose

Do = Literal["empty", "load", "press", "hold"]
Kind = Literal["full", "routine"]
STEPS: tuple[Step, ...] = get_args(Step)
CORNERS: tuple[Position, ...] = ("FL", "FR", "BR", "BL")

ZERO_S, DIAGNOSE_S, EMPTY_S, LOAD_S, EXERCISE_S, PRESS_S = 10.0, 10.0, 3.0, 5.0, 1.0, 1.5
CREEP_FULL_MIN, CREEP_ROUTINE_MIN = 30.0, 5.0
CREEP_POINTS_MIN = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 12.5, 15.0, 20.0, 25.0, 30.0)
# What may be left out, with a reason that is kept; zero, corners and span are what a calibration is made from.
NEEDED: frozenset[Step] = frozenset({"zero", "corners", "span"})
DISCRIMINATION_D = 1.4
PART_TOLERANCE = 0.1  # of capacity: how far a load of the error curve may be from its place


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do, and the capture it makes. `after_s`: not before so long after the load was put on."""

    step: Step
    do: Do
    seconds: float
    series: int = 1
    position: Position | None = None
    direction: Direction | None = None
    load_g: float = 0.0
    weights: tuple[str, ...] = ()
    after_s: float = 0.0
    may_skip: bool = True

    @property
    def key(self) -> str:
        """Return the name by which a session knows the action."""
        parts = (self.step, self.do, self.position or "-", self.direction or "-", f"{self.load_g:g}", str(self.series))
        return "/".join(parts)


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """What the table must know of the scale. `cell_rating_g` is one cell's, None where nobody knows it."""

    capacity_g: float
    division_g: float
    channels: int
    gives_counts: bool
    calibrated: bool
    cell_rating_g: float | None = None


class Loads(msgspec.Struct, frozen=True, kw_only=True):
    """The loads of a session, chosen from the weights that are there."""

    most: Load
    half: Load
    corner: Load
    repeat: Load
    parts: tuple[Load, ...]
    small: Load | None = None


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How thorough: depositions for repeatability, minutes of creep, loads also taken off step by step.

    `thorough`: corners are pressed by hand, and the platform is exercised three times.
    """

    repeats: int = 5
    thorough: bool = True
    creep_min: float = CREEP_FULL_MIN
    down: bool = False
    as_found: bool = True


class WeightsError(ValueError):
    """The weights do not suffice; the message says for what."""


def choose_loads(platform: Platform, weights: Sequence[TestWeight]) -> Loads:
    """Return which weights serve for which step; `WeightsError` where there is no load at all."""
    top = platform.capacity_g
    most = choose(weights, top, top / 100, top, penalty=0.0001)
    if most is None:
        raise WeightsError(f"no weight fits this platform of {top / 1000:g} kg: name the weights that you have")
    corner_most_g = min(platform.cell_rating_g or top, top / 2)
    third = choose(weights, top / 3, 0.3 * top, min(corner_most_g, 0.4 * top))
    corner = third or choose(weights, top / 3, top / 100, corner_most_g)
    if corner is None:
        raise WeightsError(f"every weight is above what one corner may carry, {corner_most_g / 1000:g} kg")
    half = choose(weights, top / 2, top / 100, top)
    repeat = choose(weights, 0.6 * top, 0.45 * top, top)
    return Loads(
        most=most,
        half=half or most,
        corner=corner,
        repeat=repeat or most,
        parts=_parts(platform, weights, most),
        small=_small(platform, weights),
    )


def _parts(platform: Platform, weights: Sequence[TestWeight], most: Load) -> tuple[Load, ...]:
    """Return the loads of the error curve: a quarter, a half, three quarters and the whole, as far as they differ."""
    found: list[Load] = []
    slack_g = PART_TOLERANCE * platform.capacity_g
    for part in (0.25, 0.5, 0.75):
        target_g = part * most.grams
        load = choose(weights, target_g, target_g - slack_g, target_g + slack_g)
        if load is not None and load.grams not in {*(other.grams for other in found), most.grams}:
            found.append(load)
    return (*found, most)


def _small(platform: Platform, weights: Sequence[TestWeight]) -> Load | None:
    """Return the weights that a display must just notice."""
    d = platform.division_g
    return choose(weights, DISCRIMINATION_D * d, 1.2 * d, 1.6 * d)


def plan(kind: Kind, platform: Platform, loads: Loads, options: Options) -> tuple[Action, ...]:
    """Return the whole table of a flow."""
    steps = FLOWS[kind]
    return number(action for step in steps for action in actions(step, platform, loads, options))


def actions(step: Step, platform: Platform, loads: Loads, options: Options) -> tuple[Action, ...]:
    """Return the actions of one step, numbered within it; none where the step says nothing about such a scale."""
    made = TABLE[step](platform, loads, options)
    return number(msgspec.structs.replace(action, may_skip=step not in NEEDED) for action in made)


def number(made: Iterable[Action]) -> tuple[Action, ...]:
    """Return the actions with their repetitions counted."""
    seen: Counter[str] = Counter()
    numbered = []
    for action in made:
        first = msgspec.structs.replace(action, series=1)
        seen[first.key] += 1
        numbered.append(msgspec.structs.replace(action, series=seen[first.key]))
    return tuple(numbered)


def empty(step: Step, seconds: float = EMPTY_S) -> Action:
    """Return: take everything off."""
    return Action(step=step, do="empty", seconds=seconds)


def put(step: Step, load: Load, position: Position = "C", direction: Direction | None = None) -> Action:
    """Return: put this there."""
    return Action(
        step=step, do="load", seconds=LOAD_S, position=position, direction=direction, load_g=load.grams,
        weights=load.weights,
    )  # fmt: skip


def _bracketed(step: Step, placed: Sequence[Action]) -> list[Action]:
    """Return loads with the empty platform before, between and after."""
    found = [empty(step)]
    for action in placed:
        found += [action, empty(step)]
    return found


def _diagnose(platform: Platform, _loads: Loads, options: Options) -> list[Action]:
    found = [empty("diagnose", DIAGNOSE_S)]
    if platform.gives_counts and platform.channels == len(CORNERS) and options.thorough:
        found += [Action(step="diagnose", do="press", seconds=PRESS_S, position=position) for position in CORNERS]
    return found


def _as_found(platform: Platform, loads: Loads, options: Options) -> list[Action]:
    if not options.as_found or not platform.calibrated:
        return []
    heavier = [loads.most] if loads.half == loads.most else [loads.half, loads.most]
    centre = [put("as-found", load) for load in heavier]
    return _bracketed("as-found", [*centre, *(put("as-found", loads.corner, corner) for corner in CORNERS)])


def _exercise(_platform: Platform, loads: Loads, options: Options) -> list[Action]:
    times = 3 if options.thorough else 1
    full = msgspec.structs.replace(put("exercise", loads.most), seconds=EXERCISE_S)
    return [full, empty("exercise", EXERCISE_S)] * times


def _zero(_platform: Platform, _loads: Loads, _options: Options) -> list[Action]:
    return [empty("zero", ZERO_S)]


def _corners(platform: Platform, loads: Loads, _options: Options) -> list[Action]:
    if not platform.gives_counts or platform.channels == 1:
        return []
    round_trip: tuple[Position, ...] = ("C", *CORNERS, "C")
    return _bracketed("corners", [put("corners", loads.corner, position) for position in round_trip])


def _span(_platform: Platform, loads: Loads, options: Options) -> list[Action]:
    return _bracketed("span", [put("span", loads.most)] * min(3, options.repeats))


def _linearity(_platform: Platform, loads: Loads, options: Options) -> list[Action]:
    if len(loads.parts) < 2:  # noqa: PLR2004 - one point is the span again
        return []
    rising = [put("linearity", load, direction="up") for load in loads.parts]
    falling = [put("linearity", load, direction="down") for load in reversed(loads.parts[:-1])]
    if options.down:  # as for a verification: loads stay on while more are added, and go one by one
        return [empty("linearity"), *rising, *falling, empty("linearity")]
    return _bracketed("linearity", rising)


def _eccentricity(_platform: Platform, loads: Loads, _options: Options) -> list[Action]:
    places: tuple[Position, ...] = ("C", *CORNERS)
    return _bracketed("eccentricity", [put("eccentricity", loads.corner, position) for position in places])


def _repeatability(_platform: Platform, loads: Loads, options: Options) -> list[Action]:
    return _bracketed("repeatability", [put("repeatability", loads.repeat)] * options.repeats)


def _discrimination(_platform: Platform, loads: Loads, _options: Options) -> list[Action]:
    if loads.small is None or not set(loads.small.weights).isdisjoint(loads.half.weights):
        return []
    more = Load(loads.half.grams + loads.small.grams, (*loads.half.weights, *loads.small.weights))
    return [empty("discrimination"), put("discrimination", loads.half), put("discrimination", more)]


def _creep(_platform: Platform, loads: Loads, options: Options) -> list[Action]:
    if options.creep_min <= 0:
        return []
    held = msgspec.structs.replace(put("creep", loads.most), seconds=EMPTY_S)
    points = [minutes for minutes in CREEP_POINTS_MIN if minutes < options.creep_min] + [options.creep_min]
    kept = [msgspec.structs.replace(held, do="hold", after_s=60 * minutes) for minutes in points[1:]]
    return [empty("creep"), held, *kept, empty("creep")]


def _verify(_platform: Platform, loads: Loads, _options: Options) -> list[Action]:
    heavier = [loads.most] if loads.half == loads.most else [loads.half, loads.most]
    centre = [put("verify", load) for load in heavier]
    return _bracketed("verify", [*centre, *(put("verify", loads.corner, corner) for corner in CORNERS)])


TABLE: dict[Step, Callable[[Platform, Loads, Options], list[Action]]] = {
    "diagnose": _diagnose,
    "as-found": _as_found,
    "exercise": _exercise,
    "zero": _zero,
    "corners": _corners,
    "span": _span,
    "linearity": _linearity,
    "eccentricity": _eccentricity,
    "repeatability": _repeatability,
    "discrimination": _discrimination,
    "creep": _creep,
    "verify": _verify,
}
FLOWS: dict[Kind, tuple[Step, ...]] = {
    "full": STEPS[:-1],
    "routine": ("diagnose", "as-found", "exercise", "zero", "corners", "span", "linearity", "repeatability", "creep"),
}
OPTIONS: dict[Kind, Options] = {
    "full": Options(),
    "routine": Options(repeats=3, thorough=False, creep_min=CREEP_ROUTINE_MIN),
}
