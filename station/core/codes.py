"""What a scanned code is: a product, or a token that the backend knows.

A code is a product when its symbology carries GTINs and its check digit is right. The symbologies printed on goods
(EAN, UPC, DataBar) carry nothing else: there, a wrong check digit is a misread, and no token. A 2D code of plain digits
is a token, for products use GS1's forms of those symbologies. Where the scanner does not tell the symbology, the check
digit decides alone: a token of 8, 12, 13 or 14 digits is then a product in one case of ten.
Source: GS1 General Specifications, sections 5.2 (EAN/UPC, UPC-E) and 5.4 (element strings: 01 and a GTIN-14).
"""

import re
from collections import OrderedDict
from typing import NamedTuple

from station.core import gtin

TEXT_MAX = 512  # characters: a signed claim in a QR code would be longer, and is not taken yet
AGAIN_NS = 10**9  # the same code within this time of its last read lies before the scanner still
_KEPT = 32  # codes remembered; more of them in a second no scanner reads
_DIGITS = {"ean-13": 13, "upc-a": 12, "ean-8": 8, "upc-e": 8}  # without the 2 or 5 of a supplement
_SUPPLEMENTS = (0, 2, 5)
_PLAIN = frozenset({"qr", "datamatrix", "aztec", "pdf417"})
_ELEMENT = re.compile(r"01(\d{14})", re.ASCII)
# how many zeros a UPC-E leaves out, and after how many of its five digits, by its sixth; else four after all five
_ZEROS = {"0": (2, 4), "1": (2, 4), "2": (2, 4), "3": (3, 5), "4": (4, 5)}


class Product(NamedTuple):
    """A product's code."""

    gtin: str


class Token(NamedTuple):
    """Anything else, for the backend to know."""

    text: str
    symbology: str


def understand(text: str, symbology: str) -> Product | Token | None:
    """Return what a code is; None for a misread, and for what is no text of a code at all."""
    if not 0 < len(text) <= TEXT_MAX or not text.isprintable() or len(symbology) > TEXT_MAX:
        return None
    if symbology in _DIGITS:
        return _retail(text, symbology)
    if symbology.startswith("gs1-"):
        element = _ELEMENT.match(text)
        number = _checked(element[1]) if element else None
        if number is None and (element or symbology == "gs1-databar"):
            return None
        return Product(number) if number else Token(text, symbology)
    number = None if symbology in _PLAIN else _checked(text)
    return Product(number) if number else Token(text, symbology or "unknown")


def expand_upc_e(digits: str) -> str:
    """Return the 12 digits that the 8 of a UPC-E stand for."""
    kept, last = digits[1:6], digits[6]
    after, zeros = _ZEROS.get(last, (5, 4))
    middle = kept[:after] + (last if last in "012" else "") + "0" * zeros + kept[after:]
    return digits[0] + middle + (last if last > "4" else "") + digits[7]


def _retail(text: str, symbology: str) -> Product | None:
    digits = _DIGITS[symbology]
    if len(text) - digits not in _SUPPLEMENTS or not (text.isascii() and text.isdigit()):
        return None
    code = text[:digits]
    number = _checked(expand_upc_e(code) if symbology == "upc-e" else code)
    return Product(number) if number else None


def _checked(text: str) -> str | None:
    try:
        return gtin.normalise(text)
    except gtin.GtinError:
        return None


class Reads:
    """Tells a new read from one code that the scanner sees again and again."""

    def __init__(self) -> None:
        self._seen_ns: OrderedDict[tuple[str, str], int] = OrderedDict()

    def again(self, text: str, symbology: str, t_ns: int) -> bool:
        """Return whether this is the read before once more; each one puts off the next new read."""
        key = (text, symbology)
        before_ns = self._seen_ns.pop(key, None)
        self._seen_ns[key] = t_ns
        if len(self._seen_ns) > _KEPT:
            self._seen_ns.popitem(last=False)
        return before_ns is not None and abs(t_ns - before_ns) <= AGAIN_NS
