"""A configuration that came by command: kept beside the state, on trial until the station has run with it for a while.

The file that somebody wrote at the station stays as it is. What came by command takes its place as long as that file
is the same; one that is changed later is the newer wish, and counts. Who the station is, which broker it speaks to and
whom it trusts cannot be changed from afar: a mistake there would cut off the way to correct it, or hand the station
over. A configuration with which the station ends `TRIALS` times before it has proved itself is given up.
"""

import contextlib
import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from calibration.files import replace_file
from station.command_refusals import CommandRefusedError
from station.config import ConfigError, parse
from station.config_keys import Config, DriverOptions
from station.messages import NewConfig

NAME = "config.asked.json"
TRIALS = 2
TOLD = 2000  # characters of what is wrong
PROTECTED = ("station", "mqtt", "trust")

State = Literal["trial", "proven", "refused"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The last configuration that came by command. `replaces` is the hash of the file at the station then."""

    serial: int
    text: str
    source: str
    replaces: str
    state: State = "trial"
    starts: int = 0
    reason: str = ""

    @property
    def hash(self) -> str:
        """Its content as `sha256:…`."""
        return _hash(self.text.encode())


def read(state_dir: Path) -> Asked | None:
    """Return what was asked for last; None if there was nothing, or it cannot be read any more."""
    try:
        return msgspec.json.decode((state_dir / NAME).read_bytes(), type=Asked)
    except (OSError, msgspec.DecodeError):
        return None


def hash_of(path: Path) -> str:
    """Return a file's content as `sha256:…`, of nothing where it cannot be read."""
    try:
        return _hash(path.read_bytes())
    except OSError:
        return _hash(b"")


def adopt(state_dir: Path, own: Path, present: Config, given: NewConfig, options: DriverOptions) -> tuple[Asked, bool]:
    """Check and keep a configuration; return it, and whether the station has to start anew for it.

    `own` is the file at the station, `present` what is in force. Raises `CommandRefusedError`.
    """
    known = read(state_dir)
    if known is not None and given.serial == known.serial and given.toml == known.text:
        return known, False
    if known is not None and given.serial <= known.serial:
        code = "serial_reused" if given.serial == known.serial else "stale_serial"
        raise CommandRefusedError(code, f"serial {known.serial} came before: raise the serial")
    _check(own, present, given, options)
    asked = Asked(serial=given.serial, text=given.toml, source=str(own.absolute()), replaces=hash_of(own))
    if given.toml == present.text:
        asked = msgspec.structs.replace(asked, state="proven")
    try:
        _write(state_dir, asked)
    except OSError as error:
        message = f"the configuration cannot be stored: {error.strerror}; make room or check the disk"
        raise CommandRefusedError("disk_failed", message) from error
    return asked, given.toml != present.text


def begin(state_dir: Path, asked: Asked) -> Asked:
    """Count a start with a configuration on trial; give it up after too many."""
    if asked.state != "trial":
        return asked
    if asked.starts >= TRIALS:
        return refuse(state_dir, asked, f"the station ended {asked.starts} times before it had run with it for a while")
    asked = msgspec.structs.replace(asked, starts=asked.starts + 1)
    _note(state_dir, asked)
    return asked


def refuse(state_dir: Path, asked: Asked, reason: str) -> Asked:
    """Give a configuration up."""
    asked = msgspec.structs.replace(asked, state="refused", reason=reason[:TOLD])
    _note(state_dir, asked)
    return asked


def prove(state_dir: Path, asked: Asked) -> None:
    """The station runs with it: it stays."""
    _note(state_dir, msgspec.structs.replace(asked, state="proven", starts=0))


def ended_well(state_dir: Path) -> None:
    """The station ended because it was told to: that does not speak against a configuration on trial."""
    asked = read(state_dir)
    if asked is not None and asked.state == "trial":
        _note(state_dir, msgspec.structs.replace(asked, starts=0))


def _check(own: Path, present: Config, given: NewConfig, options: DriverOptions) -> None:
    try:
        new = parse(given.toml.encode(), own, options)
    except ConfigError as error:
        raise CommandRefusedError("bad_config", str(error)[:TOLD]) from error
    except UnicodeEncodeError as error:
        raise CommandRefusedError("bad_config", "has characters that are no UTF-8") from error
    changed = [
        f"{table}.{key}"
        for table in PROTECTED
        for key in getattr(new, table).__struct_fields__
        if getattr(getattr(new, table), key) != getattr(getattr(present, table), key)
    ]
    if changed:
        message = f"{', '.join(changed)} can only be changed at the station"
        raise CommandRefusedError("config_protected", message)


def _hash(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _note(state_dir: Path, asked: Asked) -> None:
    """Note how it goes, as far as the disk allows: a full one is no reason not to weigh."""
    with contextlib.suppress(OSError):
        _write(state_dir, asked)


def _write(state_dir: Path, asked: Asked) -> None:
    replace_file(state_dir / NAME, msgspec.json.encode(asked), 0o600)  # it may hold a password
