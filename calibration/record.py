"""The record of a calibration: what it is, what it came from, what it belongs to; hashed, and signed by the station.

Format 2 is one JSON object. Its `version` is `sha256:` over the canonical form of everything but `version`, `key_id`
and `signature`: keys sorted, no white space, numbers as they stand in the file. The signature is Ed25519 over
`vs-calibration-2 VERSION`, by the station's one key, so that it is no signature of anything else. Hash and signature
are checked over what was stored, not over what today's software makes of it: a later release may add fields.

Format 1 (`record_v1`) held factory values only, without a signature. Such values stay usable unsigned in either
format: they are never certified, and their uncertainty is wide.
"""

import hashlib
from datetime import UTC, date, datetime
from typing import Any, Literal, Protocol

import msgspec

from calibration import record_v1
from calibration.captures import Hardware
from calibration.model import Calibration

SCHEMA: Literal[2] = 2
SEALS = ("version", "key_id", "signature")  # what is made from the rest
AGAIN = "calibrate again, or roll back"

Source = Literal["factory", "procedure"]


class CalibrationError(ValueError):
    """A calibration cannot be used or stored; the message says why and what to do."""


class Signer(Protocol):
    """The station's private key."""

    @property
    def key_id(self) -> str:
        """The name of the key."""

    def sign(self, payload: bytes) -> bytes:
        """Return the 64 bytes of the Ed25519 signature."""


class Verifier(Protocol):
    """The public keys that the station signs or ever signed with."""

    def knows(self, key_id: str) -> bool:
        """Say whether there is a key of this name."""

    def holds(self, key_id: str, signature: bytes, payload: bytes) -> bool:
        """Say whether the signature is that key's over the payload."""


class Summary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the evaluation came to: the decision, the greatest error, U at capacity, each check's outcome."""

    decision: str
    greatest_error_g: float | None = None
    expanded_at_capacity_g: float | None = None
    coverage_k: float | None = None
    minimum_weight_g: float | None = None
    checks: dict[str, str] = {}
    overrides: tuple[str, ...] = ()


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored calibration. `created` is UTC, `due` the last day (ISO) it may serve; hashes are `sha256:` and hex."""

    schema: Literal[1, 2]
    created: str
    source: Source
    calibration: Calibration
    hardware: Hardware | None = None
    session_id: str | None = None
    captures_sha256: str | None = None
    summary: Summary | None = None
    operator: str = ""
    due: str | None = None
    version: str = ""
    key_id: str | None = None
    signature: str | None = None

    @property
    def due_date(self) -> date | None:
        """Return the last day of service, None where none was set."""
        return None if self.due is None else date.fromisoformat(self.due)


def new_record(  # noqa: PLR0913 - all that a record holds
    calibration: Calibration,
    source: Source,
    created: datetime,
    *,
    hardware: Hardware | None = None,
    session_id: str | None = None,
    captures_sha256: str | None = None,
    summary: Summary | None = None,
    operator: str = "",
    due: date | None = None,
    signer: Signer | None = None,
) -> Record:
    """Return the record to store; `created` is an aware time. Only factory values may go without a signer."""
    bare = Record(
        schema=SCHEMA,
        created=created.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        source=source,
        calibration=calibration,
        hardware=hardware,
        session_id=session_id,
        captures_sha256=captures_sha256,
        summary=summary,
        operator=operator,
        due=None if due is None else due.isoformat(),
    )
    bare = msgspec.json.decode(msgspec.json.encode(bare), type=Record)  # 5 and 5.0 are one content
    version = _version(msgspec.to_builtins(bare))
    if signer is None:
        return msgspec.structs.replace(bare, version=version)
    signature = signer.sign(_statement(version)).hex()
    return msgspec.structs.replace(bare, version=version, key_id=signer.key_id, signature=signature)


def encode(record: Record) -> bytes:
    """Return the file's content."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def decode(data: bytes) -> Record:
    """Return the record in a file's content; `CalibrationError` (without the file's name) if it cannot be trusted."""
    try:
        raw = msgspec.json.decode(data)
        if isinstance(raw, dict) and raw.get("schema") == record_v1.SCHEMA:
            return _from_v1(data)
        record = msgspec.convert(raw, Record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CalibrationError(f"is no calibration record ({error}); {AGAIN}") from error
    if unknown := _unknown(raw, msgspec.to_builtins(record)):
        raise CalibrationError(f"was made by other software ({unknown} is not known here); {AGAIN}")
    if record.version != _version(raw):
        raise CalibrationError(f"was changed or damaged (its hash does not fit); {AGAIN}")
    return record


def verify(record: Record, verifier: Verifier) -> None:
    """Raise `CalibrationError` unless the station signed it, or it holds factory values, which may be unsigned."""
    if record.signature is None or record.key_id is None:
        if record.source == "factory" and not record.calibration.certified:
            return
        raise CalibrationError(f"is not signed; {AGAIN}")
    if not verifier.knows(record.key_id):
        raise CalibrationError(f"was signed with key {record.key_id}, which is none of this station's; {AGAIN}")
    if not verifier.holds(record.key_id, _signature(record.signature), _statement(record.version)):
        raise CalibrationError(f"has a signature that does not fit its content; {AGAIN}")


def _from_v1(data: bytes) -> Record:
    old = record_v1.decode(data)
    if old is None:
        raise CalibrationError(f"was changed or damaged (its hash does not fit); {AGAIN}")
    return Record(
        schema=1,
        created=old.created,
        source=old.source,
        calibration=msgspec.convert(msgspec.to_builtins(old.calibration), Calibration),
        version=old.version,
    )


def _version(raw: dict[str, Any]) -> str:
    """Return the version that belongs to the content, as it stands in the file."""
    content = {key: value for key, value in raw.items() if key not in SEALS}
    return f"sha256:{hashlib.sha256(msgspec.json.encode(content, order='sorted')).hexdigest()}"


def _statement(version: str) -> bytes:
    return f"vs-calibration-{SCHEMA} {version}".encode()


def _signature(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise CalibrationError(f"has a signature that is none; {AGAIN}") from error


def _unknown(raw: Any, known: Any, path: str = "") -> str:
    """Return a key of the file that today's values do not have, "" if there is none: it might change weights."""
    if isinstance(raw, list) and isinstance(known, (list, tuple)):
        pairs = [(one, other, path) for one, other in zip(raw, known, strict=False)]
    elif isinstance(raw, dict) and isinstance(known, dict):
        if strange := sorted(raw.keys() - known.keys()):
            return f"{path}{strange[0]}"
        pairs = [(value, known[key], f"{path}{key}.") for key, value in raw.items()]
    else:
        return ""
    return next(filter(None, (_unknown(*pair) for pair in pairs)), "")
