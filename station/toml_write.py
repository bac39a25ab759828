"""Write tables as TOML: what `tomllib` reads back is what was given, except that None is left out."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


def dumps(tables: Mapping[str, Any]) -> str:
    """Return nested mappings, lists, text, numbers and booleans as a TOML document."""
    return "\n".join(_table(tables, ())).lstrip("\n") + "\n"


def value(item: Any) -> str:
    """Return one value as TOML; mappings become inline tables."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, Mapping):
        pairs = (f"{_key(name)} = {value(part)}" for name, part in item.items() if part is not None)
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(item, (list, tuple)):
        return "[" + ", ".join(value(part) for part in item) + "]"
    if isinstance(item, (int, float)):
        return repr(item)
    return _text(str(item))


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of a table: its plain values first, since every header ends the table before it."""
    for name, item in table.items():
        if item is not None and not _is_table(item) and not _is_tables(item):
            yield f"{_key(name)} = {value(item)}"
    for name, item in table.items():
        header = ".".join(_key(part) for part in (*path, name))
        if _is_table(item):
            yield f"\n[{header}]"
            yield from _table(item, (*path, name))
        elif _is_tables(item):
            for element in item:
                yield f"\n[[{header}]]"
                yield from _table(element, (*path, name))


def _is_table(item: Any) -> bool:
    return isinstance(item, Mapping)


def _is_tables(item: Any) -> bool:
    return isinstance(item, (list, tuple)) and bool(item) and all(_is_table(part) for part in item)


def _key(name: str) -> str:
    return name if _BARE_KEY.match(name) else _text(name)


def _text(text: str) -> str:
    """Quote as JSON does, which TOML understands; only DEL has to be written out besides."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
