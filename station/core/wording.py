"""What the station says: one neutral sentence in English, German and French, and short reasons for staff.

The station asks for help; it never says or hints that a person did wrong. A weight difference is told only where it
is larger than chance.
"""

from collections.abc import Sequence

from station.core.verdict import Action, Kind, Reason

LANGUAGES = "en", "de", "fr"
NAMES_MAX = 3
NAME_LENGTH_MAX = 60

Texts = dict[str, str]

RELEASE: Texts = {"en": "Thank you, all is fine.", "de": "Vielen Dank, alles in Ordnung.", "fr": "Merci, tout va bien."}
SHOW: Texts = {
    "en": "Please show {names}{because}.",
    "de": "Bitte zeigen Sie {names}{because}.",
    "fr": "Veuillez montrer {names}{because}.",
}
LOOK: Texts = {
    "en": "Please let a member of staff have a short look{because}.",
    "de": "Bitte lassen Sie unser Team kurz schauen{because}.",
    "fr": "Veuillez laisser notre équipe jeter un bref coup d'œil{because}.",
}
NOTHING_ELSE: Texts = {
    "en": "Please make sure that only the shopping is on the platform{because}.",
    "de": "Bitte achten Sie darauf, dass nur der Einkauf auf der Waage steht{because}.",
    "fr": "Veuillez vérifier que seuls vos achats se trouvent sur la balance{because}.",
}
OVERCHARGED: Texts = {
    "en": "Please check {names}: you may be paying for more than you have.",
    "de": "Bitte prüfen Sie {names}: Vielleicht bezahlen Sie mehr, als Sie haben.",
    "fr": "Veuillez vérifier {names} : vous payez peut-être plus que vous n'avez.",
}
RESCAN: Texts = {
    "en": "Please let us scan the items together once more{because}.",
    "de": "Bitte lassen Sie uns die Artikel gemeinsam noch einmal scannen{because}.",
    "fr": "Veuillez scanner à nouveau les articles avec nous{because}.",
}
STAFF: Texts = {
    "en": "One moment please, a member of staff will help.",
    "de": "Einen Moment bitte, unser Team hilft gleich.",
    "fr": "Un instant s'il vous plaît, notre équipe arrive.",
}
WAIT: Texts = {
    "en": "One moment please.",
    "de": "Einen Moment bitte.",
    "fr": "Un instant s'il vous plaît.",
}
BY_REASON: dict[Reason, Texts] = {
    "NO_CLAIM": {
        "en": "Please hold your phone's code to the reader.",
        "de": "Bitte halten Sie den Code Ihres Telefons an den Leser.",
        "fr": "Veuillez présenter le code de votre téléphone au lecteur.",
    },
    "NOT_SETTLED": {
        "en": "Please let the basket stand still and do not lean on the platform.",
        "de": "Bitte lassen Sie den Korb ruhig stehen und stützen Sie sich nicht auf die Waage.",
        "fr": "Veuillez laisser le panier immobile et ne pas vous appuyer sur la balance.",
    },
}
HEAVIER: Texts = {
    "en": ": the basket is {grams} heavier than the receipt",
    "de": ": Der Korb ist {grams} schwerer als der Beleg",
    "fr": " : le panier pèse {grams} de plus que le ticket",
}
LIGHTER: Texts = {
    "en": ": the basket is {grams} lighter than the receipt",
    "de": ": Der Korb ist {grams} leichter als der Beleg",
    "fr": " : le panier pèse {grams} de moins que le ticket",
}
AND: Texts = {"en": "and", "de": "und", "fr": "et"}

_WHY: dict[Kind, str] = {
    "unscanned": "may lie in the basket without a line",
    "several": "may lie in the basket without a line",
    "missing": "may not be in the basket",
    "swapped": "another product may lie in its place",
    "quantity": "the number may differ",
}


def why(kind: Kind, units: int, residual_g: float) -> str:
    """Return the reason for a second look, for staff, in English."""
    text = _WHY.get(kind, "worth a look")
    if kind == "quantity":
        text = f"the number may differ by {units:+d}"
    return f"{text}; the basket is {_grams(abs(residual_g))} {'heavier' if residual_g >= 0 else 'lighter'} than claimed"


def released() -> Texts:
    """Return the words of a release."""
    return dict(RELEASE)


def waiting(reason: Reason | None, action: Action) -> Texts:
    """Return the words of an abstention."""
    if reason is not None and action == "wait" and reason in BY_REASON:
        return dict(BY_REASON[reason])
    return dict(WAIT if action == "wait" else STAFF)


def asking(action: Action, likeliest: Kind, names: Sequence[str], residual_g: float | None, *, over: bool) -> Texts:
    """Return the words of a check. `residual_g` None: no larger than chance. `over`: more claimed than there is."""
    if action == "call_staff":
        return dict(STAFF)
    if action == "rescan_all":
        template = RESCAN
    elif likeliest == "foreign_load":
        template = NOTHING_ELSE
    elif not names:
        template = LOOK
    elif over:
        return {tongue: OVERCHARGED[tongue].format(names=_list(names, tongue)) for tongue in LANGUAGES}
    else:
        template = SHOW
    return {
        tongue: template[tongue].format(names=_list(names, tongue), because=_because(residual_g, tongue))
        for tongue in LANGUAGES
    }


def _because(residual_g: float | None, tongue: str) -> str:
    if residual_g is None:
        return ""
    return (HEAVIER if residual_g >= 0 else LIGHTER)[tongue].format(grams=_grams(abs(residual_g), tongue))


def _grams(weight_g: float, tongue: str = "en") -> str:
    if weight_g < 1000:  # noqa: PLR2004 - kilograms from one kilogram up
        return f"{weight_g:.0f} g"
    text = f"{weight_g / 1000:.2f} kg"
    return text if tongue == "en" else text.replace(".", ",")


def _list(names: Sequence[str], tongue: str) -> str:
    short = list(dict.fromkeys(name.strip()[:NAME_LENGTH_MAX] for name in names if name.strip()))[:NAMES_MAX]
    if len(short) < 2:  # noqa: PLR2004 - nothing to join
        return "".join(short)
    return f"{', '.join(short[:-1])} {AND[tongue]} {short[-1]}"
