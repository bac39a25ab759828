"""Beginning a session: the head from what is known and asked, and the table of actions from the weights there are."""

import argparse
from typing import Literal

from calibration import accepting, procedure, sessions
from calibration.asking import Asker, needed_name, overdue, read_weights
from calibration.bench import Scale
from calibration.captures import Session, TestWeight
from calibration.hardware import of_options
from calibration.loads import LoadError, mass_g
from calibration.measuring import look
from calibration.procedure import Action, Loads, Options, Platform, WeightsError
from calibration.record import CalibrationError
from calibration.sessions import SessionFile
from calibration.stations import ConfigurationError
from calibration.texts import load as shown

Kind = Literal["full", "routine", "single"]


def platform_of(scale: Scale, channels: int, rating_g: float | None = None) -> Platform:
    """Return what the table of steps must know of the scale."""
    return Platform(
        capacity_g=scale.capacity_g,
        division_g=scale.division_g,
        channels=channels,
        gives_counts=scale.gives_counts,
        calibrated=not scale.gives_counts or accepting.prior_of(scale.state_dir, scale.number) is not None,
        cell_rating_g=rating_g,
    )


def begin(scale: Scale, chosen: argparse.Namespace, asker: Asker, kind: Kind) -> SessionFile:
    """Ask what is to be known, look at the scale, choose loads, and make the session."""
    operator = asker.text(
        "ask.operator", chosen.operator or ("bench" if chosen.yes else None), "--operator", needed_name
    )
    weights = _weights(chosen, asker, kind)
    overrides = _overrides(chosen, weights, scale)
    rating_g = _rating_g(chosen, asker, scale, kind)
    channels, serial = look(scale)
    plan: tuple[Action, ...] = ()
    if kind != "single":
        platform = platform_of(scale, channels, rating_g)
        plan = procedure.plan(kind, platform, _loads(platform, weights), _options(kind, chosen))
    created = scale.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    head = Session(
        session_id=sessions.session_id(created, scale.number),
        station=scale.station,
        scale=scale.number,
        kind=kind,
        created=created,
        operator=operator,
        hardware=of_options(scale.driver, scale.part, channels, scale.options, serial),
        capacity_g=scale.capacity_g,
        division_g=scale.division_g,
        verification_interval_g=chosen.interval or scale.division_g,
        positions_mm=scale.positions_mm,
        weights=weights,
        as_found=not chosen.no_as_found,
        overrides=overrides,
        place=chosen.place or "",
    )
    prior = accepting.prior_of(scale.state_dir, scale.number)
    return sessions.begin(scale.state_dir, head, plan, asker.language, prior)


def step_plan(scale: Scale, session: SessionFile, chosen: argparse.Namespace) -> tuple[Action, ...]:
    """Return the actions of one step: those of the session's own table, else made for it."""
    own = tuple(action for action in session.plan if action.step == chosen.step)
    if own:
        return own
    weights = session.session.weights
    if not weights and chosen.step not in {"zero", "diagnose"}:
        raise CalibrationError(
            f"session {session.session.session_id} began without weights: give --load, or abort it and use --weights"
        )
    platform = platform_of(scale, session.session.hardware.channels)
    light = chosen.step in {"zero", "diagnose"} and not weights
    loads = _loads(platform, weights or (_ANY,) if light else weights)
    made = procedure.actions(chosen.step, platform, loads, _options("full", chosen))
    if not made:
        raise CalibrationError(f"{chosen.step} says nothing about this scale, or the weights do not allow it")
    return made


class Prepared:
    """What a session still lacks."""

    @staticmethod
    def next_of(session: SessionFile) -> str:
        """Return in words what comes next."""
        made = session.latest()
        for action in session.plan:
            if action.key not in made:
                return _words(action)
        steps = {capture.step for capture in session.captures if capture.skipped is None}
        for needed in ("zero", "corners", "span"):
            if needed not in steps:
                return f"calibrate {needed}"
        return "calibrate accept"


def _words(action: Action) -> str:
    load = f" --load {shown(action.load_g).replace(' ', '')} --position {action.position}" if action.load_g else ""
    return f"calibrate {action.step}{load}"


_ANY = TestWeight(weight_id="any", nominal_g=1000.0)


def _weights(chosen: argparse.Namespace, asker: Asker, kind: Kind) -> tuple[TestWeight, ...]:
    if kind == "single" and chosen.weights is None:
        return asker.text("ask.weights", None, "--weights", read_weights) if asker.may_ask else ()
    weights = asker.text("ask.weights", chosen.weights, "--weights", read_weights)
    if not weights:
        raise ConfigurationError("--weights: no weights; name them, for example 4x10kg M1; 2x5kg M1")
    return weights


def _overrides(chosen: argparse.Namespace, weights: tuple[TestWeight, ...], scale: Scale) -> tuple[str, ...]:
    """Return the overrides to record; refuse weights that are overdue without one."""
    given = tuple(chosen.override or ())
    late = overdue(weights, scale.now().date())
    if late and not any(text.startswith("weight-overdue") for text in given):
        raise CalibrationError(
            f"{late[0].weight_id} was due on {late[0].due}: use weights in date, or record why with"
            ' --override "weight-overdue REASON"'
        )
    return given


def _rating_g(chosen: argparse.Namespace, asker: Asker, scale: Scale, kind: Kind) -> float | None:
    """Return one cell's rating; nobody has to know it."""
    if not scale.gives_counts or kind == "single" or (chosen.cell_rating is None and not asker.may_ask):
        return None
    return asker.text("ask.rating", chosen.cell_rating, "--cell-rating", _maybe_mass)


def _maybe_mass(text: str) -> float | None:
    return mass_g(text) if text.strip() else None


def _loads(platform: Platform, weights: tuple[TestWeight, ...]) -> Loads:
    try:
        return procedure.choose_loads(platform, weights)
    except WeightsError as error:
        raise CalibrationError(str(error)) from error


def _options(kind: Literal["full", "routine"], chosen: argparse.Namespace) -> Options:
    usual = procedure.OPTIONS[kind]
    return Options(
        repeats=chosen.repeats or usual.repeats,
        thorough=usual.thorough,
        creep_min=usual.creep_min if chosen.creep_minutes is None else chosen.creep_minutes,
        down=chosen.down,
        as_found=not chosen.no_as_found,
    )


def typed_load(text: str, session: Session) -> tuple[float, tuple[str, ...]]:
    """Return a load given as an option: grams, and the weights named in it."""
    from calibration.loads import load

    try:
        return load(text, session.weights)
    except LoadError as error:
        raise ConfigurationError(f"--load: {error}") from error
