"""On which line of a TOML text each key stands.

The standard library's parser gives values without positions, and a message such as `station.toml:7: …` needs them.
This scanner reads a text that the parser has accepted already, so it only has to find keys, never to judge. Keys are
paths: `("scale", 0, "port")` is the `port` of the first `[[scale]]`.
"""

import bisect
import re
import tomllib

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'  # the closing quotes may follow one or two that belong to the text
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}\n#]*")


def locate(text: str) -> dict[Path, int]:
    """Return the line (from 1) of every table, key and array element of a valid TOML text."""
    return _Scanner(text).scan()


class _Scanner:
    """One pass over the text; `_at` is the offset of the next unread character."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}  # how many elements each array of tables has so far

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._next():
            if self._next() == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _next(self) -> str:
        """Skip blanks and comments; return the character there, or nothing at the end."""
        self._match(_BLANK)
        return self._text[self._at : self._at + 1]

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match.group()

    def _skip(self, mark: str) -> None:
        if self._next() == mark:
            self._at += 1

    def _record(self, path: Path) -> None:
        """Note the line of a path and of the tables it implies, where they are new."""
        line = bisect.bisect_left(self._newlines, self._at) + 1
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], line)

    def _header(self) -> Path:
        is_array = self._text.startswith("[[", self._at)
        start = self._at
        self._at += 2 if is_array else 1
        keys = self._key()
        for _ in range(2 if is_array else 1):
            self._skip("]")
        if is_array:
            parent = (*self._resolve(keys[:-1]), keys[-1])
            number = self._tables.get(parent, 0)
            self._tables[parent] = number + 1
            path: Path = (*parent, number)
        else:
            path = self._resolve(keys)
        end, self._at = self._at, start
        self._record(path)
        self._at = end
        return path

    def _resolve(self, keys: Path) -> Path:
        """Return the path of a header: the name of an array of tables means its latest element."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
        return path

    def _key(self) -> Path:
        keys: list[str] = []
        while True:
            self._next()
            keys.append(self._match(_BARE_KEY) or _unquote(self._match(_STRING)))
            if self._next() != ".":
                return tuple(keys)
            self._at += 1

    def _pair(self, table: Path) -> None:
        start = self._at
        path = table + self._key()
        end, self._at = self._at, start
        self._record(path)
        self._at = end
        self._skip("=")
        self._value(path)

    def _value(self, path: Path) -> None:
        kind = self._next()
        if kind == "[":
            self._array(path)
        elif kind == "{":
            self._inline_table(path)
        elif not self._match(_STRING):
            self._match(_SCALAR)

    def _array(self, path: Path) -> None:
        self._at += 1
        number = 0
        while self._next() not in ("]", ""):
            element = (*path, number)
            self._record(element)
            self._value(element)
            self._skip(",")
            number += 1
        self._skip("]")

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._next() not in ("}", ""):
            self._pair(path)
            self._skip(",")
        self._skip("}")


def _unquote(token: str) -> str:
    return str(tomllib.loads(f"key = {token}")["key"])
