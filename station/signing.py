"""What makes a verdict provable: a signature over its bytes, and a chain through all verdicts of an epoch.

Pure. The signature is Ed25519 over the payload, byte for byte. The chain's hash is SHA-256 over one line of ASCII
(`chain_line`) that names epoch, number, the hash before, and the SHA-256 of the payload; so a hash stands for every
verdict from 1 to this one. The bytes of a payload say its epoch and number themselves, hence the signature covers
them too, and nobody without the key can move a verdict to another place. Both travel in user properties, made once
and stored with the payload: what is sent again years later, under another key, is the same.
"""

import hashlib
from typing import Protocol

import msgspec

GENESIS = bytes(32)  # the previous hash of the first verdict of an epoch
CHAIN = "vs-chain-1"
KEY_ID_DIGITS = 16
SIGNATURE, KEY_ID, PREVIOUS_HASH, HASH = "signature", "keyid", "prevhash", "hash"  # the user properties


class Signer(Protocol):
    """Signs with one private key."""

    @property
    def key_id(self) -> str:
        """The name of the key."""

    def sign(self, payload: bytes) -> bytes:
        """Return the 64 bytes of the Ed25519 signature."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent beside a verdict's payload."""

    signature: bytes
    key_id: str
    previous_hash: bytes
    hash: bytes

    def properties(self) -> tuple[tuple[str, str], ...]:
        """Return the user properties; bytes as lower-case hexadecimal digits."""
        return (
            (SIGNATURE, self.signature.hex()),
            (KEY_ID, self.key_id),
            (PREVIOUS_HASH, self.previous_hash.hex()),
            (HASH, self.hash.hex()),
        )


def chain_line(epoch: str, seq: int, previous_hash: bytes, payload: bytes) -> str:
    """Return the line whose SHA-256 is a verdict's hash; none of its parts can hold a colon."""
    return f"{CHAIN}:{epoch}:{seq}:{previous_hash.hex()}:{hashlib.sha256(payload).hexdigest()}"


def chain_hash(epoch: str, seq: int, previous_hash: bytes, payload: bytes) -> bytes:
    """Return the hash of a verdict, which the next one names."""
    return hashlib.sha256(chain_line(epoch, seq, previous_hash, payload).encode("ascii")).digest()


def key_id(public_key: bytes) -> str:
    """Return the name of a public key of 32 bytes: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:KEY_ID_DIGITS]
