"""Findings in the reader's language: what was found, where, how much, and what helps.

English is the finding's own text. German is made from its code and its numbers; there is a title and a remedy for every
code there is, so that no reader is left with half a sentence in another language.
"""

from typing import Literal

from calibration.certificate_texts import TEXTS
from calibration.results import Code, Finding
from calibration.texts import mass

Language = Literal["en", "de"]
FINE_G = 10.0  # below, hundredths are shown
PLACES = {
    "cell": "Zelle", "capture": "Aufnahme", "up": "aufwärts", "down": "abwärts", "weights": "Gewichte",
    "sum": "Summe", "feet": "Füße", "left": "links", "right": "rechts", "front": "vorn", "back": "hinten",
    "platform": "Plattform",
}  # fmt: skip
_TOUCHES = "nach Wand, Anschlag, Kabel, Schürze oder Schmutz sehen; ringsum einen Finger breit Luft lassen"
_FRICTION = "nach Reibung suchen: Kabel, Schmutz, eine Schürze oder ein Anschlag, der berührt"
_UNREST = "nach Luftzug, Vibration, brummendem Netzteil oder beschädigtem Kabel suchen"
_MORE = "weitere Lasten wägen; ohne sie gibt es keinen Kalibrierschein"
GERMAN: dict[Code, tuple[str, str]] = {
    # captures and weights
    "unstable": ("Ablesung war nicht stabil", "warten, bis nichts mehr schwankt, dann wiederholen"),
    "saturated": ("Zelle am Ende des Wandlerbereichs", "auf offene Adern und zu schwere Last prüfen"),
    "identical-readings": (
        "Zelle liefert immer denselben Wert",
        "Versorgung, Kabel und Wandler der Zelle prüfen: Eine Zelle, die lebt, rauscht",
    ),
    "weight-overdue": ("Prüfgewicht war überfällig", "ein Gewicht verwenden, dessen Schein noch gilt"),
    "weight-unknown": ("Prüfgewicht ist nicht benannt", "mit Nennwert und Klasse oder Schein benennen"),
    "weights-unnamed": (
        "Prüfgewichte sind nicht benannt",
        "Gewichte mit Klasse oder Schein benennen: Ohne sie ist nichts rückführbar",
    ),
    "weights-unsuitable": ("Prüfgewichte sind nicht genau genug", "Gewichte einer besseren Klasse verwenden"),
    "weights": ("Genauigkeit der Prüfgewichte", "Gewichte einer besseren Klasse wären gut"),
    "weight-inconsistent": (
        "Ein Prüfgewicht widerspricht den anderen",
        "prüfen, ob es das richtige ist, sauber und unbeschädigt; weglassen oder ersetzen",
    ),
    "load-typed": (
        "Eingegebene Last passt nicht zu den Gewichten",
        "Einheit und Komma prüfen, oder welche Gewichte dort lagen, dann wiederholen",
    ),
    # at rest
    "warm-up": ("Aufwärmen: Drift des Nullpunkts", "warten, bis der Nullpunkt steht"),
    "not-warmed-up": (
        "Noch nicht warm: Der Nullpunkt läuft",
        "eine halbe Stunde eingeschaltet lassen, Luftzug und Sonne fernhalten, dann neu beginnen",
    ),
    "noise": ("Rauschen der Summe", _UNREST),
    "noise-change": ("Rauschen einer Zelle ist anders als zuvor", "Kabel, Stecker, Versorgung und Wandler prüfen"),
    "zero-drift": (
        "Nullpunktdrift während des Schritts",
        "warten, bis der Nullpunkt steht; prüfen, dass nichts klemmt; den Schritt wiederholen",
    ),
    "zero-shift": (
        "Nullpunkt einer Zelle hat sich verschoben",
        "sehen, was auf der leeren Plattform liegt oder drückt; eine überlastete Zelle ersetzen",
    ),
    # gains
    "placement": ("Unterschied der Auflagen", "die Last sanft an dieselbe Stelle legen und wiederholen"),
    "residual": (
        "Reste der Anpassung",
        "sehen, was klemmt oder berührt, ob der Boden eben ist und die Zellen gerade sitzen; Ecken wiederholen",
    ),
    "gain-spread": (
        "Streuung der Empfindlichkeiten",
        "an dieser Zelle nach Klemmen, unebenem Boden oder schiefem Einbau sehen; nicht wegjustieren",
    ),
    "implausible-gain": (
        "Empfindlichkeit ist nicht glaubhaft",
        "eingegebenes Gewicht, Einheit und Komma prüfen, und welche Zellen eingebaut sind",
    ),
    "rank": ("Rang der Ecklasten", "nichts zu tun: Eine steife Plattform zeigt die Verwindung nicht"),
    "span-change": (
        "Änderung der Empfindlichkeit seit der letzten Kalibrierung",
        "Gewicht und Eingabe prüfen; wurde die Station versetzt, eine Zelle oder ein Kabel getauscht?",
    ),
    "span-light": (
        "Schwerste Last ist zu leicht",
        "mehr Gewichte oder Ersatzlasten: zwei Drittel der Höchstlast sind gut, ein Drittel ist das Mindeste",
    ),
    # errors
    "error": (
        "Abweichung der Anzeige",
        "Empfindlichkeit justieren, nach Berührung der Plattform sehen, dann nochmals nachprüfen",
    ),
    "uncertainty": ("Erweiterte Messunsicherheit", "bessere oder weniger Gewichte verwenden, öfter wiederholen"),
    "corner-error": (
        "Eckenfehler",
        "Ecken neu kalibrieren; hilft das nicht: Klemmen, unebener Boden, schief sitzende Zelle",
    ),
    "repeatability": (
        "Wiederholbarkeit",
        "lose Füße, Reibung, Luftzug, oder die Last liegt jedes Mal anders",
    ),
    "hysteresis": ("Umkehrspanne", _FRICTION),
    "discrimination": ("Beweglichkeit", _FRICTION),
    "creep": (
        "Kriechen",
        "bei gleichmäßiger Temperatur wiederholen; bleibt es, taugt Zelle oder Einbau nicht",
    ),
    "creep-late": ("Kriechen in der zweiten Hälfte", "bei gleichmäßiger Temperatur wiederholen"),
    "zero-return": ("Rückkehr zum Nullpunkt", "bei gleichmäßiger Temperatur wiederholen; nach Klemmen sehen"),
    "curve": ("Gerade durch null", ""),
    "corrected": ("Linearität ist korrigiert", "andere Lasten beweisen die Korrektur"),
    "not-linear": ("Nicht linear: Etwas nimmt einen Teil der Last auf", _TOUCHES),
    # what a certificate needs
    "few-loads": ("Zu wenige Lasten", _MORE),
    "few-repeats": ("Zu wenige Wiederholungen", "eine Last dreimal oder öfter auflegen"),
    "no-corners": ("Ecken wurden nicht belastet", "an jeder Ecke wägen"),
    # mechanics
    "no-response": (
        "Zelle antwortet nicht auf Last",
        "Stecker, Kabel und Wandler prüfen; sehen, ob die Plattform überhaupt auf ihr ruht",
    ),
    "wrong-sign": (
        "Zelle ist verkehrt angeschlossen",
        "Signaladern sind vertauscht (meist Weiß und Grün), oder die Zelle sitzt kopfüber",
    ),
    "cells-exchanged": ("Zellen sind vertauscht", "Stecker der beiden Zellen tauschen, oder positions_mm berichtigen"),
    "loose-foot": (
        "Ein Fuß trägt nicht",
        "Füße so stellen, dass alle vier tragen, und kontern; auf festen Boden achten; neu beginnen",
    ),
    "bound-corner": ("Eine Ecke klemmt", "dort nach Schmutz, Kabel, Anschlag oder schief sitzender Zelle sehen"),
    "force-shunt": ("Etwas außerhalb trägt einen Teil der Last", _TOUCHES),
    "cell-overload": (
        "Zelle überlastet",
        "weniger auf eine Ecke stellen, höchstens die Nennlast einer Zelle; prüfen, ob sie Schaden nahm",
    ),
}


