"""Keys, requests and certificates: what is in them, and what each may be used for.

Pure but for the random numbers of new keys and serials. A station's certificate says `clientAuth` only, the broker's
`serverAuth` only: a stolen station key cannot play the broker. P-256 is the default because every TLS stack has it;
Ed25519 is the other choice. Times are given, never looked up.
"""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KeyType = Literal["p256", "ed25519"]
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
CURVES = ("secp256r1", "secp384r1")


class IssueError(ValueError):
    """Something cannot be signed; the message says what and why, in one line."""


class Validity(NamedTuple):
    """From when to when, both with their time zone."""

    start: datetime
    end: datetime


class Issuer(NamedTuple):
    """Who signs."""

    certificate: x509.Certificate
    key: PrivateKey


def new_key(kind: KeyType) -> PrivateKey:
    """Return a fresh private key."""
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())


def key_pem(key: PrivateKey) -> bytes:
    """Return a private key as unencrypted PKCS #8."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: PrivateKey) -> bytes:
    """Return the public half of a key."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def pem(signed: x509.Certificate | x509.CertificateSigningRequest | x509.CertificateRevocationList) -> bytes:
    """Return what was signed as PEM."""
    return signed.public_bytes(serialization.Encoding.PEM)


def name(common: str, organisation: str | None = None) -> x509.Name:
    """Return a subject; a station's organisation is its store."""
    parts = [] if organisation is None else [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def request(key: PrivateKey, subject: x509.Name) -> x509.CertificateSigningRequest:
    """Return a signing request: it proves that whoever asks has the key."""
    return x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, _hash(key))


def wanted(asked: x509.CertificateSigningRequest, subject: x509.Name) -> PublicKey:
    """Return the public key of a request that is sound and is for `subject`; raise `IssueError` otherwise.

    Extensions of the request are passed over: what a certificate may do is the authority's word.
    """
    if not asked.is_signature_valid:
        raise IssueError("the request's signature does not fit its key: make a new request")
    if asked.subject != subject:
        raise IssueError(f"the request is for {asked.subject.rfc4514_string()}, not for {subject.rfc4514_string()}")
    return known_key(asked.public_key())


def known_key(key: object) -> PublicKey:
    """Return a key of a kind that is used here; raise `IssueError` for others."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        return key
    raise IssueError("the key is neither P-256, P-384 nor Ed25519: make the request with another key")


def authority(key: PrivateKey, subject: x509.Name, validity: Validity) -> x509.Certificate:
    """Return the certificate of an authority that signs itself, and no further authorities."""
    builder = _builder(subject, subject, key.public_key(), validity)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    return builder.sign(key, _hash(key))


def client(issuer: Issuer, subject: x509.Name, key: PublicKey, validity: Validity) -> x509.Certificate:
    """Return the certificate of a station or a backend."""
    return _leaf(issuer, subject, key, validity, ExtendedKeyUsageOID.CLIENT_AUTH).sign(issuer.key, _hash(issuer.key))


def server(issuer: Issuer, hosts: Sequence[str], key: PublicKey, validity: Validity) -> x509.Certificate:
    """Return the certificate of a broker that is reached under `hosts`: names and addresses."""
    builder = _leaf(issuer, name(hosts[0]), key, validity, ExtendedKeyUsageOID.SERVER_AUTH)
    builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(host) for host in hosts]), critical=False)
    return builder.sign(issuer.key, _hash(issuer.key))


def revocations(
    issuer: Issuer, revoked: Sequence[tuple[int, datetime]], validity: Validity
) -> x509.CertificateRevocationList:
    """Return the list of serials that hold no longer; past the end of `validity` brokers refuse everybody."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(validity.start).next_update(validity.end)
    for serial, since in revoked:
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since)
        builder = builder.add_revoked_certificate(one.build())
    return builder.sign(issuer.key, _hash(issuer.key))


def end_of(certificate: x509.Certificate) -> datetime:
    """Return until when a certificate holds; libraries before version 42 say it without the time zone."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    return certificate.not_valid_after.replace(tzinfo=UTC)


def _leaf(
    issuer: Issuer, subject: x509.Name, key: PublicKey, validity: Validity, purpose: x509.ObjectIdentifier
) -> x509.CertificateBuilder:
    if validity.start >= validity.end:
        raise IssueError("the certificate would end before it begins: give it other days")
    ends = end_of(issuer.certificate)
    if validity.end > ends:
        raise IssueError(f"the authority itself ends on {ends:%Y-%m-%d}: give fewer days, or make a new authority")
    builder = _builder(subject, issuer.certificate.subject, key, validity)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(authority=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    return builder.add_extension(signer, critical=False)


def _builder(subject: x509.Name, issuer: x509.Name, key: PublicKey, validity: Validity) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(validity.start).not_valid_after(validity.end)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _hash(key: PrivateKey) -> hashes.SHA256 | None:
    """Ed25519 brings its own."""
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
