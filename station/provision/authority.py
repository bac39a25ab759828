"""The authority of a lab: a folder with its key, its certificate, and a register of what it signed.

The register is what keeps identities unique over the fleet: an id that has a certificate gets another one only as a
renewal for the same store, or after it was revoked. A line is on disk before the certificate is handed out. Every
change holds a lock, so that two technicians at once cannot give one id away twice.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from station.config_keys import Station
from station.provision import issuing
from station.provision.folder import SECRET, FolderError, NewFile, replace, write_new
from station.provision.issuing import IssueError, Issuer, KeyType, PrivateKey, PublicKey, Validity

CERTIFICATE, KEY, REGISTER, REVOKED = "ca.pem", "ca.key", "register.jsonl", "crl.pem"
BACKEND = re.compile(r"(backend|monitor)\.[a-z0-9]{1,16}\Z")  # the dot keeps them apart from every station
REVOKED_DAYS = 365
Role = Literal["station", "backend", "broker"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate in the register; `revoked` is when it was, None if it was not."""

    serial: str  # hexadecimal
    role: Role
    id: str
    store: str | None = None
    not_before: datetime
    not_after: datetime
    revoked: datetime | None = None


class Authority:
    """One authority, opened. Errors are `IssueError` and `FolderError`, each one line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._issuer = Issuer(_certificate(folder / CERTIFICATE), _key(folder / KEY))

    @staticmethod
    def create(folder: Path, name: str, validity: Validity, kind: KeyType = "p256") -> "Authority":
        """Make a new authority with an empty register and an empty list of revocations."""
        key = issuing.new_key(kind)
        certificate = issuing.authority(key, issuing.name(name), validity)
        files = [
            NewFile(KEY, issuing.key_pem(key), SECRET), NewFile(CERTIFICATE, issuing.pem(certificate)),
            NewFile(REGISTER, b"", SECRET), NewFile(REVOKED, _list(Issuer(certificate, key), [], validity.start)),
        ]  # fmt: skip
        write_new(folder, files)
        return Authority(folder)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate that stations and brokers are given."""
        return issuing.pem(self._issuer.certificate)

    @property
    def revocations_pem(self) -> bytes:
        """The list that brokers are given."""
        return (self.folder / REVOKED).read_bytes()

    def entries(self) -> list[Entry]:
        """Return all that was signed, in order."""
        try:
            lines = (self.folder / REGISTER).read_bytes().splitlines()
            found = [msgspec.json.decode(line, type=Entry) for line in lines]
        except OSError as error:
            raise FolderError(f"{self.folder / REGISTER} cannot be read: {error.strerror}") from error
        except msgspec.DecodeError as error:
            raise FolderError(f"{self.folder / REGISTER} is damaged: {error}; restore it from a copy") from error
        return list({entry.serial: entry for entry in found}.values())  # the last word on each holds

    def station(self, station: Station, key: PublicKey, validity: Validity, *, renew: bool = False) -> x509.Certificate:
        """Sign for a station; refuse an id that the fleet already has unless it is renewed for the same store."""
        subject = issuing.name(station.id, station.store)
        with self._locked():
            self._refuse_taken(station.id, station.store, validity.start, renew=renew)
            certificate = issuing.client(self._issuer, subject, key, validity)
            self._note(certificate, validity, "station", station.id, station.store)
        return certificate

    def backend(self, name: str, key: PublicKey, validity: Validity, *, renew: bool = False) -> x509.Certificate:
        """Sign for a backend or a monitor; `name` as in the access list, such as `backend.1`."""
        if not BACKEND.match(name):
            raise IssueError(f"{name} is no name of a backend: backend.NAME or monitor.NAME, NAME of a-z and 0-9")
        with self._locked():
            self._refuse_taken(name, None, validity.start, renew=renew)
            certificate = issuing.client(self._issuer, issuing.name(name), key, validity)
            self._note(certificate, validity, "backend", name)
        return certificate

    def broker(self, hosts: list[str], key: PublicKey, validity: Validity) -> x509.Certificate:
        """Sign for a broker that is reached under `hosts`."""
        with self._locked():
            certificate = issuing.server(self._issuer, hosts, key, validity)
            self._note(certificate, validity, "broker", hosts[0])
        return certificate

    def revoke(self, identity: str, now: datetime, serial: str | None = None) -> list[Entry]:
        """Revoke the certificates of an identity, or one of them; write the new list; return what was revoked."""
        with self._locked():
            found = [
                msgspec.structs.replace(entry, revoked=now)
                for entry in self.entries()
                if entry.id == identity and entry.revoked is None and serial in (None, entry.serial)
            ]
            if not found:
                which = identity if serial is None else f"{identity} with serial {serial}"
                raise IssueError(f"{which} has no certificate of this authority that is not revoked already")
            self._append(found)
            self._write_list(now)
        return found

    def write_list(self, now: datetime, days: int = REVOKED_DAYS) -> Path:
        """Write the list of revocations anew, good for so many days."""
        with self._locked():
            return self._write_list(now, days)

    def _write_list(self, now: datetime, days: int = REVOKED_DAYS) -> Path:
        revoked = [(int(entry.serial, 16), entry.revoked) for entry in self.entries() if entry.revoked is not None]
        return replace(self.folder, NewFile(REVOKED, _list(self._issuer, revoked, now, days)))

    def _refuse_taken(self, identity: str, store: str | None, now: datetime, *, renew: bool) -> None:
        held = [entry for entry in self.entries() if entry.id == identity and entry.revoked is None]
        held = [entry for entry in held if entry.not_after > now and entry.role != "broker"]
        if not held:
            return
        last = held[-1]
        where = "" if last.store is None else f" in store {last.store}"
        told = f"{identity} has a certificate{where} until {last.not_after:%Y-%m-%d} (serial {last.serial})"
        if last.store != store:
            raise IssueError(f"{told}: ids are unique over the whole fleet; choose another id, or revoke that one")
        if not renew:
            raise IssueError(f"{told}: --renew gives it another one, `station provision revoke` ends the old one")

    def _note(
        self, certificate: x509.Certificate, validity: Validity, role: Role, identity: str, store: str | None = None
    ) -> None:
        entry = Entry(
            serial=f"{certificate.serial_number:x}", role=role, id=identity, store=store,
            not_before=validity.start, not_after=validity.end,
        )  # fmt: skip
        self._append([entry])

    def _append(self, entries: list[Entry]) -> None:
        lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
        try:
            with (self.folder / REGISTER).open("ab") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise FolderError(f"{self.folder / REGISTER} cannot be written: {error.strerror}") from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        number = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            yield
        finally:
            os.close(number)


def _list(issuer: Issuer, revoked: list[tuple[int, datetime]], now: datetime, days: int = REVOKED_DAYS) -> bytes:
    ends = now + timedelta(days=days)
    return issuing.pem(issuing.revocations(issuer, revoked, Validity(now, ends)))


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}; make one: station provision lab-ca DIR") from error
    except ValueError as error:
        raise FolderError(f"{path} holds no certificate in PEM") from error


def _key(path: Path) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise FolderError(f"{path} holds no unencrypted private key in PEM") from error
    if not isinstance(key, PrivateKey):
        raise FolderError(f"{path} holds a key that is neither P-256 nor Ed25519")
    return key
