"""The parts that a Digital Calibration Certificate is built from: texts in two languages, quantities, lists.

Names and order of elements follow PTB's schema 3.3.0 with D-SI 2.2. Lists hold exactly one space between entries. A
document is checked by PTB's schematron in the tests.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

from calibration.certificate_facts import Words

DCC, SI, XSI = "https://ptb.de/dcc", "https://ptb.de/si", "http://www.w3.org/2001/XMLSchema-instance"
PROBABILITY = "0.9545"
BOTH = (Words("en"), Words("de"))
GRAM, KELVIN, ONE = r"\gram", r"\kelvin", r"\one"

Element = ET.Element
for _prefix, _name in (("dcc", DCC), ("si", SI), ("xsi", XSI)):
    ET.register_namespace(_prefix, _name)


class Uncertain(NamedTuple):
    """Expanded uncertainties and coverage factors, one for each value."""

    expanded: Sequence[float]
    k: Sequence[float]


def dcc(parent: Element, name: str, text: str | None = None, **attributes: str) -> Element:
    """Add an element of the certificate's own names."""
    return _add(parent, DCC, name, text, attributes)


def si(parent: Element, name: str, text: str | None = None) -> Element:
    """Add an element of the system of units."""
    return _add(parent, SI, name, text, {})


def _add(parent: Element, space: str, name: str, text: str | None, attributes: dict[str, str]) -> Element:
    made = ET.SubElement(parent, f"{{{space}}}{name}", attributes)
    made.text = text
    return made


def said(parent: Element, name: str, key: str, **values: object) -> Element:
    """Add a text of the catalogue in both languages."""
    made = dcc(parent, name)
    for words in BOTH:
        dcc(made, "content", words(key, **values), lang=words.language)
    return made


def bilingual(parent: Element, name: str, english: str, german: str) -> Element:
    """Add a text in both languages."""
    made = dcc(parent, name)
    for words, text in zip(BOTH, (english, german), strict=True):
        dcc(made, "content", text, lang=words.language)
    return made


def named(parent: Element, name: str, text: str) -> Element:
    """Add a name that is the same in every language; it has to say something."""
    known = " ".join(text.split())
    return bilingual(parent, name, known or BOTH[0]("not_stated"), known or BOTH[1]("not_stated"))


def real(parent: Element, value: float, unit: str) -> Element:
    """Add one value."""
    made = si(parent, "real")
    si(made, "value", number(value))
    si(made, "unit", unit)
    return made


def reals(parent: Element, values: Sequence[float], unit: str, uncertain: Uncertain | None = None) -> Element:
    """Add a list of values, with their uncertainties where there are any."""
    made = si(parent, "realListXMLList")
    si(made, "valueXMLList", numbers(values))
    si(made, "unitXMLList", unit)
    if uncertain is not None:
        expanded = si(si(made, "measurementUncertaintyUnivariateXMLList"), "expandedMUXMLList")
        si(expanded, "valueExpandedMUXMLList", numbers(uncertain.expanded))
        si(expanded, "coverageFactorXMLList", numbers([round(k, 3) for k in uncertain.k]))
        si(expanded, "coverageProbabilityXMLList", PROBABILITY)
        si(expanded, "distributionXMLList", "normal")
    return made


def quantity(parent: Element, key: str, ref_type: str, **values: object) -> Element:
    """Add a named quantity, to be given its value."""
    made = dcc(parent, "quantity", refType=ref_type)
    said(made, "name", key, **values)
    return made


def number(value: float) -> str:
    """Return a decimal number without an exponent."""
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot stand in a certificate")
    text = f"{value:.9f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def numbers(values: Sequence[float]) -> str:
    """Return a list with exactly one space between its entries."""
    return " ".join(number(value) for value in values)


def listed(texts: Sequence[str]) -> str:
    """Return words as a list; a word has no space."""
    return " ".join("_".join(text.split()) for text in texts)
