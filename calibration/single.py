"""One scripted capture: `calibrate corners --load 10kg --position FL --yes`. What lies there is measured as it is."""

import argparse

import msgspec

from calibration import provisional
from calibration.asking import Asker
from calibration.bench import Scale
from calibration.captures import Capture
from calibration.capturing import Watch, Weigher, band_g
from calibration.conduct import make_capture
from calibration.measuring import channels_of, first_reading, gross_g, measure
from calibration.preparing import typed_load
from calibration.procedure import DIAGNOSE_S, EMPTY_S, LOAD_S, ZERO_S, Action
from calibration.record import CalibrationError
from calibration.sessions import SessionFile
from calibration.texts import load as shown
from calibration.view import Taken
from drivers.base import Indication, Sample, SensorError

SECONDS = {"zero": ZERO_S, "diagnose": DIAGNOSE_S}
AWAY = 0.1  # of the load: what is further off is another load than was typed


def one_capture(
    scale: Scale, session: SessionFile, chosen: argparse.Namespace, asker: Asker
) -> tuple[Capture, float | None]:
    """Measure what lies there, keep it, and return it with its weight by what is known so far."""
    action = _action(session, chosen)
    if not chosen.yes and not asker.yes("ask.measure"):
        raise CalibrationError("nothing was measured; --yes measures what lies there now")
    watch = Watch(band_g(session.session.verification_interval_g, counts=scale.gives_counts))
    driver = scale.make()
    try:
        driver.open()
        first = first_reading(driver)
        watch.weigher = _weigher(scale, session, first)
        measured = measure(driver, watch, action.seconds)
    except SensorError as error:
        raise CalibrationError(f"{error.message}; {error.remedy}") from error
    finally:
        driver.close()
    weighed_g = gross_g(watch.weigher, measured)
    _refuse_other_loads(action, watch.weigher, weighed_g)
    before = session.latest().get(action.key)
    taken = Taken(action=action, key=action.key, measured=measured, replaces=before.number if before else None)
    capture = make_capture(
        taken, session.next_number, scale.now(), counts=scale.gives_counts, temperature_c=chosen.temperature
    )
    session.add(action.key, capture)
    return capture, weighed_g


def _action(session: SessionFile, chosen: argparse.Namespace) -> Action:
    """Return the action that the options describe, counted on from the captures there are."""
    grams, names = (0.0, ()) if chosen.load is None else typed_load(chosen.load, session.session)
    if grams > session.session.capacity_g:
        raise CalibrationError(f"{shown(grams)} is more than Max, {shown(session.session.capacity_g)}")
    action = Action(
        step=chosen.step,
        do="load" if grams else "empty",
        seconds=chosen.seconds or (LOAD_S if grams else SECONDS.get(chosen.step, EMPTY_S)),
        position=(chosen.position or "C") if grams else None,
        direction=chosen.direction if grams else None,
        load_g=grams,
        weights=names,
    )
    made = session.latest()
    while action.key in made and not chosen.replace:
        action = msgspec.structs.replace(action, series=action.series + 1)
    return action


def _weigher(scale: Scale, session: SessionFile, first: Sample | Indication) -> Weigher | None:
    if not scale.gives_counts:
        return provisional.instrument(session.captures)
    if channels_of(first) != session.session.hardware.channels:
        raise CalibrationError(
            f"the scale now has {channels_of(first)} channels, the session {session.session.hardware.channels}:"
            " abort it and begin anew"
        )
    seen = first.counts if isinstance(first, Sample) else None
    return provisional.weigher(session.captures, session.prior, scale.capacity_g, seen)


def _refuse_other_loads(action: Action, weigher: Weigher | None, weighed_g: float | None) -> None:
    """Refuse a load that is another than was typed, where that can be told."""
    if weigher is None or weigher.source == "nominal" or weighed_g is None or not action.load_g:
        return
    if abs(weighed_g - action.load_g) > AWAY * action.load_g:
        raise CalibrationError(
            f"the scale shows {shown(round(weighed_g, 1))}, {shown(action.load_g)} was typed: check the weight and its"
            " unit; where the calibration in force is wrong, begin with `calibrate zero`"
        )
