"""The station's configuration: one TOML file, checked key by key before anything starts.

What nobody knows, what is out of bounds and what names a missing file is an error with its line, and all errors are
told at once. Hardware is chosen by `driver = "…"`; the keys of a driver are those of its options struct, handed in by
whoever knows the drivers, so that checking needs neither hardware nor its libraries.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from station import toml_lines, toml_write
from station.config_build import Builder
from station.config_check import NOTHING, Problem
from station.config_keys import DEFAULT_STATE_DIR, Camera, Config, DriverOptions, Mqtt, Scale, Station, Transaction
from station.config_show import effective, masked

__all__ = [
    "DEFAULT_PATH", "DEFAULT_STATE_DIR", "Camera", "Config", "ConfigError", "DriverOptions", "Mqtt", "Scale", "Station",
    "Transaction", "effective", "find", "load", "parse",
]  # fmt: skip

DEFAULT_PATH = Path("/etc/validation-station/station.toml")
SIZE_MAX_BYTES = 1_000_000  # a configuration is a few kilobytes; a wrong file is refused before it is parsed

_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)\Z")


class ConfigError(ValueError):
    """The configuration cannot be used; the message has one line for each problem, `FILE:LINE: …`."""


def find(argument: str | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the configuration's path: the argument, else `STATION_CONFIG`, else the one in /etc."""
    return Path(argument or environ.get("STATION_CONFIG") or DEFAULT_PATH)


def load(path: Path, options: DriverOptions) -> Config:
    """Read and check a file; raise `ConfigError` with all that is wrong with it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    return parse(data, path, options)


def parse(data: bytes, source: Path, options: DriverOptions) -> Config:
    """Check a file's content; relative paths in it start where `source` lies."""
    text = _decoded(data, source)
    raw = _tables(text, source)
    builder = Builder(options, source.absolute().parent)
    made = builder.config(raw)
    if made is None or builder.problems:
        raise ConfigError(_told(builder.problems, text, source))
    return msgspec.structs.replace(made, source=str(source.absolute()), text=text)


def _decoded(data: bytes, source: Path) -> str:
    if len(data) > SIZE_MAX_BYTES:
        raise ConfigError(f"{source}: has {len(data)} bytes; a configuration has at most {SIZE_MAX_BYTES}")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{source}:{line}: no valid TOML: byte {data[error.start]:#04x} is no UTF-8") from error


def _tables(text: str, source: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        line = place[1] if place and place[1] else text.count("\n") + 1
        raise ConfigError(f"{source}:{line}: no valid TOML: {_TOML_PLACE.sub('', str(error))}") from error
    except RecursionError as error:
        raise ConfigError(f"{source}:1: no valid TOML: nested too deeply") from error


def _told(problems: list[Problem], text: str, source: Path) -> str:
    """Return one line for each problem, in the order of the file."""
    lines = toml_lines.locate(text)
    placed = sorted(((_line(problem.path, lines), problem) for problem in problems), key=lambda pair: pair[0])
    return "\n".join(f"{source}:{line}: {_shown(problem)}: {problem.text}" for line, problem in placed)


def _line(path: toml_lines.Path, lines: dict[toml_lines.Path, int]) -> int:
    """Return the line of a key, or of the nearest table around it; 1 for what is not in the file at all."""
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 1)


def _shown(problem: Problem) -> str:
    """Return `scale[0].capacity_g = -5`; secrets stay secret."""
    name = ""
    for part in problem.path:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else str(part)
    if problem.value is NOTHING or isinstance(problem.value, (dict, list)):
        return name
    return f"{name} = {toml_write.value(masked(str(problem.path[-1]), problem.value))}"
