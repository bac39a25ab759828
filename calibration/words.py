"""Actions and messages of the guide in words."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from calibration.procedure import Action
from calibration.remarks import Message
from calibration.texts import TEXTS, Language, clock, load, mass, say
from calibration.view import View

GRAMS = ("gross_g", "swing_g", "band_g")
LOADS = ("load_g", "rated_g", "ends_g", "expected_g", "felt_g", "capacity")


def instruction(action: Action, language: Language, *, measuring: bool = False) -> str:
    """Return what to do, where, and how heavy."""
    if action.do == "empty" and measuring:
        return say(language, "do.stay")
    values = {"load": load(action.load_g, language)}
    if action.position is not None:
        values["place"] = say(language, f"place.{action.position}")
    return say(language, f"do.{action.do}", **values)


def weights(names: Sequence[str]) -> str:
    """Return weights as a short list: 10kg-1…4, 5kg-1."""
    found = []
    for stem, group in groupby(names, lambda name: name.rpartition("-")[0]):
        numbers = [name.rpartition("-")[2] for name in group]
        found.append(f"{stem}-{','.join(numbers)}" if stem else ", ".join(numbers))
    return "  ".join(found)


def message(said: Message, language: Language, capacity_g: float, places: Sequence[str] = ()) -> str:
    """Return a message of the guide; `places` are the corners of the cells, in the order of the channels."""
    values: dict[str, Any] = {"capacity": capacity_g, **said.values}
    for name in list(values):
        if name in GRAMS:
            values[name.removesuffix("_g")] = mass(values[name], language)
        elif name in LOADS and values[name] is not None:
            values[name.removesuffix("_g")] = load(float(f"{values[name]:.3g}"), language)
    if "load_g" in said.values:
        values["load"] = load(said.values["load_g"], language)
    if "counts_per_g" in values:
        values["counts_per_g"] = f"{values['counts_per_g']:.4g}"
    for name in ("seen", "asked"):
        if values.get(name):
            values[name] = say(language, f"at.{values[name]}")
    key = said.key
    if key == "trouble" and values["cell"] is not None and f"trouble.{values['trouble']}" in TEXTS:
        key = f"trouble.{values['trouble']}"
    if key == "answered":
        key = _answered(values, language, places)
    return say(language, key, **values)


def _answered(values: dict[str, Any], language: Language, places: Sequence[str]) -> str:
    position, channel = values["position"], values["cell"] - 1
    values["at"] = say(language, f"at.{position}").capitalize()
    if not places or places[channel] == position:
        return "answered"
    values["there"] = say(language, f"at.{places[channel]}")
    return "answered_wrong"


def phase(view: View, language: Language) -> str:
    """Return how the action stands."""
    if view.phase == "measure" and view.live is not None and view.live.progress == 0:
        return say(language, "phase.settle")
    if view.phase == "place" and view.action is not None and view.action.do == "empty":
        return say(language, "phase.clear")
    return say(language, f"phase.{view.phase}", left=clock(view.left_s))
