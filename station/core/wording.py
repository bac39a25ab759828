"""What the station says: one neutral sentence a language out of `phrases`, and short reasons for staff.

A weight difference is told only where it is larger than chance.
"""

from collections.abc import Sequence

from station.core import phrases
from station.core.phrases import LANGUAGES, Texts
from station.core.verdict import Action, Cause, Kind, Reason

NAMES_MAX = 3
NAME_LENGTH_MAX = 60


def why(kind: Kind, units: int, residual_g: float) -> str:
    """Return the reason for a second look, for staff, in English."""
    text = phrases.WHY.get(kind, phrases.WHY_NOT_KNOWN)
    if kind == "quantity":
        text = phrases.WHY_QUANTITY.format(units=units)
    direction = phrases.WHY_DIRECTION[0 if residual_g >= 0 else 1]
    return phrases.WHY_WEIGHT.format(text=text, grams=_grams(abs(residual_g)), direction=direction)


def released() -> Texts:
    """Return the words of a release."""
    return dict(phrases.RELEASE)


def waiting(reason: Reason | None, action: Action) -> Texts:
    """Return the words of an abstention."""
    if reason is not None and action == "wait" and reason in phrases.BY_REASON:
        return dict(phrases.BY_REASON[reason])
    return dict(phrases.WAIT if action == "wait" else phrases.STAFF)


def asking(
    action: Action, likeliest: Kind | Cause, names: Sequence[str], residual_g: float | None, *, over: bool
) -> Texts:
    """Return the words of a check. `residual_g` None: no larger than chance. `over`: more claimed than there is."""
    template = _template(action, likeliest, names, over=over)
    return {
        tongue: template[tongue].format(
            the=phrases.THE[tongue], names=_list(names, tongue), because=_because(residual_g, tongue)
        )
        for tongue in LANGUAGES
    }


def _template(action: Action, likeliest: Kind | Cause, names: Sequence[str], *, over: bool) -> Texts:
    if action == "call_staff":
        return phrases.STAFF
    if action == "rescan_all":
        return phrases.RESCAN
    if likeliest == "tare":
        return phrases.CARRIER
    if likeliest == "foreign_load":
        return phrases.NOTHING_ELSE
    if not names:
        return phrases.LOOK
    return phrases.OVERCHARGED if over else phrases.SHOW


def _because(residual_g: float | None, tongue: str) -> str:
    if residual_g is None:
        return ""
    template = phrases.HEAVIER if residual_g >= 0 else phrases.LIGHTER
    return template[tongue].format(grams=_grams(abs(residual_g), tongue))


def _grams(weight_g: float, tongue: str = "en") -> str:
    if weight_g < 1000:  # noqa: PLR2004 - kilograms from one kilogram up
        return f"{weight_g:.0f} g"
    text = f"{weight_g / 1000:.2f} kg"
    return text if tongue == "en" else text.replace(".", ",")


def _list(names: Sequence[str], tongue: str) -> str:
    short = list(dict.fromkeys(_name(name, tongue) for name in names if name.strip()))[:NAMES_MAX]
    if len(short) < 2:  # noqa: PLR2004 - nothing to join
        return "".join(short)
    return f"{', '.join(short[:-1])} {phrases.AND[tongue]} {short[-1]}"


def _name(name: str, tongue: str) -> str:
    """Return a name that fits into a sentence: short, and a bare number as what it is."""
    short = " ".join(name.split())[:NAME_LENGTH_MAX].rstrip()
    return phrases.NUMBERED[tongue].format(number=short) if short.isdigit() else short
