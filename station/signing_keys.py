"""The station's signing key, and the public keys it ever signed with.

The private key is, in this order: the file that the configuration names (`station.signing_key`), systemd's credential
`signing-key`, or a file of the station's own below its state directory, made when it is first needed. Files are PEM:
PKCS #8 for the private key, as `openssl genpkey -algorithm ed25519` writes it, and SubjectPublicKeyInfo for public
ones. `keys/ID.pub` of the state directory keeps every public key that was ever used, so that old verdicts can still be
checked after a rotation.
"""

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from calibration.files import create_file, replace_file
from station import signing

CREDENTIAL = "signing-key"
FOLDER = "keys"
OWN = "signing.pem"
SIZE_MAX_BYTES = 64 * 1024  # a key has about 120; a bundle of public keys a few thousand
FULL = {errno.ENOSPC, errno.EDQUOT}
OTHERS = 0o077
OTHERS_OF_ROOTS = 0o037  # a file of root's may be readable for the service's group
REPLACE = "put an Ed25519 key in PEM there (openssl genpkey -algorithm ed25519)"

Origin = Literal["configured", "credential", "own"]
_PUBLIC_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


class SigningError(Exception):
    """A key cannot be used; the message says which file, why, and what to do. `passing`: the disk may recover."""

    def __init__(self, path: Path, problem: str, remedy: str, *, passing: bool = False) -> None:
        super().__init__(f"signing key {path}: {problem}; {remedy}")
        self.passing = passing


class PublicKey(msgspec.Struct, frozen=True):
    """A public key as it is published."""

    key_id: str
    pem: str


class KeyFile(msgspec.Struct, frozen=True):
    """Where the private key is, and who put it there."""

    path: Path
    origin: Origin


class KeyPair:
    """A private key in use; `unsaved` is where it belongs once the disk takes it."""

    def __init__(self, private: Ed25519PrivateKey, unsaved: Path | None = None) -> None:
        self._private = private
        self._unsaved = unsaved
        self.public = _published(private.public_key())

    @property
    def key_id(self) -> str:
        """The name of the key."""
        return self.public.key_id

    def sign(self, payload: bytes) -> bytes:
        """Return the signature, 64 bytes; the same payload always gets the same.

        Nothing is signed with a key that could be lost: one that the disk refused is stored first, and `OSError` raised
        while it still refuses.
        """
        if self._unsaved is not None:
            _store(self._unsaved, self._private, replace=True)
            self._unsaved = None
        return self._private.sign(payload)


class KeyRing(msgspec.Struct, frozen=True):
    """What the station signs with, and the public keys it used before, sorted by their ids."""

    pair: KeyPair
    former: tuple[PublicKey, ...] = ()
    fresh: bool = False  # made just now


def find(configured: str | None, state_dir: Path, environ: Mapping[str, str] = os.environ) -> KeyFile:
    """Return where the private key is to be looked for; it need not be there."""
    if configured is not None:
        return KeyFile(Path(configured), "configured")
    credential = Path(environ.get("CREDENTIALS_DIRECTORY") or os.devnull) / CREDENTIAL
    if credential.exists():
        return KeyFile(credential, "credential")
    return KeyFile(state_dir / FOLDER / OWN, "own")


def ready(configured: str | None, state_dir: Path, environ: Mapping[str, str] = os.environ) -> KeyRing:
    """Load the key, or make the station's own, and note its public half; raise `SigningError`.

    Public keys of the past that the disk spoilt are left out: the station works without them, and an audit tells.
    """
    file = find(configured, state_dir, environ)
    fresh = file.origin == "own" and not os.path.lexists(file.path)
    pair = _begin(file) if fresh else load(file)
    folder = state_dir / FOLDER
    with contextlib.suppress(SigningError):  # on a full disk; the next start tries again
        remember(folder, pair.public)
    return KeyRing(pair, tuple(key for key in _readable(folder) if key.key_id != pair.key_id), fresh)


def _begin(file: KeyFile) -> KeyPair:
    """Make the station's own key; one that a full disk refuses waits until there is something to sign."""
    try:
        make(file.path)
    except SigningError as error:
        if not isinstance(error.__cause__, OSError) or error.__cause__.errno not in FULL:
            raise
        return KeyPair(Ed25519PrivateKey.generate(), unsaved=file.path)
    return load(file)


