"""What changes the station must be signed by the key that was installed with it."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from station import command_trust
from station.signing_keys import KeyPair, SigningError

PAYLOAD = b"change this"


def pair() -> KeyPair:
    return KeyPair(Ed25519PrivateKey.generate())


def code(refusal: tuple[str, str] | None) -> str | None:
    return None if refusal is None else refusal[0]


def test_without_a_key_nothing_that_must_be_signed_is_believed() -> None:
    trust = command_trust.trust_in(None)
    assert {name: code(trust.refusal(name, PAYLOAD, ())) for name in ("config", "catalogue", "claim")} == {
        "config": "no_key", "catalogue": "no_key", "claim": None,
    }  # fmt: skip


def test_only_the_trusted_keys_signature_over_these_bytes_counts(tmp_path: Path) -> None:
    backend, stranger = pair(), pair()
    path = tmp_path / "backend.pub"
    path.write_text(backend.public.pem)
    trust = command_trust.trust_in(str(path))
    good = backend.sign(PAYLOAD).hex()
    cases: dict[tuple[tuple[str, str], ...], str | None] = {
        (): "unsigned",
        (("signature", good),): None,
        (("keyid", backend.key_id), ("signature", good)): None,
        (("keyid", stranger.key_id), ("signature", stranger.sign(PAYLOAD).hex())): "bad_signature",
        (("signature", stranger.sign(PAYLOAD).hex()),): "bad_signature",
        (("signature", backend.sign(b"something else").hex()),): "bad_signature",
        (("signature", good[:-2]),): "bad_signature",
        (("signature", "g" * 128),): "bad_signature",
        (("signature", "1" * 128),): "bad_signature",
    }
    assert {user: code(trust.refusal("config", PAYLOAD, user)) for user in cases} == cases


def test_a_second_trusted_key_is_named_by_its_id(tmp_path: Path) -> None:
    old, new = pair(), pair()
    path = tmp_path / "backend.pub"
    path.write_text(old.public.pem + new.public.pem)
    trust = command_trust.trust_in(str(path))
    signed = (("signature", new.sign(PAYLOAD).hex()),)
    assert code(trust.refusal("config", PAYLOAD, (*signed, ("keyid", new.key_id)))) is None
    assert code(trust.refusal("config", PAYLOAD, signed)) == "bad_signature"


def test_a_private_key_in_its_place_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "backend.pub"
    path.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    with pytest.raises(SigningError, match="holds no public key"):
        command_trust.trust_in(str(path))
