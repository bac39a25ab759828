"""TOML positions and TOML writing, against the standard library's parser."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station import toml_lines, toml_write

texts = st.text(st.characters(codec="utf-8"), max_size=12)
scalars = st.one_of(texts, st.integers(-(2**62), 2**62), st.booleans(), st.floats(allow_nan=False))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=12
)
documents = st.dictionaries(texts, values, max_size=5)


def paths(item: Any, path: toml_lines.Path = ()) -> Iterator[toml_lines.Path]:
    parts = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
    for key, part in parts:
        yield (*path, key)
        yield from paths(part, (*path, key))


@given(documents)
def test_what_is_written_is_read_back(document: dict[str, Any]) -> None:
    assert tomllib.loads(toml_write.dumps(document)) == document


@given(documents)
def test_every_path_of_a_document_has_a_line(document: dict[str, Any]) -> None:
    assert set(toml_lines.locate(toml_write.dumps(document))) == set(paths(document))


@given(documents, st.integers(0, 3))
def test_blank_lines_and_comments_move_every_line(document: dict[str, Any], blanks: int) -> None:
    text = toml_write.dumps(document)
    moved = toml_lines.locate("# [not] = 'a key'\n" + "\n" * blanks + text)
    assert moved == {path: line + 1 + blanks for path, line in toml_lines.locate(text).items()}


TRICKY = '''\
# comment [x]
a = 1 # b = 2
"quoted.key" = """
[not.a.table]
c = \\""" # end
""""
'lit' = \'\'\'
d = 1\'\'\'
e.f . "g" = { h = [ # inside
  1,
  { i = 2 },
], j = 1979-05-27 07:32:00 }

[k.l]
m = "]"
[[k.n]]
o = '#'
[[k.n]]
o = 2
[k.n.p]
q = []
'''


def test_lines_of_a_tricky_document() -> None:
    lines = toml_lines.locate(TRICKY)
    assert set(lines) == set(paths(tomllib.loads(TRICKY)))
    expected = {
        ("a",): 2, ("quoted.key",): 3, ("lit",): 7, ("e", "f", "g", "h", 0): 10, ("e", "f", "g", "j"): 12,
        ("k", "l", "m"): 15, ("k", "n", 0, "o"): 17, ("k", "n", 1): 18, ("k", "n", 1, "p", "q"): 21,
    }  # fmt: skip
    assert expected == {path: lines[path] for path in expected}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_both_line_ends_count_alike(newline: str) -> None:
    assert toml_lines.locate(newline.join(["a = 1", "", "[b]", "c = 2", ""])) == {("a",): 1, ("b",): 3, ("b", "c"): 4}
