"""A verdict in words, for people at a terminal."""

from collections.abc import Callable
from typing import Any

from station.demo.shoppers import name_of

Explanation = dict[str, Any]

MANY = 2


def explanation(given: Explanation) -> str:
    """Return what one explanation says of the basket."""
    wording = WORDINGS.get(given["kind"])
    return wording(given) if wording else str(given["kind"]).replace("_", " ")


def _times(given: Explanation) -> str:
    return f"{given['quantity']} x " if given.get("quantity", 1) >= MANY else ""


def _several(given: Explanation) -> str:
    names = [name_of(part.get("gtin")) for part in given.get("parts") or ()]
    more = given.get("quantity", MANY) - len(names)
    return (
        " and ".join([*names, *([f"{more} more items" if names else f"{more} items"] if more else [])])
        + " without a line"
    )


def why(verdict: dict[str, Any]) -> str:
    """Return the likeliest explanation, and for a doubt the likeliest doubt with its share."""
    if verdict["decision"] == "abstain":
        return ", ".join(REASONS.get(reason, reason) for reason in verdict["reasons"])
    doubts = [each for each in verdict["explanations"] if each["kind"] != "as_claimed"]
    if verdict["decision"] == "accept" or not doubts:
        return "all as claimed"
    best = doubts[0]
    return f"{explanation(best)} ({best['p']:.0%})"


def looks(verdict: dict[str, Any]) -> str:
    """Return what staff is asked to look at, "" if nothing."""
    again = ", ".join(name_of(each["gtin"]) for each in verdict["recheck"])
    others = ", ".join(each["name"] for each in verdict["look_for"])
    return "; ".join([*([f"re-scan {again}"] if again else []), *([f"look for {others}"] if others else [])])


REASONS = {
    "SCALE_FAULT": "the scale cannot be read",
    "NOT_SETTLED": "the load does not settle",
    "NO_CLAIM": "nobody claims the load",
    "NOT_CALIBRATED": "the scale is not calibrated",
    "CAMERA_FAULT": "no camera answers",
    "TARE_UNKNOWN": "the carrier's weight is unknown",
    "UNKNOWN_WEIGHT": "a product's weight is unknown",
}

WORDINGS: dict[str, Callable[[Explanation], str]] = {
    "as_claimed": lambda _: "all as claimed",
    "unscanned": lambda given: f"{_times(given)}{name_of(given['gtin'])} without a line",
    "missing": lambda given: f"{name_of(given['gtin'])} not in the basket",
    "swapped": lambda given: f"{name_of(given.get('actual_gtin'))} instead of {name_of(given['gtin'])}",
    "quantity": lambda given: f"{given['delta']:+d} {name_of(given['gtin'])}",
    "several": _several,
    "unknown_object": lambda _: "something the catalogue does not know",
    "foreign_load": lambda _: "something that is no shopping rests on the platform",
}
