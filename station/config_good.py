"""The last good configuration: kept in the state directory, used when the present file is bad.

A station whose configuration someone broke overnight goes on with yesterday's, and says so. The copy holds the text
together with the place it came from, since the paths in it are relative to that place.
"""

import os
import re
import tomllib
from pathlib import Path

import msgspec

from station.config import ConfigError, load, parse
from station.config_keys import DEFAULT_STATE_DIR, Config, DriverOptions

_NAME = "config.good.json"
_STATE_DIR_LINE = re.compile(r"""^\s*state_dir\s*=\s*["'](/[^"']*)["']""", re.MULTILINE)


class _Copy(msgspec.Struct, frozen=True):
    """What the file holds."""

    source: str
    text: str


class Choice(msgspec.Struct, frozen=True):
    """The configuration to run with; `problem` says what is wrong with the one that was asked for."""

    config: Config
    problem: str | None = None


def choose(path: Path, options: DriverOptions) -> Choice:
    """Load a configuration, or the last good one where that fails; raise `ConfigError` if there is neither."""
    try:
        return Choice(load(path, options))
    except ConfigError as error:
        good = last_good(state_dir_of(path), options)
        if good is None:
            raise
        return Choice(good, str(error))


def remember_good(config: Config) -> None:
    """Keep a configuration that the station has started with; raise `OSError` when the disk refuses."""
    target = Path(config.station.state_dir) / _NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    data = msgspec.json.encode(_Copy(config.source, config.text))
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # may hold a password
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)


def last_good(state_dir: Path, options: DriverOptions) -> Config | None:
    """Return the configuration kept in a state directory; None if there is none, or it no longer holds."""
    try:
        copy = msgspec.json.decode((state_dir / _NAME).read_bytes(), type=_Copy)
        return parse(copy.text.encode(), Path(copy.source), options)
    except (OSError, msgspec.DecodeError, ConfigError):
        return None


def state_dir_of(path: Path) -> Path:
    """Return the state directory that a possibly broken configuration names, else the default."""
    try:
        text = path.read_bytes().decode(errors="replace")
    except OSError:
        return Path(DEFAULT_STATE_DIR)
    return Path(_parsed_state_dir(text) or _guessed_state_dir(text) or DEFAULT_STATE_DIR)


def _parsed_state_dir(text: str) -> str | None:
    try:
        station = tomllib.loads(text).get("station")
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    found = station.get("state_dir") if isinstance(station, dict) else None
    return found if isinstance(found, str) and found.startswith("/") else None


def _guessed_state_dir(text: str) -> str | None:
    """Find the key in a text that is no TOML any more."""
    match = _STATE_DIR_LINE.search(text)
    return match[1] if match else None
