"""Claims whose lines carry whole GS1 element strings: GTIN (AI 01) and net weight (AI 310n) are taken out of them.

A scanning app may pass on what a GS1-128, DataBar or DataMatrix symbol holds instead of a bare GTIN; with a symbology
identifier in front (`]C1…`), or starting with the application identifier 01. Everything else stays as it is and is
judged by the claim's own rules.
"""

from collections.abc import Mapping
from typing import Any

from station.core.claim import ClaimError

LONGEST = 200  # of a symbol's text; GS1-128 holds 48 characters, DataMatrix some thousands that no claim needs
_GTIN_14 = 14
_KG_TO_G = 1000


def plain(claim: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claim with a GTIN and, where stated, `weight_g` in place of each element string.

    Raise `ClaimError` for a text that looks like an element string and holds no GTIN.
    """
    lines = claim.get("lines")
    if not isinstance(lines, list):
        return dict(claim)
    return {**claim, "lines": [_line(line) for line in lines]}


def _line(line: Any) -> Any:
    text = line.get("gtin") if isinstance(line, dict) else None
    if not isinstance(text, str) or not (_has_symbology(text) or (text.startswith("01") and len(text) > _GTIN_14)):
        return line
    if len(text) > LONGEST:
        raise ClaimError(f"the code {text[:20]!r}… has more than {LONGEST} characters - at line {line.get('line')}")
    from biip import BiipException, ParseConfig, parse
    from biip.gs1_messages import GS1Message

    try:
        result = parse(text) if _has_symbology(text) else None
        message = GS1Message.parse(text, config=ParseConfig()) if result is None else result.gs1_message
    except (BiipException, ValueError) as error:  # its reader of symbology identifiers lets a ValueError slip
        raise ClaimError(f"{text!r} is no GS1 element string: {error} - at line {line.get('line')}") from error
    if result is not None and message is None and result.gtin is not None:
        return {**line, "gtin": result.gtin.value}
    found = message and message.element_strings.get(ai="01")
    if not message or not found:
        raise ClaimError(f"{text!r} holds no GTIN (application identifier 01) - at line {line.get('line')}")
    weight = message.element_strings.get(ai="310")
    stated = {} if weight is None or not weight.decimal else {"weight_g": float(weight.decimal * _KG_TO_G)}
    return {**stated, **line, "gtin": found.value}


def _has_symbology(text: str) -> bool:
    """Return whether a symbology identifier and some text behind it are there (ISO/IEC 15424: `]`, code, modifier)."""
    return text.startswith("]") and len(text) > len("]C1")
