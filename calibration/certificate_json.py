"""The certificate as one JSON object: everything that the page says, as values, and the raw data they come from."""

from typing import Any

import msgspec

from calibration.certificate_facts import Facts, Words, rule

SCHEMA = "calibration-report-1"


def document(facts: Facts) -> dict[str, Any]:
    """Return the content; numbers are unrounded, grams and counts as their names say."""
    english, german = Words("en"), Words("de")
    return {
        "schema": SCHEMA,
        "certificate": facts.certifies,
        "why_no_certificate": None if facts.certifies else english(facts.why_not),
        "issued": facts.issued,
        "software": facts.software,
        "laboratory": facts.laboratory,
        "customer": facts.customer,
        "performed": list(facts.dates),
        "temperatures_c": facts.temperatures_c,
        "decision": facts.decision,
        "decision_rule": {"en": rule(facts.limits, english), "de": rule(facts.limits, german)},
        "statements": {
            key: {"en": english(key), "de": german(key)} for key in ("not_legal", "no_stability", "adjusted_here")
        },
        "due": None if facts.record is None else facts.record.due,
        "raw_sha256": facts.raw_sha256,
        "limits": msgspec.to_builtins(facts.limits),
        "session": msgspec.to_builtins(facts.session),
        "evaluation": msgspec.to_builtins(facts.evaluation),
        "record": msgspec.to_builtins(facts.record),
        "captures": msgspec.to_builtins(facts.captures),
    }


def encode(facts: Facts) -> bytes:
    """Return the file's content."""
    return msgspec.json.format(msgspec.json.encode(document(facts)), indent=2) + b"\n"
