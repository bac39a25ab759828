"""Commands become events of the core; what cannot is refused with a code (contract, sections 3.1 and 3.4)."""

from typing import Any

from station import element_strings
from station.command_refusals import CommandRefusedError
from station.core import events
from station.core.claim import ClaimError, parse
from station.core.feedback import FeedbackError, parse_feedback

CORE = frozenset({"claim", "feedback", "release", "zero"})
OFFICE = frozenset({"catalogue", "config", "diagnose", "resend", "snapshot", "stream"})  # see command_office
NAMES = CORE | OFFICE
TEXT_MAX = 64


def to_event(name: str, data: dict[str, Any], number: int, t_ns: int) -> events.AnyEvent:
    """Return the event of a command; `number` is where its answer goes. Raise `CommandRefusedError`."""
    if name == "claim":
        return _claim(data, number, t_ns)
    if name == "release":
        return _release(data, number, t_ns)
    if name == "feedback":
        return _feedback(data, number, t_ns)
    return events.ZeroOrdered(t_ns=t_ns, command=number)


def _claim(data: dict[str, Any], number: int, t_ns: int) -> events.AnyEvent:
    if data.get("cancel") is True:
        transaction_id = _text(data, "transaction_id")
        if transaction_id is None:
            raise CommandRefusedError("bad_claim", "transaction_id is missing")
        return events.Cancelled(t_ns=t_ns, transaction_id=transaction_id, command=number)
    try:
        return events.Claimed(t_ns=t_ns, claim=parse(element_strings.plain(data)), command=number)
    except ClaimError as error:
        raise CommandRefusedError("bad_claim", str(error)) from error


def _feedback(data: dict[str, Any], number: int, t_ns: int) -> events.AnyEvent:
    try:
        return events.Fed(t_ns=t_ns, told=parse_feedback(data), command=number)
    except FeedbackError as error:
        raise CommandRefusedError(error.code, error.message) from error


def _release(data: dict[str, Any], number: int, t_ns: int) -> events.AnyEvent:
    transaction_id, visit_id = _text(data, "transaction_id"), _text(data, "visit_id")
    if transaction_id is None and visit_id is None:
        raise CommandRefusedError("bad_data", "transaction_id or visit_id must be given")
    return events.Released(t_ns=t_ns, transaction_id=transaction_id, visit_id=visit_id, command=number)


def _text(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX:
        raise CommandRefusedError("bad_data", f"{key} must be a text of 1 to {TEXT_MAX} characters")
    return value
