"""A verdict as the JSON object of the contract, section 3.2: flat, and rounded as on the wire.

Grams to 0.1, money that is a mean to 0.1, milliseconds to whole ones. Probabilities are cut, not rounded, to six
digits, so that those of all explanations never sum to more than one, and none is told as certain.
"""

import math
from typing import Any

import msgspec

from station.core.verdict import Verdict

PROBABILITY_STEPS = 1_000_000
ALWAYS_TOLD = "p_as_claimed", "expected_loss_minor", "weight", "smallest_visible"  # null where nothing is known


def to_wire(verdict: Verdict) -> dict[str, Any]:
    """Return the `data` of one verdict, in the order of the contract."""
    judgement = msgspec.to_builtins(verdict.judgement)
    head = {
        "visit_id": verdict.visit_id, "transaction_id": verdict.transaction_id, "revision": verdict.revision,
        "verdict_no": verdict.verdict_no, "decision": judgement.pop("decision"), "action": judgement.pop("action"),
        **{name: judgement.pop(name) for name in ALWAYS_TOLD[:2]}, "currency": judgement.pop("currency"),
        **judgement,
        "evidence": msgspec.to_builtins(verdict.evidence), "versions": msgspec.to_builtins(verdict.versions),
        "timing_ms": {name: round(value) for name, value in msgspec.to_builtins(verdict.timing_ms).items()},
    }  # fmt: skip
    return rounded(head)


def rounded(data: dict[str, Any]) -> dict[str, Any]:
    """Return a structure of plain values, rounded as on the wire."""
    return {name: _rounded(name, value) for name, value in data.items()}


def _rounded(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return rounded(value)
    if isinstance(value, list | tuple):
        return [_rounded(name, item) for item in value]
    if not isinstance(value, float):
        return value
    if name in {"p", "p_as_claimed"}:
        return math.floor(min(max(value, 0.0), 1.0) * PROBABILITY_STEPS) / PROBABILITY_STEPS
    return round(value, 1) + 0.0  # -0.0 reads badly
