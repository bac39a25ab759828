"""A model in one file: the network, what belongs to it, and the hash of each part.

The file is a ZIP archive: `model.json` with a name and the SHA-256 of every other file in it, among them
`embedder.tflite` and `embedding.npz`. Whoever makes a package signs the whole file, byte for byte; the signature lies
beside it as `FILE.sig`, its hexadecimal digits and the key's id on one line. Pure bytes in, bytes out.
"""

import hashlib
import re
import zipfile
from collections.abc import Mapping
from io import BytesIO

import msgspec

from station.vision.interpreter import FILE_MARK, ModelError

FORMAT = 1
LIST = "model.json"
NETWORK, HEAD = "embedder.tflite", "embedding.npz"
PACKAGE_BYTES_MAX, PART_BYTES_MAX, PARTS_MAX = 64_000_000, 32_000_000, 16
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
_DATE = (2020, 1, 1, 0, 0, 0)  # the same parts make the same bytes


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What a package says of itself; `files` gives the SHA-256 of each as hexadecimal digits."""

    format: int
    name: str
    files: dict[str, str]


def pack(name: str, parts: Mapping[str, bytes]) -> bytes:
    """Return the package of these parts."""
    hashes = {part: hashlib.sha256(content).hexdigest() for part, content in sorted(parts.items())}
    made = Contents(format=FORMAT, name=name, files=hashes)
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(LIST, _DATE), msgspec.json.encode(made))
        for part in sorted(parts):
            archive.writestr(zipfile.ZipInfo(part, _DATE), parts[part])
    return content.getvalue()


def unpack(package: bytes, source: str) -> tuple[Contents, dict[str, bytes]]:
    """Return what a package is and its parts, each proved against its hash; raise `ModelError` for anything wrong."""
    if len(package) > PACKAGE_BYTES_MAX:
        raise ModelError(f"model {source} has {len(package)} bytes; at most {PACKAGE_BYTES_MAX} are possible")
    try:
        with zipfile.ZipFile(BytesIO(package)) as archive:
            contents = _contents(archive, source)
            parts = {name: _part(archive, name, digest, source) for name, digest in contents.files.items()}
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, EOFError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"model {source} is damaged or no model package: {error}") from error
    if missing := {NETWORK, HEAD} - parts.keys():
        raise ModelError(f"model {source} has no {' and no '.join(sorted(missing))}; it is no whole package")
    if parts[NETWORK][4:8] != FILE_MARK:
        raise ModelError(f"model {source}: its {NETWORK} is no TFLite file")
    return contents, parts


def _contents(archive: zipfile.ZipFile, source: str) -> Contents:
    try:
        contents = msgspec.json.decode(archive.read(LIST), type=Contents)
    except (KeyError, msgspec.MsgspecError) as error:
        raise ModelError(f"model {source} is no model package: it has no proper {LIST}") from error
    if contents.format != FORMAT:
        raise ModelError(f"model {source} has format {contents.format}, not {FORMAT}; update the station first")
    if len(contents.files) > PARTS_MAX or not all(map(_PART.match, contents.files)):
        raise ModelError(f"model {source} names parts that no model has")
    return contents


def _part(archive: zipfile.ZipFile, name: str, digest: str, source: str) -> bytes:
    if archive.getinfo(name).file_size > PART_BYTES_MAX:
        raise ModelError(f"model {source}: {name} is larger than {PART_BYTES_MAX} bytes")
    content = archive.read(name)
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelError(f"model {source} is damaged: {name} is not what {LIST} says")
    return content
