"""The configuration as it is understood: plain tables with defaults filled in and secrets masked."""

import re
from typing import Any

import msgspec

from station.config_keys import Camera, Config, Scale

_SECRET_KEY = re.compile(r"(password|passwd|secret|token)\Z")
_URL_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def effective(config: Config) -> dict[str, Any]:
    """Return the configuration as plain tables, defaults filled in and secrets masked."""
    tables = {
        "station": config.station,
        "mqtt": config.mqtt,
        "transaction": config.transaction,
        "weighing": config.weighing,
        "policy": config.policy,
        "learning": config.learning,
        "trust": config.trust,
        "calibration": config.calibration,
        "control": config.control,
        "records": config.records,
        "vision": config.vision,
        "scale": [_flat(scale) for scale in config.scales],
        "camera": [_flat(camera) for camera in config.cameras],
    }
    tables_masked: dict[str, Any] = masked("", msgspec.to_builtins(tables))
    return tables_masked


def _flat(part: Scale | Camera) -> dict[str, Any]:
    own = {key: value for key, value in msgspec.structs.asdict(part).items() if key != "options"}
    return own | msgspec.structs.asdict(part.options)


def masked(key: str, value: Any) -> Any:
    """Replace secrets, and the user part of addresses such as rtsp://user:password@host."""
    if isinstance(value, dict):
        return {name: masked(name, part) for name, part in value.items()}
    if isinstance(value, list):
        return [masked(key, part) for part in value]
    if value is None or not isinstance(value, str):
        return value
    return "***" if _SECRET_KEY.search(key) else _URL_USER.sub("***", value)
