"""The first format of a calibration record, frozen as it was: factory values, hashed, not signed. Only read."""

import hashlib
from typing import Literal

import msgspec

SCHEMA: Literal[1] = 1


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One load cell."""

    zero_counts: float
    counts_per_g: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """One platform."""

    cells: tuple[Cell, ...]
    certified: bool = False
    zero_sd_g: float = 0.0
    gain_rel_sd: float = 0.0


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`version` is `sha256:` over the record in this order of fields, with an empty version."""

    schema: Literal[1]
    created: str
    source: Literal["factory", "procedure"]
    calibration: Calibration
    version: str


def decode(data: bytes) -> Record | None:
    """Return the record, None if its hash does not fit; `msgspec.DecodeError` for anything else."""
    record = msgspec.json.decode(data, type=Record)
    content = msgspec.json.encode(msgspec.structs.replace(record, version=""), order="deterministic")
    return record if record.version == f"sha256:{hashlib.sha256(content).hexdigest()}" else None
