"""Global Trade Item Numbers: GTIN-8, -12, -13 and -14, always handled as fourteen digits.

Source: GS1 General Specifications, section 7.9 (check digit: weights 3 and 1 from the right).
"""

LENGTHS = (8, 12, 13, 14)


class GtinError(ValueError):
    """The text is no GTIN; the message says why."""


def check_digit(digits: str) -> int:
    """Return the check digit that belongs behind `digits` (the number without it)."""
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return -weighted % 10


def normalise(text: str) -> str:
    """Return the GTIN-14 for a GTIN of 8, 12, 13 or 14 digits; refuse anything else with `GtinError`."""
    if not (text.isascii() and text.isdigit()):
        raise GtinError(f"GTIN {text!r} has characters other than digits")
    if len(text) not in LENGTHS:
        raise GtinError(f"GTIN {text!r} has {len(text)} digits; 8, 12, 13 or 14 are possible")
    if (expected := check_digit(text[:-1])) != int(text[-1]):
        raise GtinError(f"GTIN {text!r} ends in {text[-1]}, but its check digit is {expected}")
    return text.zfill(14)
