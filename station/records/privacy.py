"""What a record leaves out from the beginning (`anonymous` takes out more, from a copy).

Never recorded: pictures, the shopper's pseudonym, the text of a code that is no product (a phone's token, a badge).
Such a text is replaced by one that is a token too, the same for the same text within a record, so that the core does
with it what it did.
"""

import hashlib
import secrets

import msgspec

from station.core import codes, events
from station.core.claim import Claim


class Discretion:
    """Replaces what identifies people, alike within one record and otherwise every time."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)

    def of(self, event: events.AnyEvent) -> events.AnyEvent:
        """Return the event as it may be recorded."""
        match event:
            case events.Claimed(claim=claim) | events.Corrected(claim=claim):
                return msgspec.structs.replace(event, claim=without_shopper(claim))
            case events.TokenRead():
                return msgspec.structs.replace(event, token=self.name(event.token))
            case events.Scanned():
                return self._scanned(event)
            case _:
                return event

    def _scanned(self, event: events.Scanned) -> events.Scanned:
        read = codes.understand(event.text, event.symbology)
        if isinstance(read, codes.Product):
            return event
        if read is None:  # a misread stays one, whatever it looked like
            return msgspec.structs.replace(event, text="\n")
        return msgspec.structs.replace(event, text=self.name(event.text), symbology="qr")

    def name(self, text: str) -> str:
        """Return a name for a text; without this object nobody finds out which text it was."""
        return "x" + hashlib.blake2b(text.encode("utf-8", "replace"), key=self._salt, digest_size=8).hexdigest()


def without_shopper(claim: Claim) -> Claim:
    """Return the claim without the shopper's pseudonym."""
    return claim if claim.shopper is None else msgspec.structs.replace(claim, shopper=None)
