"""Which symbology a scanned code is of, as far as the scanner says it, as pure functions of text.

A scanner may put an identifier before what it read: that of AIM, `]` with a letter and a digit, which all makes know;
or letters of its own. Both are taken off. A code without any is of unknown symbology, named "".
Sources: ISO/IEC 15424 for AIM's identifiers; Datalogic Magellan 8300/8400 manual, appendix G, for the letters.
"""

import re

_AIM = re.compile(r"\]([A-Za-z])([0-9A-Za-z])(.*)", re.DOTALL)
# by letter and modifier, else by the letter alone
_AIM_NAMES = {
    "E0": "ean-13", "E3": "ean-13", "E4": "ean-8", "A": "code-39", "C": "code-128", "C1": "gs1-128", "e": "gs1-databar",
    "F": "codabar", "G": "code-93", "I": "itf", "L": "pdf417", "Q": "qr", "Q3": "gs1-qr", "d": "datamatrix",
    "d2": "gs1-datamatrix", "z": "aztec",
}  # fmt: skip
_DATALOGIC = re.compile(r"(FF|F|A|E|R4)([0-9]+)")
_DATALOGIC_NAMES = {"FF": "ean-8", "F": "ean-13", "A": "upc-a", "E": "upc-e", "R4": "gs1-databar"}


def aim(text: str) -> tuple[str, str]:
    """Return the code without AIM's identifier, and the symbology that it stood for."""
    match = _AIM.fullmatch(text)
    if match is None:
        return text, ""
    letter, modifier, code = match.groups()
    return code, _AIM_NAMES.get(letter + modifier) or _AIM_NAMES.get(letter, "")


def datalogic(text: str) -> tuple[str, str]:
    """Return the code without AIM's identifier or Datalogic's letters, and the symbology.

    The letters are believed of the codes on goods only, where nothing but digits follows: other symbologies have
    letters that the shop may change, and a text may begin with any of them.
    """
    code, symbology = aim(text)
    match = _DATALOGIC.fullmatch(text)
    return (match[2], _DATALOGIC_NAMES[match[1]]) if match else (code, symbology)
