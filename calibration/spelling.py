"""Terminals that know ASCII only: what they cannot show is spelt out rather than a reason to fail."""

import codecs
import sys
from io import TextIOWrapper

SPELT = {
    "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "±": "+-", "≤": "<=", "…": "...",
    "\u2013": "-", "\u2019": "'",
}  # fmt: skip


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    part = error.object[error.start : error.end]
    return "".join(SPELT.get(character, "?") for character in part), error.end


def prepare() -> None:
    """Let standard output and standard error spell out what their encoding has not."""
    codecs.register_error("spell", _spell)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="spell")
