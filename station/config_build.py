"""From decoded TOML to a `Config`: all tables checked, drivers looked up, files found."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec

from station import toml_lines
from station.config_check import NOTHING, Problem, build, metas, nearest, struct_in
from station.config_keys import (
    Camera,
    CameraKeys,
    Config,
    Control,
    DriverOptions,
    Mqtt,
    Records,
    Scale,
    ScaleKeys,
    Station,
    Transaction,
    Trust,
    Vision,
)
from station.core.due import Care
from station.core.learning_settings import LearningSettings
from station.core.store_policy import Policy
from station.core.weighing import WeighingSettings

T = TypeVar("T", bound=msgspec.Struct)


class Builder:
    """Turns decoded TOML into a `Config`; what cannot be used goes to `problems`."""

    def __init__(self, options: DriverOptions, base: Path) -> None:
        self.problems: list[Problem] = []
        self._options = options
        self._base = base

    def config(self, raw: dict[str, Any]) -> Config | None:
        """Return the whole configuration, without its source; None where a table of it cannot be used."""
        known = (
            "station",
            "mqtt",
            "scale",
            "camera",
            "transaction",
            "weighing",
            "policy",
            "learning",
            "trust",
            "calibration",
            "control",
            "records",
            "vision",
        )
        for key in raw:
            if key not in known:
                self._add((key,), f"unknown table{nearest(key, known)}")
        if not raw.get("scale"):
            self._add(("scale",), "is missing; a station needs at least one [[scale]] with its driver")
        station, mqtt = self._table(Station, raw, "station"), self._table(Mqtt, raw, "mqtt")
        transaction, policy = self._table(Transaction, raw, "transaction"), self._table(Policy, raw, "policy")
        weighing = self._table(WeighingSettings, raw, "weighing")
        learning = self._table(LearningSettings, raw, "learning")
        trust = self._table(Trust, raw, "trust")
        care, control = self._table(Care, raw, "calibration"), self._table(Control, raw, "control")
        records, vision = self._table(Records, raw, "records"), self._table(Vision, raw, "vision")
        scales = [self._scale(table, ("scale", number)) for number, table in enumerate(self._list(raw, "scale"))]
        cameras = [self._camera(table, ("camera", number)) for number, table in enumerate(self._list(raw, "camera"))]
        self._distinct("scale", scales)
        self._distinct("camera", cameras)
        if station is None or mqtt is None or transaction is None:
            return None
        if weighing is None or policy is None or learning is None or trust is None:
            return None
        if care is None or control is None or records is None or vision is None:
            return None
        return Config(
            station=station,
            mqtt=mqtt,
            scales=tuple(scale for scale in scales if scale),
            cameras=tuple(camera for camera in cameras if camera),
            transaction=transaction,
            weighing=weighing,
            policy=policy,
            learning=learning,
            trust=trust,
            calibration=care,
            control=control,
            records=records,
            vision=vision,
            source="",
            text="",
        )

    def _add(self, path: toml_lines.Path, text: str, value: Any = NOTHING) -> None:
        self.problems.append(Problem(path, text, value))

    def _table(self, kind: type[T], raw: dict[str, Any], name: str) -> T | None:
        table = raw.get(name, {})
        if isinstance(table, dict):
            table = self._with_files(kind, table, (name,))
        return build(kind, table, (name,), self.problems)

    def _with_files(self, kind: type[msgspec.Struct], table: dict[str, Any], path: toml_lines.Path) -> dict[str, Any]:
        """Return the table with the paths of its files made absolute; a file that is not there is a problem."""
        resolved = dict(table)
        for key, hint in get_type_hints(kind, include_extras=True).items():
            value = table.get(key)
            inner = struct_in(hint)
            if inner is not None and isinstance(value, dict):
                resolved[key] = self._with_files(inner, value, (*path, key))
            elif isinstance(value, str) and any(meta.extra and meta.extra.get("file") for meta in metas(hint)):
                resolved[key] = str(self._base / value)
                if problem := _file_problem(self._base / value):
                    self._add((*path, key), problem, value)
        return resolved

    def _list(self, raw: dict[str, Any], name: str) -> list[dict[str, Any]]:
        tables = raw.get(name, [])
        if isinstance(tables, list) and all(isinstance(table, dict) for table in tables):
            return tables
        self._add((name,), f"must be a list of tables: write [[{name}]]", tables)
        return []

    def _scale(self, table: dict[str, Any], path: toml_lines.Path) -> Scale | None:
        kind, options = self._driven(table, path, self._options.scales, ScaleKeys)
        if kind is None:
            return None
        named = {"name": f"scale-{int(path[1]) + 1}"} | _only(table, ScaleKeys)
        if options is not None:  # what the driver asks for itself, it has checked itself, default included
            named |= _only(msgspec.structs.asdict(options), ScaleKeys)
        missing = [key for key in ("capacity_g", "division_g") if key in kind.__struct_fields__ and key not in named]
        if missing:  # the driver's own check has told what is wrong with them
            return None
        keys = build(ScaleKeys, named, path, self.problems)
        if keys is None or options is None:
            return None
        return Scale(
            driver=table["driver"],
            name=keys.name,
            capacity_g=keys.capacity_g,
            division_g=keys.division_g,
            options=options,
            positions_mm=keys.positions_mm,
        )

    def _camera(self, table: dict[str, Any], path: toml_lines.Path) -> Camera | None:
        kind, options = self._driven(table, path, self._options.cameras, CameraKeys)
        if kind is None:
            return None
        named = {"name": f"camera-{int(path[1]) + 1}"} | _only(table, CameraKeys)
        keys = build(CameraKeys, named, path, self.problems)
        return (
            None if keys is None or options is None else Camera(driver=table["driver"], name=keys.name, options=options)
        )

    def _driven(
        self,
        table: dict[str, Any],
        path: toml_lines.Path,
        known: Mapping[str, type[msgspec.Struct]],
        common: type[msgspec.Struct],
    ) -> tuple[type[msgspec.Struct] | None, msgspec.Struct | None]:
        """Return the struct of the chosen driver's keys, and the keys themselves where they are in order."""
        driver = table.get("driver")
        kind = known.get(driver) if isinstance(driver, str) else None
        if kind is None:
            problem = "is missing" if driver is None else "unknown driver"
            self._add((*path, "driver"), f"{problem}; known: {', '.join(sorted(known))}", driver or NOTHING)
            return None, None
        ours = {"driver", *common.__struct_fields__} - set(kind.__struct_fields__)
        own = {key: value for key, value in table.items() if key not in ours}
        return kind, build(kind, own, path, self.problems, also=ours)

    def _distinct(self, kind: str, parts: Sequence[Scale | Camera | None]) -> None:
        """No two parts have one name, and no two serial scales one port."""
        seen: set[tuple[str, str]] = set()
        for number, part in enumerate(parts):
            if part is None:
                continue
            port = getattr(part.options, "port", None)
            for key, value in (("name", part.name), ("port", port)):
                if value is not None and (key, value) in seen:
                    self._add((kind, number, key), f"must differ from the {key} of every {kind} before it", value)
                elif value is not None:
                    seen.add((key, value))


def _only(table: Mapping[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {key: table[key] for key in kind.__struct_fields__ if key in table}


def _file_problem(path: Path) -> str | None:
    """Say why a file cannot be used by whoever runs this; None if it can."""
    try:
        if path.is_file():
            return None if os.access(path, os.R_OK) else f"{path} cannot be read by this user"
    except (OSError, ValueError):  # a folder on the way is closed, or the name can be none
        pass
    return f"there is no file {path}"
