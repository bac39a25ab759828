"""The core's state as bytes, and back: how a record begins in the middle of a day.

The bytes are a pickle of the engine, which only the same source can read for sure; `core_hash` tells whether it is the
same. A pickle of somebody else's can do anything, so only classes of the core, and the few containers they use, are
ever made of one: nothing that could reach a file, a socket or a command.
"""

import functools
import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import msgspec

from calibration import limits, model, platform
from station import core
from station.core.claim import Claim
from station.core.codes import Reads
from station.core.engine import Engine

_CALIBRATION = (limits, model, platform)  # all that the core uses of it
OURS = frozenset(module.__name__ for module in _CALIBRATION)
_THEIRS = frozenset({("collections", "deque"), ("collections", "OrderedDict"), ("msgspec._utils", "rebuild")})


class StateError(ValueError):
    """The bytes are no state of this version's core."""


def dump(engine: Engine) -> bytes:
    """Return the state, without codes that were read lately and without shoppers' pseudonyms."""
    stream = io.BytesIO()
    _Discreet(stream, protocol=5).dump(engine)
    return stream.getvalue()


def load(data: bytes) -> Engine:
    """Return an engine that goes on as the one did; raise `StateError` when the bytes make none."""
    try:
        engine = _Wary(io.BytesIO(data)).load()
    except StateError:
        raise
    except Exception as error:  # Python names no end to what a damaged pickle may raise (library reference, pickle)
        raise StateError(f"the core's state cannot be read: {error}") from error
    if not isinstance(engine, Engine):
        raise StateError("the core's state holds no engine")
    return engine


@functools.cache
def core_hash() -> str:
    """Return `sha256:…` of the source that a replay depends on."""
    found = hashlib.sha256()
    files = [*Path(str(core.__file__)).parent.glob("*.py"), *(Path(str(module.__file__)) for module in _CALIBRATION)]
    for path in sorted(files):
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return "sha256:" + found.hexdigest()


class _Discreet(pickle.Pickler):
    def persistent_id(self, value: Any) -> str | None:
        return "no reads" if isinstance(value, Reads) else None

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Claim) and value.shopper is not None:
            return msgspec.structs.replace(value, shopper=None).__reduce__()
        return NotImplemented


class _Wary(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> Any:
        if pid != "no reads":
            raise StateError("the core's state refers to something unknown")
        return Reads()

    def find_class(self, module: str, name: str) -> Any:
        ours = (module in OURS or module.startswith("station.core.")) and "." not in name
        if not ours and (module, name) not in _THEIRS:
            raise StateError(f"the core's state names {module}.{name}, which is no part of it")
        found = super().find_class(module, name)
        if ours and not (isinstance(found, type) and found.__module__ == module):
            raise StateError(f"the core's state names {module}.{name}, which is no class of it")
        return found
