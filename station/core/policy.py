"""The judgement of one basket: evidence in, decision with its reasons out.

`judge` sets up the weight equation, asks the pictures, weighs all explanations, and takes the way on that costs least
by the store's policy. Where the evidence cannot support a release, it abstains and says why.
"""

from collections.abc import Sequence

from station.core import wording
from station.core.basket import UNKNOWN_PLACE, Basket, tare_of, weigh
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
from station.core.verdict import (
    Action,
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
    "unscanned": "UNSCANNED", "several": "UNSCANNED", "missing": "MISSING", "swapped": "SWAPPED",
    "quantity": "QUANTITY", "unknown_object": "UNKNOWN_ITEM", "foreign_load": "FOREIGN_OBJECT",
    "scale_fault": "SCALE_FAULT", "stale_weight": "STALE_CATALOGUE",
}  # fmt: skip
REASON_SHARE = 0.1  # of the probability that the basket is not as claimed: less is no reason
WAITING: frozenset[Reason] = frozenset({"NO_CLAIM", "NOT_SETTLED"})  # what time or the shopper may mend
CHANCE_SD = 2.0  # a difference below so many standard deviations is not spoken of


def judge(
    claim: Claim, reading: Reading | None, evidence: Evidence | None, beliefs: Beliefs, policy: Policy
) -> Judgement:
    """Return the judgement of a claim by what scale and cameras saw; no evidence is None."""
    if reading is None:
        return abstained(("NOT_SETTLED",), claim.currency)
    result = consider(claim, reading, evidence, beliefs, policy)
    named = looks(result) if costs(policy, result.p_as_claimed, result.loss_minor).decision != "accept" else Looks()
    way = costs(policy, result.p_as_claimed, result.loss_minor, named.settled_minor, named.p_open)
    blind = _blind(result.case.basket, claim, policy)
    if way.decision == "accept" and blind and not (evidence and evidence.sightings):
        return abstained(blind, claim.currency, _weight(result.case.basket, reading), requirements(claim, beliefs))
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


def _blind(basket: Basket, claim: Claim, policy: Policy) -> tuple[Reason, ...]:
    """Return why weight alone cannot tell anything about this basket, or nothing."""
    if basket.variance_g2 <= policy.blind_sd_g**2:
        return ()
    tare_g2 = tare_of(claim, policy)[1] ** 2
    goods_g2 = basket.variance_g2 - basket.fixed_g2
    return ("TARE_UNKNOWN",) if tare_g2 > goods_g2 else ("UNKNOWN_WEIGHT",)


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
    return "call_staff" if _likeliest(result) in {"foreign_load", "unknown_object"} else "rescan_all"


def _families(result: Posterior) -> dict[Kind, float]:
    """Return the probability of each way in which the basket is not as claimed."""
    return {branch.kind: float(p.sum()) for branch, p in zip(result.branches[1:], result.p[1:], strict=True)}


def _likeliest(result: Posterior) -> Kind:
    families = _families(result)
    return max(families, key=lambda kind: families[kind])


def _reasons(result: Posterior) -> tuple[Reason, ...]:
    families = _families(result)
    total = sum(families.values())
    kinds = sorted(families, key=lambda kind: -families[kind])
    reasons: list[Reason] = [REASON_OF[kind] for kind in kinds if families[kind] >= REASON_SHARE * total]
    unknown = any(
        place == UNKNOWN_PLACE and line.weight_g is None
        for place, line in zip(result.case.basket.place, result.case.basket.lines, strict=True)
    )
    return tuple(dict.fromkeys([*reasons, *(["UNKNOWN_WEIGHT"] if unknown else [])]))  # type: ignore[list-item]


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
    names = [*claimed, *(product.name for product in named.products)]
    telling = abs(basket.residual_g) > CHANCE_SD * basket.variance_g2**0.5
    likeliest = _likeliest(result)
    over = likeliest == "missing" or (likeliest == "quantity" and basket.residual_g < 0)
    return wording.asking(action, likeliest, names, basket.residual_g if telling else None, over=over)