def load(file: KeyFile) -> KeyPair:
    """Read a private key; raise `SigningError` when it is not there, not ours alone, or no Ed25519 key."""
    data = _read(file.path, private=file.origin != "credential")  # systemd's may show the bits of its access list
    try:
        private = serialization.load_pem_private_key(data, password=None)
    except TypeError as error:
        raise SigningError(
            file.path, "is encrypted", "store it without a passphrase, readable for the station alone"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        problem = "holds a public key, not the private one" if _PUBLIC_PEM.search(data) else "is no private key in PEM"
        raise SigningError(file.path, problem, REPLACE) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise SigningError(file.path, "is a key of another kind than Ed25519", REPLACE)
    return KeyPair(private)


def load_order_key(path: Path) -> KeyPair:
    """Read the private key with which a backend signs catalogues and configurations; raise `SigningError`."""
    return load(KeyFile(path, "configured"))


def make(path: Path, *, replace: bool = False) -> None:
    """Write a new private key, readable for its owner alone; an existing one is not touched unless `replace`."""
    try:
        _store(path, Ed25519PrivateKey.generate(), replace=replace)
    except FileExistsError as error:
        raise SigningError(path, "is there already", "keep it, or use `station keys rotate`") from error
    except OSError as error:
        raise _unwritable(path, error) from error


def _store(path: Path, private: Ed25519PrivateKey, *, replace: bool) -> None:
    data = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _make_folder(path.parent)
    (replace_file if replace else create_file)(path, data, 0o600)


def remember(folder: Path, public: PublicKey) -> None:
    """Note a public key among those that were used."""
    path = folder / f"{public.key_id}.pub"
    try:
        if not path.exists() or path.read_bytes() != public.pem.encode():
            _make_folder(folder)
            replace_file(path, public.pem.encode())
    except OSError as error:
        raise _unwritable(path, error) from error


def known(folder: Path) -> tuple[PublicKey, ...]:
    """Return the public keys that were ever used, sorted by their ids; raise `SigningError` for a damaged one."""
    return tuple(key for path in sorted(folder.glob("*.pub")) for key in public_keys(path))


def public_keys(path: Path) -> tuple[PublicKey, ...]:
    """Return the public keys in a file, one or several in PEM; raise `SigningError` when there is none."""
    data = _read(path, private=False)
    found = []
    for match in _PUBLIC_PEM.finditer(data):
        try:
            key = serialization.load_pem_public_key(match[0])
        except (ValueError, UnsupportedAlgorithm) as error:
            raise SigningError(path, "holds no readable public key", "export it with `station keys show`") from error
        if not isinstance(key, Ed25519PublicKey):
            raise SigningError(path, "is a key of another kind than Ed25519", "export it with `station keys show`")
        found.append(_published(key))
    if not found:
        raise SigningError(path, "holds no public key in PEM", "export it with `station keys show`")
    return tuple(found)


class Verifier:
    """Checks signatures with the keys that are trusted."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._keys = {key.key_id: _loaded(key) for key in keys}

    def knows(self, key_id: str) -> bool:
        """Say whether there is a key of this name."""
        return key_id in self._keys

    def holds(self, key_id: str, signature: bytes, payload: bytes) -> bool:
        """Say whether the signature is that key's over the payload."""
        try:
            self._keys[key_id].verify(signature, payload)
        except InvalidSignature:
            return False
        return True


def _readable(folder: Path) -> Iterator[PublicKey]:
    for path in sorted(folder.glob("*.pub")):
        with contextlib.suppress(SigningError):
            yield from public_keys(path)


def _unwritable(path: Path, error: OSError) -> SigningError:
    remedy = "make room, and the directory writable"
    return SigningError(path, f"cannot be written: {error.strerror}", remedy, passing=True)


def _loaded(key: PublicKey) -> Ed25519PublicKey:
    loaded = serialization.load_pem_public_key(key.pem.encode())
    if not isinstance(loaded, Ed25519PublicKey):
        raise TypeError(type(loaded))
    return loaded


def _published(key: Ed25519PublicKey) -> PublicKey:
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(signing.key_id(raw), pem.decode("ascii"))


def _read(path: Path, *, private: bool) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not make us wait
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SigningError(path, "is no regular file", REPLACE)
            if private:
                _refuse_open(path, status)
            data = file.read(SIZE_MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise SigningError(path, "does not exist", "correct the path, or make one with `station keys init`") from error
    except PermissionError as error:
        raise SigningError(path, "may not be read", "make it readable for the user of the station") from error
    except IsADirectoryError as error:
        raise SigningError(path, "is no regular file", REPLACE) from error
    except OSError as error:
        raise SigningError(path, f"cannot be read: {error.strerror}", "check the disk", passing=True) from error
    if len(data) > SIZE_MAX_BYTES:
        raise SigningError(path, f"has more than {SIZE_MAX_BYTES} bytes and is no key", REPLACE)
    return data


def _refuse_open(path: Path, status: os.stat_result) -> None:
    """Refuse a private key that others may read, or that somebody else owns."""
    if os.geteuid() not in {status.st_uid, 0} and status.st_uid != 0:
        raise SigningError(path, f"belongs to user {status.st_uid}", "chown it to the user of the station")
    foreign = status.st_uid == 0 != os.geteuid()
    if stat.S_IMODE(status.st_mode) & (OTHERS_OF_ROOTS if foreign else OTHERS):
        mode = stat.S_IMODE(status.st_mode)
        raise SigningError(path, f"is open to others (mode {mode:04o})", f"chmod {'0640' if foreign else '0600'} it")


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        if os.geteuid() == 0:
            owner = folder.parent.stat()
            os.chown(folder, owner.st_uid, owner.st_gid)
