"""The judgement of one basket: evidence in, decision with its reasons out.

`judge` sets up the weight equation, asks the pictures, weighs all explanations, and takes the way on that costs least
by the store's policy. Where the evidence cannot support a release, it abstains and says why.
"""

from collections.abc import Sequence

from station.core import wording
from station.core.basket import UNKNOWN_PLACE, Basket, weigh
from station.core.beliefs import Beliefs
from station.core.cases import case_of
from station.core.claim import TRUST_MAX, TRUST_MIN, Claim
from station.core.evidence import Evidence, Reading
from station.core.fusion import Posterior, explanations, posterior
from station.core.hypotheses import UPS
from station.core.policy_costs import costs
from station.core.recheck import Looks, looks
from station.core.sights import look
from station.core.store_policy import Policy as Policy  # noqa: PLC0414 - the policy's values are part of this module
from station.core.support import beyond_reason, blind, unknown_lines
from station.core.verdict import (
    Action,
    Cause,
    Decision,
    Judgement,
    Kind,
    Reason,
    Recheck,
    Requirement,
    SmallestVisible,
    Weight,
)  # fmt: skip
from station.core.visible import smallest_visible

REASON_OF: dict[Kind, Reason] = {
    "unscanned": "UNSCANNED", "missing": "MISSING", "swapped": "SWAPPED",
    "quantity": "QUANTITY", "unknown_object": "UNKNOWN_ITEM", "foreign_load": "FOREIGN_OBJECT",
    "scale_fault": "SCALE_FAULT", "stale_weight": "STALE_CATALOGUE",
}  # fmt: skip
REASON_SHARE = 0.1  # of the probability that the basket is not as claimed: less is no reason
CALL_STAFF: frozenset[tuple[Kind, Cause | None]] = frozenset(
    {("foreign_load", None), ("foreign_load", "tare"), ("unknown_object", None), ("scale_fault", None)}
)  # a rescan would not help
WAITING: frozenset[Reason] = frozenset({"NO_CLAIM", "NOT_SETTLED"})  # what time or the shopper may mend
CHANCE_SD = 2.0  # a difference below so many standard deviations is not spoken of


def judge(
    claim: Claim, reading: Reading | None, evidence: Evidence | None, beliefs: Beliefs, policy: Policy
) -> Judgement:
    """Return the judgement of a claim by what scale and cameras saw; no evidence is None."""
    if reading is None:
        return abstained(("NOT_SETTLED",), claim.currency)
    if broken := beyond_reason(reading, policy):
        weight = Weight(gross_g=reading.gross_g, sd_g=reading.sd_g)
        return abstained(broken, claim.currency, weight, requirements(claim, beliefs))
    result = consider(claim, reading, evidence, beliefs, policy)
    named = looks(result) if costs(policy, result.p_as_claimed, result.loss_minor).decision != "accept" else Looks()
    way = costs(policy, result.p_as_claimed, result.loss_minor, named.settled_minor, named.p_open)
    unsure = blind(result.case.basket, policy)
    if way.decision == "accept" and unsure and not (evidence and evidence.sightings):
        return abstained(unsure, claim.currency, _weight(result.case.basket, reading), requirements(claim, beliefs))
    named = named if way.decision == "review" else Looks()
    smallest = smallest_visible(result.case, trust_of(claim, policy))
    return _judgement(claim, reading, result, way.decision, named, smallest)


def consider(claim: Claim, reading: Reading, evidence: Evidence | None, beliefs: Beliefs, policy: Policy) -> Posterior:
    """Return the posterior over all explanations, before anything is decided."""
    basket = weigh(claim, reading, beliefs, policy)
    seen = look(evidence, basket, beliefs, policy.sights, UPS)
    return posterior(case_of(basket, seen, beliefs, policy), trust_of(claim, policy))


def trust_of(claim: Claim, policy: Policy) -> float:
    """Return the prior probability that the whole basket is as claimed."""
    return min(max(policy.trust if claim.trust is None else claim.trust, TRUST_MIN), TRUST_MAX)


def abstained(
    reasons: Sequence[Reason], currency: str, weight: Weight | None = None,
    conditions: tuple[Requirement, ...] = (),
) -> Judgement:  # fmt: skip
    """Return "cannot tell", with what to do: wait where time or the shopper may mend it, else call staff."""
    action: Action = "wait" if reasons and set(reasons) <= WAITING else "call_staff"
    return Judgement(
        decision="abstain", action=action, currency=currency, weight=weight, reasons=tuple(reasons),
        requirements=conditions, message=wording.waiting(reasons[0] if reasons else None, action),
    )  # fmt: skip


