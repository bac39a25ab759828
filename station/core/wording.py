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
    action: Action, likeliest: Kind | Cause, names: Sequence[str], wanted: Sequence[str], residual_g: float | None, *,
    over: bool,
) -> Texts:  # fmt: skip
    """Return the words of a check: claimed products to show (`names`), unclaimed ones that may be there (`wanted`).

    `residual_g` None: no larger than chance. `over`: more claimed than there is.
    """
    if len(wanted) == 1 and not names:  # one product alone is asked for by its name
        names, wanted = wanted, ()
    template = _template(action, likeliest, (names, wanted), residual_g, over=over)
    return {
        tongue: template[tongue].format(
            the=phrases.THE[tongue], names=_list(names, tongue, phrases.AND), wanted=_list(wanted, tongue, phrases.OR),
            because=_because(residual_g, tongue),
        )
        for tongue in LANGUAGES
    }  # fmt: skip


def _template(
    action: Action, likeliest: Kind | Cause, looks: tuple[Sequence[str], Sequence[str]], residual_g: float | None, *,
    over: bool,
) -> Texts:  # fmt: skip
    if action == "call_staff":
        return phrases.STAFF
    if likeliest == "foreign_load":
        return phrases.NOTHING_LIFTS if residual_g is not None and residual_g < 0 else phrases.NOTHING_ELSE
    if action == "rescan_all":
        return phrases.RESCAN
    return phrases.CARRIER if likeliest == "tare" else _goods(*looks, over=over)


def _goods(names: Sequence[str], wanted: Sequence[str], *, over: bool) -> Texts:
    if over and names and not wanted:
        return phrases.OVERCHARGED
    if wanted:
        return phrases.SHOW_AND_FIND if names else phrases.FIND
    return phrases.SHOW if names else phrases.LOOK


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


def _list(names: Sequence[str], tongue: str, last: Texts) -> str:
    short = list(dict.fromkeys(_name(name, tongue) for name in names if name.strip()))[:NAMES_MAX]
    if len(short) < 2:  # noqa: PLR2004 - nothing to join
        return "".join(short)
    return f"{', '.join(short[:-1])} {last[tongue]} {short[-1]}"


def _name(name: str, tongue: str) -> str:
    """Return a name that fits into a sentence: short, and a bare number as what it is."""
    short = " ".join(name.split())[:NAME_LENGTH_MAX].rstrip()
    return phrases.NUMBERED[tongue].format(number=short) if short.isdigit() else short
