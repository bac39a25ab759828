"""Who may change the station: commands signed by the key that was installed with it (contract, section 3.4).

The signature is Ed25519 over the payload, byte for byte, in the user property `signature` (lower-case hexadecimal
digits); `keyid` names the key, as with verdicts, and may be left out where one key is trusted. What is signed says
itself for which store or station it is meant and carries a serial number that only rises: a copy of an old order
changes nothing.
"""

from collections.abc import Sequence
from pathlib import Path

from station.signing import KEY_ID, SIGNATURE
from station.signing_keys import PublicKey, Verifier, public_keys

SIGNED = frozenset({"catalogue", "config", "model"})  # a model comes as a file, signed likewise
SIGNATURE_DIGITS = 128

Refusal = tuple[str, str]  # code and message


class Trust:
    """Checks signed commands. Without any key none is believed."""

    def __init__(self, keys: Sequence[PublicKey] = ()) -> None:
        self._ids = [key.key_id for key in keys]
        self._verifier = Verifier(keys)

    def refusal(self, name: str, payload: bytes, user: Sequence[tuple[str, str]]) -> Refusal | None:
        """Say why a command is not carried out; None when it needs no signature, or has a good one."""
        if name not in SIGNED:
            return None
        if not self._ids:
            return "no_key", f"{name} must be signed, and no key is trusted here; set `key` in the table [trust]"
        given = dict(user)
        digits = given.get(SIGNATURE, "")
        if not digits:
            return "unsigned", f"{name} must be signed: Ed25519 over the payload, hexadecimal, in `{SIGNATURE}`"
        key_id = given.get(KEY_ID, self._ids[0])
        if not self._verifier.knows(key_id):
            return "bad_signature", f"the key {key_id[:SIGNATURE_DIGITS]!r} is not trusted; trusted: {self._ids}"
        if (signature := _bytes(digits)) is None or not self._verifier.holds(key_id, signature, payload):
            return "bad_signature", f"the signature is not that of key {key_id} over this payload"
        return None


def trust_in(path: str | None) -> Trust:
    """Return the trust in the keys of a file; raise `SigningError` when there is one that cannot be used."""
    return Trust(() if path is None else public_keys(Path(path)))


def _bytes(digits: str) -> bytes | None:
    try:
        return bytes.fromhex(digits) if len(digits) == SIGNATURE_DIGITS else None
    except ValueError:
        return None
