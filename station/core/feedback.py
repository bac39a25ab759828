"""Feedback: what was really in a basket, told by those who looked (contract, section 3.3)."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from station.core import claim as claims
from station.core import gtin
from station.core.claim import Text

FeedbackCode = Literal["bad_feedback", "unknown_transaction", "too_old", "already_told", "rate_limited"]


class FeedbackError(ValueError):
    """Feedback is refused; `code` is the contract's."""

    def __init__(self, code: FeedbackCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """One product that was really there."""

    gtin: str
    quantity: Annotated[int, Meta(ge=1, le=999)] = 1


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """What was really in a basket (contract, section 3.3)."""

    transaction_id: Text
    source: Text
    contents: Annotated[tuple[Content, ...], Meta(max_length=claims.MAX_LINES)]


def parse_feedback(data: Any) -> Feedback:
    """Return the feedback in a decoded JSON object, GTINs as fourteen digits; raise `FeedbackError`."""
    try:
        told = msgspec.convert(data, Feedback, strict=True)
        contents = tuple(msgspec.structs.replace(item, gtin=gtin.normalise(item.gtin)) for item in told.contents)
    except (msgspec.ValidationError, gtin.GtinError) as error:
        raise FeedbackError("bad_feedback", str(error)) from error
    if (units := sum(item.quantity for item in contents)) > claims.MAX_UNITS:
        raise FeedbackError("bad_feedback", f"{units} units; at most {claims.MAX_UNITS} are possible")
    return msgspec.structs.replace(told, contents=contents)
