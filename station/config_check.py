"""Check decoded TOML against msgspec structs and find everything that is wrong, not only the first.

`build` returns the struct, or None after adding what it found to a list of `Problem`s. A problem's text is a bound in
words ("must be >= 1"), made from the struct's own annotations; where a regular expression would be the bound, the
annotation says it in words: `Meta(pattern=…, extra={"must": "…"})`.
"""

import difflib
import enum
import math
import re
import types
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

Path = tuple[str | int, ...]
T = TypeVar("T", bound=msgspec.Struct)

_NAMES = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "array": "a list",
    "object": "a table", "null": "absent",
}  # fmt: skip
_BOUND = re.compile(r"Expected `[^`]+` ([<>]=?) (\S+)")
_LENGTH = re.compile(r"Expected `[^`]+` of length ([<>]=?) (\d+)")
_KIND = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_PLACE = re.compile(r" - at `\$(.*)`$")


class _Nothing:
    """The value of a key that is not there."""


NOTHING = _Nothing()


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with one key; `value` is `NOTHING` where the key itself is missing or a whole table is meant."""

    path: Path
    text: str
    value: Any = NOTHING


def build(kind: type[T], table: Any, path: Path, problems: list[Problem], *, also: Collection[str] = ()) -> T | None:
    """Return `table` as a `kind`; else None, with every reason in `problems`. Keys in `also` are someone else's."""
    if not isinstance(table, Mapping):
        problems.append(Problem(path, "must be a table", table))
        return None
    before = len(problems)
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    hints = get_type_hints(kind, include_extras=True)
    strangers = [key for key in table if key not in fields and key not in also]
    problems.extend(unknown((*path, key), [*fields, *also]) for key in strangers)
    values: dict[str, Any] = {}
    for key, field in fields.items():
        if key in table:
            values[field.name] = _convert(hints[field.name], table[key], (*path, key), problems)
        elif field.required:
            problems.append(Problem((*path, key), f"is missing; {_wanted(hints[field.name])}"))
    return _made(kind, values, path, problems) if len(problems) == before else None


def unknown(path: Path, known: Collection[str]) -> Problem:
    """Return the problem of a key that nobody knows, with the nearest known name; its value may be a secret."""
    return Problem(path, f"unknown key{nearest(str(path[-1]), known)}")


def nearest(name: str, known: Collection[str]) -> str:
    """Return a hint at the known name nearest to `name`, or all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(sorted(known))}"


def struct_in(hint: Any) -> type[msgspec.Struct] | None:
    """Return the struct class in an annotation such as `Tls | None`; None where there is none."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    if get_origin(hint) in (Union, types.UnionType, Annotated):
        return next((found for part in get_args(hint) if (found := struct_in(part))), None)
    return None


def metas(hint: Any) -> list[msgspec.Meta]:
    """Return the annotations of a field's type, those inside `X | None` included."""
    own = [part for part in getattr(hint, "__metadata__", ()) if isinstance(part, msgspec.Meta)]
    inner = get_args(hint)[:1] if own else get_args(hint)
    return own + [meta for part in inner for meta in metas(part)]


def choices(hint: Any) -> list[str]:
    """Return the values a `Literal` or an enumeration allows, in order; empty for other types."""
    if get_origin(hint) is Literal:
        return [str(choice) for choice in get_args(hint)]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return [str(member.value) for member in hint]
    return [choice for part in get_args(hint) for choice in choices(part)]


def _made(kind: type[T], values: dict[str, Any], path: Path, problems: list[Problem]) -> T | None:
    """Build the struct of checked values; its own `__post_init__` may still refuse them together."""
    try:
        return kind(**values)
    except ValueError as error:
        problems.append(Problem(path, str(error)))
        return None


def _convert(hint: Any, value: Any, path: Path, problems: list[Problem]) -> Any:
    inner = struct_in(hint)
    if inner is not None:
        return build(inner, value, path, problems)
    try:
        converted = msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        problems.append(Problem(path, _bound(str(error), hint, value), value))
        return None
    if not _finite(converted):
        problems.append(Problem(path, "must be a finite number", value))
    return converted


def _finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, (tuple, list)) or all(_finite(part) for part in value)


def _bound(message: str, hint: Any, value: Any) -> str:
    """Return a validation message in the words of someone who edits a configuration."""
    place = _PLACE.search(message)
    where = f"its element {place.group(1)} " if place else ""
    return where + _words(_PLACE.sub("", message), hint, value)


def _words(message: str, hint: Any, value: Any) -> str:
    rules: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
        (_LENGTH, lambda match: f"must have a length {match[1]} {match[2]}"),
        (_BOUND, lambda match: f"must be {match[1]} {float(match[2]):.15g}"),
        (_KIND, lambda match: f"must be {_name(match[1])}, not {_name(match[2])}"),
    ]
    if message.startswith("Invalid enum value"):
        return f"{_wanted(hint)}{nearest(str(value), choices(hint)) if isinstance(value, str) else ''}"
    if "regex" in message:
        return _wanted(hint)
    for pattern, text in rules:
        if match := pattern.match(message):
            return text(match)
    return message


def _name(kinds: str) -> str:
    return " or ".join(_NAMES.get(kind, kind) for kind in kinds.split(" | ") if kinds == "null" or kind != "null")


def _wanted(hint: Any) -> str:
    """Say what a value of this type must be."""
    if allowed := choices(hint):
        return f"must be one of {', '.join(allowed)}"
    for meta in metas(hint):
        if meta.extra and "must" in meta.extra:
            return f"must be {meta.extra['must']}"
        if meta.pattern is not None:
            return f"must match {meta.pattern}"
    if struct_in(hint) is not None:
        return "must be a table"
    parts = [part for part in (get_args(hint) or (hint,)) if part is not types.NoneType]
    return f"must be {_NAMES.get(getattr(parts[0], '__name__', ''), 'given')}"
