"""The words of the station, all of them: what it says to shoppers in English, German and French, and why, for staff.

`{names}` are claimed products by the catalogue's names, `{wanted}` unclaimed ones of which one may be there,
`{because}` the difference in weight where it is larger than chance.
The station asks for help; it never says or hints that a person did wrong.
"""

from station.core.verdict import Kind, Reason

LANGUAGES = "en", "de", "fr"

Texts = dict[str, str]

RELEASE: Texts = {"en": "Thank you, all is fine.", "de": "Vielen Dank, alles in Ordnung.", "fr": "Merci, tout va bien."}
SHOW: Texts = {
    "en": "Please show {the}{names}{because}.",
    "de": "Bitte zeigen Sie {names}{because}.",
    "fr": "Veuillez montrer {names}{because}.",
}
FIND: Texts = {
    "en": "Please check for {wanted}{because}.",
    "de": "Bitte prüfen Sie, ob {wanted} im Korb liegt{because}.",
    "fr": "Veuillez vérifier si {wanted} se trouve dans le panier{because}.",
}
SHOW_AND_FIND: Texts = {
    "en": "Please show {the}{names} and check for {wanted}{because}.",
    "de": "Bitte zeigen Sie {names} und prüfen Sie, ob {wanted} im Korb liegt{because}.",
    "fr": "Veuillez montrer {names} et vérifier si {wanted} se trouve dans le panier{because}.",
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
NOTHING_LIFTS: Texts = {
    "en": "Please put all of the shopping on the platform and let go of it{because}.",
    "de": "Bitte stellen Sie den ganzen Einkauf auf die Waage und lassen Sie ihn los{because}.",
    "fr": "Veuillez poser tous vos achats sur la balance et les lâcher{because}.",
}
OVERCHARGED: Texts = {
    "en": "Please check {the}{names}: you may be paying for more than you have.",
    "de": "Bitte prüfen Sie {names}: Vielleicht bezahlen Sie mehr, als Sie haben.",
    "fr": "Veuillez vérifier {names} : vous payez peut-être plus que vous n'avez.",
}
RESCAN: Texts = {
    "en": "Please let us scan the items together once more{because}.",
    "de": "Bitte lassen Sie uns die Artikel gemeinsam noch einmal scannen{because}.",
    "fr": "Veuillez scanner à nouveau les articles avec nous{because}.",
}
CARRIER: Texts = {
    "en": "Please let a member of staff have a look at the cart or basket{because}.",
    "de": "Bitte lassen Sie unser Team den Wagen oder Korb anschauen{because}.",
    "fr": "Veuillez laisser notre équipe regarder le chariot ou le panier{because}.",
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
OR: Texts = {"en": "or", "de": "oder", "fr": "ou"}
THE: Texts = {"en": "the ", "de": "", "fr": ""}  # where a name takes an article whatever it is
NUMBERED: Texts = {"en": "item {number}", "de": "Artikel {number}", "fr": "l'article {number}"}  # without a name

WHY: dict[Kind, str] = {
    "unscanned": "may lie in the basket without a line",
    "several": "may lie in the basket without a line",
    "missing": "may not be in the basket",
    "swapped": "another product may lie in its place",
    "quantity": "the number may differ",
}
WHY_NOT_KNOWN = "worth a look"
WHY_QUANTITY = "the number may differ by {units:+d}"
WHY_WEIGHT = "{text}; the basket is {grams} {direction} than claimed"
WHY_DIRECTION = "heavier", "lighter"
