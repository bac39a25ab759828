"""What `station provision` does, each act with its files; words and arguments are the command's."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography import x509

from station import signing_keys
from station.config_keys import Mqtt, Station
from station.provision import broker_files, issuing, skeleton
from station.provision.authority import CERTIFICATE, REVOKED, Authority
from station.provision.folder import SECRET, FolderError, NewFile, refuse_existing, write_new
from station.provision.issuing import KeyType, Validity

CONFIGURATION = "station.toml"
ORDERS_KEY = "orders.key"
SIZE_MAX_BYTES = 65_536  # a request is a few hundred bytes


class Done(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was written, and what a person has to do next."""

    files: list[str]
    next: list[str]
    serial: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None


class Terms(NamedTuple):
    """How a certificate is to be: how long it holds, with which key, and whether it may follow one that still holds."""

    period: Validity
    kind: KeyType
    renew: bool = False


def validity(start: datetime, days: float) -> Validity:
    """Return so many days from `start`, in whole seconds as certificates have them."""
    start = start.replace(microsecond=0)
    return Validity(start, start + timedelta(days=days))


def lab_ca(folder: Path, name: str, terms: Terms) -> Done:
    """Make an authority."""
    Authority.create(folder, name, terms.period, terms.kind)
    orders = issuing.new_key("ed25519")
    write_new(
        folder,
        [NewFile(ORDERS_KEY, issuing.key_pem(orders), SECRET), NewFile(skeleton.ORDERS, issuing.public_pem(orders))],
    )
    steps = [
        f"keep {folder} where only you can read it: its key is not encrypted, and who has it can be any station",
        f"{folder / ORDERS_KEY} signs catalogues and configurations; only the backend that does so needs it",
        f"a broker: station provision broker --ca {folder} --host NAME --out DIR",
    ]
    return _done(sorted(folder.iterdir()), steps, None, terms.period)


def broker(authority: Authority, folder: Path, hosts: list[str], port: int, terms: Terms) -> Done:
    """Make a broker's folder: key, certificate, authority, revocations, configuration, access list, place for data."""
    folder = folder.absolute()
    names = ["broker.key", "broker.pem", CERTIFICATE, REVOKED, broker_files.CONFIGURATION, broker_files.ACCESS]
    refuse_existing(folder, names)
    key = issuing.new_key(terms.kind)
    settings = broker_files.files(folder, port)
    certificate = authority.broker(hosts, key.public_key(), terms.period)
    made = write_new(
        folder,
        [
            NewFile("broker.key", issuing.key_pem(key), SECRET), NewFile("broker.pem", issuing.pem(certificate)),
            NewFile(CERTIFICATE, authority.certificate_pem), NewFile(REVOKED, authority.revocations_pem), *settings,
        ],
    )  # fmt: skip
    (folder / broker_files.DATA).mkdir(mode=0o700, exist_ok=True)
    steps = [
        f"let the broker's user have it: chown -R mosquitto: {folder}",
        f"start it: mosquitto -c {folder / broker_files.CONFIGURATION}",
    ]
    return _done(made, steps, certificate, terms.period)


def backend(authority: Authority, folder: Path, name: str, terms: Terms) -> Done:
    """Make a backend's key and certificate."""
    refuse_existing(folder, [f"{name}.key", f"{name}.pem", CERTIFICATE])
    key = issuing.new_key(terms.kind)
    certificate = authority.backend(name, key.public_key(), terms.period, renew=terms.renew)
    files = [NewFile(f"{name}.key", issuing.key_pem(key), SECRET), NewFile(f"{name}.pem", issuing.pem(certificate))]
    made = write_new(folder, [*files, NewFile(CERTIFICATE, authority.certificate_pem)])
    return _done(made, [f"the broker's access list must know the user {name}"], certificate, terms.period)


def orders_of(authority: Authority | None, given: Path | None) -> bytes | None:
    """Return the public key of those who may give orders: a file's, else the lab's, else none."""
    path = given or (None if authority is None else authority.folder / skeleton.ORDERS)
    if path is None or (given is None and not path.exists()):  # an authority from before there was such a key
        return None
    try:
        return "".join(key.pem for key in signing_keys.public_keys(path)).encode()
    except signing_keys.SigningError as error:
        raise FolderError(str(error)) from error


def station(
    authority: Authority | None, folder: Path, who: Station, mqtt: Mqtt, driver: str, terms: Terms,
    orders: bytes | None = None,
) -> Done:  # fmt: skip
    """Make a station's key, its certificate or a request for one, and its first configuration.

    `orders` are the public keys whose catalogues and configurations the station will obey.
    """
    trusted = None if orders is None else skeleton.ORDERS
    names = skeleton.Names(CERTIFICATE, f"{who.id}.pem", f"{who.id}.key", trusted)
    refuse_existing(folder, [*(name for name in names if name), f"{who.id}.csr", CONFIGURATION])
    key = issuing.new_key(terms.kind)
    text = skeleton.text(who, mqtt, names, driver).encode()
    files = [NewFile(names.key, issuing.key_pem(key), SECRET), NewFile(CONFIGURATION, text)]
    files += [] if orders is None else [NewFile(skeleton.ORDERS, orders)]
    check = f"decide on the scale, then: station config check {folder / CONFIGURATION}"
    if authority is None:
        asked = issuing.request(key, issuing.name(who.id, who.store))
        made = write_new(folder, [*files, NewFile(f"{who.id}.csr", issuing.pem(asked))])
        steps = [f"have {who.id}.csr signed; put {names.certificate} and {CERTIFICATE} beside the key", check]
        return _done(made, steps, None, None)
    certificate = authority.station(who, key.public_key(), terms.period, renew=terms.renew)
    signed = [NewFile(names.certificate, issuing.pem(certificate)), NewFile(CERTIFICATE, authority.certificate_pem)]
    return _done(write_new(folder, [*files, *signed]), [check], certificate, terms.period)


def sign(authority: Authority, asked: Path, folder: Path, who: Station, terms: Terms) -> Done:
    """Sign a station's request, so that its key never leaves it."""
    refuse_existing(folder, [f"{who.id}.pem", CERTIFICATE])
    key = issuing.wanted(_request(asked), issuing.name(who.id, who.store))
    certificate = authority.station(who, key, terms.period, renew=terms.renew)
    files = [NewFile(f"{who.id}.pem", issuing.pem(certificate)), NewFile(CERTIFICATE, authority.certificate_pem)]
    return _done(write_new(folder, files), ["put both beside the station's key"], certificate, terms.period)


def _request(path: Path) -> x509.CertificateSigningRequest:
    try:
        with path.open("rb") as file:
            return x509.load_pem_x509_csr(file.read(SIZE_MAX_BYTES))
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise FolderError(f"{path} holds no certificate signing request in PEM") from error


def _done(
    files: Sequence[Path], steps: list[str], certificate: x509.Certificate | None, period: Validity | None
) -> Done:
    return Done(
        files=[str(file) for file in files],
        next=steps,
        serial=None if certificate is None else f"{certificate.serial_number:x}",
        valid_from=None if period is None else period.start,
        valid_until=None if period is None else period.end,
    )