def title(finding: Finding, language: Language) -> str:
    """Return what was found."""
    return GERMAN[finding.code][0] if language == "de" else finding.text


def remedy(finding: Finding, language: Language) -> str:
    """Return what helps, nothing where no help is needed."""
    if not finding.remedy or language == "en":
        return finding.remedy
    return GERMAN[finding.code][1]


def place(where: str, language: Language) -> str:
    """Return a place in the reader's language; cells, captures and weights keep their numbers and names."""
    if language == "en":
        return where
    parts = where.replace(",", " ,").split()
    return " ".join(PLACES.get(part) or _known(part) for part in parts).replace(" ,", ",")


def _known(part: str) -> str:
    found = TEXTS.get(f"step.{part}") or TEXTS.get(part)
    return part if found is None else found[1]


def sentence(finding: Finding, language: Language) -> str:
    """Return the finding as one line: where, what, how much beside its limit, and what helps."""
    helps = remedy(finding, language)
    after = f"; {helps}" if helps else ""
    if language == "en":
        where = "" if finding.text.startswith(finding.where) else f"{finding.where}: "
        return f"{where}{finding.text}{after}"
    where = place(finding.where, language)
    return f"{where[:1].upper()}{where[1:]}: {title(finding, language)}{_sizes(finding)}{after}"


def _sizes(finding: Finding) -> str:
    if finding.value is None:
        return ""
    limit = "" if finding.limit is None else f", Grenze {_size(finding.limit, finding.unit)}"
    return f" ({_size(finding.value, finding.unit)}{limit})"


def _size(value: float, unit: str) -> str:
    if unit == "g":
        return mass(value, "de", 2 if abs(value) < FINE_G else 1)
    shown = {"": f"{100 * value:.3g} %", "mpe": f"{value:.2g} MPE"}.get(unit, f"{value:g}")
    return shown.replace(".", ",")
