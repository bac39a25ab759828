"""The little that calibrating must know of a station's configuration: where its state is, and its scales."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

DEFAULT_CONFIG = Path("/etc/validation-station/station.toml")
DEFAULT_STATE_DIR = "/var/lib/validation-station"
# Instruments that know their own calibration; their drivers give grams.
SELF_CALIBRATED = frozenset(
    {"ascii-line", "cas", "dialog-02", "dialog-06", "magellan", "mt-sics", "nci", "toledo-8217"}
)


class ConfigurationError(ValueError):
    """The station's configuration cannot be used; the message says why."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[scale]]` table; keys of no use here are passed over, the daemon checks them."""

    driver: str
    capacity_g: Annotated[float, Meta(gt=0)] = 50_000.0
    division_g: Annotated[float, Meta(gt=0)] = 5.0
    channels: Annotated[int, Meta(ge=1)] | None = None

    @property
    def gives_counts(self) -> bool:
        """Whether this scale needs a calibration of ours."""
        return self.driver not in SELF_CALIBRATED


class _Station(msgspec.Struct, frozen=True, kw_only=True):
    state_dir: str = DEFAULT_STATE_DIR


class _Control(msgspec.Struct, frozen=True, kw_only=True):
    socket: str | None = None


class StationConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of the configuration that matter here."""

    station: _Station
    control: _Control = _Control()
    scale: tuple[Scale, ...] = ()

    @property
    def state_dir(self) -> Path:
        """Where the station keeps what must survive a restart."""
        return Path(self.station.state_dir)


def find(argument: str | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the configuration's path: the argument, else `STATION_CONFIG`, else the one in /etc."""
    return Path(argument or environ.get("STATION_CONFIG") or DEFAULT_CONFIG)


def read(path: Path) -> StationConfig:
    """Read the configuration; `ConfigurationError` names the file and the fault."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), StationConfig)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, msgspec.ValidationError) as error:  # not UTF-8, not TOML, not a station's
        raise ConfigurationError(f"{path}: {error}") from error