def _judgement(
    claim: Claim, reading: Reading, result: Posterior, decision: Decision, named: Looks, smallest: SmallestVisible
) -> Judgement:
    basket = result.case.basket
    action = _action(decision, result, named.lines)
    return Judgement(
        decision=decision, action=action, currency=claim.currency,
        p_as_claimed=result.p_as_claimed, expected_loss_minor=result.loss_minor,
        weight=_weight(basket, reading), explanations=explanations(result),
        recheck=named.lines, look_for=named.products, requirements=requirements(claim, result.case.beliefs),
        smallest_visible=smallest,
        reasons=() if decision == "accept" else _reasons(result),
        message=_message(action, result, named),
    )  # fmt: skip


def _action(decision: Decision, result: Posterior, lines: Sequence[Recheck]) -> Action:
    if decision == "accept":
        return "release"
    if decision == "review":
        return "rescan_items" if lines else "sight_check"
    return "call_staff" if _likeliest(result) in CALL_STAFF else "rescan_all"


def _families(result: Posterior) -> dict[tuple[Kind, Cause | None], float]:
    """Return the probability of each way in which the basket is not as claimed."""
    families: dict[tuple[Kind, Cause | None], float] = {}
    for branch, p in zip(result.branches[1:], result.p[1:], strict=True):
        key = branch.kind, branch.cause
        families[key] = families.get(key, 0.0) + float(p.sum())
    return families


def _likeliest(result: Posterior) -> tuple[Kind, Cause | None]:
    families = _families(result)
    return max(families, key=lambda each: families[each])


def _reasons(result: Posterior) -> tuple[Reason, ...]:
    families = _families(result)
    total = sum(families.values())
    most = sorted(families, key=lambda each: -families[each])
    reasons: list[Reason] = [_reason(result, *each) for each in most if families[each] >= REASON_SHARE * total]
    if unknown_lines(result.case.basket).any():
        reasons.append("UNKNOWN_WEIGHT")
    return tuple(dict.fromkeys(reasons))


def _reason(result: Posterior, kind: Kind, cause: Cause | None) -> Reason:
    """Return the reason of a kind; of several deviations that of the likeliest one's first part."""
    if cause == "tare":
        return "TARE_UNKNOWN"
    if kind != "several":
        return REASON_OF[kind]
    found = next((found for found in result.top(10) if found.kind == "several" and found.parts), None)
    return REASON_OF[found.parts[0].kind(result.case.basket)] if found else "UNSCANNED"


def requirements(claim: Claim, beliefs: Beliefs) -> tuple[Requirement, ...]:
    """Return the conditions of sale of the claimed lines; they say nothing about the shopper."""
    ages = [(line.line, int(beliefs.min_age[beliefs.index[line.gtin]])) for line in claim.lines
            if line.gtin in beliefs.index]  # fmt: skip
    return tuple(Requirement(kind="age", line=number, min_age=age) for number, age in ages if age > 0)


def _weight(basket: Basket, reading: Reading) -> Weight:
    return Weight(
        gross_g=reading.gross_g, sd_g=reading.sd_g, expected_g=basket.expected_g,
        expected_sd_g=basket.expected_g2**0.5, tare_g=basket.tare_g, residual_g=basket.residual_g,
    )  # fmt: skip


def _message(action: Action, result: Posterior, named: Looks) -> dict[str, str]:
    if action == "release":
        return wording.released()
    basket, beliefs = result.case.basket, result.case.beliefs
    places = [(line.gtin, beliefs.index.get(line.gtin, UNKNOWN_PLACE)) for line in named.lines]
    claimed = [beliefs.names[place] if place != UNKNOWN_PLACE else gtin for gtin, place in places]
    wanted = [product.name for product in named.products]
    telling = abs(basket.residual_g) > CHANCE_SD * basket.variance_g2**0.5
    kind, cause = _likeliest(result)
    over = kind == "missing" or (kind == "quantity" and basket.residual_g < 0)
    return wording.asking(action, cause or kind, claimed, wanted, basket.residual_g if telling else None, over=over)
