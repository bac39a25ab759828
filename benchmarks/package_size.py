"""Net contents from the package sizes that a supermarket's article file has: "16 OZ", "6 PK/12 OZ", "10 3/4 OZ".

Fluid ounces, pints and litres become grams as water does; a plain "OZ" is not told whether it is fluid, and the two
differ by 4 %. Counts, lengths and loads say nothing about weight: None.
"""

import re

OUNCE_G, POUND_G, GALLON_G = 28.35, 453.6, 3785.4
UNIT_G = {
    "OZ": OUNCE_G, "OZS": OUNCE_G, "Z": OUNCE_G, "FLOZ": 29.57, "LB": POUND_G, "LBS": POUND_G, "G": 1.0, "GM": 1.0,
    "GR": 1.0, "KG": 1000.0, "ML": 1.0, "L": 1000.0, "LT": 1000.0, "LTR": 1000.0, "GAL": GALLON_G, "GA": GALLON_G,
    "QT": GALLON_G / 4, "PT": GALLON_G / 8,
}  # fmt: skip
PACKS = "PK|PKS|P"
TOTAL_FROM_OZ = 40.0  # "144 OZ/12 PK" is the total, "12 OZ/12 PK" one of twelve
LEAST_G, MOST_G = 2.0, 25_000.0  # outside it is a misprint or no basket

_NUMBER = r"(?:\d+ [1357]/[248]\b|[1357]/[248]\b(?!\.)|\d*\.\d+|\d+)"
_UNIT = r"(FL OZ|[A-Z]+)"
_AMOUNT = re.compile(rf"({_NUMBER}) ?{_UNIT}(?![A-Z])")
_TIMES = re.compile(rf"^(\d+)(?: ?(?:{PACKS}))?(?: ?[/-] ?| )({_NUMBER} ?(?:FL OZ|[A-Z]+))\b")
_BEFORE_PACKS = re.compile(rf"^({_NUMBER} ?(?:FL OZ|[A-Z]+)) ?/ ?(\d+) ?(?:{PACKS})\b")
_BARE = {"GAL": 1.0, "HALF GAL": 0.5, "QT": 1.0, "PT": 1.0, "LB": 1.0, "L": 1.0}


def net_g(text: str) -> float | None:
    """Return the whole package's net content in grams, or None where the text does not tell."""
    words = " ".join(text.upper().split())
    grams = _net(words)
    return grams if grams is not None and LEAST_G <= grams <= MOST_G else None


def _net(words: str) -> float | None:
    if words in _BARE:
        return _BARE[words] * UNIT_G[words.rsplit(maxsplit=1)[-1]]
    if (packs := _BEFORE_PACKS.match(words)) and (one := _amount(packs[1])) is not None:
        total = float(_number(packs[1].split(" ")[0])) >= TOTAL_FROM_OZ
        return one if total else one * int(packs[2])
    whole = re.match(rf"^{_NUMBER} ?(?:FL OZ|[A-Z]+)", words)  # "3/4 OZ" and "10 3/4 OZ" are fractions
    if not whole and (times := _TIMES.match(words)) and (one := _amount(times[2])) is not None:
        return int(times[1]) * one
    if (times := re.match(rf"^(\d+) ?(?:{PACKS})\b[ /]*({_NUMBER} ?(?:FL OZ|[A-Z]+))", words)) and (
        one := _amount(times[2])
    ) is not None:
        return int(times[1]) * one
    return _amount(words)


def _amount(words: str) -> float | None:
    """Sum the weights that stand in the text, so that "2 LB 3 OZ" is both; a count beside them adds nothing."""
    found = [(number, unit.replace(" ", "")) for number, unit in _AMOUNT.findall(words)]
    parts = [_number(number) * UNIT_G[unit] for number, unit in found if unit in UNIT_G]
    pounds_first = len(found) > 1 and found[0][1] in {"LB", "LBS"}
    return (sum(parts) if pounds_first else parts[0]) if parts else None


def _number(text: str) -> float:
    whole, _, fraction = text.rpartition(" ")
    if "/" in fraction:
        above, below = fraction.split("/")
        return float(whole or 0) + int(above) / int(below)
    return float(text)
