"""The last good configuration: kept in the state directory, used when the present file is bad.

A station whose configuration someone broke overnight goes on with yesterday's, and says so. The copy holds the text
together with the place it came from, since the paths in it are relative to that place.
"""

import re
import tomllib
from pathlib import Path

import msgspec

from calibration.files import replace_file
from station import config_remote
from station.config import ConfigError, load, parse
from station.config_keys import DEFAULT_STATE_DIR, Config, DriverOptions
from station.config_remote import Asked

_NAME = "config.good.json"
_STATE_DIR_LINE = re.compile(r"""^\s*state_dir\s*=\s*["'](/[^"']*)["']""", re.MULTILINE)


class _Copy(msgspec.Struct, frozen=True):
    """What the file holds."""

    source: str
    text: str


class Choice(msgspec.Struct, frozen=True):
    """The configuration to run with; `problem` says what is wrong with the one that was asked for.

    `asked` is the last one that came by command, whatever became of it; `overruled`: the file was changed since.
    """

    config: Config
    problem: str | None = None
    asked: Asked | None = None
    overruled: bool = False

    @property
    def on_trial(self) -> bool:
        """Whether it is one that came by command and has not proved itself yet."""
        return self.asked is not None and self.asked.state == "trial" and self.asked.text == self.config.text


def choose(path: Path, options: DriverOptions) -> Choice:
    """Load a configuration, or the last good one where that fails; raise `ConfigError` if there is neither."""
    try:
        return Choice(load(path, options))
    except ConfigError as error:
        good = last_good(state_dir_of(path), options)
        if good is None:
            raise
        return Choice(good, str(error))


def choose_to_run(path: Path, options: DriverOptions) -> Choice:
    """Choose as the daemon does: what came by command goes before the file, unless that was changed since.

    A start with one on trial is counted; after too many, or when it cannot be used, it is given up for the last good
    one. Raises `ConfigError` as `choose`.
    """
    state_dir = state_dir_of(path)
    asked = config_remote.read(state_dir)
    if asked is None:
        return choose(path, options)
    if asked.replaces != config_remote.hash_of(path):
        own = choose(path, options)
        return Choice(own.config, own.problem, asked, overruled=True)
    asked = config_remote.begin(state_dir, asked)
    if asked.state != "refused":
        try:
            return Choice(parse(asked.text.encode(), Path(asked.source), options), asked=asked)
        except ConfigError as error:
            asked = config_remote.refuse(state_dir, asked, str(error))
    problem = f"the configuration with serial {asked.serial} was given up: {asked.reason}"
    good = last_good(state_dir, options)
    if good is None or good.text == asked.text:
        good = choose(path, options).config
    return Choice(good, problem, asked)


def remember_good(config: Config) -> None:
    """Keep a configuration that the station has started with; raise `OSError` when the disk refuses."""
    target = Path(config.station.state_dir) / _NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, msgspec.json.encode(_Copy(config.source, config.text)), 0o600)  # it may hold a password


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
