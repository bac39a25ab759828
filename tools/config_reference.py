"""Print docs/CONFIG.md: every key of the configuration, from the structs that check it.

What a key means is taken from its `Meta(description=…)`, else from the comment beside it in the source.
"""

import inspect
import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from station import toml_write, wiring
from station.config_check import choices, metas, struct_in
from station.config_keys import CameraKeys, Control, Mqtt, Records, ScaleKeys, Station, Transaction, Trust, Vision
from station.core.due import Care
from station.core.learning_settings import LearningSettings
from station.core.store_policy import Policy
from station.core.weighing import WeighingSettings

Kind = type[msgspec.Struct]

TABLES: dict[str, Kind] = {
    "station": Station,
    "mqtt": Mqtt,
    "transaction": Transaction,
    "weighing": WeighingSettings,
    "policy": Policy,
    "learning": LearningSettings,
    "trust": Trust,
    "calibration": Care,
    "control": Control,
    "records": Records,
    "vision": Vision,
}

_HEAD = """# Configuration

One TOML file: `--config FILE`, else `$STATION_CONFIG`, else `/etc/validation-station/station.toml`.
`station config check FILE` tells everything that is wrong with it, line by line, and needs no hardware;
`station config show FILE` prints it as the station understands it, secrets masked.
Keys that nobody knows, values out of bounds and files that do not exist are errors. Relative paths start where the
configuration lies. While the present file is bad, the station runs on the last good one and raises an alarm.

```toml
[station]
store = "0815"
id = "vs-03"

[mqtt]
host = "broker.store.example"
tls = { ca = "ca.pem", cert = "vs-03.pem", key = "vs-03.key" }

[[scale]]
driver = "toledo-8217"
port = "/dev/serial/by-id/usb-scale"
capacity_g = 15000
division_g = 5
```

This page is made from the source by `make docs`; a test keeps both alike.
"""


def render() -> str:
    """Return the whole page."""
    parts, drivers = [_HEAD], wiring.driver_options()
    for name, kind in TABLES.items():
        parts += _section(f"[{name}]", kind)
    parts += ["## Scales\n\nOne `[[scale]]` for each platform; the weights of several add up. Every scale has:\n"]
    parts += [_table(ScaleKeys)]
    for name, kind in drivers.scales.items():
        parts += _section(f'[[scale]] driver = "{name}"', kind)
    parts += ["## Cameras\n\nOne `[[camera]]` for each; none is needed. Every camera has:\n", _table(CameraKeys)]
    for name, kind in drivers.cameras.items():
        parts += _section(f'[[camera]] driver = "{name}"', kind)
    return "\n".join(parts)


def _section(title: str, kind: Kind, made: Any = None) -> Iterator[str]:
    """Yield a table's heading, its docstring and its keys; tables within it follow, with the defaults of `made`."""
    yield f"## `{title}`\n\n{inspect.getdoc(kind)}\n"
    yield _table(kind, made)
    for field in msgspec.structs.fields(kind):
        inner = struct_in(_hints(kind)[field.name])
        if inner is not None:
            yield from _section(title.replace("]", f".{field.encode_name}]", 1), inner, _value_of(field, made))


def _hints(kind: Kind) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _table(kind: Kind, made: Any = None) -> str:
    comments = _comments(kind)
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for field in msgspec.structs.fields(kind):
        hint = _hints(kind)[field.name]
        if struct_in(hint) is None:
            meaning = _described(hint) or comments.get(field.name, "")
            default = "" if "if absent" in meaning else _default(_value_of(field, made))
            rows.append(f"| `{field.encode_name}` | {_value(hint)} | {default} | {meaning} |")
    return "\n".join(rows) + "\n" if rows[2:] else ""


def _value_of(field: msgspec.structs.FieldInfo, made: Any) -> Any:
    """Return a field's default, as the table around it sets it; `NODEFAULT` where it must be given."""
    if made is not None:
        return getattr(made, field.name)
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _comments(kind: Kind) -> dict[str, str]:
    """Return the comments behind the fields of a struct and of those it builds on."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if issubclass(base, msgspec.Struct) and base.__module__.partition(".")[0] in ("station", "drivers"):
            found |= re.findall(r"(?m)^    (\w+): .*?  # (.*)$", inspect.getsource(base))
    return found


def _described(hint: Any) -> str:
    return next((meta.description for meta in metas(hint) if meta.description), "")


def _value(hint: Any) -> str:
    """Say what a value may be, its bounds included."""
    if allowed := choices(hint):
        return ", ".join(f"`{choice}`" for choice in allowed)
    notes = metas(hint)
    for meta in notes:
        if meta.extra and "must" in meta.extra:
            return str(meta.extra["must"])
    bounds = [_bounds(meta) for meta in notes]
    return ", ".join([_kind(hint), *(text for text in bounds if text)])


def _bounds(meta: msgspec.Meta) -> str:
    sides = {">": meta.gt, ">=": meta.ge, "<": meta.lt, "<=": meta.le}
    return " and ".join(f"{sign} {bound:,.10g}" for sign, bound in sides.items() if bound is not None)


def _kind(hint: Any) -> str:
    names = {int: "whole number", float: "number", str: "text", bool: "`true` or `false`", dict: "table of numbers"}
    if get_origin(hint) in (Union, types.UnionType, Annotated):
        return _kind(next(part for part in get_args(hint) if part is not types.NoneType))
    return names.get(get_origin(hint) or hint, "list")


def _default(value: Any) -> str:
    if value is msgspec.NODEFAULT:
        return "required"
    return "" if value is None else f"`{toml_write.value(msgspec.to_builtins(value))}`"


if __name__ == "__main__":
    print(render(), end="")
